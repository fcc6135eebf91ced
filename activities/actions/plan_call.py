"""`plan_call:` plans a call with the customer: an entry of the desk, and a calendar file for who is to do it."""

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


class PlanCall(RuleSettings):
    """Plan a call with the customer."""

    plan_call: str = Field(
        min_length=1, description="What it is about (Liquid).", examples=["Call the customer about {{ order.number }}"]
    )
    at: BeginSetting = Field(description=BEGIN_WORDS, examples=BEGIN_EXAMPLES)
    lasts: DurationSetting = Field(default=parse_duration("30m"), description="How long it takes.", examples=["30m"])
    description: str = Field(
        default="", description="More about it (Liquid).", examples=["Customer: {{ customer.phone }}"]
    )
    responsible: Responsible = ("responsible",)


def _title(settings: RuleSettings) -> str:
    return f"Call: {settings.plan_call}" if isinstance(settings, PlanCall) else "Call"


KIND = RuleKind(
    name="plan_call",
    settings=PlanCall,
    texts=(
        TextField("plan_call", limit=SUBJECT_LIMIT),
        TextField("description", limit=SUBJECT_LIMIT),
    ),
    references={"responsible": Reference.RECIPIENTS},
    results={"task": str},
    title=_title,
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Plan it."""
    settings = context.settings(PlanCall)
    appointment = Appointment(
        kind=TaskKind.CALL,
        subject=settings.plan_call,
        description=settings.description,
        place="",
        begins=settings.at,
        lasts=settings.lasts,
        responsible=settings.responsible,
    )
    return await plan(context, tx, appointment=appointment)
