"""Events that wait for a person: listed with why, given to an order, or laid aside."""

import pytest

from activities.store import orders
from activities.store.database import Store
from tests.gateway.calling import Caller
from tests.sources.calls import send
from tests.sources.test_payments_and_parcels import KEY, accounts, paid, stripe_call

__all__ = ["accounts"]


async def test_a_parked_payment_counts_once_it_is_given_to_its_order(caller: Caller, store: Store) -> None:
    """Covers case 48 and T10."""
    await caller.created("1001")
    await send(caller, stripe_call(paid(order=None)))
    (waiting,) = (await caller.get("/v1/events/parked")).body["items"]
    assert waiting["type"] == "payment.received"
    assert "names no order" in waiting["problem"]

    given = await caller.post(f"/v1/events/parked/{waiting['id']}/give", {"order": "1001"})
    again = await caller.post(f"/v1/events/parked/{waiting['id']}/give", {"order": "1001"})

    assert (given.status, given.body["orders"], again.status) == (202, ["1001"], 404)
    async with store.read() as tx:
        assert (await orders.get(tx, KEY)).paid
    assert (await caller.get("/v1/events/parked")).body["items"] == []


async def test_an_event_of_nobody_we_know_is_shown_and_can_be_laid_aside(caller: Caller) -> None:
    event = {"id": "c-1", "type": "call.missed", "source": "pbx", "customer": {"phone": "+48601000999"}}
    assert (await caller.post("/v1/events", event)).body["unmatched"]
    (waiting,) = (await caller.get("/v1/events/parked")).body["items"]
    assert waiting["problem"] == "unmatched"
    assert (await caller.post(f"/v1/events/parked/{waiting['id']}/dismiss", {})).status == 200
    assert (await caller.get("/v1/events/parked")).body["items"] == []


@pytest.mark.parametrize("order", ["9999", "1001"])
async def test_what_cannot_be_read_or_names_no_order_is_not_given(caller: Caller, order: str) -> None:
    await caller.created("1001")
    await send(caller, stripe_call(b"[]") if order == "1001" else stripe_call(paid(order=None)))
    (waiting,) = (await caller.get("/v1/events/parked")).body["items"]
    answer = await caller.post(f"/v1/events/parked/{waiting['id']}/give", {"order": order})
    assert answer.status == (409 if order == "1001" else 404)
    assert (await caller.get("/v1/events/parked")).body["items"] == [waiting]
