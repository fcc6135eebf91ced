"""The floor: the same life by hand. Hard-coded stages and rules, each rule a regular activity that writes one row.

None of our features: no journal, no conditions, no ledger, no pipeline. `python -m tests.bench.floor` serves it.
"""

import asyncio
import signal
import sqlite3
import sys
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "floor"
STAGES = 4


@dataclass
class Row:
    """One rule's effect."""

    order: str
    stage: int
    rule: str


@workflow.defn(name="Floor")
class Floor:
    """An order: waits for `go`, moves to the next stage, stops the old stage's rules, runs the new one's."""

    def __init__(self) -> None:
        self._inbox: list[int] = []
        self._stage = 0
        self._tasks: list[asyncio.Task[None]] = []

    @workflow.run
    async def run(self, order: str) -> int:
        self._enter(order, 0)
        while self._stage < STAGES - 1:
            await workflow.wait_condition(lambda: bool(self._inbox))
            stage = self._inbox.pop(0)
            for task in self._tasks:
                task.cancel()
            self._enter(order, stage)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return self._stage

    @workflow.signal
    def go(self, stage: int) -> None:
        self._inbox.append(stage)

    @workflow.signal
    def note(self) -> None:
        """Take an event that moves nothing."""

    def _enter(self, order: str, stage: int) -> None:
        self._stage = stage
        self._tasks = [
            asyncio.create_task(self._chain(order, stage)),
            asyncio.create_task(self._rule(order, stage, "c")),
        ]
        if stage < STAGES - 1:
            self._tasks.append(asyncio.create_task(self._later(order, stage)))

    async def _chain(self, order: str, stage: int) -> None:
        await self._rule(order, stage, "a")
        await self._rule(order, stage, "b")

    async def _later(self, order: str, stage: int) -> None:
        await workflow.sleep(timedelta(days=1))
        await self._rule(order, stage, "d")

    async def _rule(self, order: str, stage: int, rule: str) -> None:
        await workflow.execute_activity("write", Row(order, stage, rule), start_to_close_timeout=timedelta(seconds=30))


class Effects:
    """Rows in SQLite, as durable as ours."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE IF NOT EXISTS effects (number TEXT, stage INTEGER, rule TEXT, text TEXT)")
        self._db.execute("CREATE INDEX IF NOT EXISTS effects_number ON effects (number)")

    @activity.defn(name="write")
    async def write(self, row: Row) -> None:
        text = f"Order {row.order}"
        self._db.execute("INSERT INTO effects VALUES (?, ?, ?, ?)", (row.order, row.stage, row.rule, text))


async def main(path: str, address: str) -> None:
    """Serve the floor until it is told to stop, or killed."""
    client = await Client.connect(address)
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Floor],
        activities=[Effects(path).write],
        max_cached_workflows=1_000,
        max_concurrent_workflow_tasks=8,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
    )
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with worker:
        print("Floor is ready", flush=True)
        await told.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
