"""`task:` gives employees a task, with a moment it is due, a checklist and participants."""

from typing import Annotated

from pydantic import Field

from activities.actions.due import NEVER, DueSetting, due_moment
from activities.actions.employees import staff
from activities.actions.protocol import Ended, RunContext, done
from activities.actions.settings import Recipients
from activities.actions.wording import filled
from activities.store import tasks
from activities.store.database import Tx
from activities.store.history import CheckItem, NewTask
from activities.store.records import EmployeeRecord
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings, TextField

_TITLE_LIMIT = 500


Point = Annotated[str, Field(min_length=1, max_length=500)]


class Task(RuleSettings):
    """Give employees a task."""

    task: str = Field(
        min_length=1,
        description="What is to be done (Liquid).",
        examples=["Call the customer back", "Pack {{ order.number }}"],
    )
    description: str = Field(
        default="", description="More about it (Liquid).", examples=["Ask for the flat number: {{ order.note }}"]
    )
    to: Recipients = Field(
        default=("responsible",),
        description="Whose task it is: ids, departments, `responsible`, `role:NAME`.",
        examples=["responsible", "role:warehouse"],
    )
    participants: Recipients = Field(
        default=(),
        description="Who sees it and may help: ids, departments, `responsible`, `role:NAME`.",
        examples=[["olga", "marek"]],
    )
    due: DueSetting = Field(
        default=NEVER,
        description="When it is due: a duration from when the rule runs, or a moment as in `wait`.",
        examples=["2h", {"for": "1d", "at": "10:00"}, {"before": "order.delivery_date", "for": "1d"}],
    )
    checklist: tuple[Point, ...] = Field(
        default=(),
        max_length=50,
        description="Points to tick off.",
        examples=[["Check the address", "Add the invoice"]],
    )
    close_on_leave: bool = Field(
        default=False, description="Close it by itself when the order leaves the stage.", examples=[True]
    )


def _title(settings: RuleSettings) -> str:
    return f"Task: {settings.task}" if isinstance(settings, Task) else "Task"


KIND = RuleKind(
    name="task",
    settings=Task,
    texts=(TextField("task", limit=_TITLE_LIMIT), TextField("description")),
    references={"to": Reference.RECIPIENTS, "participants": Reference.RECIPIENTS},
    results={"task": str},
    title=_title,
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Write the task; its id is the run's."""
    settings = context.settings(Task)
    title = filled(context, settings.task, limit=_TITLE_LIMIT)
    if isinstance(title, Ended):
        return title
    description = filled(context, settings.description) if settings.description else ""
    if isinstance(description, Ended):
        return description
    assignees = await staff(context, tx, recipients=settings.to)
    if isinstance(assignees, Ended):
        return assignees
    participants = await _participants(context, tx, recipients=settings.participants)
    due = due_moment(settings.due, pipeline=context.pipeline, view=context.view, now=context.now)
    task = NewTask(
        id=context.run,
        title=title,
        description=description,
        assignees=[employee.id for employee in assignees],
        participants=[employee.id for employee in participants],
        checklist=[CheckItem(text=point) for point in settings.checklist],
        due=due,
        close_on_leave=settings.close_on_leave,
        visit=context.visit,
        rule=context.rule.id,
    )
    await tasks.add(tx, context.key, task=task, now=context.now)
    missing = f"; {settings.due.anchor} is empty, so it has no due date" if due is None and settings.due.anchor else ""
    return done(f"Given to {', '.join(task.assignees)}{missing}", results={"task": str(context.run)})


async def _participants(context: RunContext, tx: Tx, *, recipients: Recipients) -> list[EmployeeRecord]:
    found = await staff(context, tx, recipients=recipients) if recipients else []
    # Nobody to take part is no reason to drop the task.
    return [] if isinstance(found, Ended) else found
