"""`control:` tells the head of the responsible person, in the name of the shop."""

from pydantic import Field

from activities.actions.employees import Audience, audience, tell
from activities.actions.protocol import Ended, RunContext, done, skipped
from activities.actions.settings import Recipients
from activities.actions.wording import worded
from activities.store import employees
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings, TextField


class Control(RuleSettings):
    """Tell the head of the responsible person."""

    control: str = Field(
        min_length=1,
        description="The text (Liquid).",
        examples=["Order {{ order.number }} has waited two days for packing."],
    )
    to: Recipients = Field(
        default=(),
        description="Who gets it: ids, departments, `role:NAME`, `chat:ROOM`. Default: the responsible person's head.",
        examples=["role:director"],
    )


_TEXT = TextField("control")


def _title(settings: RuleSettings) -> str:
    return f"Control: {settings.control}" if isinstance(settings, Control) else "Control"


KIND = RuleKind(
    name="control",
    settings=Control,
    texts=(_TEXT,),
    references={"to": Reference.RECIPIENTS},
    title=_title,
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Write the notice into each inbox; its sender is always the shop."""
    settings = context.settings(Control)
    text = worded(context, settings.control, field=_TEXT, for_employees=True)
    if isinstance(text, Ended):
        return text
    meant = await audience(context, tx, recipients=settings.to) if settings.to else await _head(context, tx)
    if isinstance(meant, Ended):
        return meant
    return done(await tell(context, tx, found=meant.found, rooms=meant.rooms, text=text.body))


async def _head(context: RunContext, tx: Tx) -> Audience | Ended:
    responsible = context.view.responsible
    if responsible is None:
        words = "The order has no responsible person: assign one, or write to: in the rule"
        return skipped(RunReason.NO_RECIPIENT, words)
    head = await employees.head_of(tx, id=responsible.id)
    if head is not None:
        return Audience([head])
    words = f"{responsible.id} has no head, nor has the department: set one, or write to: in the rule"
    return skipped(RunReason.NO_RECIPIENT, words)
