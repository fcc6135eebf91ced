"""The sides of the benchmark behind one face: start an order, tell it to go on, count its effects.

Here: that face, and the two sides on Temporal. What a user might pick instead stands in `dbos_side`.
"""

import asyncio
import os
import signal
import sqlite3
import sys
from abc import ABC, abstractmethod
from collections import Counter
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.actions import KINDS
from activities.store import journal, orders, pipelines
from activities.store.database import Store
from activities.store.journal import Arrival
from activities.store.records import NewOrder
from activities.store.schema import migrate
from starter.client import OrdersClient
from tests.bench import processes
from tests.bench.floor import QUEUE, Floor
from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey, workflow_id
from workflows.pipeline.frozen import freeze
from workflows.pipeline.loader import load

#: Rules that run in each stage; a fourth waits a day and is cancelled, but in the last stage.
RULES = 3

_STAGE = """  s{n}:
    {kind}
    triggers: [{{webhook: go{n}}}]
    rules:
      - {{id: a, log: "Order {{{{ order.number }}}} of {{{{ order.total | money }}}}"}}
      - {{id: b, after: a, log: "second", when: order.total >= 10}}
      - {{id: c, {c}: "Order {{{{ order.number }}}} of {{{{ order.total | money }}}}"}}
"""
_LATER = '      - {id: d, wait: 1d, log: "later", when: not order.paid}\n'


def life(*, third: str) -> str:
    """Write the life as a pipeline; the third rule of each stage is of the given kind."""
    stages = [
        _STAGE.format(n=n, kind="kind: success" if n == 3 else "title: Open", c=third) + ("" if n == 3 else _LATER)
        for n in range(4)
    ]
    head = "pipeline: shop\ntitle: Life\ntimezone: Europe/Warsaw\nlanguages: [en]\nquiet_hours: off\nstages:\n"
    return head + "".join(stages)


class Side(ABC):
    """One implementation of the life, with its worker as a process of its own."""

    name: str

    #: Its worker is busy even while nothing happens, so it must rest while the others are measured.
    is_restless = False

    #: The query for the effects that came after a sequence number: (sequence number, order).
    new_effects: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.worker: asyncio.subprocess.Process | None = None
        self._launches = 0
        self._seen = 0
        self._effects: Counter[str] = Counter()
        self._waiting: list[tuple[str, int, asyncio.Future[None]]] = []
        self._looking: asyncio.Task[None] | None = None

    @abstractmethod
    async def prepare(self) -> None:
        """Make the database ready."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return the worker's command line."""

    @abstractmethod
    async def start(self, number: str) -> None:
        """Create an order; its first stage begins."""

    @abstractmethod
    async def go(self, number: str, *, stage: int) -> None:
        """Let the event of a stage come."""

    @abstractmethod
    async def note(self, number: str, *, sequence: int) -> None:
        """Let an event come that moves nothing."""

    def noted(self, number: str) -> int | None:
        """Return how many events that moved nothing an order has taken; None where that does not show."""
        return None

    @abstractmethod
    async def ended(self, number: str) -> None:
        """Wait until the order's life has ended."""

    async def history(self, number: str) -> WorkflowHistory | None:
        """Return what Temporal keeps of an order; None on a side without Temporal."""
        return None

    def server_cpu(self) -> float | None:
        """Return the seconds of processor time of the server behind the worker; None where there is none."""
        return None

    def environment(self) -> dict[str, str]:
        """Return what the worker's process finds in its environment beside our own."""
        return {}

    async def close(self) -> None:
        """End the worker, and what the side itself holds open."""
        if self.worker is not None and self.worker.returncode is None:
            await self.kill()

    async def launch(self) -> float:
        """Start the worker; return the seconds until it was ready."""
        begun = asyncio.get_running_loop().time()
        self._launches += 1
        told = self.folder / f"{self.name}-{self._launches}.log".replace(" ", "-")
        with told.open("wb") as output:
            self.worker = await asyncio.create_subprocess_exec(
                *self.command(), stdout=output, stderr=output, env=os.environ | self.environment()
            )
        while b" ready" not in told.read_bytes():
            assert asyncio.get_running_loop().time() - begun < 60, told.read_text()
            await asyncio.sleep(0.005)
        return asyncio.get_running_loop().time() - begun

    async def kill(self) -> None:
        """Kill the worker as a crash does."""
        assert self.worker is not None
        self.worker.send_signal(signal.SIGKILL)
        await self.worker.wait()

    async def stop(self) -> None:
        """Stop the worker as a deploy does."""
        assert self.worker is not None
        self.worker.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.worker.wait(), 60)
        except TimeoutError:
            await self.kill()

    def pause(self) -> None:
        """Let a restless worker rest."""
        if self.is_restless and self.worker is not None:
            self.worker.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Wake the worker for its turn."""
        if self.is_restless and self.worker is not None:
            self.worker.send_signal(signal.SIGCONT)

    @property
    def database(self) -> Path:
        """The file that the effects are written to."""
        return self.folder / f"{self.name}.db".replace(" ", "-")

    @cached_property
    def reader(self) -> sqlite3.Connection:
        """A connection of our own, which only reads."""
        return sqlite3.connect(self.database, isolation_level=None)

    def effects(self) -> dict[str, int]:
        """Count the effects of every order so far; reads only what is new since the last look."""
        for seq, number in self.reader.execute(self.new_effects, (self._seen,)):
            self._seen = seq
            self._effects[number] += 1
        return self._effects

    async def until(self, number: str, *, effects: int, seconds: float = 120) -> None:
        """Wait until an order has as many effects; one look at a time serves all who wait."""
        self._waiting.append((number, effects, told := asyncio.get_running_loop().create_future()))
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.wait_for(told, seconds)

    async def _look(self) -> None:
        while self._waiting:
            counted = self.effects()
            for number, effects, told in self._waiting:
                if counted[number] >= effects and not told.done():
                    told.set_result(None)
            self._waiting = [waiting for waiting in self._waiting if not waiting[2].done()]
            await asyncio.sleep(0.001)


class TemporalSide(Side):
    """What both sides on Temporal have in common."""

    client: Client

    def __init__(self, folder: Path, *, address: str) -> None:
        super().__init__(folder)
        self.address = address
        self._server = processes.dev_server(address)

    @abstractmethod
    def handle(self, number: str) -> Any:
        """Reach the order's workflow."""

    async def ended(self, number: str) -> None:
        await self.handle(number).result()

    async def history(self, number: str) -> WorkflowHistory | None:
        history: WorkflowHistory = await self.handle(number).fetch_history()
        return history

    def server_cpu(self) -> float | None:
        return processes.cpu(self._server)

    def environment(self) -> dict[str, str]:
        return {"TEMPORAL_ADDRESS": self.address, "ORDERS_STORE_URL": f"sqlite+aiosqlite:///{self.database}"}


