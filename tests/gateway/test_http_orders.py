"""Orders over HTTP: created once, read, listed in pages, changed; bad input named by its pointer."""

import asyncio
from datetime import UTC, datetime

import pytest

from activities.shelf import Shelf
from activities.store import journal
from activities.store.database import Store
from activities.store.records import NewOrder
from starter.placing import Placement, place
from tests.gateway.calling import Caller, order
from tests.gateway.pipelines import kinds
from workflows.contracts.ids import OrderKey


async def test_an_order_is_created_with_its_customer_and_its_event(caller: Caller, store: Store) -> None:
    """Covers M01, M51."""
    customer = {"first_name": "Anna", "phones": [{"number": "22 123 45 67"}], "country": "PL", "language": "pl"}

    answer = await caller.post("/v1/orders", order("1001", customer=customer, stage="paid"))

    assert answer.status == 201
    assert answer.headers["Location"] == "/v1/orders/1001"
    assert (answer.body["total"], answer.body["currency"]) == ("49.00", "EUR")
    known = await caller.get(f"/v1/customers/{answer.body['customer_id']}")
    assert known.body["phones"] == [{"number": "+48221234567", "type": "mobile"}]
    async with store.read() as tx:
        created = await journal.event_for(
            tx, OrderKey(shop="shop", number="1001"), source="orders", id="shop:1001:created"
        )
    assert created is not None
    assert (created.type, created.data["stage"]) == ("order.created", "paid")


async def test_the_same_order_again_is_the_same_order(caller: Caller) -> None:
    first = await caller.post("/v1/orders", order("1001", note="gift"))

    again = await caller.post("/v1/orders", dict(reversed(order("1001", note="gift").items())))

    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body


async def test_an_order_made_on_the_command_line_is_the_same_order_over_http(caller: Caller, store: Store) -> None:
    new = NewOrder.model_validate(order("1001", note="gift"))
    placed = await place(store, Placement(new, b"{}", datetime.now(UTC)), shelf=Shelf(kinds()))

    again = await caller.post("/v1/orders", order("1001", note="gift"))
    other = await caller.post("/v1/orders", order("1001", note="other"))

    assert placed.is_new
    assert (again.status, again.body["created_at"]) == (200, placed.record.model_dump(mode="json")["created_at"])
    assert other.status == 409


async def test_an_edited_order_is_still_known_as_the_one_that_was_sent(caller: Caller) -> None:
    await caller.created("1001")
    await caller.patch("/v1/orders/1001", {"note": "by the door"})
    assert (await caller.post("/v1/orders", order("1001"))).status == 200


async def test_another_order_under_a_taken_number_is_a_conflict(caller: Caller) -> None:
    await caller.created("1001")
    answer = await caller.post("/v1/orders", order("1001", note="other"))
    assert answer.status == 409
    assert "PATCH /v1/orders/1001" in answer.body["detail"]


async def test_a_taken_token_is_a_conflict(caller: Caller) -> None:
    await caller.created("1001", token="t-1")
    answer = await caller.post("/v1/orders", order("1002", token="t-1"))
    assert answer.status == 409
    assert "t-1" in answer.body["detail"]


async def test_twenty_at_once_under_one_number_make_one_order(caller: Caller) -> None:
    answers = await asyncio.gather(*(caller.post("/v1/orders", order("1001")) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] * 19 + [201]


async def test_an_order_without_a_number_gets_the_next_one(caller: Caller) -> None:
    numbers = [(await caller.post("/v1/orders", order(None))).body["number"] for _ in range(2)]
    assert len(set(numbers)) == 2


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        pytest.param({"currency": "ZLOTY"}, "#/currency", id="currency"),
        pytest.param({"total": "free"}, "#/total", id="total-words"),
        pytest.param({"total": "1e400"}, "#/total", id="total-huge"),
        pytest.param({"total": "-1"}, "#", id="total-negative"),
        pytest.param({"items": [{"quantity": "x"}]}, "#/items/0/quantity", id="quantity"),
        pytest.param({"items": [{"price": "NaN"}]}, "#/items/0/price", id="price"),
        pytest.param({"items": {}}, "#/items", id="items"),
        pytest.param({"delivery_date": "2026-13-01"}, "#/delivery_date", id="date"),
        pytest.param({"number": "10/01"}, "#/number", id="number"),
        pytest.param({"customer": {"phones": [{"number": "123"}]}}, "#/customer/phones", id="phone"),
        pytest.param({"customer": {"emails": [{"email": "anna"}]}}, "#/customer/emails/0/email", id="mail"),
        pytest.param({"customer": {"time_zone": "Mars/Base"}}, "#/customer/time_zone", id="zone"),
        pytest.param({"customer_id": "nobody"}, "#/customer_id", id="unknown-customer"),
        pytest.param({"responsible": "nobody"}, "#/responsible", id="unknown-employee"),
        pytest.param({"pipeline": "none"}, "#/pipeline", id="unknown-pipeline"),
        pytest.param({"stage": "moon"}, "#/stage", id="unknown-stage"),
        pytest.param({"colour": "red"}, "#/colour", id="unknown-key"),
    ],
)
async def test_a_bad_value_is_refused_and_no_order_made(
    caller: Caller, fields: dict[str, object], pointer: str
) -> None:
    answer = await caller.post("/v1/orders", order("1001") | fields)
    assert answer.status == 422
    assert answer.pointers == [pointer]
    assert (await caller.get("/v1/orders/1001")).status == 404


