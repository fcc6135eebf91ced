"""Facts: what payments, shipments, cancellations and edits make true of an order."""

from decimal import Decimal
from typing import Any

import pytest

from activities.store import employees, journal, orders, pipelines
from activities.store.database import Store
from activities.store.facts import BadEvent
from activities.store.journal import Journalled
from activities.store.records import NewEmployee, OrderRecord
from tests.store.builders import KEY, NOW, arrival, put_order, take


async def happen(store: Store, type: str, data: dict[str, Any] | None = None, id: str = "e1") -> Journalled:
    return await take(store, arrival(type, id=id, data=data or {}))


async def order_of(store: Store) -> OrderRecord:
    async with store.read() as tx:
        return await orders.get(tx, KEY)


async def stored(store: Store, id: str = "e1") -> dict[str, Any]:
    async with store.read() as tx:
        found = await journal.event_for(tx, KEY, source="bank", id=id)
    assert found is not None
    return found.data


async def declare(store: Store, **fields: str) -> None:
    async with store.write() as tx:
        await pipelines.publish(
            tx, name="shop", text="x", frozen_json="{}", reopens=[], fields=fields, author="olga", now=NOW
        )


async def test_part_payments_add_up_until_the_order_is_paid(store: Store) -> None:
    """Covers T10."""
    await put_order(store)
    first = await happen(store, "payment.received", {"amount": "60.50", "reference": "R1"}, id="p1")
    second = await happen(store, "payment.received", {"amount": "39.50"}, id="p2")
    assert first.follows == ()
    assert [event.type for event in second.follows] == ["payment.paid"]
    order = await order_of(store)
    assert (order.paid, order.paid_amount) == (True, Decimal("100.00"))
    async with store.read() as tx:
        listed = [(p.kind, p.amount, p.reference) for p in await orders.payments_of(tx, KEY)]
    assert listed == [("received", Decimal("60.50"), "R1"), ("received", Decimal("39.50"), "")]


async def test_a_paid_order_takes_further_payments_without_a_second_paid(store: Store) -> None:
    await put_order(store)
    await happen(store, "payment.received", {"amount": 100}, id="p1")
    assert (await happen(store, "payment.received", {"amount": 1}, id="p2")).follows == ()


async def test_a_paid_event_adds_what_is_missing_of_its_amount(store: Store) -> None:
    """Covers T10, E06."""
    await put_order(store)
    await happen(store, "payment.received", {"amount": "40"}, id="p1")
    await happen(store, "payment.paid", {"amount": "100"}, id="p2")
    order = await order_of(store)
    assert (order.paid, order.paid_amount) == (True, 100)


async def test_marking_paid_without_an_amount_invents_no_money(store: Store) -> None:
    """Covers E06."""
    await put_order(store)
    await happen(store, "payment.paid")
    order = await order_of(store)
    assert (order.paid, order.paid_amount) == (True, 0)


@pytest.mark.parametrize(("amount", "paid", "left"), [("30", True, "70"), ("100", False, "0"), (None, False, "0")])
async def test_money_back(store: Store, amount: str | None, paid: bool, left: str) -> None:
    """Covers T10: a part of it leaves the order paid, all of it does not."""
    await put_order(store)
    await happen(store, "payment.received", {"amount": "100"}, id="p1")
    await happen(store, "payment.refunded", {"amount": amount} if amount else {}, id="p2")
    order = await order_of(store)
    assert (order.paid, order.paid_amount) == (paid, Decimal(left))


async def test_a_payment_can_be_taken_back(store: Store) -> None:
    await put_order(store)
    await happen(store, "payment.paid", id="p1")
    await happen(store, "payment.unpaid", id="p2")
    assert not (await order_of(store)).paid


async def test_the_last_shipment_ships_the_order(store: Store) -> None:
    """Covers T13."""
    await put_order(store)
    await happen(store, "shipment.approved", {"shipment": "a"}, id="s1")
    await happen(store, "shipment.approved", {"shipment": "b"}, id="s2")
    await happen(store, "shipment.shipped", {"shipment": "a"}, id="s3")
    assert (await stored(store, "s3"))["all"] is False
    assert not (await order_of(store)).shipped
    await happen(store, "shipment.shipped", {"shipment": "b"}, id="s4")
    assert (await stored(store, "s4"))["all"] is True
    order = await order_of(store)
    assert (order.shipped, order.delivery_allowed) == (True, True)


