"""Stripe, the shop's own signed webhooks and AfterShip: verified, mapped to orders, or parked for a person."""

import hmac
import json
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook
from stripe import WebhookSignature

from activities.store import journal, orders
from activities.store.database import Store
from tests.gateway.calling import Caller
from tests.sources.calls import BREAKAGES, VendorCall, send
from workflows.contracts.ids import OrderKey

KEY = OrderKey(shop="shop", number="1001")
STRIPE, OLD = "whsec_stripe_now", "whsec_stripe_before"
STANDARD = "whsec_" + b64encode(b"s" * 24).decode()
STANDARD_OLD = "whsec_" + b64encode(b"o" * 24).decode()
PARCELS = "aftership-secret"


@pytest.fixture
def accounts() -> dict[str, str]:
    return {
        "ORDERS_STRIPE_WEBHOOK_SECRET": STRIPE,
        "ORDERS_STRIPE_WEBHOOK_SECRET_OLD": OLD,
        "ORDERS_HOOKS_PAYMENTS": STANDARD,
        "ORDERS_HOOKS_PAYMENTS_OLD": STANDARD_OLD,
        "ORDERS_HOOKS_SHIPMENTS": STANDARD,
        "ORDERS_HOOKS_ORDERS": STANDARD,
        "ORDERS_HOOKS_AFTERSHIP": PARCELS,
    }


