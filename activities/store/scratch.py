"""A store in memory for one run of the lab: the same statements on the same schema, gone when it is closed.

One SQLite connection of the calling thread: no file, no other thread, nothing waited for.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from activities.store.database import Store, Tx
from activities.store.drivers.protocol import Connection
from activities.store.drivers.sqlite import STATEMENTS, execute
from activities.store.ready import Answer, Ready, Values
from activities.store.tables import METADATA


class Scratch(Store):
    """An empty store of one thread, with this program's schema."""

    def __init__(self) -> None:
        raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=512)
        raw.execute("PRAGMA foreign_keys=ON")
        METADATA.create_all(create_engine("sqlite://", poolclass=StaticPool, creator=lambda: raw))
        super().__init__(_Scratch(raw))

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """Give a transaction."""
        return self.write()


class _Scratch:
    """The one connection."""

    statements = STATEMENTS

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._cursor = raw.cursor()

    async def begin(self, *, writes: bool) -> "_Scratch":
        self._raw.execute("BEGIN")
        return self

    async def execute(self, ready: Ready, rows: Sequence[Values]) -> Answer:
        return execute(self._cursor, ready, rows)

    async def commit(self) -> None:
        self._raw.execute("COMMIT")

    async def end(self, connection: Connection) -> None:
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    async def close(self) -> None:
        self._raw.close()
