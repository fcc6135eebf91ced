"""`allow_delivery: true` makes every shipment of the order approved."""

from typing import Literal

from pydantic import Field

from activities.actions.protocol import Ended, RunContext, done, skipped
from activities.actions.shipments import lacking
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import RuleKind, RuleSettings


class AllowDelivery(RuleSettings):
    """Allow the delivery of every shipment."""

    allow_delivery: Literal[True] = Field(description="Write `true`.", examples=[True])


KIND = RuleKind(name="allow_delivery", settings=AllowDelivery, title=lambda settings: "Allow delivery")


async def record(context: RunContext, tx: Tx) -> Ended:
    """Allow what is not allowed yet; one event `shipment.approved` each makes it so."""
    events = await lacking(context, tx, event_type="shipment.approved", since=lambda shipment: shipment.approved_at)
    if not events:
        return skipped(RunReason.ALREADY_SO, "Delivery is allowed already")
    return done("Delivery is allowed", events=events)
