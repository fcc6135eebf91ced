"""`cancel:` cancels the order, with a reason."""

from pydantic import Field

from activities.actions.protocol import Ended, RunContext, done, skipped
from activities.actions.wording import filled
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import RuleKind, RuleSettings, TextField

_LIMIT = 500


class Cancel(RuleSettings):
    """Cancel the order."""

    cancel: str = Field(
        min_length=1,
        description="The reason (Liquid).",
        examples=["No payment by {{ order.delivery_date | date }}"],
    )


KIND = RuleKind(
    name="cancel",
    settings=Cancel,
    texts=(TextField("cancel", limit=_LIMIT),),
    title=lambda settings: "Cancel the order",
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Cancel it; the event `order.cancelled` makes it so."""
    if context.view.order.cancelled:
        return skipped(RunReason.ALREADY_SO, "The order is cancelled already")
    reason = filled(context, context.settings(Cancel).cancel, limit=_LIMIT)
    if isinstance(reason, Ended):
        return reason
    return done("Cancelled", events=(("order.cancelled", {"reason": reason}),))
