"""Events over HTTP: journalled before the answer, handled once, whatever is sent, however often."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from activities.store import journal, relay
from activities.store.database import Store
from tests.gateway.calling import Caller, event
from workflows.contracts.ids import OrderKey

KEY = OrderKey(shop="shop", number="1001")


async def test_an_event_is_in_the_journal_when_the_answer_comes(caller: Caller, store: Store) -> None:
    """Covers M51."""
    await caller.created("1001")

    answer = await caller.post("/v1/orders/1001/events", event(data={"amount": "49.00"}))

    assert answer.status == 202
    assert answer.body == {
        "id": "e-1",
        "source": "psp",
        "type": "payment.paid",
        "orders": ["1001"],
        "duplicate": False,
        "unmatched": False,
    }
    async with store.read() as tx:
        kept = await journal.event_for(tx, KEY, source="psp", id="e-1")
    assert kept is not None
    assert kept.data == {"amount": "49.00"}


async def test_a_duplicate_gets_the_same_answer_and_does_nothing(caller: Caller) -> None:
    """Covers M50."""
    await caller.created("1001")
    payment = event("payment.received", data={"amount": "10.00"})
    first = await caller.post("/v1/orders/1001/events", payment)

    again = await caller.post("/v1/orders/1001/events", payment)

    assert again.status == 200
    assert again.body == first.body | {"duplicate": True}
    payments = await caller.get("/v1/orders/1001/payments")
    assert [one["amount"] for one in payments.body] == ["10.00"]


async def test_fifty_of_the_same_event_at_once_have_one_effect(caller: Caller, store: Store) -> None:
    """Covers M50."""
    await caller.created("1001")
    payment = event("payment.received", data={"amount": "1.00"})

    answers = await asyncio.gather(*(caller.post("/v1/orders/1001/events", payment) for _ in range(50)))

    assert sorted(answer.status for answer in answers) == [200] * 49 + [202]
    order = await caller.get("/v1/orders/1001")
    assert order.body["paid_amount"] == "1.00"
    async with store.read() as tx:
        events = await journal.events_of(tx, KEY)
    assert [one.type for one in events.items] == ["order.created", "payment.received"]


async def test_an_id_used_for_another_event_is_a_conflict(caller: Caller) -> None:
    """Answering "duplicate" would lose the second event."""
    await caller.created("1001")
    await caller.created("1002")
    await caller.post("/v1/orders/1001/events", event("payment.paid"))

    other_type = await caller.post("/v1/orders/1001/events", event("payment.refunded", data={"amount": "1"}))
    other_order = await caller.post("/v1/orders/1002/events", event("payment.paid"))

    assert (other_type.status, other_order.status) == (409, 409)
    assert "give each event an id of its own" in other_type.body["detail"]


async def test_the_same_id_of_two_sources_is_two_events(caller: Caller) -> None:
    await caller.created("1001")
    answers = [
        await caller.post("/v1/orders/1001/events", event("chat.message") | {"source": source})
        for source in ("telegram", "whatsapp")
    ]
    assert [answer.status for answer in answers] == [202, 202]


async def test_the_id_may_come_in_the_header(caller: Caller) -> None:
    await caller.created("1001")
    body = {"type": "payment.paid"}

    answers = [await caller.post("/v1/orders/1001/events", body, headers={"Idempotency-Key": "k-1"}) for _ in range(2)]

    assert [answer.status for answer in answers] == [202, 200]
    assert answers[0].body["id"] == "k-1"


async def test_an_event_without_an_id_is_refused(caller: Caller) -> None:
    await caller.created("1001")
    answer = await caller.post("/v1/orders/1001/events", {"type": "payment.paid"})
    assert answer.status == 422
    assert answer.pointers == ["#/id"]
    assert "Idempotency-Key" in answer.body["detail"]


async def test_an_event_of_an_unknown_order_is_refused_and_not_kept(caller: Caller) -> None:
    answer = await caller.post("/v1/orders/9999/events", event())
    assert answer.status == 404
    assert "9999" in answer.body["detail"]
    await caller.created("9999")
    assert (await caller.post("/v1/orders/9999/events", event())).status == 202


@pytest.mark.parametrize(
    ("type", "words"),
    [
        pytest.param("payment.payed", "did you mean 'payment.paid'?", id="near"),
        pytest.param("", "is not an event type", id="empty"),
        pytest.param("order.created", "POST /v1/orders", id="creation"),
        pytest.param("operator.move", "is not an event type", id="command"),
        pytest.param("rule.move", "is not an event type", id="rule"),
        pytest.param("webhook.", "webhook.CODE", id="no-code"),
        pytest.param("webhook.Ä b", "webhook.CODE", id="bad-code"),
    ],
)
async def test_an_unknown_event_type_is_refused_with_the_nearest(caller: Caller, type: str, words: str) -> None:
    await caller.created("1001")
    answer = await caller.post("/v1/orders/1001/events", event(type))
    assert answer.status == 422
    assert answer.pointers == ["#/type"]
    assert words in answer.body["detail"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        pytest.param({"at": "yesterday"}, "#/at", id="no-date"),
        pytest.param({"at": "2026-02-30T10:00:00Z"}, "#/at", id="no-such-day"),
        pytest.param({"at": "2026-11-21T10:00:00"}, "#/at", id="no-zone"),
        pytest.param({"at": "9999-12-31T23:59:59Z"}, "#/at", id="far-future"),
        pytest.param({"at": "0001-01-01T00:00:00+14:00"}, "#/at", id="before-time"),
        pytest.param({"id": ""}, "#/id", id="empty-id"),
        pytest.param({"id": "x" * 201}, "#/id", id="long-id"),
        pytest.param({"source": "orders"}, "#/source", id="our-source"),
        pytest.param({"source": "Ü"}, "#/source", id="bad-source"),
        pytest.param({"data": []}, "#/data", id="data-is-a-list"),
        pytest.param({"colour": "red"}, "#/colour", id="unknown-key"),
    ],
)
async def test_a_bad_value_is_refused_with_its_pointer(caller: Caller, fields: dict[str, object], pointer: str) -> None:
    await caller.created("1001")
    answer = await caller.post("/v1/orders/1001/events", event() | fields)
    assert answer.status == 422
    assert pointer in answer.pointers


@pytest.mark.parametrize(
    "amount", [pytest.param("a lot", id="words"), pytest.param("NaN", id="nan"), pytest.param([], id="list")]
)
async def test_an_amount_that_is_none_is_refused_and_changes_nothing(caller: Caller, amount: object) -> None:
    await caller.created("1001")
    answer = await caller.post("/v1/orders/1001/events", event("payment.received", data={"amount": amount}))
    assert answer.status == 422
    assert answer.body["code"] == "bad-event"
    assert (await caller.get("/v1/orders/1001/payments")).body == []


async def test_a_customers_event_goes_to_every_open_order(caller: Caller, store: Store) -> None:
    """Covers M56."""
    customer = {"id": "c-1", "phones": [{"number": "+48221234567"}]}
    await caller.created("1001", customer=customer)
    await caller.created("1002", customer_id="c-1")
    await caller.created("1003")

    answer = await caller.post("/v1/events", event("call.missed", customer={"phone": "+48 22 123 45 67"}))

    assert answer.status == 202
    assert sorted(answer.body["orders"]) == ["1001", "1002"]
    async with store.write() as tx:
        claimed = await relay.claim_undelivered(
            tx, now=datetime.now(UTC) + timedelta(minutes=1), lease=timedelta(seconds=1)
        )
    assert sorted(d.key.number for d in claimed if d.event.type == "call.missed") == ["1001", "1002"]


async def test_an_event_of_nobody_is_kept_and_says_so(caller: Caller) -> None:
    body = event("chat.message", customer={"visitor": "v-1"})
    answer = await caller.post("/v1/events", body)
    assert answer.status == 202
    assert answer.body["unmatched"] is True
    assert (await caller.post("/v1/events", body)).status == 200


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        pytest.param({"customer": {}}, "#/customer", id="nobody-named"),
        pytest.param({"customer": {"phone": "+48221234567", "email": "a@b.pl"}}, "#/customer", id="two-named"),
        pytest.param({"customer": {"phone": "call me"}}, "#/customer/phone", id="no-phone"),
        pytest.param({"type": "payment.paid"}, "#/type", id="of-an-order"),
    ],
)
async def test_a_bad_customers_event_is_refused(caller: Caller, fields: dict[str, object], pointer: str) -> None:
    answer = await caller.post("/v1/events", event("call.missed", customer={"visitor": "v"}) | fields)
    assert answer.status == 422
    assert answer.pointers == [pointer]


async def test_payments_that_cover_the_total_make_the_order_paid(caller: Caller) -> None:
    """Covers T10."""
    await caller.created("1001")
    for id, amount in (("p-1", "20.00"), ("p-2", 29.0)):
        answer = await caller.post("/v1/orders/1001/payments", {"id": id, "amount": amount, "currency": "EUR"})
        assert answer.status == 202
    order = (await caller.get("/v1/orders/1001")).body
    assert order["paid"] is True
    assert [one["kind"] for one in (await caller.get("/v1/orders/1001/payments")).body] == ["received", "received"]


@pytest.mark.parametrize(
    ("payment", "pointer"),
    [
        pytest.param({"id": "p", "currency": "EUR"}, "#", id="no-amount"),
        pytest.param({"id": "p", "amount": "-1"}, "#", id="less-than-nothing"),
        pytest.param({"id": "p", "amount": "1e99"}, "#/amount", id="too-much"),
        pytest.param({"id": "p", "amount": "1.1234567"}, "#/amount", id="too-fine"),
        pytest.param({"id": "p", "amount": "1", "currency": "XQQ"}, "#/currency", id="no-currency"),
        pytest.param({"id": "p", "amount": "1", "what": "stolen"}, "#/what", id="unknown"),
    ],
)
async def test_a_bad_payment_is_refused(caller: Caller, payment: dict[str, object], pointer: str) -> None:
    await caller.created("1001")
    answer = await caller.post("/v1/orders/1001/payments", payment)
    assert answer.status == 422
    assert answer.pointers == [pointer]


async def test_shipments_are_recorded_as_events(caller: Caller) -> None:
    """Covers T11, T12, T13."""
    await caller.created("1001")
    for fact in (
        {"id": "s-1", "what": "approved"},
        {"id": "s-2", "what": "tracking_added", "tracking_number": "1Z9", "tracking_url": "https://t.example/1Z9"},
        {"id": "s-3", "what": "shipped"},
    ):
        answer = await caller.post("/v1/orders/1001/shipments", fact)
        assert (answer.status, answer.body["type"]) == (202, f"shipment.{fact['what']}")
    [shipment] = (await caller.get("/v1/orders/1001/shipments")).body
    assert shipment["tracking_number"] == "1Z9"
    assert shipment["shipped_at"]
    assert (await caller.get("/v1/orders/1001")).body["shipped"] is True


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param({"id": "s", "what": "tracking_added"}, id="no-number"),
        pytest.param({"id": "s", "what": "updated"}, id="no-status"),
        pytest.param({"id": "s"}, id="nothing"),
    ],
)
async def test_a_bad_shipment_is_refused(caller: Caller, fact: dict[str, object]) -> None:
    await caller.created("1001")
    assert (await caller.post("/v1/orders/1001/shipments", fact)).status == 422


async def test_the_event_types_are_listed(caller: Caller) -> None:
    names = [one["name"] for one in (await caller.get("/v1/event-types")).body]
    assert "payment.paid" in names
    assert "order.created" not in names
