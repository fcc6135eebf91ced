"""SQLite connections that change threads only where SQLite may wait; SQLAlchemy takes them as aiosqlite's.

A statement through aiosqlite opens a cursor, executes, fetches and closes, each by a message to its thread and back:
most of what a decision of some twelve statements costs. Here a statement runs where it is called, in microseconds; only
what may wait, for the one writer's lock or for the disk, goes to the thread.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiosqlite
from aiosqlite.core import _STOP_RUNNING_SENTINEL
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine import URL

#: Statements that wait: for the lock of the one writer, for a look at the file. A commit is not a statement here.
_WAITING = ("BEGIN IMMEDIATE", "PRAGMA", "VACUUM")


def creator_of(url: URL, *, seconds: float) -> Callable[[], Awaitable[aiosqlite.Connection]]:
    """Make what opens the connections of an URL; `seconds` is how long a locked file is waited for."""
    (path,), options = SQLiteDialect_aiosqlite().create_connect_args(url)
    settings: dict[str, Any] = {
        "timeout": seconds,
        "isolation_level": None,
        "cached_statements": 256,
        **options,
        "check_same_thread": False,
    }

    async def connect() -> aiosqlite.Connection:
        connection = OneHop(lambda: sqlite3.connect(path, **settings), iter_chunk_size=64)
        connection._thread.daemon = True  # as SQLAlchemy does: a lost connection must not keep the process alive
        return await connection

    return connect


class OneHop(aiosqlite.Connection):
    """A connection that gives cursors of one hop."""

    def cursor(self) -> "Cursor":  # type: ignore[override]  # SQLAlchemy needs no more of a cursor than this
        """Give a cursor; nothing happens in the thread yet."""
        return Cursor(self)

    def stop(self) -> None:
        """Close, and end the thread without reporting back: by then the event loop may be closed."""

        def work() -> object:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            return _STOP_RUNNING_SENTINEL

        self._running = False
        self._tx.put_nowait((None, work))


class Cursor:
    """As much of a cursor as SQLAlchemy uses: a statement and its rows at once."""

    def __init__(self, connection: OneHop) -> None:
        self._hop = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> "Cursor":
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> "Cursor":
        """Execute a statement and fetch all its rows."""
        return await self._run(lambda cursor: cursor.execute(sql, parameters), may_wait=sql.startswith(_WAITING))

    async def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> "Cursor":
        """Execute a statement for many rows."""
        return await self._run(lambda cursor: cursor.executemany(sql, rows), may_wait=False)

    async def fetchall(self) -> Sequence[Any]:
        """Give the rows."""
        return self._rows

    async def close(self) -> None:
        """Forget the rows; the real cursor is closed already."""
        self._rows = ()

    async def _run(self, statement: Callable[[sqlite3.Cursor], object], *, may_wait: bool) -> "Cursor":
        def work() -> None:
            cursor = self._hop._conn.cursor()
            try:
                statement(cursor)
                self.description = cursor.description
                self._rows = cursor.fetchall() if cursor.description else ()
                self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
            finally:
                cursor.close()

        if not may_wait:
            work()
            return self
        await self._hop._execute(work)  # type: ignore[no-untyped-call]  # aiosqlite does not annotate it
        return self
