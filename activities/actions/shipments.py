"""What rules on shipments share: which of an order's shipments lack a fact, and the events that make it so."""

from collections.abc import Callable
from datetime import datetime

from activities.actions.protocol import RunContext
from activities.store import orders
from activities.store.database import Tx
from activities.store.records import ShipmentRecord

#: The shipment of an order that has none on record yet.
_FIRST = "1"


async def lacking(
    context: RunContext, tx: Tx, *, event_type: str, since: Callable[[ShipmentRecord], datetime | None]
) -> tuple[tuple[str, dict[str, object]], ...]:
    """Return one event for each shipment of which the fact is not true yet; none where it is true of all."""
    shipments = await orders.shipments_of(tx, context.key)
    waiting = [shipment.id for shipment in shipments if since(shipment) is None] if shipments else [_FIRST]
    return tuple((event_type, dict[str, object](shipment=shipment)) for shipment in waiting)
