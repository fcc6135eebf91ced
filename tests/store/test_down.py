"""A database that cannot be used: StoreDown, soon, with words to act on; never a hang, never half a change."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from asyncpg import InterfaceError, InternalClientError
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import text

from activities.store import orders, visits
from activities.store.database import Conflict, Store, StoreDown
from activities.store.drivers.postgres import PostgresConnection
from activities.store.errors import BadStatement
from activities.store.failures import told
from activities.store.records import OrderFilter
from activities.store.schema import migrate
from tests.store.builders import KEY, NOW, new_order, put_order
from tests.support.postgres import Postgres

ONE = text("SELECT 1")


@asynccontextmanager
async def opened(url: str, *, pool: int = 5) -> AsyncIterator[Store]:
    store = await Store.open(url, pool=pool)
    try:
        yield store
    finally:
        await store.close()


async def create(store: Store, **more: object) -> None:
    async with store.write() as tx:
        await orders.create(tx, new_order(**more), now=NOW)


async def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    async with opened(f"sqlite+aiosqlite:///{tmp_path / 'missing' / 'orders.db'}") as store:
        with pytest.raises(StoreDown, match="directory exists"):
            await store.check()
        with pytest.raises(StoreDown, match="directory exists"):
            await create(store)


async def test_a_read_only_file_is_said(sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite+aiosqlite:///")
    async with opened(f"sqlite+aiosqlite:///file:{path}?mode=ro&uri=true") as store:
        with pytest.raises(StoreDown, match="read-only"):
            await create(store)


async def test_a_full_disk_is_said_and_nothing_is_half_written(sqlite_url: str) -> None:
    async with opened(sqlite_url, pool=1) as store:
        async with store.write() as tx:
            pages = (await tx.rows(text("PRAGMA page_count")))[0][0]
            await tx.run(text(f"PRAGMA max_page_count = {pages + 2}"))
        with pytest.raises(StoreDown, match="full"):
            await create(store, note="x" * 9_000, fields={"f": "y" * 50_000})
        async with store.write() as tx:
            assert (await orders.page(tx, filter=OrderFilter())).items == []
            await tx.run(text("PRAGMA max_page_count = 100000"))
        await create(store)


async def test_a_file_another_process_has_locked_is_said_after_the_busy_time(sqlite_url: str) -> None:
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with opened(f"{sqlite_url}?timeout=0.2") as store:
        with pytest.raises(StoreDown, match="locked by another process"):
            await create(store)
        await store.check()  # readers go on
        other.execute("ROLLBACK")
        await create(store)
    other.close()


async def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    path.write_bytes(b"this is no database " * 100)
    async with opened(f"sqlite+aiosqlite:///{path}") as store:
        with pytest.raises(StoreDown, match="not a database"):
            await store.check()
    with pytest.raises(StoreDown, match="not a database"):
        await migrate(f"sqlite+aiosqlite:///{path}")


async def test_a_database_without_schema_is_said(tmp_path: Path, postgres: Postgres) -> None:
    for url in (f"sqlite+aiosqlite:///{tmp_path / 'new.db'}", postgres.url(is_empty=True)):
        async with opened(url) as store:
            with pytest.raises(StoreDown, match="orders db upgrade"):
                await store.check()


async def test_a_schema_of_another_version_is_said(store: Store) -> None:
    async with store.write() as tx:
        await tx.run(text("UPDATE alembic_version SET version_num = '0000'"))
    try:
        with pytest.raises(StoreDown, match="schema is 0000, this program needs"):
            await store.check()
    finally:
        async with store.write() as tx:
            await tx.run(text("UPDATE alembic_version SET version_num = '0001'"))


async def test_a_refused_connection_is_said() -> None:
    async with opened("postgresql+asyncpg://postgres@127.0.0.1:1/orders") as store:
        with pytest.raises(StoreDown, match="does not answer"):
            await store.check()


async def test_a_host_that_never_answers_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with opened(f"postgresql+asyncpg://postgres@127.0.0.1:{port}/orders") as store:
        with pytest.raises(StoreDown, match="does not answer"):
            await store.check()
    server.close()


async def test_a_database_that_does_not_exist_is_said(postgres: Postgres) -> None:
    url = postgres.url(is_empty=True).replace("/test_", "/none_")
    async with opened(url) as store:
        with pytest.raises(StoreDown, match="no such database"):
            await store.check()


async def test_a_connection_cut_in_the_middle_loses_nothing_that_was_committed(postgres: Postgres) -> None:
    async with opened(postgres.url()) as store:
        await put_order(store)
        with pytest.raises(StoreDown, match="PostgreSQL"):
            await _cut_while_writing(store)
        async with store.read() as tx:
            assert (await orders.get(tx, KEY)).attention == ""


async def _cut_while_writing(store: Store) -> None:
    async with store.write() as tx:
        await visits.set_attention(tx, KEY, text="half")
        pid = (await tx.rows(text("SELECT pg_backend_pid()")))[0][0]
        async with store.read() as other:
            await other.run(text(f"SELECT pg_terminate_backend({pid})"))
        await asyncio.sleep(0.05)
        await visits.set_attention(tx, KEY, text="whole")


@pytest.mark.parametrize(
    "words",
    [
        'cannot switch to state 12; protocol is in the "failed" state',
        "cannot switch to state 12; another operation (3) is in progress",
        "unknown error in protocol implementation",
        "not connected",
    ],
    ids=["failed", "interrupted", "unknown", "gone"],
)
async def test_a_connection_that_lost_track_is_down_not_a_bug_and_is_used_no_more(
    postgres: Postgres, words: str
) -> None:
    """So asyncpg says where a server goes down in the middle of an answer, and has not closed the connection yet."""
    async with opened(postgres.url(), pool=1) as store:
        before = await _backend(store)
        with pytest.raises(StoreDown, match="broke"):
            await _lose_track(store, error=InternalClientError(words))
        assert await _backend(store) != before


async def _backend(store: Store) -> int:
    async with store.read() as tx:
        pid: int = (await tx.rows(text("SELECT pg_backend_pid()")))[0][0]
        return pid


async def _lose_track(store: Store, *, error: InternalClientError) -> None:
    async with store.read() as tx:
        connection = tx._connection  # nothing else brings asyncpg's state machine out of step
        assert isinstance(connection, PostgresConnection)
        real, connection.raw = connection.raw, _Lost(connection.raw, error=error)  # type: ignore[assignment]
        try:
            await tx.run(ONE)
        finally:
            connection.raw = real


class _Lost:
    """A connection that does not know on."""

    def __init__(self, real: "PoolConnectionProxy[Any]", *, error: Exception) -> None:
        self.terminate = real.terminate
        self._error = error

    async def execute(self, *_: object) -> None:
        raise self._error

    fetch = execute


def test_two_statements_at_once_on_a_connection_are_a_bug() -> None:
    words = "cannot perform operation: another operation is in progress"
    assert isinstance(told(InterfaceError(words)), BadStatement)


async def test_a_row_locked_too_long_is_said(postgres: Postgres) -> None:
    async with opened(postgres.url()) as store:
        await put_order(store)
        async with store.write() as tx:
            await visits.lock(tx, KEY)
            with pytest.raises(StoreDown, match="could not lock"):
                await _lock_impatiently(store)


async def _lock_impatiently(store: Store) -> None:
    async with store.write() as tx:
        await tx.run(text("SET LOCAL lock_timeout = '50ms'"))
        await visits.lock(tx, KEY)


async def test_an_error_in_the_block_rolls_everything_back(store: Store) -> None:
    await put_order(store)
    with pytest.raises(RuntimeError):
        await _fail_while_writing(store)
    async with store.read() as tx:
        assert (await orders.get(tx, KEY)).attention == ""


async def _fail_while_writing(store: Store) -> None:
    async with store.write() as tx:
        await visits.set_attention(tx, KEY, text="half")
        raise RuntimeError


async def test_an_error_of_the_caller_is_not_taken_for_the_stores(store: Store) -> None:
    with pytest.raises(OSError, match="mine"):
        async with store.write():
            raise OSError("mine")


async def test_a_cancelled_writer_leaves_the_store_usable(store: Store) -> None:
    await put_order(store)

    async def stuck() -> None:
        async with store.write() as tx:
            await visits.set_attention(tx, KEY, text="half")
            await asyncio.sleep(60)

    task = asyncio.create_task(stuck())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with store.write() as tx:
        assert (await orders.get(tx, KEY)).attention == ""
        await visits.set_attention(tx, KEY, text="done")


async def test_a_wrong_statement_is_not_called_an_outage(store: Store) -> None:
    with pytest.raises(BadStatement):
        async with store.read() as tx:
            await tx.run(text("SELECT nothing FROM nowhere"))
    await store.check()


async def test_a_broken_reference_is_a_conflict(store: Store) -> None:
    await put_order(store)
    with pytest.raises(Conflict):
        async with store.write() as tx:
            await tx.run(text("UPDATE orders SET customer_id = 'nobody'"))


@pytest.mark.parametrize(
    "url", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "mysql://x/y", "sqlite:///orders.db"]
)
async def test_an_url_the_store_cannot_use_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite"):
        await Store.open(url)
