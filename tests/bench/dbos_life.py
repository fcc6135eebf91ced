"""The same life with DBOS, as its documentation has it: a workflow per order that waits for messages, a step per rule.

None of our features, as on the floor. `python -m tests.bench.dbos_life SYSTEM_URL EFFECTS` serves it; EFFECTS is a file
for SQLite or the URL of a PostgreSQL database.
"""

import asyncio
import sqlite3
import sys
from typing import Protocol

from dbos import DBOS  # type: ignore[import-not-found, unused-ignore]  # only `make bench` installs it
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

NAME = "life"
QUEUE = "orders"
STAGES = 4
DAY = 86_400.0

#: The message of an event that moves nothing.
NOTHING = -1

#: Seconds between two looks for new orders and, on SQLite, for messages. DBOS looks once a second by default, and every
#: event would wait half a second.
POLL = 0.02

_TABLE = "CREATE TABLE IF NOT EXISTS effects (number TEXT, stage INTEGER, rule TEXT, text TEXT)"


class Effects(Protocol):
    """Where the rules write their rows."""

    async def prepare(self) -> None: ...

    async def write(self, number: str, stage: int, rule: str) -> None: ...


class SqliteEffects:
    """Rows in SQLite, as the floor writes them."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)

    async def prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(_TABLE)

    async def write(self, number: str, stage: int, rule: str) -> None:
        self._db.execute("INSERT INTO effects VALUES (?, ?, ?, ?)", (number, stage, rule, f"Order {number}"))


class PostgresEffects:
    """Rows in PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(
            url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
        )

    async def prepare(self) -> None:
        async with self._engine.connect() as connection:
            await connection.execute(text(_TABLE.replace("(", "(id BIGSERIAL PRIMARY KEY, ", 1)))

    async def write(self, number: str, stage: int, rule: str) -> None:
        row = {"number": number, "stage": stage, "rule": rule, "text": f"Order {number}"}
        async with self._engine.connect() as connection:
            await connection.execute(
                text("INSERT INTO effects (number, stage, rule, text) VALUES (:number, :stage, :rule, :text)"), row
            )


def register(effects: Effects) -> None:
    """Register the workflow and its step with DBOS."""

    @DBOS.step(name="write")  # type: ignore[untyped-decorator, unused-ignore]  # as above
    async def write(number: str, stage: int, rule: str) -> None:
        await effects.write(number, stage, rule)

    async def chain(number: str, stage: int) -> None:
        await write(number, stage, "a")
        await write(number, stage, "b")

    async def next_stage(number: str, stage: int) -> int:
        """Wait for the event that moves the order. The rule that waits a day is the message's time-out.

        An event that moves nothing begins the day anew; exact would cost another step.
        """
        while True:
            told: int | None = await DBOS.recv_async(timeout_seconds=DAY)
            if told is None:
                await write(number, stage, "d")
            elif told != NOTHING:
                return told

    @DBOS.workflow(name=NAME)  # type: ignore[untyped-decorator, unused-ignore]  # as above
    async def life(number: str) -> int:
        stage = 0
        while True:
            await asyncio.gather(chain(number, stage), write(number, stage, "c"))
            if stage == STAGES - 1:
                return stage
            stage = await next_stage(number, stage)


async def main(system: str, place: str) -> None:
    """Serve the life until the process ends; DBOS needs no farewell, the next process goes on from its records."""
    effects: Effects = PostgresEffects(place) if place.startswith("postgresql:") else SqliteEffects(place)
    await effects.prepare()
    DBOS(
        config={
            "name": "bench",
            "application_version": "1",  # else a hash of the source, and what another version parked is left alone
            "system_database_url": system,
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": POLL,
            "sys_db_idle_transaction_timeout_sec": 0,  # it may rest in the middle of one while the others are measured
        }
    )
    register(effects)
    DBOS.launch()
    await DBOS.register_queue_async(QUEUE, polling_interval_sec=POLL)
    print("DBOS is ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
