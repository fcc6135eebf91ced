"""The journal: once per event, the orders it goes to, decisions, what a hold keeps back."""

import math

import pytest

from activities.store import journal, orders, pipelines, visits
from activities.store.database import NotFound, Store
from activities.store.facts import BadEvent
from activities.store.journal import JournalledEvent
from activities.store.records import CustomerRef
from tests.store.builders import KEY, NOW, arrival, decided, entry, later, move, new_order, put_order, take
from workflows.contracts.decisions import Decision
from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import EventReason
from workflows.contracts.state import OrderState, StageKind


def decision(id: str = "e1", reason: EventReason = EventReason.NO_TRIGGER) -> Decision:
    return Decision(
        event=id, type="call.incoming", reason=reason, words="why", state=OrderState(shop="shop", number="1001")
    )


async def test_an_event_is_journalled_once_however_often_it_is_delivered(store: Store) -> None:
    """Covers M50, M51."""
    await put_order(store)
    first = await take(store, arrival(data={"amount": "40"}))
    again = await take(store, arrival(data={"amount": "40"}))
    assert (first.is_new, again.is_new) == (True, False)
    assert first.orders == again.orders == (KEY,)
    async with store.read() as tx:
        assert (await orders.get(tx, KEY)).paid_amount == 40
        assert [e.id for e in (await journal.events_of(tx, KEY)).items] == ["e1"]


async def test_an_unknown_order_is_refused_and_nothing_is_kept(store: Store) -> None:
    stranger = OrderKey(shop="shop", number="404")
    with pytest.raises(NotFound):
        await take(store, arrival(orders=(stranger,)))
    async with store.read() as tx:
        assert await journal.event_for(tx, stranger, source="bank", id="e1") is None


async def test_an_event_nobody_can_be_found_for_is_kept_unmatched(store: Store) -> None:
    taken = await take(store, arrival("call.incoming", orders=(), customer=CustomerRef(phone="+48600000000")))
    assert (taken.is_new, taken.unmatched, taken.orders) == (True, True, ())
    again = await take(store, arrival("call.incoming", orders=(), customer=CustomerRef(phone="+48600000000")))
    assert (again.is_new, again.unmatched) == (False, True)


async def test_a_customers_event_goes_to_every_open_order(store: Store) -> None:
    """Covers M56."""
    first = await put_order(store, number="A1")
    second = await put_order(store, number="A2")
    done = await put_order(store, number="A3")
    async with store.write() as tx:
        await visits.enter(tx, done, entry=entry(2, "completed", stage_kind=StageKind.SUCCESS))
    taken = await take(store, arrival("call.incoming", orders=(), customer=CustomerRef(phone="+48501234567")))
    assert taken.orders == (first, second)
    assert [delivery.key for delivery in taken.deliveries] == [first, second]


async def test_a_customers_event_reaches_the_latest_closed_order_if_its_pipeline_reopens(store: Store) -> None:
    """Covers M55, M56. Covers case 49."""
    done = await put_order(store, number="A3")
    async with store.write() as tx:
        await visits.enter(tx, done, entry=entry(2, "lost", stage_kind=StageKind.FAILURE))
        await pipelines.publish(
            tx,
            name="shop",
            text="x",
            frozen_json="{}",
            reopens=["call.incoming"],
            fields={},
            author="olga",
            now=NOW,
        )
    who = CustomerRef(email="anna@example.COM")
    assert (await take(store, arrival("call.incoming", orders=(), customer=who))).orders == (done,)
    assert (await take(store, arrival("call.missed", id="e2", orders=(), customer=who))).unmatched


async def test_a_call_from_the_company_reaches_the_orders_of_its_people(store: Store) -> None:
    """Covers T06, M56."""
    async with store.write() as tx:
        company = {"id": "acme", "kind": "company", "company": "Acme", "phones": [{"number": "+48221234567"}]}
        await orders.create(tx, new_order(number="C1", customer=company), now=NOW)
    theirs = await put_order(store, customer={"id": "bob", "company_id": "acme"})
    taken = await take(store, arrival("call.incoming", orders=(), customer=CustomerRef(phone="+48221234567")))
    assert set(taken.orders) == {theirs, OrderKey(shop="shop", number="C1")}