async def test_a_sender_who_knows_of_more_shipments_is_believed(store: Store) -> None:
    """Covers T13."""
    await put_order(store)
    await happen(store, "shipment.shipped", {"shipment": "a", "all": False})
    assert (await stored(store))["all"] is False
    assert not (await order_of(store)).shipped


async def test_every_shipment_is_allowed_and_shipped_at_once(store: Store) -> None:
    """Covers E05, E07."""
    await put_order(store)
    await happen(store, "shipment.tracking_added", {"shipment": "a", "tracking_number": "T1"}, id="s1")
    await happen(store, "shipment.tracking_added", {"shipment": 2, "tracking_number": "T2"}, id="s2")
    await happen(store, "shipment.approved", {"all": True}, id="s3")
    await happen(store, "shipment.shipped", {"all": True}, id="s4")
    async with store.read() as tx:
        found = await orders.shipments_of(tx, KEY)
    assert [(s.id, s.approved_at, s.shipped_at, s.status) for s in found] == [
        ("2", NOW, NOW, "shipped"),
        ("a", NOW, NOW, "shipped"),
    ]
    order = await order_of(store)
    assert (order.shipped, order.delivery_allowed, order.tracking_number) == (True, True, "T2")


async def test_marking_an_order_without_shipments_as_shipped_makes_one(store: Store) -> None:
    """Covers E07."""
    await put_order(store)
    await happen(store, "shipment.shipped", {"all": True})
    async with store.read() as tx:
        assert [s.id for s in await orders.shipments_of(tx, KEY)] == ["1"]
    assert (await order_of(store)).shipped


async def test_a_word_on_a_shipment_leaves_what_else_is_known_of_it(store: Store) -> None:
    """Covers T12, T14."""
    await put_order(store)
    await happen(store, "shipment.approved", {"shipment": "a"}, id="s1")
    await happen(store, "shipment.tracking_added", {"shipment": "a", "tracking_number": "T1"}, id="s2")
    await happen(store, "shipment.shipped", {"shipment": "a"}, id="s3")
    await happen(store, "shipment.updated", {"shipment": "a", "status": "at the depot"}, id="s4")
    async with store.read() as tx:
        [found] = await orders.shipments_of(tx, KEY)
    assert (found.approved_at, found.tracking_number, found.shipped_at, found.status) == (
        NOW,
        "T1",
        NOW,
        "at the depot",
    )


async def test_one_shipment_that_is_not_allowed_or_not_there_holds_the_order_back(store: Store) -> None:
    """Covers T11, T14."""
    await put_order(store)
    for number, name in enumerate("ab"):
        await happen(store, "shipment.approved", {"shipment": name}, id=f"s{number}")
    assert (await order_of(store)).delivery_allowed
    await happen(store, "shipment.disallowed", {"shipment": "a"}, id="s3")
    assert not (await order_of(store)).delivery_allowed
    await happen(store, "shipment.delivered", {"shipment": "a"}, id="s4")
    assert not (await order_of(store)).delivered
    await happen(store, "shipment.delivered", {"shipment": "b"}, id="s5")
    assert (await order_of(store)).delivered


async def test_delivery_status_and_its_end(store: Store) -> None:
    """Covers T14."""
    await put_order(store)
    await happen(store, "shipment.updated", {"status": "in transit"}, id="s1")
    async with store.read() as tx:
        assert (await orders.shipments_of(tx, KEY))[0].status == "in transit"
    await happen(store, "shipment.delivered", id="s2")
    assert (await order_of(store)).delivered
    await happen(store, "shipment.approved", id="s3")
    await happen(store, "shipment.disallowed", id="s4")
    assert not (await order_of(store)).delivery_allowed


async def test_cancelling_and_taking_it_back(store: Store) -> None:
    """Covers T15."""
    await put_order(store)
    await happen(store, "order.cancelled", {"reason": "too late"}, id="c1")
    order = await order_of(store)
    assert (order.cancelled, order.cancel_reason) == (True, "too late")
    await happen(store, "order.uncancelled", id="c2")
    order = await order_of(store)
    assert (order.cancelled, order.cancel_reason) == (False, "")


async def test_the_responsible_person_changes(store: Store) -> None:
    """Covers T01, E09."""
    await put_order(store)
    async with store.write() as tx:
        await employees.put(tx, NewEmployee(id="olga"), now=NOW)
    await happen(store, "responsible.changed", {"employee": "olga"}, id="r1")
    assert (await order_of(store)).responsible == "olga"
    await happen(store, "responsible.changed", {"employee": ""}, id="r2")
    assert (await order_of(store)).responsible is None


