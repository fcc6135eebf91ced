"""Visitors of the shop's site: when a visit begins, and which customer a form makes them. Covers T17, T18."""

import asyncio
from datetime import datetime, timedelta

import pytest

from activities.caretaker import Care, Caretaker
from activities.store import customers, erasing, visitors
from activities.store.database import Store, StoreDown
from activities.store.records import NewCustomer
from activities.store.visitors import PAUSE, Visit, VisitorRecord
from tests.store.conftest import NOW

ONE = "v-1"


async def seen(store: Store, *, after: timedelta = timedelta(0)) -> Visit:
    async with store.write() as tx:
        return await visitors.see(tx, id=ONE, shop="shop", now=NOW + after)


async def link(store: Store, customer: str, form: str) -> None:
    async with store.write() as tx:
        await visitors.link(tx, id=ONE, shop="shop", customer=customer, form=form, now=NOW)


async def stored(store: Store) -> VisitorRecord:
    async with store.read() as tx:
        found = await visitors.find(tx, id=ONE)
    assert found is not None
    return found


async def with_customers(store: Store, *ids: str) -> None:
    async with store.write() as tx:
        for id in ids:
            await customers.create(tx, NewCustomer(id=id), now=NOW)


async def visitors_of(store: Store, customer: str) -> list[str]:
    async with store.read() as tx:
        return (await customers.get(tx, id=customer)).visitors


async def test_a_visit_ends_with_a_pause_of_half_an_hour(store: Store) -> None:
    """Covers T17."""
    assert (await seen(store)).is_new
    assert not (await seen(store, after=timedelta(minutes=20))).is_new
    assert not (await seen(store, after=timedelta(minutes=49))).is_new
    later = await seen(store, after=timedelta(minutes=79))
    assert later.is_new
    assert (later.visitor.visits, later.visitor.visit_started_at) == (2, NOW + timedelta(minutes=79))


async def test_of_many_pages_at_the_same_moment_one_begins_the_visit(store: Store) -> None:
    first = await asyncio.gather(*[seen(store) for _ in range(10)])
    again = await asyncio.gather(*[seen(store, after=PAUSE) for _ in range(10)])
    assert [sum(visit.is_new for visit in visits) for visits in (first, again)] == [1, 1]


async def test_a_page_that_is_told_late_does_not_turn_the_clock_back(store: Store) -> None:
    await seen(store, after=timedelta(minutes=20))
    await seen(store)
    assert (await stored(store)).seen_at == NOW + timedelta(minutes=20)


async def test_who_was_never_seen_is_nobody(store: Store) -> None:
    async with store.read() as tx:
        assert await visitors.find(tx, id="v-2") is None


async def test_a_form_makes_a_visitor_the_customer_who_filled_it_in(store: Store) -> None:
    """Covers T18."""
    await with_customers(store, "anna")
    await seen(store)
    for form in ("callback", "survey", "callback"):
        await link(store, "anna", form)
    visitor = await stored(store)
    assert (visitor.customer, visitor.forms) == ("anna", ("survey", "callback"))
    assert await visitors_of(store, "anna") == [ONE]


async def test_a_form_links_a_visitor_who_was_not_seen_yet(store: Store) -> None:
    await with_customers(store, "anna")
    await link(store, "anna", "callback")
    assert (await stored(store)).customer == "anna"


async def test_whoever_filled_in_the_last_form_is_the_visitor(store: Store) -> None:
    await with_customers(store, "anna", "piotr")
    await link(store, "anna", "survey")
    await link(store, "piotr", "callback")
    visitor = await stored(store)
    assert (visitor.customer, visitor.forms) == ("piotr", ("callback",))
    assert await visitors_of(store, "anna") == []
    assert await visitors_of(store, "piotr") == [ONE]


async def test_two_forms_at_the_same_moment_are_both_kept(store: Store) -> None:
    await with_customers(store, "anna")
    await seen(store)
    await asyncio.gather(link(store, "anna", "callback"), link(store, "anna", "survey"))
    assert set((await stored(store)).forms) == {"callback", "survey"}
    assert await visitors_of(store, "anna") == [ONE]


DAYS = timedelta(days=90)


async def forgotten(store: Store, *, after: timedelta = DAYS, batch: int = 500) -> int:
    """Let the caretaker look once, so long after."""
    return await Caretaker(store, care=Care(strangers=DAYS, batch=batch), clock=lambda: NOW + after).round()


async def test_a_stranger_who_was_not_seen_for_long_is_forgotten(store: Store) -> None:
    await seen(store)
    assert await forgotten(store) == 0
    assert await forgotten(store, after=DAYS + timedelta(seconds=1)) == 1
    async with store.read() as tx:
        assert await visitors.find(tx, id=ONE) is None
    again = await seen(store, after=DAYS * 2)
    assert (again.is_new, again.visitor.visits) == (True, 1)


async def test_a_stranger_who_comes_back_in_time_stays(store: Store) -> None:
    await seen(store)
    await seen(store, after=timedelta(days=80))
    assert await forgotten(store, after=timedelta(days=100)) == 0


async def test_a_visitor_who_is_a_customer_or_stands_on_a_card_stays(store: Store) -> None:
    await with_customers(store, "anna")
    async with store.write() as tx:
        for id in ("v-1", "v-2", "v-3"):
            await visitors.see(tx, id=id, shop="shop", now=NOW)
        await visitors.link(tx, id="v-1", shop="shop", customer="anna", form="callback", now=NOW)
        await customers.create(tx, NewCustomer(id="bea", visitors=["v-2"]), now=NOW)
    assert await forgotten(store, after=DAYS * 2) == 1
    async with store.read() as tx:
        assert await visitors.find(tx, id="v-3") is None
        assert await visitors.find(tx, id="v-2") is not None


async def test_the_visitor_of_an_erased_customer_is_forgotten_with_them(store: Store) -> None:
    await with_customers(store, "anna")
    await link(store, "anna", "callback")
    async with store.write() as tx:
        await erasing.customer(tx, id="anna", now=NOW)
    assert not await known(store)


async def test_strangers_go_in_small_portions_and_caretakers_do_not_disturb_each_other(store: Store) -> None:
    async with store.write() as tx:
        for number in range(25):
            await visitors.see(tx, id=f"v-{number}", shop="shop", now=NOW)
    gone = await asyncio.gather(*(forgotten(store, after=DAYS * 2, batch=4) for _ in range(3)))
    assert sum(gone) == 25
    assert await forgotten(store, after=DAYS * 2) == 0


async def known(store: Store) -> bool:
    async with store.read() as tx:
        return await visitors.find(tx, id=ONE) is not None


async def test_a_caretaker_outlives_a_store_that_is_down(store: Store) -> None:
    await seen(store)
    moments = iter([StoreDown("away")])

    def clock() -> datetime:
        for failure in moments:
            raise failure
        return NOW + DAYS * 2

    working = asyncio.create_task(Caretaker(store, care=Care(every=timedelta(milliseconds=1)), clock=clock).run())
    async with asyncio.timeout(60):
        while True:
            if not await known(store):
                break
            await asyncio.sleep(0.005)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
