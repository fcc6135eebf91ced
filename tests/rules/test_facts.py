"""Rules that change the order: mark_paid, mark_shipped, allow_delivery, cancel, move, set. Covers E05-E08, E10, E25."""

from datetime import date
from decimal import Decimal

import pytest

from activities.store import journal, orders
from activities.store.journal import Arrival
from tests.rules.desk import Desk
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus


@pytest.mark.parametrize(
    ("rule", "fact", "event"),
    [
        ("mark_paid: true", "paid", "payment.paid"),
        ("mark_shipped: true", "shipped", "shipment.shipped"),
        ("allow_delivery: true", "delivery_allowed", "shipment.approved"),
        ("cancel: No payment", "cancelled", "order.cancelled"),
    ],
    ids=["mark_paid", "mark_shipped", "allow_delivery", "cancel"],
)
async def test_rule_makes_it_so_journals_it_and_does_it_once(desk: Desk, rule: str, fact: str, event: str) -> None:
    key = await desk.order(total="50")
    assert getattr(await desk.read(key), fact) is False
    first = await desk.run(key, rule)
    assert first.status is RunStatus.DONE
    assert getattr(await desk.read(key), fact) is True
    assert [record.type for record in await desk.events(key)] == [event]
    second = await desk.run(key, rule)
    assert (second.status, second.reason) == (RunStatus.SKIPPED, RunReason.ALREADY_SO)
    assert len(await desk.events(key)) == 1


async def test_every_shipment_is_approved_and_shipped(desk: Desk) -> None:
    key = await desk.order()
    await arrive(desk, key, type="shipment.tracking_added", shipment="a", tracking_number="T1")
    await arrive(desk, key, type="shipment.tracking_added", shipment="b", tracking_number="T2")
    await arrive(desk, key, type="shipment.shipped", shipment="a")
    await desk.run(key, "allow_delivery: true")
    await desk.run(key, "mark_shipped: true")
    async with desk.store.read() as tx:
        shipments = await orders.shipments_of(tx, key)
    assert all(shipment.approved_at and shipment.shipped_at for shipment in shipments)
    told = [event.data["shipment"] for event in await desk.events(key) if event.type == "shipment.shipped"]
    assert told == ["a", "b"]
    assert (await desk.read(key)).shipped


async def test_reason_of_the_cancellation_is_kept(desk: Desk) -> None:
    key = await desk.order()
    await desk.run(key, "cancel: No payment of {{ order.number }}")
    assert (await desk.read(key)).cancel_reason == "No payment of 1001"


async def test_move_asks_by_an_event_that_names_the_visit(desk: Desk) -> None:
    key = await desk.order()
    run = await desk.run(key, "move: paid\nreason: No payment in 5 days")
    (event,) = await desk.events(key)
    assert event.type == "rule.move"
    assert event.data == {"stage": "paid", "visit": 1, "rule": "move", "reason": "No payment in 5 days"}
    assert run.status is RunStatus.DONE


async def test_move_to_the_present_stage_does_nothing(desk: Desk) -> None:
    key = await desk.order()
    run = await desk.run(key, "move: new")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.ALREADY_SO)
    assert await desk.events(key) == []


async def test_fields_get_values_of_their_types(desk: Desk) -> None:
    key = await desk.order()
    run = await desk.run(
        key,
        """
        set:
          note: called
          delivery_date: 2026-04-01
          size: XL
          weight: 1.5
          deposit: "10.00"
          pickup: 2026-04-02
          gift: true
          labels: [fragile]
        """,
    )
    order = await desk.read(key)
    assert run.status is RunStatus.DONE, run.words
    assert (order.note, order.delivery_date) == ("called", date(2026, 4, 1))
    async with desk.store.read() as tx:
        fields = (await orders.view(tx, key, visit=1)).order.fields
    assert (fields["size"], fields["gift"], fields["labels"]) == ("XL", True, ["fragile"])
    assert Decimal(str(fields["weight"])) == Decimal("1.5")
    assert Decimal(str(fields["deposit"])) == Decimal("10.00")
    (event,) = await desk.events(key)
    assert event.type == "order.edited"
    assert set(event.data["fields"]) == {
        "note",
        "delivery_date",
        "size",
        "weight",
        "deposit",
        "pickup",
        "gift",
        "labels",
    }


@pytest.mark.parametrize(
    "field",
    [
        "note: called",
        "delivery_date: 2026-04-01",
        "size: XL",
        "weight: 1.5",
        'deposit: "10.00"',
        "pickup: 2026-04-02",
        "gift: true",
        "labels: [fragile]",
        "tags: [vip]",
        'total: "12.50"',
    ],
)
async def test_value_that_is_there_already_is_no_change(desk: Desk, field: str) -> None:
    key = await desk.order()
    await desk.run(key, f"set: {{{field}}}")
    run = await desk.run(key, f"set: {{{field}}}")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.ALREADY_SO)
    assert len(await desk.events(key)) == 1


async def test_append_adds_to_lists_what_they_do_not_hold(desk: Desk) -> None:
    key = await desk.order(tags=["vip"])
    await desk.run(key, "set: {tags: [vip, late, late], labels: fragile}\nappend: true")
    order = await desk.read(key)
    assert (order.tags, order.fields["labels"]) == (["vip", "late"], ["fragile"])


async def test_append_to_what_is_no_list_fails_and_says_so(desk: Desk) -> None:
    key = await desk.order()
    run = await desk.run(key, "set: {note: called}\nappend: true")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.MISCONFIGURED)
    assert "note" in run.words
    assert (await desk.read(key)).note == ""


async def arrive(desk: Desk, key: OrderKey, *, type: str, **data: object) -> None:
    async with desk.store.write() as tx:
        await journal.append(
            tx,
            Arrival(source="shop", id=f"{type}:{data['shipment']}", type=type, at=desk.now, data=data, orders=(key,)),
            now=desk.now,
        )