async def test_a_fact_must_name_exactly_one_order(store: Store) -> None:
    await put_order(store)
    with pytest.raises(BadEvent, match="exactly one order"):
        await take(store, arrival("payment.paid", orders=(), customer=CustomerRef(customer="anna")))


async def test_a_covering_payment_journals_the_event_that_follows(store: Store) -> None:
    """Covers T10."""
    await put_order(store)
    taken = await take(store, arrival(data={"amount": "100"}))
    assert [(event.id, event.type) for event in taken.follows] == [("e1/paid", "payment.paid")]
    assert [delivery.event.type for delivery in taken.deliveries] == ["payment.received", "payment.paid"]
    async with store.read() as tx:
        followed = await journal.event_for(tx, KEY, source="bank", id="e1/paid")
    assert followed is not None
    assert followed.data == {"amount": "100", "currency": "EUR"}


async def test_two_orders_may_be_signalled_with_the_same_id(store: Store) -> None:
    """A plain signal goes straight to its order; its id need only be unique there."""
    other = await put_order(store, number="B2")
    await put_order(store)
    signal = arrival("call.incoming", id="1", raw=None, data={"line": "one"})
    await take(store, signal)
    taken = await take(store, arrival("call.incoming", id="1", raw=None, orders=(other,), data={"line": "two"}))
    again = await take(store, arrival("call.incoming", id="1", raw=None, orders=(other,), data={"line": "two"}))
    assert (taken.is_new, again.is_new) == (True, False)
    async with store.write() as tx:
        await decided(tx, other, id="1", decision=decision("1"))
        mine = await journal.event_for(tx, KEY, source="bank", id="1")
        theirs = await journal.event_for(tx, other, source="bank", id="1")
    assert mine is not None
    assert theirs is not None
    assert (mine.data, mine.decision) == ({"line": "one"}, None)
    assert (theirs.data, theirs.decision) == ({"line": "two"}, decision("1"))


async def test_a_request_that_reuses_an_id_for_another_order_changes_nothing(store: Store) -> None:
    other = await put_order(store, number="B2")
    await put_order(store)
    await take(store, arrival(data={"amount": "10"}))
    taken = await take(store, arrival(orders=(other,), data={"amount": "70"}))
    assert (taken.is_new, taken.orders) == (False, (KEY,))


async def test_the_decision_is_kept_and_given_back(store: Store) -> None:
    """Covers M50."""
    await put_order(store)
    await take(store, arrival("call.incoming"))
    async with store.write() as tx:
        await decided(tx, KEY, id="e1", decision=decision(), verdict={"considered": []}, now=later(seconds=1))
    async with store.read() as tx:
        found = await journal.event_for(tx, KEY, source="bank", id="e1")
        listed = (await journal.events_of(tx, KEY)).items[0]
    assert found is not None
    assert (found.decision, found.state) == (decision(), "delivered")
    assert (listed.reason, listed.words, listed.verdict) == (EventReason.NO_TRIGGER, "why", {"considered": []})


async def test_deciding_an_event_that_is_in_the_journal_no_more_is_an_error(store: Store) -> None:
    await put_order(store)
    gone = JournalledEvent(404, "call.incoming", NOW, {}, decision=None, state="new")
    async with store.write() as tx:
        with pytest.raises(NotFound):
            await journal.decided(tx, gone, decision=decision(), verdict={}, now=NOW)


