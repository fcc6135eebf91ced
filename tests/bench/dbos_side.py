"""What a user might pick instead: the life on DBOS, on SQLite and on PostgreSQL, reached by DBOS's own client.

Only `make bench` installs DBOS (requirements.txt beside this file); without it there is no such side.
"""

import asyncio
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.bench import processes
from tests.bench.sides import Side
from tests.support.postgres import postgres_server

#: The last ids are read again: of two rows that are written at once the later may be seen first.
_AGAIN = 100

_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


def is_installed() -> bool:
    """Tell whether DBOS is there."""
    return find_spec("dbos") is not None


class DbosSide(Side):
    """DBOS on SQLite: its own records in one file, the effects in another."""

    name = "DBOS, SQLite"
    is_restless = True  # it looks for messages of every waiting order, again and again
    new_effects = "SELECT rowid, number FROM effects WHERE rowid > ? ORDER BY rowid"

    @property
    def system(self) -> str:
        """The URL of the database that DBOS keeps its records in."""
        return f"sqlite:///{self.folder / 'dbos-system.db'}"

    @property
    def place(self) -> str:
        """Where the worker writes the effects."""
        return str(self.database)

    async def prepare(self) -> None:
        # Several writers wait less for each other; the mode stays with the file.
        connection = sqlite3.connect(self.folder / "dbos-system.db")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()

    async def launch(self) -> float:
        taken = await super().launch()
        if self._launches == 1:  # the first launch makes the tables
            from dbos import DBOSClient  # type: ignore[import-not-found, unused-ignore]  # only `make bench` installs it

            self.client = await asyncio.to_thread(DBOSClient, system_database_url=self.system)
        return taken

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.bench.dbos_life", self.system, self.place]

    async def start(self, number: str) -> None:
        # Beside the words of `dbos_life`, which cannot be imported where DBOS is not installed.
        await self.client.enqueue_async(
            {"workflow_name": "life", "queue_name": "orders", "workflow_id": number}, number
        )

    async def go(self, number: str, *, stage: int) -> None:
        await self.client.send_async(number, stage)

    async def note(self, number: str, *, sequence: int) -> None:
        await self.client.send_async(number, -1)

    async def ended(self, number: str) -> None:
        handle = await self.client.retrieve_workflow_async(number)
        await handle.get_result(polling_interval_sec=0.01)

    async def close(self) -> None:
        await super().close()
        if self._launches:
            await asyncio.to_thread(self.client.destroy)


class DbosPostgresSide(DbosSide):
    """DBOS on PostgreSQL, which tells it of new messages; its records and the effects in one database."""

    name = "DBOS, PostgreSQL"

    def __init__(self, folder: Path, *, url: str) -> None:
        super().__init__(folder)
        self._url = url
        self._known: set[int] = set()

    @property
    def system(self) -> str:
        return self._url

    @property
    def place(self) -> str:
        return self._url

    async def prepare(self) -> None:
        import psycopg  # type: ignore[import-not-found, unused-ignore]  # comes with DBOS

        self._rows = psycopg.connect(self._url, autocommit=True)
        for setting in _DURABLE:
            self._rows.execute(f"ALTER SYSTEM SET {setting} = on")
        self._rows.execute("SELECT pg_reload_conf()")
        found = self._rows.execute("SELECT pg_backend_pid()").fetchone()
        assert found is not None
        self._own_backend = int(found[0])
        self._server = processes.parent(self._own_backend)

    def server_cpu(self) -> float | None:
        """Return the server's processor time without that of our own looks at the effects."""
        return processes.family_cpu(self._server) - processes.cpu(self._own_backend)

    def effects(self) -> dict[str, int]:
        """Count the effects of every order so far."""
        query = "SELECT id, number FROM effects WHERE id > %s ORDER BY id"
        for seq, number in self._rows.execute(query, (self._seen - _AGAIN,)):
            if seq not in self._known:
                self._known.add(seq)
                self._seen = max(self._seen, seq)
                self._effects[number] += 1
        return self._effects

    async def close(self) -> None:
        await super().close()
        self._rows.close()


@contextmanager
def dbos_sides(folder: Path) -> Iterator[list[Side]]:
    """Give both sides on DBOS, with a PostgreSQL of their own that keeps what it was told."""
    with postgres_server() as postgres:
        url = postgres.url(is_empty=True).replace("postgresql+asyncpg:", "postgresql:")
        yield [DbosSide(folder), DbosPostgresSide(folder, url=url)]
