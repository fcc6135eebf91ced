"""From the journal to Temporal: once, in order, whatever is down or killed in between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest_asyncio
from temporalio.client import Client

from activities.runtime.settings import Settings
from activities.store import journal, relay
from activities.store.database import Store
from activities.store.journal import Arrival
from starter.client import OrdersClient
from starter.gateway.parts import Parts
from starter.relay import Relay, Rhythm
from tests.gateway.calling import Caller, event
from tests.gateway.conftest import Serve
from tests.gateway.recording import events_at, recording
from workflows.contracts.ids import OrderKey

QUICK = Rhythm(
    lease=timedelta(seconds=1),
    poll=timedelta(milliseconds=50),
    shortest=timedelta(milliseconds=20),
    longest=timedelta(milliseconds=100),
)


@pytest_asyncio.fixture
async def shop() -> str:
    """A shop of its own: tests share the Temporal server."""
    return f"s-{uuid4().hex[:8]}"


@pytest_asyncio.fixture
async def connected(parts: Parts, store: Store, temporal_client: Client, shop: str) -> Parts:
    """The gateway's parts with a Temporal server that answers, and a queue of the test's own."""
    orders = OrdersClient(temporal_client, shop=shop, task_queue=shop)
    settings = Settings(shop=shop)
    return replace(parts, orders=orders, relay=Relay(store, orders=orders, rhythm=QUICK), settings=settings)


@asynccontextmanager
async def delivering(relay: Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition; the test's own time limit ends a vain wait."""
    while not await condition():  # noqa: ASYNC110  # a database and a server are watched: there is no event
        await asyncio.sleep(0.02)


async def delivered(store: Store, *, key: OrderKey) -> None:
    """Wait until everything the journal has for an order is delivered."""

    async def done() -> bool:
        async with store.read() as tx:
            return {one.state for one in (await journal.events_of(tx, key)).items} == {"delivered"}

    await eventually(done)


async def test_events_reach_the_workflow_in_the_order_of_their_arrival(
    serve: Serve, connected: Parts, store: Store, temporal_client: Client, shop: str
) -> None:
    """Covers M50, M51."""
    caller: Caller = await serve(connected)
    async with recording(temporal_client, queue=shop), delivering(connected.relay):
        await caller.created("1001")
        for number in range(5):
            await caller.post("/v1/orders/1001/events", event("chat.message", id=f"m-{number}", data={"text": "Hi"}))
        await delivered(store, key=OrderKey(shop=shop, number="1001"))
        events = await events_at(temporal_client, key=OrderKey(shop=shop, number="1001"))

    assert [one.id for one in events] == [f"{shop}:1001:created", "m-0", "m-1", "m-2", "m-3", "m-4"]
    assert [one.type for one in events[:2]] == ["order.created", "chat.message"]
    assert all(one.data == {} for one in events), "the history holds ids, not what people wrote"


async def test_fifty_duplicates_at_once_are_one_signal(
    serve: Serve, connected: Parts, store: Store, temporal_client: Client, shop: str
) -> None:
    """Covers M50."""
    caller: Caller = await serve(connected)
    async with recording(temporal_client, queue=shop), delivering(connected.relay):
        await caller.created("1001")
        await asyncio.gather(*(caller.post("/v1/orders/1001/events", event()) for _ in range(50)))
        await delivered(store, key=OrderKey(shop=shop, number="1001"))
        events = await events_at(temporal_client, key=OrderKey(shop=shop, number="1001"))

    assert [one.type for one in events] == ["order.created", "payment.paid"]


async def test_what_came_while_temporal_was_down_is_delivered_when_it_is_back(
    serve: Serve, connected: Parts, parts: Parts, store: Store, temporal_client: Client, shop: str
) -> None:
    """Covers case 38."""
    down = replace(parts, settings=connected.settings, relay=Relay(store, orders=parts.orders, rhythm=QUICK))
    caller: Caller = await serve(down)
    key = OrderKey(shop=shop, number="1001")
    async with delivering(down.relay):
        await caller.created("1001")
        answer = await caller.post("/v1/orders/1001/events", event())
        await eventually(lambda: _is(down.relay.figures.is_down))
        ready = await caller.get("/readyz")
        metrics = await caller.get("/metrics")

    assert answer.status == 202
    assert (ready.status, ready.body["temporal"]) == (200, "down")
    assert "orders_relay_down 1.0" in metrics.body
    async with store.read() as tx:
        assert (await journal.events_of(tx, key)).items[-1].state == "new"
    async with recording(temporal_client, queue=shop), delivering(connected.relay):
        await delivered(store, key=OrderKey(shop=shop, number="1001"))
        assert [one.type for one in await events_at(temporal_client, key=key)] == ["order.created", "payment.paid"]


