"""Visitors of the shop's site: when a visit begins, and which customer a form makes them. Covers T17, T18."""

import asyncio
from datetime import timedelta

from activities.store import customers, visitors
from activities.store.database import Store
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