async def test_held_events_come_back_in_the_order_of_their_arrival(store: Store) -> None:
    """Covers M06, M08."""
    await put_order(store)
    reasons = {"z": EventReason.ON_HOLD, "a": EventReason.LOOP, "m": EventReason.NO_TRIGGER}
    for id in reasons:
        await take(store, arrival("call.incoming", id=id))
    async with store.write() as tx:
        for id, reason in reasons.items():
            await decided(tx, KEY, id=id, decision=decision(id, reason))
        assert [event.id for event in await journal.held_back(tx, KEY)] == ["z", "a"]
        await decided(tx, KEY, id="z", decision=decision("z"))
        assert [event.id for event in await journal.held_back(tx, KEY)] == ["a"]


async def test_a_rules_event_is_journalled_once_with_what_follows(store: Store) -> None:
    await put_order(store)
    event = Event(id="run:0", type="payment.received", source="rule", data={"amount": "100"})
    async with store.write() as tx:
        first = await journal.append_from_rule(tx, KEY, event=event, now=NOW)
        again = await journal.append_from_rule(tx, KEY, event=event, now=NOW)
    assert [e.type for e in first] == ["payment.received", "payment.paid"]
    assert first == again
    async with store.read() as tx:
        assert [e.state for e in (await journal.events_of(tx, KEY)).items] == ["new", "new"]


async def test_a_bad_fact_leaves_the_order_as_it_is_and_can_still_be_kept(store: Store) -> None:
    await put_order(store)
    bad = arrival(data={"amount": "a lot"})
    async with store.write() as tx:
        with pytest.raises(BadEvent, match="'amount' is an amount"):
            await journal.append(tx, bad, now=NOW)
        await journal.append(tx, bad, now=NOW, with_facts=False)
    async with store.read() as tx:
        assert (await orders.get(tx, KEY)).paid_amount == 0
        assert await journal.event_for(tx, KEY, source="bank", id="e1") is not None


@pytest.mark.parametrize(
    "data", [{"x": math.nan}, {"x": object()}, {1: {(): 2}}], ids=["not a number", "an object", "a strange key"]
)
async def test_data_that_is_no_json_is_refused_or_kept_without_it(store: Store, data: dict[str, object]) -> None:
    await put_order(store)
    bad = arrival("call.incoming", data=data)
    with pytest.raises(BadEvent, match="not JSON"):
        await take(store, bad)
    async with store.write() as tx:
        assert (await journal.append(tx, bad, now=NOW, with_facts=False)).is_new


@pytest.mark.parametrize("nasty", ["nul \0 byte", "lone \ud800 surrogate", "emoji 🙂 and ü", "x" * 200])
async def test_any_text_of_an_outsider_can_be_kept_and_found_again(store: Store, nasty: str) -> None:
    await put_order(store)
    await take(store, arrival("call.incoming", id=nasty, source=nasty[:100], data={nasty: nasty}))
    async with store.read() as tx:
        found = await journal.event_for(tx, KEY, source=nasty[:100], id=nasty)
    assert found is not None
    assert found.data == {nasty: nasty}


async def test_a_long_id_leaves_room_for_the_event_that_follows(store: Store) -> None:
    await put_order(store)
    taken = await take(store, arrival(id="y" * 200, data={"amount": "100"}))
    assert len(taken.follows[0].id) <= 200


async def test_pages_of_events_meet_without_gap(store: Store) -> None:
    await put_order(store)
    for n in range(5):
        await take(store, arrival("call.incoming", id=f"e{n}"))
    async with store.read() as tx:
        first = await journal.events_of(tx, KEY, limit=3)
        second = await journal.events_of(tx, KEY, cursor=first.next_cursor, limit=3)
    assert [e.id for e in first.items + second.items] == ["e0", "e1", "e2", "e3", "e4"]
    assert second.next_cursor is None


async def test_entering_a_stage_twice_for_one_cause_is_one_visit(store: Store) -> None:
    key = await put_order(store)
    async with store.write() as tx:
        await move(tx, key, visit=2)
        await move(tx, key, visit=2)
        assert [visit.visit for visit in await visits.visits_of(tx, key)] == [1, 2]
