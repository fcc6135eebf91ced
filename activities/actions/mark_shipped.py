"""`mark_shipped: true` makes every shipment of the order shipped."""

from typing import Literal

from pydantic import Field

from activities.actions.protocol import Ended, RunContext, done, skipped
from activities.actions.shipments import lacking
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import RuleKind, RuleSettings


class MarkShipped(RuleSettings):
    """Mark the order as shipped."""

    mark_shipped: Literal[True] = Field(description="Write `true`.", examples=[True])


KIND = RuleKind(name="mark_shipped", settings=MarkShipped, title=lambda settings: "Mark as shipped")


async def record(context: RunContext, tx: Tx) -> Ended:
    """Mark what has not left yet; one event `shipment.shipped` each makes it so."""
    if context.view.order.shipped:
        return skipped(RunReason.ALREADY_SO, "The order is shipped already")
    events = await lacking(context, tx, event_type="shipment.shipped", since=lambda shipment: shipment.shipped_at)
    if not events:
        return skipped(RunReason.ALREADY_SO, "Every shipment has left already")
    return done("Marked as shipped", events=events)
