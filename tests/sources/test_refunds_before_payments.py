"""Stripe tells in any order: a refund that is heard of before its payment waits for it; on both databases."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from activities.runtime.settings import Settings
from activities.store import journal, orders, payments
from activities.store.database import Store
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve, _publish, url_of
from tests.sources.calls import send
from tests.sources.conftest import PUBLIC
from tests.sources.test_payments_and_parcels import KEY, accounts, paid, standard_call, stripe_call, stripe_event
from tests.support.postgres import Postgres, postgres_server
from workflows.contracts.ids import OrderKey

__all__ = ["accounts"]

INTENT = "pi_3MtwBwLkdIwHu7ix28a3tqPa"
RECEIVED = {"order": "1001", "amount": "49.00"}
TOO_EARLY = "the payment that it takes back has not come: find out why, then give it to its order"


_HANDED = text("SELECT type FROM events JOIN deliveries ON deliveries.event = events.seq ORDER BY deliveries.id")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, published: Path, tmp_path: Path) -> str:
    """A database of each kind with a published pipeline."""
    if request.param == "sqlite":
        shutil.copy(published, tmp_path / "orders.db")
        return url_of(tmp_path / "orders.db")
    emptied: str = request.getfixturevalue("postgres").emptied_url()
    asyncio.run(_publish(emptied))
    return emptied


@pytest_asyncio.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    yield opened
    await opened.close()


@pytest.fixture
def settings(url: str) -> Settings:
    return Settings(store_url=url, gateway_port=0, public_url=PUBLIC)


@dataclass(frozen=True)
class _Later(Parts):
    """A gateway whose clock shows a later time."""

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


def payment(*, intent: str = INTENT, order: str = "1001", units: int = 4900) -> dict[str, Any]:
    """A checkout session that was paid; it names its order, as the charge of its payment does not."""
    session = {
        "id": f"cs_{intent}",
        "object": "checkout.session",
        "amount_total": units,
        "client_reference_id": order,
        "currency": "eur",
        "metadata": {},
        "payment_intent": intent,
        "payment_status": "paid",
    }
    return stripe_event(f"evt_{intent}", "checkout.session.completed", session)


def refund(
    in_all: int = 1000, *, before: int = 0, intent: str = INTENT, currency: str = "eur", order: str = ""
) -> dict[str, Any]:
    """A refund of it: what went back of the charge in all, and what had gone back before."""
    charge = {
        "id": f"ch_{intent}",
        "object": "charge",
        "amount": 4900,
        "amount_refunded": in_all,
        "currency": currency,
        "metadata": {"order": order} if order else {},
        "payment_intent": intent,
    }
    return stripe_event(f"evt_{intent}_{in_all}", "charge.refunded", charge, before={"amount_refunded": before})


async def told(caller: Caller, *calls: dict[str, Any]) -> None:
    """Tell the gateway what happened, as Stripe does."""
    for call in calls:
        assert (await send(caller, stripe_call(call)))[0] == 204


async def money(store: Store, key: OrderKey = KEY) -> tuple[list[tuple[str, Decimal]], bool]:
    """What came and went back, and whether the order is paid."""
    async with store.read() as tx:
        moved = [(one.kind, one.amount) for one in await payments.of_order(tx, key)]
        return sorted(moved), (await orders.get(tx, key)).paid


async def handed(store: Store) -> list[str]:
    """The types of the events that go to the order, in the sequence in which it hears of them."""
    async with store.read() as tx:
        return [row.type for row in await tx.rows(_HANDED)][1:]


async def listed(caller: Caller) -> list[str]:
    return [one["problem"] for one in (await caller.get("/v1/events/parked")).body["items"]]


@pytest.mark.parametrize("order", ["", "1001"], ids=["names no order", "names its order"])
async def test_a_refund_that_comes_first_counts_when_its_payment_comes(
    caller: Caller, store: Store, order: str
) -> None:
    """Covers T10: told as it happened, the payment first; and once, however often it is told."""
    await caller.created("1001")
    await told(caller, refund(order=order), refund(order=order))
    assert (await money(store), await listed(caller)) == (([], False), [])

    await told(caller, payment(), refund(order=order), payment())

    assert await money(store) == ([("received", Decimal("49.00")), ("refunded", Decimal("10.00"))], True)
    assert await handed(store) == ["payment.received", "payment.paid", "payment.refunded"]
    assert await listed(caller) == []


async def test_several_refunds_of_one_payment_wait_for_it(caller: Caller, store: Store) -> None:
    await caller.created("1001")
    await told(caller, refund(1500, before=1000), refund(1000), refund(500, intent="pi_other"), payment())
    moved = [("received", Decimal("49.00")), ("refunded", Decimal("5.00")), ("refunded", Decimal("10.00"))]
    assert await money(store) == (moved, True)


async def test_a_payment_that_has_gone_back_altogether_makes_nothing_paid(caller: Caller, store: Store) -> None:
    """Covers case 48: nothing is told to be paid that is not."""
    await caller.created("1001")
    await told(caller, refund(4900), payment())
    assert await money(store) == ([("received", Decimal("49.00")), ("refunded", Decimal("49.00"))], False)
    assert await handed(store) == ["payment.received", "payment.refunded"]
    async with store.read() as tx:
        [received] = [one for one in (await journal.events_of(tx, KEY)).items if one.type == "payment.received"]
    assert received.data["returned"] == "49.00"


async def test_a_person_is_told_of_a_refund_whose_payment_does_not_come(
    caller: Caller, store: Store, serve: Serve, parts: Parts
) -> None:
    """Covers case 39: after a day; and when the payment comes after all, nobody needs to do anything."""
    await caller.created("1001")
    await told(caller, refund())
    hours = {23: [], 25: [TOO_EARLY]}
    for ahead, problems in hours.items():
        assert await listed(await serve(_later(parts, timedelta(hours=ahead)))) == problems

    await told(caller, payment())

    assert await listed(await serve(_later(parts, timedelta(hours=25)))) == []
    assert (await money(store))[0] == [("received", Decimal("49.00")), ("refunded", Decimal("10.00"))]


async def test_how_long_a_refund_waits_is_a_setting(serve: Serve, parts: Parts, accounts: dict[str, str]) -> None:
    caller = await serve(replace(parts, environment={**accounts, "ORDERS_STRIPE_REFUND_HOURS": "0"}))
    await told(caller, refund())
    assert await listed(caller) == [TOO_EARLY]


@pytest.mark.parametrize("choice", ["give", "dismiss"])
async def test_what_a_person_has_decided_is_not_done_again_by_the_payment(
    caller: Caller, store: Store, serve: Serve, parts: Parts, choice: str
) -> None:
    await caller.created("1001")
    await told(caller, refund())
    [waiting] = (await (await serve(_later(parts, timedelta(days=2)))).get("/v1/events/parked")).body["items"]
    body = {"order": "1001"} if choice == "give" else {}
    assert (await caller.post(f"/v1/events/parked/{waiting['id']}/{choice}", body)).status in (200, 202)

    await told(caller, paid(id=INTENT, units=4000))

    moved, _ = await money(store)
    assert moved.count(("refunded", Decimal("10.00"))) == (choice == "give")


async def test_a_refund_waits_while_its_payment_itself_waits_for_a_person(caller: Caller, store: Store) -> None:
    """Covers case 48: the payment is more than what is open; the refund is not what a person has to look at."""
    await caller.created("1001")
    await told(caller, payment(units=5900), refund(1000))
    [waiting] = (await caller.get("/v1/events/parked")).body["items"]
    assert waiting["type"] == "payment.received"

    await caller.post(f"/v1/events/parked/{waiting['id']}/give", {"order": "1001"})

    assert await money(store) == ([("received", Decimal("59.00")), ("refunded", Decimal("10.00"))], True)
    assert await listed(caller) == []


async def test_a_refund_that_does_not_fit_leaves_its_payment_alone(caller: Caller, store: Store) -> None:
    await caller.created("1001")
    await told(caller, refund(4900, currency="usd"), payment())
    assert await money(store) == ([("received", Decimal("49.00"))], True)
    assert await listed(caller) == ["The order is in EUR, the payment in USD"]


async def test_a_refund_of_money_that_another_system_told_of_waits_for_nothing(caller: Caller, store: Store) -> None:
    """A shop may tell of its payments itself, and of refunds by Stripe only."""
    await caller.created("1001")
    body = {"type": "payment.received", "data": RECEIVED}
    assert (await send(caller, standard_call("/hooks/payments", body)))[0] == 204
    await told(caller, refund(order="1001"))
    assert (await money(store))[0] == [("received", Decimal("49.00")), ("refunded", Decimal("10.00"))]


async def test_a_refund_of_the_shops_own_system_waits_for_the_payment_it_names(caller: Caller, store: Store) -> None:
    """Covers T10: its queue may deliver in any order, too."""
    await caller.created("1001")
    refunded = {"order": "1001", "amount": "10.00", "payment": "m-payment"}
    calls = [
        standard_call("/hooks/payments", {"type": "payment.refunded", "data": refunded}, id="m-refund"),
        standard_call("/hooks/payments", {"type": "payment.received", "data": RECEIVED}, id="m-payment"),
    ]
    for call in (*calls, *calls):
        assert (await send(caller, call))[0] == 204
    assert await money(store) == ([("received", Decimal("49.00")), ("refunded", Decimal("10.00"))], True)
    assert await handed(store) == ["payment.received", "payment.paid", "payment.refunded"]


async def test_payment_and_refund_at_the_same_moment_never_miss_each_other(
    caller: Caller, store: Store, serve: Serve, parts: Parts
) -> None:
    """Covers case 31: told to two gateways at once, several times each."""
    other = await serve(parts)
    keys = [OrderKey(shop="shop", number=f"{number}") for number in range(1001, 1021)]
    for key in keys:
        await caller.created(key.number)
    calls = [
        told(gateway, call)
        for key in keys
        for gateway in (caller, other)
        for call in (refund(intent=f"pi_{key.number}"), payment(intent=f"pi_{key.number}", order=key.number))
    ]
    await asyncio.gather(*calls)
    expected = ([("received", Decimal("49.00")), ("refunded", Decimal("10.00"))], True)
    assert [await money(store, key) for key in keys] == [expected] * len(keys)
    async with store.read() as tx:
        assert await tx.rows(text("SELECT event FROM waiting")) == []


def _later(parts: Parts, ahead: timedelta) -> Parts:
    return _Later(**{one.name: getattr(parts, one.name) for one in fields(parts)}, ahead=ahead)
