"""Connections to SQLite that change threads only where SQLite may wait.

A statement takes microseconds, so it runs where it is called; only what may wait, for another process' lock or for the
disk, goes to a thread: opening, the lock of the one writer where it is taken, the commit.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine import URL

from activities.store.columns import as_json
from activities.store.drivers.protocol import Busy, Connection
from activities.store.ready import Answer, Ready, Statements, Values

T = TypeVar("T")

#: FULL: an answer 2xx of the gateway must survive a power cut; in WAL mode NORMAL may lose the last commits.
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")

_CACHED_STATEMENTS = 512

#: Of all stores of this process, so that a statement is made ready once.
STATEMENTS = Statements(sqlite.dialect(paramstyle="qmark", json_serializer=as_json))


def execute(cursor: sqlite3.Cursor, ready: Ready, rows: Sequence[Values]) -> Answer:
    """Execute a statement, once for each row of values. The cursor may be used again: what it found is read."""
    form = ready.form(rows[0])
    if len(rows) == 1:
        cursor.execute(form.sql, form.bound(rows[0]))
    elif ready.returns is False:
        cursor.executemany(form.sql, [form.bound(row) for row in rows])
    else:
        each = [execute(cursor, ready, [row]) for row in rows]
        found = [row for answer in each for row in answer]
        return Answer(found, rowcount=sum(answer.rowcount for answer in each))
    if cursor.description is None:
        return Answer((), rowcount=cursor.rowcount)
    names = None if ready.returns else [column[0] for column in cursor.description]
    rows_found = ready.rows(cursor.fetchall(), names=names)
    return Answer(rows_found, rowcount=cursor.rowcount if cursor.rowcount >= 0 else len(rows_found))


class SqliteConnection:
    """A connection that is in a transaction."""

    __slots__ = ("_cursor", "_threads", "raw", "writes")

    def __init__(self, raw: sqlite3.Connection, *, threads: ThreadPoolExecutor, writes: bool) -> None:
        self.raw = raw
        self.writes = writes
        self._cursor = raw.cursor()
        self._threads = threads

    async def execute(self, ready: Ready, rows: Sequence[Values]) -> Answer:
        """Execute a statement, once for each row of values."""
        return execute(self._cursor, ready, rows)

    async def commit(self) -> None:
        """Commit; a writer's waits for the disk."""
        if self.writes:
            await _in_thread(self._threads, lambda: self.raw.execute("COMMIT"))
        else:
            self.raw.execute("COMMIT")


class SqliteConnections:
    """One connection that writes, in turns, and some that read."""

    statements = STATEMENTS

    def __init__(self, url: URL, *, readers: int, patience: float) -> None:
        (self._path,), options = SQLiteDialect_aiosqlite().create_connect_args(url)
        self._settings: dict[str, Any] = {
            "timeout": patience,
            **options,
            "isolation_level": None,
            "cached_statements": _CACHED_STATEMENTS,
            "check_same_thread": False,
        }
        self._busy_ms = int(1000 * self._settings["timeout"])
        self._patience = patience
        self._threads = ThreadPoolExecutor(readers + 1, thread_name_prefix="sqlite")
        # SQLite has one writer; queueing here is fair and wakes at once, its own busy handler sleeps and starves.
        self._turn = asyncio.Semaphore(1)
        self._room = asyncio.Semaphore(readers)
        self._writer: sqlite3.Connection | None = None
        self._readers: list[sqlite3.Connection] = []

    async def begin(self, *, writes: bool) -> SqliteConnection:
        """Begin a transaction; raise Busy, sqlite3.Error."""
        gate = self._turn if writes else self._room
        await self._pass(gate, writes=writes)
        raw: sqlite3.Connection | None = None
        try:
            if writes:
                raw, self._writer = self._writer, None
            elif self._readers:
                raw = self._readers.pop()
            if raw is None:
                raw = await _in_thread(self._threads, self._opened)
            if writes:
                await self._take_lock(raw)
            else:
                raw.execute("BEGIN")
        except BaseException:
            self._put_away(raw, writes=writes)
            gate.release()
            raise
        return SqliteConnection(raw, threads=self._threads, writes=writes)

    async def end(self, connection: Connection) -> None:
        """Take a connection back, rolling back what is not committed."""
        assert isinstance(connection, SqliteConnection)
        self._put_away(connection.raw, writes=connection.writes)
        (self._turn if connection.writes else self._room).release()

    async def close(self) -> None:
        """Close every connection that nobody uses."""
        for raw in [*self._readers, *([self._writer] if self._writer else [])]:
            raw.close()
        self._readers, self._writer = [], None
        self._threads.shutdown(wait=False)

    async def _pass(self, gate: asyncio.Semaphore, *, writes: bool) -> None:
        if not gate.locked():
            await gate.acquire()
            return
        try:
            # Not asyncio.wait_for: before Python 3.12 it loses a cancel that comes together with the turn.
            async with asyncio.timeout(self._patience):
                await gate.acquire()
        except TimeoutError:
            what = "too many writers wait for their turn" if writes else "every connection of this process is in use"
            raise Busy(f"The database is busy: {what}") from None

    def _opened(self) -> sqlite3.Connection:
        raw: sqlite3.Connection = sqlite3.connect(self._path, **self._settings)
        try:
            for pragma in PRAGMAS:
                raw.execute(f"PRAGMA {pragma}").fetchall()
        except BaseException:
            raw.close()
            raise
        return raw

    async def _take_lock(self, raw: sqlite3.Connection) -> None:
        """Take the writer's lock; a deferred transaction that writes later would fail at once where it is taken."""
        raw.execute("PRAGMA busy_timeout = 0")
        try:
            raw.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            raw.execute(f"PRAGMA busy_timeout = {self._busy_ms}")
            await _in_thread(self._threads, lambda: raw.execute("BEGIN IMMEDIATE"))
        else:
            raw.execute(f"PRAGMA busy_timeout = {self._busy_ms}")

    def _put_away(self, raw: sqlite3.Connection | None, *, writes: bool) -> None:
        if raw is None:
            return
        try:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
        except sqlite3.Error:  # it is broken; the next transaction opens another one
            with suppress(sqlite3.Error):
                raw.close()
            return
        if writes:
            self._writer = raw
        else:
            self._readers.append(raw)


async def _in_thread(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Do work in a thread; a cancel waits until it is done, for nobody else may touch the connection before."""
    job = asyncio.get_running_loop().run_in_executor(threads, work)
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        while not job.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([job])
        if not job.cancelled():
            job.exception()  # nobody else asks for it
        raise
