"""Timeline, why, tasks, notices and the outbox, as people and programs read them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from activities.store import journal, notices, outbox, tasks, timeline, visits
from activities.store.database import Store
from activities.store.history import NewEntry, NewNotice, NewTask, OutboxRecord, TimelineKind
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller, event
from tests.gateway.conftest import Serve
from workflows.contracts.decisions import Decision
from workflows.contracts.ids import OrderKey
from workflows.contracts.plans import PlannedRun
from workflows.contracts.reasons import EventReason
from workflows.contracts.state import OrderState, StageKind

KEY = OrderKey(shop="shop", number="1001")
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def message(body: str = "Hello", **fields: object) -> OutboxRecord:
    given = {"send_id": uuid4(), "provider_id": "outbox-1", "channel": "sms", "address": "+48221234567", "at": NOW}
    return OutboxRecord.model_validate(given | {"body": body} | fields)


async def test_the_timeline_comes_in_pages_the_newest_first(caller: Caller, store: Store) -> None:
    await caller.created("1001")
    async with store.write() as tx:
        for text in ("one", "two", "three"):
            await timeline.add(tx, KEY, entry=NewEntry(kind=TimelineKind.COMMENT, text=text, at=NOW))

    first = await caller.get("/v1/orders/1001/timeline?limit=2")
    rest = await caller.get(f"/v1/orders/1001/timeline?cursor={first.body['next_cursor']}")

    assert [one["text"] for one in first.body["items"]] == ["three", "two"]
    assert rest.body["items"][0]["text"] == "one"
    assert (await caller.get("/v1/orders/1001/timeline?cursor=x")).pointers == ["query/cursor"]


async def test_why_answers_for_every_rule_and_every_event_with_the_values_compared(
    caller: Caller, store: Store
) -> None:
    """Covers M64."""
    await caller.created("1001")
    await caller.post("/v1/orders/1001/events", event())
    await caller.post("/v1/orders/1001/events", event("chat.message", id="m-1"))
    decision = Decision(
        event="e-1",
        type="payment.paid",
        reason=EventReason.MOVED,
        words="Moved to paid",
        state=OrderState(shop="shop", number="1001"),
    )
    considered = {
        "trigger": "payment: paid",
        "stage": "paid",
        "reason": "moved",
        "words": "It moved the order",
        "compared": [["order.total", "49.00"]],
    }
    entry = visits.Entry(
        visit=1,
        stage="paid",
        stage_kind=StageKind.OPEN,
        version=1,
        cause_source="psp",
        cause_id="e-1",
        cause_type="payment.paid",
        is_automatic=True,
        at=NOW,
        runs=(PlannedRun(rule="thank", kind="sms", title="SMS thanks", words="at once"),),
    )
    async with store.write() as tx:
        await visits.lock(tx, KEY)
        await visits.enter(tx, KEY, entry=entry)
        told = await journal.event_for(tx, KEY, source="psp", id="e-1")
        assert told is not None
        await journal.decided(tx, told, decision=decision, verdict={"considered": [considered]}, now=NOW)

    answer = await caller.get("/v1/orders/1001/why")

    assert answer.status == 200
    [visit] = answer.body["visits"]
    assert (visit["stage"], visit["cause"]) == ("paid", "payment.paid")
    assert [(rule["rule"], rule["status"]) for rule in visit["rules"]] == [("thank", "planned")]
    created, paid, chat = answer.body["events"]
    assert created["type"] == "order.created"
    assert (paid["reason"], paid["triggers"]) == ("moved", [considered])
    assert chat["reason"] is None
    assert all(rule["words"] for rule in visit["rules"])
    assert all(one["words"] for one in answer.body["events"])


async def test_tasks_and_notices_are_read_by_order_and_by_employee(caller: Caller, store: Store) -> None:
    await caller.created("1001")
    await caller.put("/v1/employees/olga", {"id": "olga"})
    async with store.write() as tx:
        await tasks.add(tx, KEY, task=NewTask(id=uuid4(), title="Pack it", assignees=["olga"]), now=NOW)
        await notices.add(tx, notices=[NewNotice(employee="olga", text="Paid", ref="r-1")], key=KEY, now=NOW)

    assert [one["title"] for one in (await caller.get("/v1/orders/1001/tasks")).body] == ["Pack it"]
    assert [one["text"] for one in (await caller.get("/v1/orders/1001/notices")).body] == ["Paid"]
    assert [one["title"] for one in (await caller.get("/v1/tasks?employee=olga")).body["items"]] == ["Pack it"]
    assert [one["text"] for one in (await caller.get("/v1/notices?employee=olga")).body["items"]] == ["Paid"]
    assert (await caller.get("/v1/tasks")).pointers == ["query/employee"]


async def test_the_outbox_page_shows_messages_and_escapes_them(caller: Caller, store: Store) -> None:
    async with store.write() as tx:
        await outbox.put(tx, record=message("<script>alert(1)</script>", subject='"><b>', html="<p>Hi & bye</p>"))

    async with Caller(caller.url, secret=None) as browser:
        page = await browser.get("/outbox")

    assert page.status == 200
    assert "&lt;script&gt;alert(1)" in page.body
    assert "<script>" not in page.body
    assert 'srcdoc="&lt;p&gt;Hi &amp; bye' in page.body
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    listed = await caller.get("/v1/outbox")
    assert listed.body["items"][0]["body"] == "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"X-Forwarded-For": "203.0.113.9"}, id="through-a-proxy"),
        pytest.param({"Host": "evil.example"}, id="by-another-name"),
    ],
)
async def test_the_outbox_page_is_for_this_machine_or_a_key(caller: Caller, header: dict[str, str]) -> None:
    async with Caller(caller.url, secret=None) as stranger:
        assert (await stranger.get("/outbox", headers=header)).status == 401
    assert (await caller.get("/outbox", headers=header)).status == 200


async def test_the_outbox_page_needs_a_key_that_may_read_customers(serve: Serve, parts: Parts) -> None:
    caller: Caller = await serve(parts, scopes=("orders:read",))
    answer = await caller.get("/outbox", headers={"X-Forwarded-For": "203.0.113.9"})
    assert answer.status == 403