async def test_an_unknown_stage_is_answered_with_those_there_are(caller: Caller) -> None:
    answer = await caller.post("/v1/orders", order("1001", stage="moon"))
    assert "it has new, paid, completed" in answer.body["detail"]


async def test_orders_are_listed_in_pages(caller: Caller) -> None:
    for number in ("1", "2", "3"):
        await caller.created(number)

    first = await caller.get("/v1/orders?limit=2")
    second = await caller.get(first.headers["Link"].partition("<")[2].partition(">")[0])

    assert first.body["next_cursor"]
    assert first.headers["Link"].endswith('rel="next"')
    assert [one["number"] for one in first.body["items"] + second.body["items"]] == ["3", "2", "1"]
    assert second.body["next_cursor"] is None
    assert "Link" not in second.headers


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        pytest.param("limit=0", "query/limit", id="no-items"),
        pytest.param("limit=1000", "query/limit", id="too-many"),
        pytest.param("cursor=zzz", "query/cursor", id="foreign-cursor"),
        pytest.param("stage_kind=lost", "query/stage_kind", id="unknown-kind"),
        pytest.param("colour=red", "query/colour", id="unknown-parameter"),
    ],
)
async def test_a_bad_list_is_refused(caller: Caller, query: str, parameter: str) -> None:
    answer = await caller.get(f"/v1/orders?{query}")
    assert answer.status == 422
    assert answer.pointers == [parameter]


async def test_orders_are_found_by_customer(caller: Caller) -> None:
    await caller.created("1001", customer={"id": "c-1", "last_name": "Nowak"})
    await caller.created("1002")
    assert [one["number"] for one in (await caller.get("/v1/orders?customer=c-1")).body["items"]] == ["1001"]
    assert [one["number"] for one in (await caller.get("/v1/orders?q=Now")).body["items"]] == ["1001"]


async def test_a_change_is_an_event_with_the_new_values(caller: Caller, store: Store) -> None:
    """Covers M23."""
    await caller.created("1001")

    answer = await caller.patch("/v1/orders/1001", {"delivery_date": "2026-12-02", "fields": {"gift_wrap": True}})

    assert answer.status == 200
    assert (answer.body["delivery_date"], answer.body["fields"]) == ("2026-12-02", {"gift_wrap": True})
    async with store.read() as tx:
        events = await journal.events_of(tx, OrderKey(shop="shop", number="1001"))
    assert events.items[-1].type == "order.edited"
    assert events.items[-1].data["fields"] == {"delivery_date": "2026-12-02", "gift_wrap": True}


async def test_a_change_sent_twice_with_a_key_is_one_event(caller: Caller, store: Store) -> None:
    await caller.created("1001")
    for _ in range(2):
        answer = await caller.patch("/v1/orders/1001", {"note": "x"}, headers={"Idempotency-Key": "c-1"})
        assert answer.status == 200
    async with store.read() as tx:
        events = await journal.events_of(tx, OrderKey(shop="shop", number="1001"))
    assert [one.type for one in events.items] == ["order.created", "order.edited"]


async def test_a_new_responsible_person_is_an_event_of_its_own(caller: Caller, store: Store) -> None:
    """Covers T01."""
    await caller.created("1001")
    await caller.put("/v1/employees/olga", {"id": "olga", "first_name": "Olga"})
    answer = await caller.patch("/v1/orders/1001", {"responsible": "olga", "note": "hers"})
    assert (answer.body["responsible"], answer.body["note"]) == ("olga", "hers")
    async with store.read() as tx:
        events = await journal.events_of(tx, OrderKey(shop="shop", number="1001"))
    assert [one.type for one in events.items[1:]] == ["order.edited", "responsible.changed"]


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"fields": {"colour": "red"}}, id="unknown-field"),
        pytest.param({"fields": {"gift_wrap": "perhaps"}}, id="other-type"),
        pytest.param({"responsible": "nobody"}, id="unknown-employee"),
        pytest.param({"paid": True}, id="not-editable"),
        pytest.param({"total": "much"}, id="no-money"),
    ],
)
async def test_a_bad_change_is_refused_and_changes_nothing(caller: Caller, patch: dict[str, object]) -> None:
    before = await caller.created("1001")
    answer = await caller.patch("/v1/orders/1001", patch)
    assert answer.status == 422
    assert (await caller.get("/v1/orders/1001")).body == before


@pytest.mark.parametrize("path", ["", "/timeline", "/why", "/payments", "/shipments", "/tasks", "/notices"])
async def test_an_order_that_is_not_there_is_not_found(caller: Caller, path: str) -> None:
    answer = await caller.get(f"/v1/orders/9999{path}")
    assert answer.status == 404
    assert "9999" in answer.body["detail"]
