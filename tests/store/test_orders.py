"""Orders: creation, numbers, lists, the view that conditions and texts see."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from activities.store import employees, orders, runs, visits
from activities.store.database import Conflict, NotFound, Store
from activities.store.facts import BadEvent
from activities.store.records import NewEmployee, NewOrder, OrderFilter
from activities.store.visits import RunEnd
from tests.store.builders import KEY, NOW, entry, later, new_order, planned, put_order
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.state import StageKind


async def create(store: Store, **more: object) -> str:
    async with store.write() as tx:
        return (await orders.create(tx, new_order(**more), now=NOW)).number


async def numbers(store: Store, limit: int = 50, cursor: str | None = None, **filter: Any) -> list[str]:
    async with store.read() as tx:
        page = await orders.page(tx, filter=OrderFilter(**filter), cursor=cursor, limit=limit)
    return [order.number for order in page.items]


async def test_numbers_count_up_per_shop(store: Store) -> None:
    assert [await create(store), await create(store), await create(store, shop="other")] == ["1001", "1002", "1001"]


async def test_a_given_number_is_never_given_again(store: Store) -> None:
    await create(store, number="1500")
    assert await create(store) == "1501"
    await create(store, number="7")
    await create(store, number="W-1")
    assert await create(store) == "1502"


async def test_a_number_that_is_taken_is_a_conflict(store: Store) -> None:
    await create(store, number="1001", note="first")
    with pytest.raises(Conflict, match="'1001' of shop 'shop' exists already"):
        await create(store, number="1001", note="second")
    async with store.read() as tx:
        assert (await orders.get(tx, KEY)).note == "first"


async def test_a_token_that_is_taken_is_a_conflict(store: Store) -> None:
    await create(store, token="T")
    with pytest.raises(Conflict, match="token"):
        await create(store, token="T")


async def test_the_total_is_the_sum_of_the_items(store: Store) -> None:
    items = [{"sku": "a", "quantity": "3", "price": "0.10"}, {"sku": "b", "price": "19.99"}]
    async with store.write() as tx:
        order = await orders.create(tx, new_order(total=None, items=items), now=NOW)
    assert order.total == Decimal("20.29")
    assert [item.sku for item in order.items] == ["a", "b"]


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"customer": None, "customer_id": "nobody"}, NotFound),
        ({"responsible": "nobody"}, NotFound),
    ],
    ids=["customer", "employee"],
)
async def test_people_an_order_names_must_exist(store: Store, more: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error, match="nobody"):
        await create(store, **more)


async def test_fields_the_pipeline_does_not_declare_are_refused(store: Store) -> None:
    from tests.store.test_facts import declare

    await declare(store, gift="bool")
    with pytest.raises(BadEvent, match="no field 'colour'"):
        await create(store, fields={"colour": "red"})
    await create(store, fields={"gift": True})


BAD: dict[str, dict[str, object]] = {
    "currency": {"currency": "XYZ"},
    "negative total": {"total": "-1"},
    "endless total": {"total": "NaN"},
    "number with a space": {"number": "a b"},
    "shop with a colon": {"shop": "a:b"},
    "two customers": {"customer_id": "bob"},
    "phone": {"customer": {"phones": [{"number": "12"}]}},
    "phone without country": {"customer": {"phones": [{"number": "501234567"}]}},
    "mail": {"customer": {"emails": [{"email": "a@b"}]}},
    "mail with a line break": {"customer": {"emails": [{"email": "a@b.cd\nBcc: x@y.zz"}]}},
    "time zone": {"customer": {"time_zone": "Mars/Olympus"}},
    "date": {"delivery_date": "soon"},
    "unknown key": {"colour": "red"},
}


@pytest.mark.parametrize("more", BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_at_the_boundary(more: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        new_order(**more)


def test_a_price_given_as_a_json_number_is_taken_as_it_was_written() -> None:
    assert NewOrder.model_validate_json('{"total": 0.1}').total == Decimal("0.1")


async def test_lists_are_filtered(store: Store) -> None:
    async with store.write() as tx:
        await employees.put(tx, NewEmployee(id="olga"), now=NOW)
    first = await put_order(store, number="A-1", responsible="olga")
    second = await put_order(store, number="A-2", customer={"id": "bob", "first_name": "Bob", "last_name": "Novák"})
    await create(store, number="B-1", pipeline="other", shop="second")
    async with store.write() as tx:
        await visits.enter(tx, second, entry=entry(2, "done", stage_kind=StageKind.SUCCESS))
        await visits.set_attention(tx, first, text="look")
    assert await numbers(store, stage="new") == ["A-1"]
    assert await numbers(store, stage_kind="success") == ["A-2"]
    assert await numbers(store, attention=True) == ["A-1"]
    assert sorted(await numbers(store, attention=False)) == ["A-2", "B-1"]
    assert await numbers(store, responsible="olga") == ["A-1"]
    assert await numbers(store, customer="bob") == ["A-2"]
    assert await numbers(store, pipeline="other") == await numbers(store, shop="second") == ["B-1"]
    assert sorted(await numbers(store, q="A-")) == ["A-1", "A-2"]
    assert await numbers(store, q="bob nov") == await numbers(store, q="NOVÁK") == ["A-2"]
    assert sorted(await numbers(store, q="anna@example.com")) == ["A-1", "B-1"]
    assert sorted(await numbers(store, q="+48 501 234 567")) == ["A-1", "B-1"]
    assert await numbers(store, q="%") == []


async def test_pages_meet_without_gap_or_repetition(store: Store) -> None:
    async with store.write() as tx:
        for n in range(7):
            await orders.create(tx, new_order(number=f"N{n}"), now=later(minutes=n // 3))
    found: list[str] = []
    cursor: str | None = None
    while True:
        async with store.read() as tx:
            page = await orders.page(tx, filter=OrderFilter(), cursor=cursor, limit=3)
        found += [order.number for order in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == ["N6", "N5", "N4", "N3", "N2", "N1", "N0"]


@pytest.mark.parametrize("cursor", ["", "x", "eyJhIjoxfQ", "WyJ4IiwgInkiXQ", "🙂", "WyIyMDI2LTAxLTAxIiwgInkiXQ"])
async def test_a_strange_cursor_is_refused(store: Store, cursor: str) -> None:
    async with store.read() as tx:
        with pytest.raises(ValueError, match="cursor"):
            await orders.page(tx, filter=OrderFilter(), cursor=cursor)


async def test_editing_gives_the_names_that_changed(store: Store) -> None:
    await put_order(store, note="old")
    async with store.write() as tx:
        assert await orders.edit(tx, KEY, fields={"note": "new", "source": ""}, now=later(hours=1)) == ["note"]
        order = await orders.get(tx, KEY)
        with pytest.raises(BadEvent):
            await orders.edit(tx, KEY, fields={"total": "x"}, now=NOW)
    assert (order.note, order.updated_at) == ("new", later(hours=1))


async def test_open_orders_are_counted_by_stage(store: Store) -> None:
    """Covers M72, M73."""
    await put_order(store, number="A")
    await put_order(store, number="B")
    done = await put_order(store, number="C")
    await create(store, number="D")
    async with store.write() as tx:
        await visits.enter(tx, done, entry=entry(2, "lost", stage_kind=StageKind.FAILURE))
        assert await orders.open_by_stage(tx, pipeline="shop") == {"new": 2}


async def test_the_view_holds_all_that_texts_may_use(store: Store) -> None:
    """Covers M40, M41."""
    async with store.write() as tx:
        await employees.put(tx, NewEmployee(id="olga", first_name="Olga", hours="mon-fri 09:00-17:00"), now=NOW)
    await put_order(store, runs=(planned("make-code"),), responsible="olga", total="99.90", delivery_date="2026-12-24")
    async with store.write() as tx:
        await runs.finish(
            tx,
            KEY,
            visit=1,
            rule="make-code",
            end=RunEnd(RunStatus.DONE, RunReason.DONE, NOW, results={"code": "1234"}),
        )
        view = await orders.view(tx, KEY, visit=1)
        other_visit = await orders.view(tx, KEY, visit=2)
    assert view.customer is not None
    assert view.responsible is not None
    assert (view.order.total, view.order.stage, str(view.order.delivery_date)) == (
        Decimal("99.90"),
        "new",
        "2026-12-24",
    )
    assert (view.customer.name, view.customer.phone, view.customer.email) == (
        "Anna Kowalska",
        "+48501234567",
        "Anna@Example.com",
    )
    assert (view.responsible.name, view.responsible.hours) == ("Olga", "mon-fri 09:00-17:00")
    assert view.results == {"make_code": {"code": "1234"}}
    assert (view.shop.id, other_visit.results) == ("shop", {})


async def test_an_order_without_customer_has_a_view_too(store: Store) -> None:
    await put_order(store, customer=None)
    async with store.read() as tx:
        view = await orders.view(tx, KEY, visit=0)
    assert (view.customer, view.responsible) == (None, None)


async def test_an_unknown_order_is_not_found(store: Store) -> None:
    async with store.write() as tx:
        for work in (orders.get(tx, KEY), orders.view(tx, KEY, visit=1), orders.edit(tx, KEY, fields={}, now=NOW)):
            with pytest.raises(NotFound, match="shop:1001"):
                await work
