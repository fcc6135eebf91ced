"""What `plan_call` and `plan_meeting` share: the moment, the entry of the desk, the notice with a calendar file."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from activities.actions.due import NEVER, DueTime, due_moment
from activities.actions.employees import staff, tell
from activities.actions.protocol import Ended, RunContext, done, failed
from activities.actions.settings import Recipients
from activities.actions.wording import filled
from activities.store import tasks
from activities.store.database import Tx
from activities.store.history import NewTask, TaskKind
from workflows.contracts.reasons import RunReason
from workflows.pipeline.durations import Duration

SUBJECT_LIMIT = 500


def _read(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.startswith("order."):
        return {"after": value}
    return {"at": value} if ":" in value else {"for": value}


def _given(value: DueTime) -> DueTime:
    if value == NEVER:
        raise ValueError("say when: a duration, a clock time, or a date of the order")
    return value


#: When it begins: `2h`, "10:00", `order.delivery_date`, or as a wait is written.
BeginSetting = Annotated[
    DueTime,
    BeforeValidator(_read),
    AfterValidator(_given),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, DueTime.model_json_schema()]}),
]

BEGIN_WORDS = "When it begins: a duration from when the rule runs, a clock time, a date of the order, or as in `wait`."
BEGIN_EXAMPLES = ["2h", "10:00", {"for": "1d", "at": "10:00"}, {"before": "order.delivery_date", "for": "1d"}]

Responsible = Annotated[
    Recipients,
    Field(
        description="Who is to do it, and gets the calendar file: ids, departments, `responsible`, `role:NAME`.",
        examples=["responsible", "role:sales"],
    ),
]


@dataclass(frozen=True)
class Appointment:
    """What a rule plans; the texts are Liquid."""

    kind: TaskKind
    subject: str
    description: str
    place: str
    begins: DueTime
    lasts: Duration
    responsible: Recipients


async def plan(context: RunContext, tx: Tx, *, appointment: Appointment) -> Ended:
    """Write the entry, whose id is the run's, and tell who is to do it, with a calendar file."""
    texts: list[str] = []
    for template in (appointment.subject, appointment.description, appointment.place):
        text = filled(context, template, limit=SUBJECT_LIMIT) if template else ""
        if isinstance(text, Ended):
            return text
        texts.append(text)
    subject, description, place = texts
    found = await staff(context, tx, recipients=appointment.responsible)
    if isinstance(found, Ended):
        return found
    begins = due_moment(appointment.begins, pipeline=context.pipeline, view=context.view, now=context.now)
    if begins is None:
        words = f"{appointment.begins.anchor} is empty: fill it in, or plan it from another moment"
        return failed(RunReason.EMPTY_VALUE, words)
    task = NewTask(
        id=context.run,
        kind=appointment.kind,
        title=subject,
        description=description,
        place=place,
        begins_at=begins,
        assignees=[employee.id for employee in found],
        visit=context.visit,
        rule=context.rule.id,
    )
    await tasks.add(tx, context.key, task=task, now=context.now)
    local = begins.astimezone(context.pipeline.zone)
    where = f", {place}" if place else ""
    text = f"{appointment.kind.capitalize()} on {local:%Y-%m-%d at %H:%M}{where}: {subject}"
    file = {
        "name": f"{appointment.kind}.ics",
        "media_type": "text/calendar",
        "text": calendar_file(context, task=task, lasts=appointment.lasts),
    }
    told = await tell(context, tx, found=found, text=text, file=file)
    return done(f"Planned for {begins:%Y-%m-%d %H:%M} UTC. {told}", results={"task": str(context.run)})


def calendar_file(context: RunContext, *, task: NewTask, lasts: Duration) -> str:
    """Write the appointment as a calendar file (RFC 5545); the same run gives the same file."""
    from icalendar import Calendar, Event  # noqa: PLC0415  slow to import, and needed by few rules

    zone = context.pipeline.zone
    begins = (task.begins_at or context.now).astimezone(zone)
    event = Event()
    event.add("uid", f"{context.run}@orders")
    event.add("dtstamp", context.now.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", _whole(begins))
    event.add("dtend", _whole(lasts.after(begins, zone=zone).astimezone(zone)))
    event.add("summary", task.title)
    if task.description:
        event.add("description", task.description)
    if task.place:
        event.add("location", task.place)
    calendar = Calendar()
    calendar.add("prodid", "-//order-automation//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return str(calendar.to_ical(), "utf-8")


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
