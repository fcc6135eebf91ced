"""`activity:` plans something that employees are to do about the order: an entry of their desk."""

from pydantic import Field

from activities.actions.employees import staff
from activities.actions.protocol import Ended, RunContext, done
from activities.actions.settings import Recipients
from activities.actions.wording import filled
from activities.store import tasks
from activities.store.database import Tx
from activities.store.history import NewTask, TaskKind
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings, TextField

_SUBJECT_LIMIT = 500


class Activity(RuleSettings):
    """Plan an activity of employees."""

    activity: str = Field(
        min_length=1,
        description="What it is about (Liquid).",
        examples=["Ask about the delivery of {{ order.number }}"],
    )
    description: str = Field(default="", description="More about it (Liquid).", examples=["Note: {{ order.note }}"])
    responsible: Recipients = Field(
        default=("responsible",),
        description="Whose it is: ids, departments, `responsible`, `role:NAME`.",
        examples=["responsible", "role:support"],
    )
    important: bool = Field(default=False, description="Show it before the others.", examples=[True])
    close_on_leave: bool = Field(
        default=False, description="Close it by itself when the order leaves the stage.", examples=[True]
    )


def _title(settings: RuleSettings) -> str:
    return f"Activity: {settings.activity}" if isinstance(settings, Activity) else "Activity"


KIND = RuleKind(
    name="activity",
    settings=Activity,
    texts=(TextField("activity", limit=_SUBJECT_LIMIT), TextField("description")),
    references={"responsible": Reference.RECIPIENTS},
    results={"task": str},
    title=_title,
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Write the activity; its id is the run's."""
    settings = context.settings(Activity)
    subject = filled(context, settings.activity, limit=_SUBJECT_LIMIT)
    if isinstance(subject, Ended):
        return subject
    description = filled(context, settings.description) if settings.description else ""
    if isinstance(description, Ended):
        return description
    found = await staff(context, tx, recipients=settings.responsible)
    if isinstance(found, Ended):
        return found
    task = NewTask(
        id=context.run,
        kind=TaskKind.ACTIVITY,
        title=subject,
        description=description,
        is_important=settings.important,
        assignees=[employee.id for employee in found],
        close_on_leave=settings.close_on_leave,
        visit=context.visit,
        rule=context.rule.id,
    )
    await tasks.add(tx, context.key, task=task, now=context.now)
    return done(f"Planned for {', '.join(task.assignees)}", results={"task": str(context.run)})
