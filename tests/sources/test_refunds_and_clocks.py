"""Money that goes back in parts, and clocks that are wrong: what an operator would otherwise learn from the bank."""

import time
from decimal import Decimal
from typing import Any

import pytest

from activities.store import payments
from activities.store.database import Store
from tests.gateway.calling import Caller
from tests.sources.calls import send
from tests.sources.test_payments_and_parcels import KEY, accounts, paid, parked, stripe_call, stripe_event

__all__ = ["accounts"]


def refunded(in_all: int, *, before: int) -> dict[str, Any]:
    """A refund as Stripe tells it: what went back of the charge in all, and what had gone back before."""
    charge = {"id": "ch_1", "amount_refunded": in_all, "currency": "eur", "metadata": {"order": "1001"}}
    return stripe_event(f"evt_{in_all}", "charge.refunded", charge, before={"amount_refunded": before})


async def test_two_refunds_of_one_charge_are_two_amounts(caller: Caller, store: Store) -> None:
    """Covers T10: every payment shows with its own amount."""
    await caller.created("1001")
    await send(caller, stripe_call(paid()))
    for _ in range(2):
        await send(caller, stripe_call(refunded(1000, before=0)))
        await send(caller, stripe_call(refunded(1500, before=1000)))
    async with store.read() as tx:
        went_back = [one.amount for one in await payments.of_order(tx, KEY) if one.kind == "refunded"]
    assert went_back == [Decimal("10.00"), Decimal("5.00")]


def session(*, intent: str = "pi_3MtwBwLkdIwHu7ix28a3tqPa") -> dict[str, Any]:
    """A checkout session that names its order, as its payment's charge does not."""
    thing = {
        "id": "cs_test_a11YYufWQzNY63zpQ6QSNRQhkUpVph4WRmzW0zWJO2znZKdVujZ0N0S22u",
        "object": "checkout.session",
        "amount_total": 4900,
        "client_reference_id": "1001",
        "currency": "eur",
        "metadata": {},
        "payment_intent": intent,
        "payment_status": "paid",
    }
    return stripe_event("evt_session", "checkout.session.completed", thing)


def refund_of(intent: str | None) -> dict[str, Any]:
    """A refund of it, in the shape of https://docs.stripe.com/api/charges/object and of its event."""
    charge = {
        "id": "ch_3MmlLrLkdIwHu7ix0snN0B15",
        "object": "charge",
        "amount": 4900,
        "amount_captured": 4900,
        "amount_refunded": 1000,
        "balance_transaction": "txn_3MmlLrLkdIwHu7ix0uke3Ezy",
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "captured": True,
        "created": int(time.time()) - 60,
        "currency": "eur",
        "customer": None,
        "livemode": False,
        "metadata": {},
        "paid": True,
        "payment_intent": intent,
        "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}, "type": "card"},
        "refunded": False,
        "status": "succeeded",
    }
    before = {"amount_refunded": 0, "receipt_url": "https://pay.stripe.com/receipts/before"}
    return stripe_event("evt_refund", "charge.refunded", charge, before=before)


async def test_a_refund_that_names_no_order_goes_to_that_of_its_payment(caller: Caller, store: Store) -> None:
    """Covers T10: a charge has neither a checkout session's metadata nor its reference."""
    await caller.created("1001")
    await send(caller, stripe_call(session()))
    for _ in range(2):
        assert (await send(caller, stripe_call(refund_of("pi_3MtwBwLkdIwHu7ix28a3tqPa"))))[0] == 204
    async with store.read() as tx:
        moved = {one.kind: one.amount for one in await payments.of_order(tx, KEY)}
    assert moved == {"received": Decimal("49.00"), "refunded": Decimal("10.00")}
    assert await parked(store) == []


async def test_a_refund_that_names_neither_order_nor_payment_waits_for_a_person(caller: Caller, store: Store) -> None:
    """Covers case 39."""
    await caller.created("1001")
    await send(caller, stripe_call(session()))
    assert (await send(caller, stripe_call(refund_of(None))))[0] == 204
    assert await parked(store) == ["Stripe's payment names no order: set metadata.order to the order's number"]


@pytest.mark.parametrize("ahead", [-360, 360], ids=["behind", "ahead"])
async def test_a_clock_that_is_six_minutes_off_is_counted_for_the_alarm(caller: Caller, ahead: int) -> None:
    """Covers cases 33 and 50."""
    apart, refused = "orders_clock_apart_total", 'orders_refused_calls_total{source="stripe"}'
    before = [await _figure(caller, name) for name in (apart, refused)]
    assert (await send(caller, stripe_call(paid(), at=time.time() + ahead)))[0] == 403
    assert (await send(caller, stripe_call(paid(), secret="whsec_other")))[0] == 403
    assert [await _figure(caller, name) for name in (apart, refused)] == [before[0] + 1, before[1] + 2]


async def _figure(caller: Caller, name: str) -> float:
    """Read a figure as Prometheus does, from the gateway itself."""
    lines = str((await caller.get("/metrics")).body).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))
