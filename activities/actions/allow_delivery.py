"""`allow_delivery: true` makes every shipment of the order approved."""

from typing import Literal

from pydantic import Field

from activities.actions.protocol import Ended, RunContext, done, skipped
from activities.store import orders
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import RuleKind, RuleSettings


class AllowDelivery(RuleSettings):
    """Allow the delivery of every shipment."""

    allow_delivery: Literal[True] = Field(description="Write `true`.", examples=[True])


KIND = RuleKind(name="allow_delivery", settings=AllowDelivery, title=lambda settings: "Allow delivery")

#: The shipment of an order that has none on record yet.
_FIRST = "1"


async def record(context: RunContext, tx: Tx) -> Ended:
    """Allow what is not allowed yet; one event `shipment.approved` each makes it so."""
    shipments = await orders.shipments_of(tx, context.key)
    waiting = [shipment.id for shipment in shipments if shipment.approved_at is None] if shipments else [_FIRST]
    if not waiting:
        return skipped(RunReason.ALREADY_SO, "Delivery is allowed already")
    events = tuple(("shipment.approved", dict[str, object](shipment=shipment)) for shipment in waiting)
    return done("Delivery is allowed", events=events)
