"""A whole house for one test: a store, a published pipeline, and the product's own worker on a Temporal server.

Events go the way of the gateway: journalled with their facts, then signalled by name.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from activities.actions import ACTIONS, KINDS
from activities.actions.protocol import Action, Premises
from activities.decide import Decisions
from activities.providers.registry import Connecting, Providers, connect
from activities.records import Records
from activities.registration import by_queue
from activities.runtime.workers import orders_worker, sending_worker
from activities.sends import SendLimits, Sends
from activities.shelf import Shelf
from activities.store import employees, journal, notices, orders, outbox, pipelines, runs, timeline
from activities.store.database import Store
from activities.store.history import EventRecord, NoticeRecord, OutboxRecord, RunRecord, TimelineRecord
from activities.store.journal import Arrival
from activities.store.records import CustomerRef, NewCustomer, NewEmployee, NewOrder, OrderRecord
from activities.store.schema import migrate
from starter.client import OrdersClient
from workflows.contracts.events import Event
from workflows.contracts.ids import TASK_QUEUE, OrderKey, workflow_id
from workflows.contracts.reasons import EventReason, RunStatus
from workflows.pipeline.documents import Documents
from workflows.pipeline.frozen import freeze
from workflows.pipeline.loader import load
from workflows.pipeline.problems import as_text

Found = TypeVar("Found")

_SHOPS = itertools.count(1)

#: How long a test waits for what must come; far above what a slow machine needs.
PATIENCE = 90.0


class House:
    """The product as one test sees it. The shop's id is its own, so houses may share a Temporal server."""

    def __init__(self, store: Store, client: Client) -> None:
        self.store = store
        self.client = client
        self.shop = f"shop{next(_SHOPS)}"
        self.orders = OrdersClient(client, shop=self.shop)
        self._keys: list[OrderKey] = []
        self._ids = itertools.count(1)

    def key(self, number: str) -> OrderKey:
        """Name an order of this house."""
        return OrderKey(shop=self.shop, number=number)

    def handle(self, number: str) -> WorkflowHandle[Any, Any]:
        """Reach an order's workflow."""
        return self.client.get_workflow_handle(workflow_id(self.key(number)))

    async def publish(self, text: str, *, name: str = "shop", documents: Documents | None = None) -> int:
        """Publish a pipeline's next version, with the templates of its documents."""
        loaded = load(text, file="shop.yaml", kinds=KINDS, documents=documents)
        assert loaded.pipeline is not None, as_text(loaded.problems)
        frozen = freeze(text, loaded.pipeline, years=range(2026, 2030))
        async with self.store.write() as tx:
            return await pipelines.publish(
                tx,
                name=name,
                text=text,
                frozen_json=frozen.model_dump_json(),
                reopens=loaded.pipeline.reopens,
                fields=dict(loaded.pipeline.fields),
                author="tests",
                now=datetime.now(UTC),
            )

    async def employee(self, id: str, **changes: Any) -> None:
        """Add an employee."""
        async with self.store.write() as tx:
            await employees.put(tx, NewEmployee(id=id, **changes), now=datetime.now(UTC))

    async def order(self, number: str, *, starts: bool = True, **changes: Any) -> OrderKey:
        """Create an order as the gateway does."""
        values: dict[str, Any] = {
            "number": number,
            "shop": self.shop,
            "customer": NewCustomer.model_validate(ANNA),
            "total": "100.00",
            "currency": "EUR",
        }
        new = NewOrder.model_validate(values | changes)
        key, now = self.key(number), datetime.now(UTC)
        data = {"stage": new.stage} if new.stage else {}
        async with self.store.write() as tx:
            await orders.create(tx, new, now=now)
            arrival = Arrival(
                source="orders", id=f"{key}:created", type="order.created", at=now, data=data, orders=(key,)
            )
            await journal.append(tx, arrival, now=now)
        self._keys.append(key)
        if starts:
            await self.signal(number, "order.created", id=f"{key}:created", source="orders")
        return key

    async def event(self, number: str, type: str, *, id: str = "", **data: Any) -> str:
        """Let something happen: journalled with its facts, then signalled."""
        event_id = id or f"{self.shop}-e{next(self._ids)}"
        arrival = Arrival(
            source="tests", id=event_id, type=type, at=datetime.now(UTC), data=data, orders=(self.key(number),)
        )
        async with self.store.write() as tx:
            told = await journal.append(tx, arrival, now=datetime.now(UTC))
        await self.signal(number, type, id=event_id, source="tests")
        for follow in told.follows:
            await self.orders.signal(self.key(number), event=follow)
        return event_id

    async def customer_event(self, type: str, *, ref: CustomerRef, **data: Any) -> tuple[OrderKey, ...]:
        """Let a customer do something that names no order."""
        event_id = f"{self.shop}-e{next(self._ids)}"
        arrival = Arrival(source="tests", id=event_id, type=type, at=datetime.now(UTC), data=data, customer=ref)
        async with self.store.write() as tx:
            told = await journal.append(tx, arrival, now=datetime.now(UTC))
        for key in told.orders:
            await self.orders.signal(key, event=Event(id=event_id, type=type, source="tests"))
        return told.orders

    async def signal(self, number: str, type: str, *, id: str, source: str = "signal", **data: Any) -> None:
        """Signal an event, starting the order's workflow where none runs."""
        await self.orders.signal(self.key(number), event=Event(id=id, type=type, source=source, data=data))

    async def read(self, number: str) -> OrderRecord:
        """Read an order."""
        async with self.store.read() as tx:
            return await orders.get(tx, self.key(number))

    async def runs(self, number: str, *, visit: int | None = None) -> dict[str, RunRecord]:
        """Read an order's runs by rule; of the current visit, where none is named."""
        current = visit or (await self.read(number)).visit
        async with self.store.read() as tx:
            return {run.rule: run for run in await runs.runs_of(tx, self.key(number), visit=current)}

    async def events(self, number: str) -> list[EventRecord]:
        """Read an order's events."""
        async with self.store.read() as tx:
            return list((await journal.events_of(tx, self.key(number), limit=1_000)).items)

    async def decision(self, number: str, event_id: str) -> EventReason:
        """Wait until an event is decided; return why it moved the order or not."""

        async def decided() -> EventReason | None:
            found = [event for event in await self.events(number) if event.id == event_id]
            return found[0].reason if found else None

        return await self.until(decided)

    async def outbox(self) -> list[OutboxRecord]:
        """Read what would have been sent, the oldest first."""
        async with self.store.read() as tx:
            return list(reversed((await outbox.page(tx, limit=200)).items))

    async def notices(self, employee: str) -> list[NoticeRecord]:
        """Read an employee's inbox."""
        async with self.store.read() as tx:
            return list((await notices.of_employee(tx, employee=employee)).items)

    async def timeline(self, number: str) -> list[TimelineRecord]:
        """Read an order's timeline, the oldest first."""
        async with self.store.read() as tx:
            lines = (await timeline.page(tx, self.key(number), limit=200)).items
        return sorted(lines, key=lambda line: line.seq)

    async def until(self, look: Callable[[], Awaitable[Found | None]]) -> Found:
        """Look again and again until there is something; fail after the test's patience."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await look()
                if found:
                    return found
                await asyncio.sleep(0.02)

    async def until_stage(self, number: str, stage: str) -> OrderRecord:
        """Wait until an order is in a stage."""

        async def there() -> OrderRecord | None:
            order = await self.read(number)
            return order if order.stage == stage else None

        return await self.until(there)

    async def until_run(self, number: str, rule: str, status: RunStatus, *, visit: int | None = None) -> RunRecord:
        """Wait until a run has a status."""

        async def there() -> RunRecord | None:
            run = (await self.runs(number, visit=visit)).get(rule)
            return run if run is not None and run.status is status else None

        return await self.until(there)

    async def close(self) -> None:
        """End what the test left running, so that it does not disturb the next one."""
        for key in self._keys:
            try:
                await self.client.get_workflow_handle(workflow_id(key)).terminate("test is over")
            except RPCError:
                continue  # it has ended or was never started


ANNA = {
    "first_name": "Anna",
    "last_name": "Kowalska",
    "phones": [{"number": "+48601234567", "type": "mobile"}],
    "emails": [{"email": "anna.kowalska@mail.example"}],
    "language": "en",
    "country": "PL",
    "time_zone": "Europe/Warsaw",
}


@asynccontextmanager
async def store_at(path: Path) -> AsyncIterator[Store]:
    """Open an empty SQLite store."""
    url = f"sqlite+aiosqlite:///{path / 'orders.db'}"
    await migrate(url)
    store = await Store.open(url)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def working(
    house: House,
    *,
    actions: Mapping[str, Action] = ACTIONS,
    providers: Providers | None = None,
    cached: int = 100,
    lease: timedelta = timedelta(seconds=60),
    pace: float = 1.0,
) -> AsyncIterator[None]:
    """Run the product's workers: the workflow and records, and each queue of sends. `pace` divides every wait."""
    shelf = Shelf(KINDS)
    connected = providers or connect(Connecting(house.store, client=house.client, allows_private=True))
    records = Records(house.store, shelf=shelf, actions=actions)
    queues = by_queue(
        actions,
        decisions=Decisions(house.store, shelf=shelf, records=records, pace=pace),
        records=records,
        sends=Sends(
            house.store,
            shelf=shelf,
            actions=actions,
            providers=connected,
            limits=SendLimits(lease=lease, pace=pace),
            premises=Premises(default_mailbox="shop@demo.example"),
        ),
    )
    async with AsyncExitStack() as stack:
        for queue, activities in queues.items():
            if queue == TASK_QUEUE:
                worker = orders_worker(house.client, activities=activities, cached=cached, failure_types=[Exception])
            else:
                worker = sending_worker(house.client, activities=activities, task_queue=queue)
            await stack.enter_async_context(worker)
        yield
