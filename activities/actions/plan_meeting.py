"""`plan_meeting:` plans a meeting with the customer: an entry of the desk, and a calendar file for who is to do it."""

from pydantic import Field

from activities.actions.appointments import (
    BEGIN_EXAMPLES,
    BEGIN_WORDS,
    SUBJECT_LIMIT,
    Appointment,
    BeginSetting,
    Responsible,
    plan,
)
from activities.actions.protocol import Ended, RunContext
from activities.store.database import Tx
from activities.store.history import TaskKind
from workflows.pipeline.durations import DurationSetting, parse_duration
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings, TextField


class PlanMeeting(RuleSettings):
    """Plan a meeting with the customer."""

    plan_meeting: str = Field(
        min_length=1, description="What it is about (Liquid).", examples=["Fitting of {{ order.number }}"]
    )
    at: BeginSetting = Field(description=BEGIN_WORDS, examples=BEGIN_EXAMPLES)
    lasts: DurationSetting = Field(default=parse_duration("1h"), description="How long it takes.", examples=["1h"])
    place: str = Field(default="", description="Where it is (Liquid).", examples=["Showroom", "ul. Prosta 1"])
    description: str = Field(
        default="", description="More about it (Liquid).", examples=["Customer: {{ customer.phone }}"]
    )
    responsible: Responsible = ("responsible",)


def _title(settings: RuleSettings) -> str:
    return f"Meeting: {settings.plan_meeting}" if isinstance(settings, PlanMeeting) else "Meeting"


KIND = RuleKind(
    name="plan_meeting",
    settings=PlanMeeting,
    texts=(
        TextField("plan_meeting", limit=SUBJECT_LIMIT),
        TextField("description", limit=SUBJECT_LIMIT),
        TextField("place", limit=SUBJECT_LIMIT),
    ),
    references={"responsible": Reference.RECIPIENTS},
    results={"task": str},
    title=_title,
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Plan it."""
    settings = context.settings(PlanMeeting)
    appointment = Appointment(
        kind=TaskKind.MEETING,
        subject=settings.plan_meeting,
        description=settings.description,
        place=settings.place,
        begins=settings.at,
        lasts=settings.lasts,
        responsible=settings.responsible,
    )
    return await plan(context, tx, appointment=appointment)