def stripe_call(event: dict[str, Any] | bytes, *, secret: str = STRIPE, at: float | None = None) -> VendorCall:
    """Sign an event as Stripe does; the library makes the signature, too."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    signature = WebhookSignature.generate_signature_header(
        body.decode("latin-1") if isinstance(event, bytes) else body.decode(), secret, int(at or time.time())
    )
    return VendorCall("/hooks/stripe", body, {"Stripe-Signature": signature}, "Stripe-Signature")


def paid(*, units: int = 4900, id: str = "pi_1", currency: str = "eur", order: str | None = "1001") -> dict[str, Any]:
    """A payment intent that succeeded."""
    metadata = {"order": order} if order else {}
    intent = {"id": id, "object": "payment_intent", "amount_received": units, "currency": currency}
    return stripe_event(f"evt_{id}", "payment_intent.succeeded", {**intent, "metadata": metadata})


def stripe_event(id: str, name: str, thing: dict[str, Any], *, before: Any = None, made: float = 0) -> dict[str, Any]:
    data = {"object": thing} if before is None else {"object": thing, "previous_attributes": before}
    return {"id": id, "object": "event", "type": name, "created": int(made or time.time()), "data": data}


def standard_call(
    path: str, body: dict[str, Any], *, id: str = "m-1", secret: str = STANDARD, at: datetime | None = None
) -> VendorCall:
    """Sign a body as Standard Webhooks does."""
    moment, raw = at or datetime.now(UTC), json.dumps(body)
    headers = {
        "webhook-id": id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(msg_id=id, timestamp=moment, data=raw),
    }
    return VendorCall(path, raw.encode(), headers, "webhook-signature")


def parcel(tag: str, *, id: str = "e1", order: str | None = "1001", tracking: str = "JJD1") -> VendorCall:
    """Sign an update as AfterShip does."""
    msg = {
        "tracking_number": tracking,
        "tag": tag,
        "order_id": order,
        "courier_tracking_link": "https://t.example/JJD1",
    }
    raw = json.dumps({"event_id": id, "event": "tracking_update", "ts": int(time.time()), "msg": msg}).encode()
    return _parcel(raw)


def _parcel(raw: bytes) -> VendorCall:
    signature = b64encode(hmac.digest(PARCELS.encode(), raw, sha256)).decode()
    headers = {"aftership-hmac-sha256": signature, "Content-Type": "application/json"}
    return VendorCall("/hooks/aftership", raw, headers, "aftership-hmac-sha256")


async def events(store: Store) -> list[str]:
    async with store.read() as tx:
        return [event.type for event in (await journal.events_of(tx, KEY)).items][1:]


async def parked(store: Store) -> list[str]:
    async with store.read() as tx:
        return [
            row.problem for row in await tx.rows(text("SELECT problem FROM events WHERE problem <> '' ORDER BY seq"))
        ]


SIGNED: dict[str, Callable[[], VendorCall]] = {
    "stripe": lambda: stripe_call(paid()),
    "payments": lambda: standard_call(
        "/hooks/payments", {"type": "payment.received", "data": {"order": "1001", "amount": "49.00"}}
    ),
    "shipments": lambda: standard_call("/hooks/shipments", {"type": "shipment.shipped", "data": {"order": "1001"}}),
    "orders": lambda: standard_call("/hooks/orders", {"type": "order.cancelled", "data": {"order": "1001"}}),
    "aftership": lambda: parcel("InTransit"),
}


# --- signatures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", BREAKAGES)
@pytest.mark.parametrize("source", SIGNED)
async def test_a_call_with_a_wrong_signature_is_refused_and_leaves_nothing(
    caller: Caller, store: Store, source: str, broken: str
) -> None:
    """Covers case 33."""
    await caller.created("1001")
    status, _ = await send(caller, BREAKAGES[broken](SIGNED[source]()))
    assert status == 403
    assert await events(store) == []
    assert await parked(store) == []


@pytest.mark.parametrize("source", SIGNED)
async def test_a_call_with_a_right_signature_is_taken(caller: Caller, store: Store, source: str) -> None:
    await caller.created("1001")
    assert (await send(caller, SIGNED[source]()))[0] == 204
    assert await events(store)


@pytest.mark.parametrize("minutes", [-6, 6, 60 * 24])
@pytest.mark.parametrize("source", ["stripe", "payments"])
async def test_a_signature_of_another_time_is_refused(caller: Caller, store: Store, source: str, minutes: int) -> None:
    """Covers cases 33 and 50: the official library takes any moment of the future."""
    await caller.created("1001")
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    body = {"type": "payment.received", "data": {"order": "1001", "amount": "49.00"}}
    late = {
        "stripe": lambda: stripe_call(paid(), at=at.timestamp()),
        "payments": lambda: standard_call("/hooks/payments", body, at=at),
    }
    assert (await send(caller, late[source]()))[0] == 403
    assert await events(store) == []


@pytest.mark.parametrize(("secret", "status"), [(OLD, 204), ("whsec_other", 403)])
async def test_the_secret_before_counts_while_it_is_exchanged(caller: Caller, secret: str, status: int) -> None:
    """Covers case 35."""
    assert (await send(caller, stripe_call(paid(), secret=secret)))[0] == status


async def test_the_standards_secret_before_counts_too(caller: Caller) -> None:
    """Covers case 35."""
    body = {"type": "payment.received", "data": {"order": "1001", "amount": "49.00"}}
    assert (await send(caller, standard_call("/hooks/payments", body, secret=STANDARD_OLD)))[0] == 204


def test_the_standards_public_vector_holds() -> None:
    """The vector of the standard's own libraries."""
    secret, id, at = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    signature = Webhook(secret).sign(msg_id=id, timestamp=datetime.fromtimestamp(at, UTC), data='{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


# --- payments -----------------------------------------------------------------------------------------------------


async def test_a_payment_is_counted_once_whatever_tells_of_it(caller: Caller, store: Store) -> None:
    """Covers T10 and case 31: the intent and its checkout session are one payment."""
    await caller.created("1001")
    session = {
        "id": "cs_1",
        "payment_status": "paid",
        "payment_intent": "pi_1",
        "amount_total": 4900,
        "currency": "eur",
        "client_reference_id": "1001",
        "metadata": {},
    }
    for call in (paid(), paid(), stripe_event("evt_9", "checkout.session.completed", session)):
        assert (await send(caller, stripe_call(call)))[0] == 204
    async with store.read() as tx:
        order = await orders.get(tx, KEY)
    assert (order.paid, str(order.paid_amount)) == (True, "49.00")
    assert await events(store) == ["payment.received", "payment.paid"]


async def test_parts_add_up_and_money_that_goes_back_is_told(caller: Caller, store: Store) -> None:
    """Covers T10."""
    await caller.created("1001")
    await send(caller, stripe_call(paid(units=1900, id="pi_1")))
    await send(caller, stripe_call(paid(units=3000, id="pi_2")))
    charge = {"id": "ch_1", "amount_refunded": 4900, "currency": "eur", "metadata": {"order": "1001"}}
    refund = stripe_event("evt_r", "charge.refunded", charge, before={"amount_refunded": 0})
    await send(caller, stripe_call(refund))
    async with store.read() as tx:
        order = await orders.get(tx, KEY)
    assert (order.paid, order.paid_amount) == (False, 0)
    assert await events(store) == ["payment.received", "payment.received", "payment.paid", "payment.refunded"]


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (paid(order="9999"), "it names an order that does not exist"),
        (paid(order=None), "Stripe's payment names no order: set metadata.order to the order's number"),
        (paid(units=5000), "it is more than what is open on the order: look, then record it by hand or pay it back"),
        (paid(currency="usd"), "The order is in EUR, the payment in USD"),
        (stripe_event("e", "payment_intent.succeeded", {"id": "pi"}), "Stripe's payment cannot be read"),
    ],
    ids=["unknown order", "no order", "too much", "other money", "other shape"],
)
async def test_a_payment_that_does_not_fit_waits_for_a_person(
    caller: Caller, store: Store, event: dict[str, Any], problem: str
) -> None:
    """Covers cases 39 and 48."""
    await caller.created("1001")
    for _ in range(2):
        assert (await send(caller, stripe_call(event)))[0] == 204
    assert await parked(store) == [problem]
    assert await events(store) == []


