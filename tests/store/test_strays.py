"""Events that went to no order: erased with whom they name or mention, and let go in time; on either database."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Table, select

from activities.caretaker import Care, Caretaker
from activities.providers.errors import Unknown
from activities.store import claims, customers, erasing, journal, ledger, parked, strays
from activities.store.arrivals import Arrival
from activities.store.database import Store
from activities.store.history import LedgerState
from activities.store.records import CustomerRef, NewCustomer
from activities.store.tables import CHAT_ANSWERS, EVENTS, LEDGER
from tests.store.builders import KEY, NOW, anna, arrival, claim_of, later, planned, put_order, take
from tests.store.test_answers import Medium, typed, wrote
from tests.store.test_answers import courier as carrying
from tests.store.test_courier import Clock
from tests.store.test_erasing import holding
from workflows.contracts.ids import run_id

SEND = run_id(KEY, 1, "sms")
PHONE, MAILBOX = "+48501234567", "anna@example.com"
WORD = "Xanthippe"


def stray(id: str = "e1", *, customer: CustomerRef | None = None, **more: Any) -> Arrival:
    return arrival("call.missed", id=id, orders=(), customer=customer, **{"raw": WORD.encode(), **more})


async def erased(store: Store, id: str = "anna", *, seeks: bool = True) -> None:
    """Erase a customer as the gateway does."""
    sought = await erasing.seek(store, id=id, now=later(days=1)) if seeks else strays.Sought()
    async with store.write() as tx:
        await erasing.customer(tx, id=id, now=later(days=1), sought=sought)


async def known(store: Store, *cards: NewCustomer) -> None:
    async with store.write() as tx:
        for card in cards or (anna(visitors=["v-1"]),):
            await customers.create(tx, card, now=NOW)


NAMING: Mapping[str, CustomerRef] = {
    "phone": CustomerRef(phone=PHONE),
    "mail address": CustomerRef(email=" Anna@Example.com"),
    "visitor": CustomerRef(visitor="v-1"),
    "customer": CustomerRef(customer="anna"),
}


@pytest.mark.parametrize("ref", NAMING.values(), ids=NAMING.keys())
@pytest.mark.parametrize("is_known_before", [True, False], ids=["known", "not yet known"])
async def test_an_event_that_names_an_erased_customer_is_blanked(
    store: Store, ref: CustomerRef, is_known_before: bool
) -> None:
    """Covers E15: also one that came before the shop knew them."""
    if is_known_before:
        await known(store)
    assert (await take(store, stray(customer=ref, data={"said": WORD}))).unmatched
    if not is_known_before:
        await known(store)
    await erased(store)
    assert await holding(store, WORD) == []
    async with store.read() as tx:
        assert (await parked.page(tx, now=NOW)).items == []


@pytest.mark.parametrize("seeks", [True, False], ids=["sought before", "sought at once"])
async def test_an_event_that_only_mentions_them_is_blanked(store: Store, seeks: bool) -> None:
    """Covers E15: parked events, dismissed ones, and those of people whom nobody knows."""
    await known(store)
    async with store.write() as tx:
        await journal.park(tx, stray("p1", raw=f"{WORD} {MAILBOX}".encode()), problem="unreadable", now=NOW)
        await journal.park(tx, stray("p2", raw=f"{WORD} {PHONE}".encode()), problem="unreadable", now=NOW)
        (first, _) = (await parked.page(tx, now=NOW)).items
        await parked.dismiss(tx, id=first.id)
    await take(store, stray("p3", data={"text": f"{WORD}: ring 501 234 567"}, raw=b""))
    await take(store, stray("p4", customer=CustomerRef(phone="+48222333444"), raw=f"{WORD} {MAILBOX}".encode()))
    await erased(store, seeks=seeks)
    assert await holding(store, WORD) == []


async def test_what_came_between_the_search_and_the_erasing_is_found(store: Store) -> None:
    await known(store)
    sought = await erasing.seek(store, id="anna", now=NOW)
    await take(store, stray(raw=f"{WORD} {MAILBOX}".encode()))
    async with store.write() as tx:
        await erasing.customer(tx, id="anna", now=NOW, sought=sought)
    assert await holding(store, WORD) == []


async def test_many_strays_are_searched_in_small_portions(store: Store) -> None:
    await known(store)
    async with store.write() as tx:
        for number in range(1_203):
            mentions = MAILBOX if number in (0, 499, 500, 1_202) else "somebody@else.example"
            await journal.append(tx, stray(f"s{number}", raw=f"{WORD} {mentions}".encode()), now=NOW)
    await erased(store)
    async with store.read() as tx:
        kept = await tx.rows(select(EVENTS).where(EVENTS.c.raw.is_not(None)))
    assert len(kept) == 1_199
    assert not any(MAILBOX.encode() in bytes(row.raw) for row in kept)


async def test_an_event_of_another_customer_who_mentions_them_stays(store: Store) -> None:
    await known(store, anna(), NewCustomer(id="bea", phones=[{"number": "+48222333444"}]))
    await put_order(store, number="1002", customer=None, customer_id="bea")
    raw = f"{WORD} {MAILBOX}".encode()
    await take(store, stray("b1", customer=CustomerRef(customer="bea"), raw=raw))
    await take(store, stray("b2", customer=CustomerRef(phone="+48222333444"), raw=raw))
    async with store.write() as tx:
        bill = arrival(id="b3", orders=(KEY.model_copy(update={"number": "1002"}),), raw=raw)
        await journal.park(tx, bill, problem="more than is open", now=NOW)
    before = await rows(store)
    await erased(store)
    assert await rows(store) == before


async def test_a_family_s_number_is_theirs_until_the_last_of_them_is_erased(store: Store) -> None:
    await known(store, anna(), NewCustomer(id="bea", phones=[{"number": PHONE}]))
    await take(store, stray(customer=CustomerRef(phone=PHONE)))
    await erased(store)
    assert await holding(store, WORD) == ["events.raw"]
    await erased(store, "bea")
    assert await holding(store, WORD) == []


async def test_a_name_of_any_length_is_kept(store: Store) -> None:
    """PostgreSQL's index holds no long values."""
    await take(store, stray(customer=CustomerRef(visitor="v" * 5_000)))
    assert await holding(store, WORD) == ["events.raw"]