async def test_what_a_killed_process_journalled_is_delivered_by_another_relay(
    connected: Parts, serve: Serve, store: Store, temporal_client: Client, shop: str
) -> None:
    """The gateway dies between its commit and its signal: its relay never runs."""
    caller: Caller = await serve(connected)
    await caller.created("1001")
    key = OrderKey(shop=shop, number="1001")
    async with store.write() as tx:
        now = datetime.now(UTC)
        arrival = Arrival(source="psp", id="e-1", type="payment.paid", at=now, orders=(key,))
        await journal.append(tx, arrival, now=now)
        await relay.claim_undelivered(tx, now=now + timedelta(minutes=1), lease=-timedelta(minutes=1))

    other = Relay(store, orders=connected.orders, rhythm=QUICK)
    async with recording(temporal_client, queue=shop), delivering(other):
        await delivered(store, key=OrderKey(shop=shop, number="1001"))
        events = await events_at(temporal_client, key=key)

    assert [one.type for one in events] == ["order.created", "payment.paid"]


async def test_two_relays_do_not_deliver_the_same_event_twice(
    connected: Parts, store: Store, serve: Serve, temporal_client: Client, shop: str
) -> None:
    caller: Caller = await serve(connected)
    await caller.created("1001")
    for number in range(30):
        await caller.post("/v1/orders/1001/events", event("chat.message", id=f"m-{number}"))
    async with store.write() as tx:
        await relay.claim_undelivered(tx, now=datetime.now(UTC) + timedelta(minutes=1), lease=-timedelta(minutes=1))

    patient = replace(QUICK, lease=timedelta(minutes=5))  # a relay that was held up for longer is taken for dead
    second = Relay(store, orders=connected.orders, rhythm=patient)
    third = Relay(store, orders=connected.orders, rhythm=patient)
    async with recording(temporal_client, queue=shop), delivering(second), delivering(third):
        await delivered(store, key=OrderKey(shop=shop, number="1001"))
        events = await events_at(temporal_client, key=OrderKey(shop=shop, number="1001"))

    assert len({one.id for one in events}) == 31
    assert second.figures.delivered + third.figures.delivered == len(events)


async def test_a_relay_can_be_cancelled_and_started_again(
    connected: Parts, store: Store, serve: Serve, temporal_client: Client, shop: str
) -> None:
    caller: Caller = await serve(connected)
    async with recording(temporal_client, queue=shop):
        await caller.created("1001")
        async with delivering(connected.relay):
            await delivered(store, key=OrderKey(shop=shop, number="1001"))
        await caller.post("/v1/orders/1001/events", event())
        async with delivering(connected.relay):
            await delivered(store, key=OrderKey(shop=shop, number="1001"))
        events = await events_at(temporal_client, key=OrderKey(shop=shop, number="1001"))
    assert [one.type for one in events] == ["order.created", "payment.paid"]


async def test_an_event_after_the_workflow_ended_starts_it_again(
    connected: Parts, store: Store, serve: Serve, temporal_client: Client, shop: str
) -> None:
    """Covers M07."""
    caller: Caller = await serve(connected)
    key = OrderKey(shop=shop, number="1001")
    async with recording(temporal_client, queue=shop), delivering(connected.relay):
        await caller.created("1001")
        await caller.post("/v1/orders/1001/events", event("order.cancelled", id="c-1"))
        await delivered(store, key=OrderKey(shop=shop, number="1001"))
        handle = temporal_client.get_workflow_handle(f"order:{shop}:1001")
        assert await handle.result() == 2
        await caller.post("/v1/orders/1001/events", event("order.uncancelled", id="c-2"))
        await delivered(store, key=OrderKey(shop=shop, number="1001"))
        assert [one.id for one in await events_at(temporal_client, key=key)] == ["c-2"]


async def test_an_event_that_temporal_refuses_is_given_up_with_its_reason(
    connected: Parts, store: Store, serve: Serve, temporal_client: Client, shop: str
) -> None:
    """A task queue with too long a name stands for any lasting refusal."""
    caller: Caller = await serve(connected)
    await caller.created("1001")
    refusing = Relay(store, orders=OrdersClient(temporal_client, task_queue="q" * 2000), rhythm=QUICK)

    async with delivering(refusing):

        async def is_dead() -> bool:
            async with store.write() as tx:  # the pauses between tries grow to minutes: let them pass at once
                await relay.claim_undelivered(tx, now=datetime.now(UTC) + timedelta(days=1), lease=-timedelta(days=2))
                return len((await relay.dead(tx)).items) == 1

        await eventually(is_dead)

    async with store.read() as tx:
        [kept] = (await journal.events_of(tx, OrderKey(shop=shop, number="1001"))).items
    assert kept.state == "dead"
    assert kept.error
    assert refusing.figures.refused == 10


async def _is(value: bool) -> bool:
    return value
