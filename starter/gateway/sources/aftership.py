"""AfterShip, which follows parcels of hundreds of carriers: tracking numbers and delivery statuses.

The order is `msg.order_id` (or order_number); the parcel is the order's shipment of that tracking number, or its id.
Verified by a base64 HMAC-SHA256 of the body, which holds no moment: the event's id keeps a replay from counting.
Source: https://www.aftership.com/docs/tracking/webhook/webhook-specifications
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from fastapi import APIRouter, Request, Response

from activities.accounts.hooks import HookSecrets
from activities.store import shipments
from activities.store.database import Tx
from activities.store.records import ShipmentRecord
from starter.gateway.hooks import Happened, Parked, Told, take, unreadable
from starter.gateway.parts import Parts, parts_of
from starter.gateway.signatures import hashed, is_digest, not_connected, verified
from workflows.contracts.ids import OrderKey

router = APIRouter(prefix="/hooks", include_in_schema=False)

SOURCE = "aftership"
_SETTING = "ORDERS_HOOKS_AFTERSHIP"

#: AfterShip's tag -> what happened to the shipment, and its status in words of ours.
TAGS: Mapping[str, tuple[str, str]] = {
    "Pending": ("shipment.updated", "pending"),
    "InfoReceived": ("shipment.updated", "announced"),
    "InTransit": ("shipment.updated", "in_transit"),
    "OutForDelivery": ("shipment.updated", "out_for_delivery"),
    "AttemptFail": ("shipment.updated", "attempt_failed"),
    "AvailableForPickup": ("shipment.updated", "ready_for_pickup"),
    "Delivered": ("shipment.delivered", "delivered"),
    "Exception": ("shipment.updated", "exception"),
    "Expired": ("shipment.updated", "lost"),
}


@router.post("/aftership")
async def aftership(request: Request) -> Response:
    """Take one update of a parcel."""
    gateway = parts_of(request)
    account = HookSecrets.read(gateway.environment, folder=gateway.settings.secrets)
    secrets = account.of(SOURCE) if account is not None else ()
    if not secrets:
        raise not_connected("AfterShip", setting=_SETTING)
    signature = request.headers.get("aftership-hmac-sha256", "")
    raw = await verified(
        request,
        source=SOURCE,
        setting=_SETTING,
        may_be=is_digest(signature, size=sha256().digest_size),
        fits=lambda body: hashed(body, signature=signature, secrets=secrets),
    )
    told, parcel = _told(raw, gateway=gateway)

    async def happened(tx: Tx) -> list[Happened]:
        return [] if parcel is None else await _happened(tx, parcel)

    await take(gateway, source=SOURCE, told=told, raw=raw, also=happened)
    return Response(status_code=204)


@dataclass(frozen=True)
class _Parcel:
    """What one update tells of a parcel."""

    event: str
    key: OrderKey
    tracking: str
    url: str
    tag: str
    at: datetime


def _told(raw: bytes, *, gateway: Parts) -> tuple[Told, _Parcel | None]:
    try:
        body = json.loads(raw)
        id, name, parcel = str(body["event_id"])[:150], body["event"], body["msg"]
        at = min(datetime.fromtimestamp(int(body["ts"]), UTC), gateway.now())
        number = parcel.get("order_id") or parcel.get("order_number")
        tracking, tag, url = str(parcel["tracking_number"])[:100], parcel["tag"], parcel.get("courier_tracking_link")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        return Told(parked=[unreadable(raw, source=SOURCE)]), None
    if name != "tracking_update":
        return Told(), None
    if not isinstance(tag, str) or tag not in TAGS:
        return Told(parked=[Parked(id, "shipment.updated", "AfterShip tells a status that is not known")]), None
    if not isinstance(number, str) or not number:
        problem = "AfterShip's parcel names no order: give the tracking an order_id"
        return Told(parked=[Parked(id, TAGS[tag][0], problem)]), None
    key = OrderKey(shop=gateway.settings.shop, number=number)
    is_link = isinstance(url, str) and url.startswith("https://")
    return Told(), _Parcel(id, key, tracking, str(url)[:500] if is_link else "", tag, at)


async def _happened(tx: Tx, parcel: _Parcel) -> list[Happened]:
    """Tell the parcel's number, unless its shipment has it already, and its status."""
    known = await shipments.of_order(tx, parcel.key)
    id = _shipment(known, tracking=parcel.tracking)
    type_, status = TAGS[parcel.tag]
    news = Happened(parcel.event, type_, parcel.at, {"shipment": id, "status": status}, orders=(parcel.key,))
    if any(shipment.tracking_number == parcel.tracking for shipment in known):
        return [news]
    number = {"shipment": id, "tracking_number": parcel.tracking, "tracking_url": parcel.url}
    name = f"{parcel.event}:number"
    return [Happened(name, "shipment.tracking_added", parcel.at, number, orders=(parcel.key,)), news]


def _shipment(known: Sequence[ShipmentRecord], *, tracking: str) -> str:
    """Find a parcel's shipment: the one of its number, else the first without a number, else a new one."""
    mine = [shipment.id for shipment in known if shipment.tracking_number == tracking]
    free = [shipment.id for shipment in known if not shipment.tracking_number]
    return (mine or free or [tracking if known else "1"])[0]
