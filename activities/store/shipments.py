"""Shipments: allowed, tracked, shipped, delivered, and when all of that is true of the whole order."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.database import Tx
from activities.store.editing import BadEvent, line
from activities.store.records import ShipmentRecord
from activities.store.tables import SHIPMENTS
from workflows.contracts.ids import OrderKey

#: The event types that tell of shipments.
TYPES = (
    "shipment.approved",
    "shipment.disallowed",
    "shipment.tracking_added",
    "shipment.shipped",
    "shipment.updated",
    "shipment.delivered",
)

_OF_ORDER = select(SHIPMENTS).where(SHIPMENTS.c.order_id == bindparam("order_id")).order_by(SHIPMENTS.c.id)

_NEW = upsert(SHIPMENTS)
_PUT = _NEW.on_conflict_do_update(
    index_elements=["order_id", "id"],
    set_={
        name: _NEW.excluded[name]
        for name in ("approved_at", "tracking_number", "tracking_url", "shipped_at", "status", "delivered_at")
    },
)


async def of_order(tx: Tx, key: OrderKey) -> list[ShipmentRecord]:
    """List an order's shipments."""
    return [ShipmentRecord.model_validate(row) for row in (await _rows(tx, str(key))).values()]


async def apply(
    tx: Tx, *, order: Row[Any], event_type: str, data: Mapping[str, Any], at: datetime
) -> tuple[dict[str, object], dict[str, Any]]:
    """Change shipments of a locked order; give the order's columns to change and what to add to the event's data.

    `all: true` in the data means every shipment; without `shipment` it is the one called "1".
    """
    change = _change(event_type, data, at=at)
    rows = await _rows(tx, order.id)
    wanted = list(rows) if data.get("all") is True and rows and "shipment" not in data else [_id(data)]
    for id in wanted:
        rows[id] = {**rows.get(id, _fresh(id)), **change}
    await tx.run(_PUT, [{"order_id": order.id, **rows[id]} for id in wanted])
    return _of_whole(order, event_type=event_type, data=data, rows=list(rows.values()))


def _of_whole(
    order: Row[Any], *, event_type: str, data: Mapping[str, Any], rows: list[dict[str, Any]]
) -> tuple[dict[str, object], dict[str, Any]]:
    if event_type == "shipment.tracking_added":
        return {"tracking_number": line(data, "tracking_number"), "tracking_url": line(data, "tracking_url")}, {}
    if event_type in ("shipment.approved", "shipment.disallowed"):
        return {"delivery_allowed": all(row["approved_at"] is not None for row in rows)}, {}
    if event_type == "shipment.delivered":
        return {"delivered": all(row["delivered_at"] is not None for row in rows)}, {}
    if event_type != "shipment.shipped":
        return {}, {}
    # The sender may know of shipments that we do not: its `all: false` is believed.
    is_all = data.get("all") is not False and all(row["shipped_at"] is not None for row in rows)
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


async def _rows(tx: Tx, order_id: str) -> dict[str, dict[str, Any]]:
    rows = await tx.rows(_OF_ORDER, {"order_id": order_id})
    return {row.id: {name: getattr(row, name) for name in _fresh(row.id)} for row in rows}