async def test_fields_are_edited_by_their_declared_types(store: Store) -> None:
    """Covers E25, M23."""
    await put_order(store)
    await declare(store, gift="bool", deposit="money", pickup="date", floors="number", extras="list", door="text")
    fields = {
        "delivery_date": "2026-12-24",
        "tags": ["vip"],
        "gift": True,
        "deposit": 12.5,
        "pickup": "2026-12-23",
        "floors": 3,
        "extras": ["a"],
        "door": "left",
    }
    await happen(store, "order.edited", {"fields": fields})
    assert set((await stored(store))["changed"]) == set(fields)
    async with store.read() as tx:
        view = await orders.view(tx, KEY, visit=1)
    assert str(view.order.delivery_date) == "2026-12-24"
    assert view.order.fields["deposit"] == Decimal("12.5")
    assert view.order.fields["floors"] == Decimal(3)
    assert view.order.fields["pickup"].isoformat() == "2026-12-23"
    assert (view.order.fields["gift"], view.order.fields["extras"], view.order.fields["door"]) == (True, ["a"], "left")


async def test_editing_to_the_same_value_changes_nothing(store: Store) -> None:
    await put_order(store, note="hello")
    await happen(store, "order.edited", {"fields": {"note": "hello", "total": "100.00"}})
    assert (await stored(store))["changed"] == []


async def test_a_lower_total_can_make_the_order_paid(store: Store) -> None:
    await put_order(store)
    await happen(store, "payment.received", {"amount": "80"}, id="p1")
    edited = await happen(store, "order.edited", {"fields": {"total": "80"}}, id="p2")
    assert [event.type for event in edited.follows] == ["payment.paid"]
    assert (await order_of(store)).paid


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "no amount": ("payment.received", {}, "'amount' is missing"),
    "amount is a word": ("payment.received", {"amount": "much"}, "'amount' is an amount"),
    "amount is true": ("payment.received", {"amount": True}, "'amount' is an amount"),
    "amount is a list": ("payment.paid", {"amount": [1]}, "'amount' is an amount"),
    "amount is infinite": ("payment.received", {"amount": "Infinity"}, "'amount' is an amount"),
    "amount is endless": ("payment.received", {"amount": "1e40"}, "'amount' is an amount"),
    "amount has seven decimals": ("payment.received", {"amount": "0.0000001"}, "'amount' is an amount"),
    "amount is zero": ("payment.received", {"amount": 0}, "above zero"),
    "amount is negative": ("payment.refunded", {"amount": "-5"}, "above zero"),
    "another currency": ("payment.received", {"amount": 1, "currency": "USD"}, "in EUR, the payment in USD"),
    "reference is a map": ("payment.received", {"amount": 1, "reference": {}}, "'reference' is a text"),
    "unknown employee": ("responsible.changed", {"employee": "nobody"}, "no employee 'nobody'"),
    "no tracking number": ("shipment.tracking_added", {}, "'tracking_number' is missing"),
    "shipment is a list": ("shipment.shipped", {"shipment": []}, "'shipment' is a text"),
    "reason is too long": ("order.cancelled", {"reason": "x" * 501}, "at most 500"),
    "fields are a list": ("order.edited", {"fields": []}, "reads"),
    "unknown field": ("order.edited", {"fields": {"colour": "red"}}, "no field .colour.; there are delivery_date, dep"),
    "field of another type": ("order.edited", {"fields": {"deposit": "some"}}, "'deposit' is an amount"),
    "negative total": ("order.edited", {"fields": {"total": -1}}, "'total' is not negative"),
    "date is a word": ("order.edited", {"fields": {"delivery_date": "soon"}}, "'delivery_date' is a date"),
    "tags are a text": ("order.edited", {"fields": {"tags": "vip"}}, "'tags' is a list"),
}


@pytest.mark.parametrize(("type", "data", "words"), BAD.values(), ids=BAD.keys())
async def test_data_that_cannot_be_a_fact_is_refused_in_words(
    store: Store, type: str, data: dict[str, Any], words: str
) -> None:
    await put_order(store)
    await declare(store, deposit="money")
    before = await order_of(store)
    with pytest.raises(BadEvent, match=words):
        await happen(store, type, data)
    assert await order_of(store) == before
