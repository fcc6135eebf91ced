"""Over HTTP, on both databases: calls that come in together share commits, and each is answered as if it were alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook

from activities.runtime.settings import Settings
from activities.shelf import Shelf
from activities.store import journal, keys, orders
from activities.store.database import Store
from activities.store.drivers.protocol import Connection, Connections
from activities.store.records import NewOrder
from activities.store.schema import migrate
from starter.client import OrdersClient
from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from starter.gateway.serving import listening
from starter.relay import Relay
from tests.gateway.calling import Answer, Caller
from tests.gateway.conftest import url_of
from tests.gateway.pipelines import kinds
from tests.support.postgres import Postgres, postgres_server
from workflows.contracts.ids import OrderKey

SECRET = "whsec_" + "t" * 32
NUMBERS = [f"{number}" for number in range(1001, 1009)]
AT = "2026-11-21T12:00:00Z"

_LOCK = text("SELECT id FROM orders ORDER BY id FOR UPDATE")
_PROBLEMS = text("SELECT problem FROM events WHERE problem <> '' ORDER BY problem")


class _Counted:
    """Connections to a database that count the transactions which write."""

    def __init__(self, connections: Connections) -> None:
        self.statements = connections.statements
        self.count = 0
        self._connections = connections

    async def begin(self, *, writes: bool) -> Connection:
        self.count += writes
        return await self._connections.begin(writes=writes)

    async def end(self, connection: Connection) -> None:
        await self._connections.end(connection)

    async def close(self) -> None:
        await self._connections.close()


@dataclass(frozen=True)
class _Watched(Parts):
    """A gateway that says when so many calls have come as far as the journal."""

    came: list[None] = field(default_factory=list)
    awaited: dict[int, asyncio.Event] = field(default_factory=dict)

    def now(self) -> datetime:
        self.came.append(None)
        for count, event in self.awaited.items():
            if len(self.came) >= count:
                event.set()
        return super().now()


@dataclass(frozen=True)
class House:
    """A gateway over HTTP, its store, and its way of counting."""

    store: Store
    counted: _Counted
    parts: _Watched
    caller: Caller
    refused: list[Answer] = field(default_factory=list)

    @property
    def shared(self) -> bool:
        """Whether calls shared commits; where the machine was held up longer than the store waits, none can tell."""
        return bool(self.refused) or self.counted.count < 12

    async def _taken(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Call again where the store was busy for too long, as every sender does."""
        while (answer := await call()).status == 503:
            self.refused.append(answer)
        return answer

    async def together(self, calls: list[Callable[[], Awaitable[Answer]]], *, looks: int) -> list[Answer]:
        """Make calls while nothing can be written, so that all wait; `looks` is how often each asks the time."""
        before, self.counted.count = len(self.parts.came), 0
        all_came = self.parts.awaited.setdefault(before + looks * len(calls), asyncio.Event())
        async with self.store.write() as tx:
            if tx._statements.dialect == "postgresql":
                await tx.rows(_LOCK)
            answers = [asyncio.create_task(self._taken(call)) for call in calls]
            await all_came.wait()
        return list(await asyncio.gather(*answers))

    async def types(self, number: str) -> list[str]:
        async with self.store.read() as tx:
            events = await journal.events_of(tx, OrderKey(shop="shop", number=number))
            return [event.type for event in events.items]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres").url())
    return url_of(tmp_path / "orders.db")