async def test_a_parked_event_that_names_a_deleted_order_is_blanked(store: Store) -> None:
    """Covers E15."""
    await put_order(store)
    async with store.write() as tx:
        await journal.park(tx, arrival(raw=WORD.encode()), problem="more than is open", now=NOW)
        await erasing.order(tx, KEY, now=NOW)
    assert await holding(store, WORD) == []


async def rows(store: Store) -> list[tuple[Any, ...]]:
    async with store.read() as tx:
        return [tuple(row) for row in await tx.rows(select(EVENTS).order_by(EVENTS.c.seq))]


# --- kept for a while -----------------------------------------------------------------------------------------------

DAYS = timedelta(days=90)


async def let_go(store: Store, *, after: timedelta, batch: int = 500) -> int:
    """Let the caretaker look once, so long after."""
    return await Caretaker(store, care=Care(strays=DAYS, batch=batch), clock=lambda: NOW + after).round()


def counted(kind: str) -> float:
    return REGISTRY.get_sample_value("orders_let_go_total", {"kind": kind}) or 0.0


async def test_an_event_of_nobody_loses_its_content_in_time_and_is_counted(store: Store) -> None:
    """Also one that waits for a person, and one that was laid aside; a repetition is still known."""
    await take(store, stray("e1", customer=CustomerRef(phone=PHONE), data={"said": WORD}))
    async with store.write() as tx:
        await journal.park(tx, stray("e2"), problem="unreadable", now=NOW)
        await parked.dismiss(tx, id=(await parked.page(tx, now=NOW)).items[0].id)
    before = counted("event")
    assert await let_go(store, after=DAYS) == 0
    assert await holding(store, WORD) == ["events.data", "events.raw"]
    assert await let_go(store, after=DAYS + timedelta(seconds=1)) == 2
    assert counted("event") == before + 2
    assert await holding(store, WORD) == []
    assert await holding(store, PHONE) == []
    async with store.read() as tx:
        assert (await parked.page(tx, now=NOW)).items == []
    assert not (await take(store, stray("e1", data={"said": WORD}))).is_new
    assert await let_go(store, after=DAYS * 2) == 0


async def test_events_of_orders_stay(store: Store) -> None:
    """Also one that a person gave to its order."""
    await put_order(store)
    await take(store, arrival("call.incoming", id="e1", data={"line": WORD}))
    await take(store, arrival("call.incoming", id="e2", orders=(), customer=CustomerRef(customer="anna")))
    await take(store, stray("e3", customer=CustomerRef(phone="+48222333444")))
    async with store.write() as tx:
        (waiting,) = (await parked.page(tx, now=NOW)).items
        await parked.give(tx, id=waiting.id, key=KEY, now=NOW)
    before = await rows(store)
    assert await let_go(store, after=DAYS * 2) == 0
    assert await rows(store) == before


async def test_strays_go_in_small_portions(store: Store) -> None:
    async with store.write() as tx:
        for number in range(25):
            await journal.append(tx, stray(f"s{number}"), now=NOW)
    assert await let_go(store, after=DAYS * 2, batch=4) == 25


# --- hashes ---------------------------------------------------------------------------------------------------------


async def test_the_hash_of_a_number_goes_with_its_order(store: Store) -> None:
    """A plain hash of a phone number can be reversed: there are not many numbers."""
    await put_order(store, runs=(planned("sms"),))
    async with store.write() as tx:
        await claims.claim(tx, claim=claim_of())
        await ledger.accepted(tx, send_id=SEND, provider_id="SM1", now=NOW)
    await erased(store)
    assert await hashes(store) == [("", "")]


async def test_a_lost_send_keeps_its_hash_until_it_has_settled(store: Store) -> None:
    """Covers case 58: it could be taken for another one's message."""
    await put_order(store, runs=(planned("sms"),))
    async with store.write() as tx:
        await claims.claim(tx, claim=claim_of())
    await erased(store)
    assert await hashes(store) != [("", "")]
    assert await let_go(store, after=timedelta(days=1)) == 0
    async with store.write() as tx:
        await ledger.unknown(tx, send_id=SEND, now=later(days=1))
        await ledger.settle(tx, send_id=SEND, to=LedgerState.HELD, now=later(days=1))
    assert await let_go(store, after=timedelta(days=1)) == 1
    assert await hashes(store) == [("", "")]


@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "answered"])
async def test_the_hash_of_a_chat_s_address_goes_with_the_answer(store: Store, is_lost: bool) -> None:
    """Covers E15: at once, or when it has settled."""
    await put_order(store)
    await typed(store, await wrote(store, customer="anna"))
    clock = Clock()
    medium = Medium(Unknown("cut off")) if is_lost else Medium()
    await carrying(store, medium, clock).round()
    await erased(store)
    assert await hashes(store, of=CHAT_ANSWERS) == [("", "")] or is_lost
    clock.now = later(days=2)
    while await carrying(store, medium, clock).round():
        pass
    assert await hashes(store, of=CHAT_ANSWERS) == [("", "")]


async def hashes(store: Store, *, of: Table = LEDGER) -> list[tuple[str, str]]:
    async with store.read() as tx:
        return [tuple(row) for row in await tx.rows(select(of.c.address_hash, of.c.body_hash))]