class FloorSide(TemporalSide):
    """The hand-written workflow."""

    name = "floor"
    new_effects = "SELECT rowid, number FROM effects WHERE rowid > ? ORDER BY rowid"

    async def prepare(self) -> None:
        self.client = await Client.connect(self.address)

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.bench.floor", str(self.database), self.address]

    async def start(self, number: str) -> None:
        await self.client.start_workflow("Floor", number, id=f"floor:{number}", task_queue=QUEUE)

    async def go(self, number: str, *, stage: int) -> None:
        await self.handle(number).signal(Floor.go, stage)

    async def note(self, number: str, *, sequence: int) -> None:
        await self.handle(number).signal(Floor.note)

    def handle(self, number: str) -> Any:
        return self.client.get_workflow_handle(f"floor:{number}")


class OursSide(TemporalSide):
    """The product with journal, conditions, search attributes and details; each rule writes a line of the timeline."""

    name = "ours"
    pipeline = life(third="log")
    new_effects = "SELECT seq, substr(order_id, 6) FROM timeline WHERE seq > ? AND kind = 'log' ORDER BY seq"

    @property
    def store_url(self) -> str:
        """Where the records are kept."""
        return f"sqlite+aiosqlite:///{self.database}"

    async def prepare(self) -> None:
        await self.open_store()
        self.client = await Client.connect(self.address, data_converter=pydantic_data_converter)
        self.orders = OrdersClient(self.client)

    async def open_store(self) -> None:
        """Make the store ready, with the life published."""
        await migrate(self.store_url)
        self.store = await Store.open(self.store_url)
        loaded = load(self.pipeline, file="life.yaml", kinds=KINDS)
        assert loaded.pipeline is not None, loaded.problems
        frozen = freeze(self.pipeline, loaded.pipeline, years=range(2026, 2030)).model_dump_json()
        async with self.store.write() as tx:
            await pipelines.publish(
                tx,
                name="shop",
                text=self.pipeline,
                frozen_json=frozen,
                reopens=[],
                fields={},
                author="bench",
                now=datetime.now(UTC),
            )

    def command(self) -> list[str]:
        return [sys.executable, "-m", "worker"]

    async def close(self) -> None:
        await super().close()
        await self.store.close()

    def order(self, number: str) -> dict[str, Any]:
        """Return what an order is made of."""
        return {"number": number, "total": "49.00"}

    async def start(self, number: str) -> None:
        key, now = OrderKey(shop="shop", number=number), datetime.now(UTC)
        async with self.store.write() as tx:
            await orders.create(tx, NewOrder.model_validate(self.order(number)), now=now)
            arrival = Arrival(source="orders", id=f"{key}:created", type="order.created", at=now, orders=(key,))
            await journal.append(tx, arrival, now=now)
        await self.orders.signal(key, event=Event(id=f"{key}:created", type="order.created", source="orders"))

    async def go(self, number: str, *, stage: int) -> None:
        await self.orders.signal(number, event=Event(id=f"{number}-{stage}", type=f"webhook.go{stage}"))

    async def note(self, number: str, *, sequence: int) -> None:
        await self.orders.signal(number, event=Event(id=f"{number}-note-{sequence}", type="call.missed"))

    def noted(self, number: str) -> int | None:
        query = "SELECT count(*) FROM deliveries WHERE order_id = ? AND reason = 'no_trigger'"
        return int(self.reader.execute(query, (f"shop:{number}",)).fetchone()[0])

    def handle(self, number: str) -> Any:
        return self.client.get_workflow_handle(workflow_id(OrderKey(shop="shop", number=number)))


class SendingSide(OursSide):
    """The product, where one rule of each stage leaves the house: claimed in the ledger, sent, recorded."""

    pipeline = life(third="sms")

    #: The outbox keeps what was sent; like an account of the vendor's, it does not know the order.
    _sent = """SELECT outbox.rowid, substr(ledger.order_id, 6) FROM outbox JOIN ledger ON ledger.id = outbox.send_id
        WHERE outbox.rowid > ? ORDER BY outbox.rowid"""
    _seen_sent = 0

    def order(self, number: str) -> dict[str, Any]:
        return super().order(number) | {"customer": {"first_name": "Ada", "phones": [{"number": f"+48601{number}"}]}}

    def effects(self) -> dict[str, int]:
        for seq, number in self.reader.execute(self._sent, (self._seen_sent,)):
            self._seen_sent = seq
            self._effects[number] += 1
        return super().effects()