@pytest_asyncio.fixture
async def house(url: str, no_temporal: OrdersClient) -> AsyncIterator[House]:
    if url.startswith("sqlite"):
        await asyncio.to_thread(lambda: asyncio.run(migrate(url)))
    store = await Store.open(url)
    counted = _Counted(store._connections)
    watched = Store(counted)
    now = datetime.now(UTC)
    async with store.write() as tx:
        _, secret = await keys.create(tx, name="tests", scopes=("admin",), now=now)
        for number in NUMBERS:
            await orders.create(tx, NewOrder.model_validate({"number": number, "total": "100.00"}), now=now)
    parts = _Watched(
        store=watched,
        orders=no_temporal,
        relay=Relay(watched, orders=no_temporal),
        settings=Settings(store_url=url, gateway_port=0),
        shelf=Shelf(kinds()),
        environment={"ORDERS_HOOKS_SHIPMENTS": SECRET, "ORDERS_HOOKS_PAYMENTS": SECRET},
    )
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(listening(create_app(parts), host="127.0.0.1", port=0))
        caller = await stack.enter_async_context(Caller(address, secret=secret))
        yield House(store, counted, parts, caller)
    await store.close()


async def test_events_share_commits_and_each_gets_its_own_answer(house: House) -> None:
    def event(number: str, **fields: object) -> Callable[[], Awaitable[Answer]]:
        body = {"source": "erp", "at": AT, "type": "payment.received", "data": {"amount": "1.00"}, **fields}
        return lambda: house.caller.post(f"/v1/orders/{number}/events", body)

    for id in ("known-1", "known-2"):
        assert (await event("1001", id=id, type="chat.message", data={})()).status == 202
    good = [event(number, id=f"{number}-{place}") for place in range(4) for number in NUMBERS]
    again = [event(number, id=f"{number}-0") for number in NUMBERS]
    wrong = [
        event("9999", id="w-1"),
        event("1001", id="w-2", data={"amount": "much"}),
        event("1002", id="known-1"),
        event("1001", id="known-2"),
    ]
    answers = await house.together([*good, *again, *wrong], looks=1)

    statuses = [answer.status for answer in answers]
    assert [sorted(pair) for pair in zip(statuses[:8], statuses[32:40], strict=True)] == [[200, 202]] * 8
    assert (statuses[8:32], statuses[40:]) == ([202] * 24, [404, 422, 409, 409])
    assert [answer.body["orders"] for answer in answers[:40]] == [[number] for number in NUMBERS] * 5
    assert house.shared
    async with house.store.read() as tx:
        for number in NUMBERS:
            assert (await orders.get(tx, OrderKey(shop="shop", number=number))).paid_amount == Decimal("4.00")
    assert sorted(await house.types("1001")) == ["chat.message"] * 2 + ["payment.received"] * 4


async def test_webhooks_share_commits_and_what_fits_no_order_is_parked(house: House) -> None:
    """Covers case 31."""

    def hook(kind: str, id: str, type: str, **data: str) -> Callable[[], Awaitable[Answer]]:
        body = json.dumps({"type": type, "timestamp": AT, "data": data})
        moment = datetime.now(UTC)
        headers = {
            "webhook-id": id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(SECRET).sign(msg_id=id, timestamp=moment, data=body),
        }
        return lambda: house.caller.call("POST", f"/hooks/{kind}", data=body, headers=headers)

    parcels = [hook("shipments", f"s-{n}", "shipment.shipped", order=n, shipment="1") for n in NUMBERS]
    money = [
        hook("payments", f"p-{n}-{i}", "payment.received", order=n, amount="30.00") for i in range(4) for n in NUMBERS
    ]
    stray = [hook("shipments", "x-1", "shipment.shipped", order="9999")]
    answers = await house.together([*parcels, *parcels, *money, *stray], looks=3)

    assert [answer.status for answer in answers] == [204] * len(answers)
    assert house.shared
    for number in NUMBERS:
        assert sorted(await house.types(number)) == ["payment.received"] * 3 + ["shipment.shipped"]
    async with house.store.read() as tx:
        problems = [row[0] for row in await tx.rows(_PROBLEMS)]
        paid = {(await orders.get(tx, OrderKey(shop="shop", number=number))).paid_amount for number in NUMBERS}
    assert [problem.partition(":")[0] for problem in problems] == ["it is more than what is open on the order"] * 8 + [
        "it names an order that does not exist"
    ]
    assert paid == {Decimal("90.00")}
