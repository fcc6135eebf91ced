"""Opens the store and hands out transactions; turns "the database cannot be used" into one error, StoreDown.

Comes in: an SQLAlchemy URL of SQLite (aiosqlite) or PostgreSQL (asyncpg). Goes out: `Tx`, on which the modules
of this package run their statements.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import Executable, FromClause, Row, text

from activities.store.drivers.protocol import Connection, Connections
from activities.store.drivers.sqlite import SqliteConnections
from activities.store.engines import url_of
from activities.store.errors import Conflict as Conflict
from activities.store.errors import NotFound as NotFound
from activities.store.errors import StoreDown as StoreDown
from activities.store.errors import StoreError as StoreError
from activities.store.errors import Unreadable as Unreadable
from activities.store.failures import told
from activities.store.ready import Answer, Values

#: The newest revision under migrations/versions; `check` compares the database with it.
SCHEMA = "0001"

_SECONDS_FOR_LOCK = 5.0

_NOTHING: Values = {}


class Tx:
    """One transaction. Only the modules of this package call its methods; others pass it on."""

    __slots__ = ("_connection", "_kept", "_later", "_statements")

    def __init__(self, connection: Connection, *, connections: Connections) -> None:
        self._connection = connection
        self._statements = connections.statements
        self._later: dict[Executable, list[Values]] = {}
        self._kept: dict[FromClause, dict[str, object]] = {}

    async def run(self, statement: Executable, values: Values | Sequence[Values] | None = None) -> Answer:
        """Run a statement, once or (given a list) for many rows in one round trip.

        Raise Conflict where a constraint refuses it, StoreDown where the database cannot be used.
        """
        given = _NOTHING if values is None else values
        # Nearly all are a dictionary; whether something else is a mapping takes a call to find out.
        rows: Sequence[Values] = (given,) if isinstance(given, (dict, Mapping)) else given
        ready = self._statements.ready(statement, rows[0])
        if ready.writes in self._kept:
            del self._kept[ready.writes]
        try:
            return await self._connection.execute(ready, rows)
        except Exception as error:
            raise told(error) from None

    def later(self, statement: Executable, values: Values) -> None:
        """Put a write off until the next read or the commit, where all of the same statement are one."""
        self._later.setdefault(statement, []).append(values)

    def keep(self, table: FromClause, key: str, found: object) -> None:
        """Keep what was read of a row that this transaction has locked, until it writes to that table itself."""
        self._kept.setdefault(table, {})[key] = found

    def kept(self, table: FromClause, key: str) -> object | None:
        """Give what was kept of a row and is still so; None if nothing was. No write to the table may be put off."""
        found = self._kept.get(table)
        return None if found is None else found.get(key)

    async def flush(self) -> None:
        """Run what was put off."""
        while self._later:
            statement = next(iter(self._later))
            await self.run(statement, self._later.pop(statement))

    async def rows(self, statement: Executable, values: Values | None = None) -> Sequence[Row[Any]]:
        """Return all rows of a query."""
        if self._later:
            await self.flush()
        return (await self.run(statement, values)).all()

    async def first(self, statement: Executable, values: Values | None = None) -> Row[Any] | None:
        """Return the first row of a query, None if there is none."""
        if self._later:
            await self.flush()
        return (await self.run(statement, values)).first()


class Store:
    """The open store of one process. Lives on one event loop."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    @classmethod
    async def open(cls, url: str, *, pool: int = 10) -> "Store":
        """Open the store at an URL (`sqlite+aiosqlite:///path`, `postgresql+asyncpg://…`) without connecting yet.

        `pool` is how many may read at once. Raise ValueError for any other kind of URL.
        """
        parsed = url_of(url)
        if parsed.drivername == "postgresql+asyncpg":
            from activities.store.drivers.postgres import PostgresConnections  # noqa: PLC0415  not with SQLite

            return cls(await PostgresConnections.open(parsed, most=pool, patience=_SECONDS_FOR_LOCK))
        return cls(SqliteConnections(parsed, readers=pool, patience=_SECONDS_FOR_LOCK))

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """Give a transaction for reading; raise StoreDown if the database cannot be used."""
        return _Block(self._connections, writes=False)

    def write(self) -> AbstractAsyncContextManager[Tx]:
        """Give a transaction for writing: committed at the end of the block, rolled back on any error.

        Raise StoreDown if the database cannot be used; then nothing was committed, or (its answer to the commit was
        lost) everything was. All writing is idempotent, so repeating is safe in both cases.
        """
        return _Block(self._connections, writes=True)

    async def check(self) -> None:
        """Raise StoreDown unless the database answers and has this program's schema."""
        async with self.read() as tx:
            is_postgres = self._connections.statements.dialect == "postgresql"
            if not (await tx.rows(_HAS_VERSION_POSTGRES if is_postgres else _HAS_VERSION_SQLITE)):
                raise StoreDown("The database is empty: run `orders db upgrade`")
            row = await tx.first(_VERSION)
        found = row[0] if row else "nothing"
        if found != SCHEMA:
            raise StoreDown(f"The database's schema is {found}, this program needs {SCHEMA}: run `orders db upgrade`")

    async def close(self) -> None:
        """Close every connection."""
        await self._connections.close()


class _Block:
    """A block of code in a transaction. As an asynchronous generator it would cost twice as much."""

    __slots__ = ("_connection", "_connections", "_tx", "_writes")

    def __init__(self, connections: Connections, *, writes: bool) -> None:
        self._connections = connections
        self._writes = writes

    async def __aenter__(self) -> Tx:
        try:
            self._connection = await self._connections.begin(writes=self._writes)
        except Exception as error:
            raise told(error) from None
        self._tx = Tx(self._connection, connections=self._connections)
        return self._tx

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        try:
            if self._writes and kind is None:
                await self._tx.flush()
                await self._commit()
        finally:
            await self._connections.end(self._connection)

    async def _commit(self) -> None:
        try:
            await self._connection.commit()
        except Exception as error:
            raise told(error) from None


_VERSION = text("SELECT version_num FROM alembic_version")
_HAS_VERSION_SQLITE = text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
_HAS_VERSION_POSTGRES = text("SELECT 1 FROM pg_catalog.pg_class WHERE oid = to_regclass('alembic_version')")
