"""Stripe: payments and refunds, verified by the official library, with moments in the future refused as well.

The order is named by `metadata.order` (and `metadata.shop`) of the payment intent or the checkout session, or by the
session's client_reference_id; a refund that names none, by the payment it takes back. Stripe tells in any order, so a
refund waits for its payment.
Source: https://docs.stripe.com/webhooks, https://docs.stripe.com/api/events/types
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request, Response

from activities.accounts.stripe import StripeAccount
from activities.store.awaiting import Awaited
from starter.gateway.hooks import Happened, Parked, Told, take, unreadable
from starter.gateway.parts import parts_of
from starter.gateway.signatures import TOLERANCE, holds, in_time, not_connected, verified
from workflows.contracts.ids import OrderKey

router = APIRouter(prefix="/hooks", include_in_schema=False)

SOURCE = "stripe"

#: Stripe's event -> what it is to us. A checkout session and its payment intent tell of one payment: the intent's id
#: is the event's, so it counts once.
PAID = ("payment_intent.succeeded", "checkout.session.completed", "checkout.session.async_payment_succeeded")
REFUNDED = ("charge.refunded",)

#: Currencies whose amounts are not in hundredths; https://docs.stripe.com/currencies#zero-decimal
_WHOLE = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THOUSANDTHS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))

#: An HMAC-SHA256 as Stripe writes it.
_DIGEST = re.compile("[0-9a-f]{64}")


@router.post("/stripe")
async def stripe(request: Request) -> Response:
    """Take one event of Stripe's."""
    gateway = parts_of(request)
    account = StripeAccount.read(gateway.environment, folder=gateway.settings.secrets)
    if account is None:
        raise not_connected("Stripe", setting="ORDERS_STRIPE_WEBHOOK_SECRET")
    signature = request.headers.get("stripe-signature", "")
    raw = await verified(
        request,
        source=SOURCE,
        setting="ORDERS_STRIPE_WEBHOOK_SECRET",
        may_be=_may_be_signed(signature, now=gateway.now()),
        fits=lambda body: _is_signed(body, signature=signature, account=account),
    )
    patience = timedelta(hours=account.refund_hours)
    await take(gateway, source=SOURCE, told=_told(raw, shop=gateway.settings.shop, patience=patience), raw=raw)
    return Response(status_code=204)


def _may_be_signed(signature: str, *, now: datetime) -> bool:
    """Say whether the header holds a signature that is of now; the library takes moments of the future."""
    parts = [part.partition("=") for part in signature.split(",")]
    moments = [value for name, _, value in parts if name == "t"]
    is_signed = any(name == "v1" and _DIGEST.fullmatch(value) for name, _, value in parts)
    return is_signed and len(moments) == 1 and in_time(moments[0], now=now)


def _is_signed(raw: bytes, *, signature: str, account: StripeAccount) -> bool:
    from stripe import WebhookSignature  # noqa: PLC0415

    seconds = int(TOLERANCE.total_seconds()) + 60  # `in_time` has judged already, by the gateway's clock
    return any(
        holds(lambda secret=secret: WebhookSignature.verify_header(raw, signature, secret, seconds))  # type: ignore[misc]  # mypy does not infer lambdas with defaults
        for secret in account.secrets
    )


def _told(raw: bytes, *, shop: str, patience: timedelta) -> Told:
    try:
        event = json.loads(raw)
        id, name, made = str(event["id"]), str(event["type"]), datetime.fromtimestamp(int(event["created"]), UTC)
        thing = event["data"]["object"]
        before = event["data"].get("previous_attributes") or {}
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError, AttributeError):
        return Told(parked=[unreadable(raw, source=SOURCE)])
    if name not in PAID + REFUNDED:
        return Told()
    try:
        found = _payment(name, thing, before, at=made, shop=shop)
    except (ValueError, KeyError, TypeError, ArithmeticError, AttributeError):
        return Told(parked=[Parked(id, f"stripe.{name}", "Stripe's payment cannot be read")])
    if found is None:
        return Told()
    intent = thing.get("payment_intent")
    if name in REFUNDED and isinstance(intent, str) and intent:
        # A charge has its intent's metadata, but not those of a checkout session, nor its client_reference_id.
        return Told(happened=[replace(found, awaited=Awaited(intent, patience=patience))])
    if not found.orders:
        problem = "Stripe's payment names no order: set metadata.order to the order's number"
        return Told(parked=[Parked(found.id, found.type, problem, found.data)])
    return Told(happened=[found])


def _payment(
    name: str, thing: Mapping[str, Any], before: Mapping[str, Any], *, at: datetime, shop: str
) -> Happened | None:
    """Read money that came or went back; None for a session that is not paid yet."""
    currency = str(thing["currency"]).upper()
    if name in REFUNDED:
        id, type_ = f"{thing['id']}:{thing['amount_refunded']}", "payment.refunded"
        units = int(thing["amount_refunded"]) - int(before.get("amount_refunded") or 0)
    elif name == "payment_intent.succeeded":
        id, type_, units = str(thing["id"]), "payment.received", int(thing["amount_received"])
    else:
        if thing.get("payment_status") != "paid":
            return None
        id, type_, units = str(thing["payment_intent"] or thing["id"]), "payment.received", int(thing["amount_total"])
    data = {"amount": str(_amount(units, currency=currency)), "currency": currency, "reference": id}
    return Happened(id, type_, at, data, orders=_orders(thing, shop=shop))


def _amount(units: int, *, currency: str) -> Decimal:
    places = 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
    return Decimal(units).scaleb(-places)


def _orders(thing: Mapping[str, Any], *, shop: str) -> tuple[OrderKey, ...]:
    metadata = thing.get("metadata") or {}
    number = metadata.get("order") or thing.get("client_reference_id")
    if not isinstance(number, str) or not number:
        return ()
    try:
        return (OrderKey(shop=str(metadata.get("shop") or shop), number=number),)
    except ValueError:
        return ()
