"""Opens the store and hands out transactions; turns "the database cannot be used" into one error, StoreDown.

Comes in: an SQLAlchemy URL of SQLite (aiosqlite) or PostgreSQL (asyncpg). Goes out: `Tx`, on which the modules
of this package run their statements.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable, Row, text

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

    __slots__ = ("_connection", "_later", "_statements")

    def __init__(self, connection: Connection, *, connections: Connections) -> None:
        self._connection = connection
        self._statements = connections.statements
        self._later: dict[Executable, list[Values]] = {}

    async def run(self, statement: Executable, values: Values | Sequence[Values] | None = None) -> Answer:
        """Run a statement, once or (given a list) for many rows in one round trip.

        Raise Conflict where a constraint refuses it, StoreDown where the database cannot be used.
        """
        rows: Sequence[Values] = [values or _NOTHING] if values is None or isinstance(values, Mapping) else values
        ready = self._statements.ready(statement, rows[0])
        try:
            return await self._connection.execute(ready, rows)
        except Exception as error:
            raise told(error) from None

    def later(self, statement: Executable, values: Values) -> None:
        """Put a write off until the next read or the commit, where all of the same statement are one."""
        self._later.setdefault(statement, []).append(values)

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

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """Give a transaction for reading; raise StoreDown if the database cannot be used."""
        connection = await self._begun(writes=False)
        try:
            yield Tx(connection, connections=self._connections)
        finally:
            await self._connections.end(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """Give a transaction for writing: committed at the end of the block, rolled back on any error.

        Raise StoreDown if the database cannot be used; then nothing was committed, or (its answer to the commit was
        lost) everything was. All writing is idempotent, so repeating is safe in both cases.
        """
        connection = await self._begun(writes=True)
        try:
            tx = Tx(connection, connections=self._connections)
            yield tx
            await tx.flush()
            try:
                await connection.commit()
            except Exception as error:
                raise told(error) from None
        finally:
            await self._connections.end(connection)

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

    async def _begun(self, *, writes: bool) -> Connection:
        try:
            return await self._connections.begin(writes=writes)
        except Exception as error:
            raise told(error) from None


_VERSION = text("SELECT version_num FROM alembic_version")
_HAS_VERSION_SQLITE = text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
_HAS_VERSION_POSTGRES = text("SELECT 1 FROM pg_catalog.pg_class WHERE oid = to_regclass('alembic_version')")
