"""The shop's own systems: payments, shipments and orders, signed as Standard Webhooks.

The body reads {"type": "payment.received", "timestamp": "…", "data": {"order": "2026-00117", …}}; webhook-id is the
event's id. A refund may name its payment by the webhook-id of that (`payment`), and then waits for it.
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from activities.accounts.hooks import HookSecrets
from activities.store.awaiting import Awaited
from starter.gateway.hooks import Happened, Parked, Told, take, unreadable
from starter.gateway.parts import Parts, parts_of
from starter.gateway.problems import Problem
from starter.gateway.signatures import may_be_standard, not_connected, standard, verified
from workflows.contracts.ids import OrderKey

router = APIRouter(prefix="/hooks", include_in_schema=False)

#: The senders, and the types of event each may tell.
TYPES: Mapping[str, frozenset[str]] = {
    "payments": frozenset(f"payment.{name}" for name in ("received", "paid", "refunded", "unpaid")),
    "shipments": frozenset(
        f"shipment.{name}" for name in ("approved", "disallowed", "tracking_added", "shipped", "updated", "delivered")
    ),
    "orders": frozenset({"order.cancelled", "order.uncancelled", "order.edited", "responsible.changed"}),
}

#: What names the order; the rest of `data` is the event's.
_NAMES = ("order", "shop")

#: How long a refund waits for its payment before a person is told.
_PATIENCE = timedelta(days=1)


@router.post("/payments")
@router.post("/shipments")
@router.post("/orders")
async def standard_webhook(request: Request) -> Response:
    """Take one event of a system of the shop's."""
    gateway = parts_of(request)
    source = request.url.path.rpartition("/")[2]
    account = HookSecrets.read(gateway.environment, folder=gateway.settings.secrets)
    secrets = account.of(source) if account is not None else ()
    setting = f"ORDERS_HOOKS_{source.upper()}"
    if not secrets:
        raise not_connected(f"/hooks/{source}", setting=setting)
    headers, now = request.headers, gateway.now()
    raw = await verified(
        request,
        source=source,
        setting=setting,
        may_be=may_be_standard(headers, now=now),
        fits=lambda body: standard(body, headers=headers, secrets=secrets, now=now),
    )
    told = _told(raw, id=headers["webhook-id"], source=source, gateway=gateway)
    await take(gateway, source=f"shop.{source}", told=told, raw=raw)
    return Response(status_code=204)


def _told(raw: bytes, *, id: str, source: str, gateway: Parts) -> Told:
    if len(id) > 200:
        raise Problem(422, code="invalid-request", detail="webhook-id has at most 200 characters.")
    try:
        body = json.loads(raw)
        type_, data = body["type"], body["data"]
        at = _moment(body.get("timestamp"), now=gateway.now())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Told(parked=[unreadable(raw, source=source)])
    if not isinstance(type_, str) or type_ not in TYPES[source]:
        known = ", ".join(sorted(TYPES[source]))
        return Told(parked=[Parked(id, f"{source}.unknown", f"its type is none of {known}")])
    if not isinstance(data, Mapping) or not isinstance(data.get("order"), str) or not data["order"]:
        return Told(parked=[Parked(id, type_, "data.order is missing: it names the order by its number")])
    key = OrderKey(shop=str(data.get("shop") or gateway.settings.shop), number=data["order"])
    return Told(happened=[Happened(id, type_, at, _rest(data), orders=(key,), awaited=_awaited(type_, data))])


def _awaited(type: str, data: Mapping[str, Any]) -> Awaited | None:
    payment = data.get("payment") if type == "payment.refunded" else None
    return Awaited(payment, patience=_PATIENCE) if isinstance(payment, str) and payment else None


def _rest(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in _NAMES}


def _moment(given: object, *, now: datetime) -> datetime:
    """Read when it happened; now where that is not told. Raise ValueError for what is no moment."""
    if given is None:
        return now
    if not isinstance(given, str):
        raise ValueError("not a moment")
    moment = datetime.fromisoformat(given)
    return min(moment if moment.tzinfo else moment.replace(tzinfo=UTC), now)
