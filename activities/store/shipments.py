"""Shipments: allowed, tracked, shipped, delivered, and when all of that is true of the whole order."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.dml import ReturningInsert

from activities.store.database import Tx
from activities.store.editing import BadEvent, line
from activities.store.records import ShipmentRecord
from activities.store.tables import SHIPMENTS
from workflows.contracts.ids import OrderKey

#: The columns that an event of each type changes; the first is what all shipments of an order have, or lack, of it.
_CHANGED: Mapping[str, tuple[str, ...]] = {
    "shipment.approved": ("approved_at",),
    "shipment.disallowed": ("approved_at",),
    "shipment.tracking_added": ("tracking_number", "tracking_url"),
    "shipment.shipped": ("shipped_at", "status"),
    "shipment.updated": ("status",),
    "shipment.delivered": ("delivered_at", "status"),
}

#: The event types that tell of shipments.
TYPES = tuple(_CHANGED)

_OF_ORDER = select(SHIPMENTS).where(SHIPMENTS.c.order_id == bindparam("order_id")).order_by(SHIPMENTS.c.id)

_CHANGE_ALL = update(SHIPMENTS).where(SHIPMENTS.c.order_id == bindparam("of_order"))


def _putting(changed: tuple[str, ...]) -> ReturningInsert[tuple[int]]:
    """Make the statement that puts one shipment, and tells how many others lack what it changes."""
    new = upsert(SHIPMENTS)
    put = new.on_conflict_do_update(
        index_elements=["order_id", "id"], set_={name: new.excluded[name] for name in changed}
    )
    # Of the others only: what a subquery sees here of the row itself is not defined.
    others = (SHIPMENTS.c.order_id == bindparam("of_order"), SHIPMENTS.c.id != bindparam("one"))
    lacking = select(func.count()).where(*others, SHIPMENTS.c[changed[0]].is_(None)).correlate(None)
    return put.returning(lacking.scalar_subquery())


_PUT = {type: _putting(changed) for type, changed in _CHANGED.items()}


async def of_order(tx: Tx, key: OrderKey) -> list[ShipmentRecord]:
    """List an order's shipments."""
    rows = await tx.rows(_OF_ORDER, {"order_id": str(key)})
    return [ShipmentRecord.model_validate({name: getattr(row, name) for name in _fresh(row.id)}) for row in rows]


async def apply(
    tx: Tx, *, order: Row[Any], event_type: str, data: Mapping[str, Any], at: datetime
) -> tuple[dict[str, object], dict[str, Any]]:
    """Change shipments of a locked order; give the order's columns to change and what to add to the event's data.

    `all: true` in the data means every shipment; without `shipment` it is the one called "1".
    """
    change = _change(event_type, data, at=at)
    is_changed = False
    if data.get("all") is True and "shipment" not in data:
        is_changed = (await tx.run(_CHANGE_ALL, {"of_order": order.id, **change})).rowcount > 0
    lacking = 0
    if not is_changed:
        row = {"order_id": order.id, **_fresh(_id(data)), **change}
        lacking = (await tx.run(_PUT[event_type], {**row, "of_order": order.id, "one": row["id"]})).scalar_one()
    return _of_whole(event_type, data=data, is_all=lacking == 0)


def _of_whole(event_type: str, *, data: Mapping[str, Any], is_all: bool) -> tuple[dict[str, object], dict[str, Any]]:
    if event_type == "shipment.tracking_added":
        return {"tracking_number": line(data, "tracking_number"), "tracking_url": line(data, "tracking_url")}, {}
    if event_type in ("shipment.approved", "shipment.disallowed"):
        return {"delivery_allowed": is_all and event_type == "shipment.approved"}, {}
    if event_type == "shipment.delivered":
        return {"delivered": is_all}, {}
    if event_type != "shipment.shipped":
        return {}, {}
    # The sender may know of shipments that we do not: its `all: false` is believed.
    is_all = is_all and data.get("all") is not False
    return ({"shipped": True} if is_all else {}), {"all": is_all}


def _change(event_type: str, data: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
    if event_type == "shipment.approved":
        return {"approved_at": at}
    if event_type == "shipment.disallowed":
        return {"approved_at": None}
    if event_type == "shipment.shipped":
        return {"shipped_at": at, "status": "shipped"}
    if event_type == "shipment.delivered":
        return {"delivered_at": at, "status": "delivered"}
    if event_type == "shipment.updated":
        return {"status": line(data, "status")}
    number = line(data, "tracking_number")
    if not number:
        raise BadEvent("'tracking_number' is missing")
    return {"tracking_number": number, "tracking_url": line(data, "tracking_url")}


def _id(data: Mapping[str, Any]) -> str:
    return line(data, "shipment", default="1", most=100) or "1"


def _fresh(id: str) -> dict[str, Any]:
    return {
        "id": id,
        "approved_at": None,
        "tracking_number": "",
        "tracking_url": "",
        "shipped_at": None,
        "status": "",
        "delivered_at": None,
    }
