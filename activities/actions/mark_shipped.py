"""`mark_shipped: true` makes every shipment of the order shipped."""

from typing import Literal

from pydantic import Field

from activities.actions.protocol import Ended, RunContext, done, skipped
from activities.store import orders
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import RuleKind, RuleSettings


class MarkShipped(RuleSettings):
    """Mark the order as shipped."""

    mark_shipped: Literal[True] = Field(description="Write `true`.", examples=[True])


KIND = RuleKind(name="mark_shipped", settings=MarkShipped, title=lambda settings: "Mark as shipped")

#: The shipment of an order that has none on record yet.
_FIRST = "1"


async def record(context: RunContext, tx: Tx) -> Ended:
    """Mark what has not left yet; one event `shipment.shipped` each makes it so."""
    if context.view.order.shipped:
        return skipped(RunReason.ALREADY_SO, "The order is shipped already")
    shipments = await orders.shipments_of(tx, context.key)
    waiting = [shipment.id for shipment in shipments if shipment.shipped_at is None] if shipments else [_FIRST]
    if not waiting:
        return skipped(RunReason.ALREADY_SO, "Every shipment has left already")
    events = tuple(("shipment.shipped", dict[str, object](shipment=shipment)) for shipment in waiting)
    return done("Marked as shipped", events=events)