async def test_a_payment_after_its_refund_does_not_make_the_order_paid(caller: Caller, store: Store) -> None:
    """Covers case 48: events come in any order."""
    await caller.created("1001")
    charge = {"id": "ch_1", "amount_refunded": 4900, "currency": "eur", "metadata": {"order": "1001"}}
    await send(caller, stripe_call(stripe_event("evt_r", "charge.refunded", charge)))
    early = {**paid(), "created": int(time.time()) - 60}
    await send(caller, stripe_call(early))
    async with store.read() as tx:
        assert not (await orders.get(tx, KEY)).paid
    assert await parked(store) == [
        "money of this order went back since: look whether this payment is still to be counted"
    ]


@pytest.mark.parametrize("raw", [b"[]", b"{}", b"null", b'{"id": 1}', b"[" * 5_000, b'{"a": NaN}'], ids=repr)
async def test_a_signed_call_that_cannot_be_read_is_kept(caller: Caller, store: Store, raw: bytes) -> None:
    """Covers case 39."""
    assert (await send(caller, stripe_call(raw)))[0] == 204
    assert (await send(caller, _parcel(raw)))[0] == 204
    assert await parked(store) == ["the call cannot be read"] * 2


# --- parcels and orders -------------------------------------------------------------------------------------------


async def test_a_parcels_way_is_told(caller: Caller, store: Store) -> None:
    """Covers T12 and T14."""
    await caller.created("1001")
    for number, tag in enumerate(("InTransit", "InTransit", "Delivered")):
        assert (await send(caller, parcel(tag, id=f"e{number}")))[0] == 204
    async with store.read() as tx:
        order = await orders.get(tx, KEY)
        (shipment,) = await orders.shipments_of(tx, KEY)
    assert (order.tracking_number, order.tracking_url) == ("JJD1", "https://t.example/JJD1")
    assert (shipment.id, shipment.status, order.delivered) == ("1", "delivered", True)
    assert await events(store) == [
        "shipment.tracking_added",
        "shipment.updated",
        "shipment.updated",
        "shipment.delivered",
    ]


@pytest.mark.parametrize(("tag", "order"), [("Teleported", "1001"), ("InTransit", None), ("InTransit", "9999")])
async def test_a_parcel_that_cannot_be_placed_waits_for_a_person(
    caller: Caller, store: Store, tag: str, order: str | None
) -> None:
    await caller.created("1001")
    assert (await send(caller, parcel(tag, order=order)))[0] == 204
    assert await parked(store)
    assert await events(store) == []


@pytest.mark.parametrize(
    ("path", "type_", "data", "told"),
    [
        ("shipments", "shipment.approved", {}, ["shipment.approved"]),
        ("shipments", "shipment.shipped", {}, ["shipment.shipped"]),
        ("shipments", "shipment.tracking_added", {"tracking_number": "X1"}, ["shipment.tracking_added"]),
        ("orders", "order.cancelled", {"reason": "changed my mind"}, ["order.cancelled"]),
        ("orders", "responsible.changed", {"employee": ""}, ["responsible.changed"]),
        ("payments", "payment.paid", {}, ["payment.paid"]),
        ("payments", "order.cancelled", {}, []),  # not what this sender may tell
        ("shipments", "shipment.tracking_added", {}, []),  # without its number
    ],
)
async def test_the_shops_own_systems_tell_what_they_may(
    caller: Caller, store: Store, path: str, type_: str, data: dict[str, Any], told: list[str]
) -> None:
    """Covers T01, T10, T11, T12, T13, T15."""
    await caller.created("1001")
    body = {"type": type_, "timestamp": datetime.now(UTC).isoformat(), "data": {"order": "1001", **data}}
    for _ in range(2):
        assert (await send(caller, standard_call(f"/hooks/{path}", body)))[0] == 204
    assert await events(store) == told
    assert len(await parked(store)) == (0 if told else 1)
