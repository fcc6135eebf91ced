"""Events that wait for another one of their source: in the journal's own terms, on both databases."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import TextClause, text

from activities.store import journal, parked, strays
from activities.store.awaiting import Awaited
from activities.store.database import Store, Tx
from activities.store.facts import BadEvent
from tests.store.builders import KEY, NOW, arrival, decided, later, put_order, take
from tests.store.test_journal import decision
from tests.support.postgres import Postgres
from workflows.contracts.reasons import EventReason

AWAITED = Awaited("p1", patience=timedelta(hours=24))


_BLOCKED = text("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def early(store: Store, *, amount: str = "10.00") -> None:
    """Tell of a refund of the payment p1."""
    async with store.write() as tx:
        await refund(tx, amount=amount)


async def refund(tx: Tx, *, amount: str = "10.00") -> None:
    told = arrival("payment.refunded", "r1", data={"amount": amount, "currency": "EUR"}, orders=())
    placed = await parked.until_it_comes(tx, told, awaited=AWAITED, problem="too early", now=NOW)
    if placed is not None:
        await journal.append(tx, placed, now=NOW)


async def payment(tx: Tx) -> None:
    await journal.append(tx, arrival(id="p1", data={"amount": "100.00", "currency": "EUR"}), now=NOW)


async def giving(tx: Tx) -> None:
    """Give the payment, which was parked, to its order."""
    [waiting] = [one for one in (await parked.page(tx, now=NOW)).items if one.event == "p1"]
    await parked.give(tx, id=waiting.id, key=KEY, now=NOW)


async def rows(store: Store, sql: TextClause) -> list[tuple[object, ...]]:
    async with store.read() as tx:
        return [tuple(row) for row in await tx.rows(sql)]


async def test_what_a_hold_kept_back_is_decided_as_it_happened(store: Store) -> None:
    """The refund has the earlier place in the journal, and the later one on its way to the order."""
    await put_order(store)
    await early(store)
    await take(store, arrival(id="p1", data={"amount": "100.00", "currency": "EUR"}))
    async with store.write() as tx:
        for id in ("p1", "p1/paid", "r1"):
            held = decision(id, EventReason.ON_HOLD)
            await decided(tx, KEY, id=id, decision=held)
        kept = [event.id for event in await journal.held_back(tx, KEY)]
    assert kept == ["p1", "p1/paid", "r1"]


@pytest.mark.parametrize(
    ("first", "second", "is_parked"),
    [
        pytest.param(payment, refund, False, id="the payment is being written"),
        pytest.param(refund, payment, False, id="the refund is being parked"),
        pytest.param(giving, refund, True, id="the payment is being given to its order"),
        pytest.param(refund, giving, True, id="the refund is being parked beside a person"),
    ],
)
async def test_two_transactions_at_a_time_do_not_miss_each_other(
    postgres: Postgres, first: Callable[[Tx], Any], second: Callable[[Tx], Any], is_parked: bool
) -> None:
    """Neither sees what the other one writes before its commit; on SQLite there is one writer."""
    store = await Store.open(postgres.emptied_url())
    await put_order(store)
    async with store.write() as tx:
        if is_parked:
            parking = arrival(id="p1", data={"amount": "100.00", "currency": "EUR"})
            await journal.park(tx, parking, problem="unclear", now=NOW)

    async def other() -> None:
        async with store.write() as tx:
            await second(tx)

    async with store.write() as tx:
        await first(tx)
        doing = asyncio.create_task(other())
        while not doing.done() and not await rows(store, _BLOCKED):
            await asyncio.wait([doing], timeout=0.01)
    await doing
    assert await rows(store, text("SELECT kind FROM payments ORDER BY kind")) == [("received",), ("refunded",)]
    assert await rows(store, text("SELECT event FROM waiting")) == []
    await store.close()


@pytest.mark.parametrize("forgets", ["in time", "by name"])
async def test_what_is_forgotten_waits_for_nothing(store: Store, forgets: str) -> None:
    await put_order(store)
    await early(store)
    async with store.write() as tx:
        if forgets == "in time":
            assert await strays.forget(tx, before=later(days=90), limit=10) == 1
        else:
            await strays.blank_named(tx, [""])
    await take(store, arrival(id="p1", data={"amount": "100.00", "currency": "EUR"}))
    assert await rows(store, text("SELECT event FROM waiting")) == []
    assert await rows(store, text("SELECT kind FROM payments")) == [("received",)]


async def test_a_refund_that_cannot_be_given_goes_on_waiting(store: Store) -> None:
    await put_order(store)
    await early(store, amount="0")
    [(seq,)] = await rows(store, text("SELECT event FROM waiting"))
    with pytest.raises(BadEvent):
        async with store.write() as tx:
            await parked.give(tx, id=int(str(seq)), key=KEY, now=NOW)
    assert await rows(store, text("SELECT event FROM waiting")) == [(seq,)]


LISTS: dict[str, tuple[timedelta, list[str]]] = {
    "before": (timedelta(hours=23), []),
    "after": (timedelta(hours=24), ["r1"]),
}


@pytest.mark.parametrize(("passed", "ids"), LISTS.values(), ids=LISTS.keys())
async def test_an_event_is_listed_when_its_patience_is_over(store: Store, passed: timedelta, ids: list[str]) -> None:
    await early(store)
    async with store.read() as tx:
        assert [one.event for one in (await parked.page(tx, now=NOW + passed)).items] == ids
