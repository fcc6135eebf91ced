"""Opens the store and hands out transactions; turns "the database cannot be used" into one error, StoreDown.

Comes in: an SQLAlchemy URL of SQLite (aiosqlite) or PostgreSQL (asyncpg). Goes out: `Tx`, on which the modules
of this package run their statements.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from sqlalchemy import Executable, Row, text
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from activities.store.engines import engine_of
from activities.store.failures import reason_of

#: The newest revision under migrations/versions; `check` compares the database with it.
SCHEMA = "0001"

_SECONDS_FOR_LOCK = 5.0


class StoreError(Exception):
    """Base of the store's errors; messages hold no person's data.

    StoreError
     ├─ StoreDown   the database cannot be used now: nothing was committed, try again later
     ├─ NotFound    a record that was named does not exist
     └─ Conflict    the change contradicts what is stored
    """


class StoreDown(StoreError):
    """The database cannot be used now (unreachable, locked, full, read-only, not migrated)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotFound(StoreError):
    """A record that was named does not exist. `what` is its kind (`order`), `id` what it was called by."""

    def __init__(self, what: str, id: str) -> None:
        super().__init__(f"There is no {what} '{id}'")
        self.what = what
        self.id = id


class Conflict(StoreError):
    """The change contradicts what is stored; the words say what and what to do."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Tx:
    """One transaction. Only the modules of this package call its methods; others pass it on."""

    __slots__ = ("_connection", "_later", "is_postgres")

    def __init__(self, connection: AsyncConnection, *, is_postgres: bool) -> None:
        self._connection = connection
        self._later: dict[Executable, list[Mapping[str, object]]] = {}
        self.is_postgres = is_postgres

    async def run(
        self, statement: Executable, values: Mapping[str, object] | Sequence[Mapping[str, object]] | None = None
    ) -> CursorResult[Any]:
        """Run a statement, once or (given a list) for many rows in one round trip."""
        with _mapped():
            return await self._connection.execute(statement, values)

    def later(self, statement: Executable, values: Mapping[str, object]) -> None:
        """Put a write off until the next read or the commit, where all of the same statement are one."""
        self._later.setdefault(statement, []).append(values)

    async def flush(self) -> None:
        """Run what was put off."""
        while self._later:
            statement = next(iter(self._later))
            await self.run(statement, self._later.pop(statement))

    async def rows(self, statement: Executable, values: Mapping[str, object] | None = None) -> Sequence[Row[Any]]:
        """Return all rows of a query."""
        await self.flush()
        return (await self.run(statement, values)).all()

    async def first(self, statement: Executable, values: Mapping[str, object] | None = None) -> Row[Any] | None:
        """Return the first row of a query, None if there is none."""
        await self.flush()
        return (await self.run(statement, values)).first()

    async def sync(self, work: Callable[[Connection], None]) -> None:
        """Run work that needs a plain connection (migrations)."""
        with _mapped():
            await self._connection.run_sync(work)


class Store:
    """The open store of one process. Lives on one event loop."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(writes=True)
        self._is_postgres = engine.dialect.name == "postgresql"
        # SQLite has one writer; queueing here is fair and wakes at once, its own busy handler sleeps and starves.
        self._turn: asyncio.Lock | None = None if self._is_postgres else asyncio.Lock()

    @classmethod
    async def open(cls, url: str, *, pool: int = 5) -> "Store":
        """Open the store at an URL (`sqlite+aiosqlite:///path`, `postgresql+asyncpg://…`) without connecting yet.

        Raise ValueError for any other kind of URL.
        """
        return cls(engine_of(url, pool=pool))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """Give a transaction for reading; raise StoreDown if the database cannot be used."""
        async with self._transaction(writes=False) as tx:
            yield tx

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """Give a transaction for writing: committed at the end of the block, rolled back on any error.

        Raise StoreDown if the database cannot be used; then nothing was committed, or (its answer to the commit was
        lost) everything was. All writing is idempotent, so repeating is safe in both cases.
        """
        if self._turn is None:
            async with self._transaction(writes=True) as tx:
                yield tx
            return
        try:
            # Not asyncio.wait_for: before Python 3.12 it loses a cancel that comes together with the turn.
            async with asyncio.timeout(_SECONDS_FOR_LOCK):
                await self._turn.acquire()
        except TimeoutError:
            raise StoreDown("The database is busy: too many writers wait for their turn") from None
        try:
            async with self._transaction(writes=True) as tx:
                yield tx
        finally:
            self._turn.release()

    async def check(self) -> None:
        """Raise StoreDown unless the database answers and has this program's schema."""
        async with self.read() as tx:
            if not (await tx.rows(_HAS_VERSION_POSTGRES if self._is_postgres else _HAS_VERSION_SQLITE)):
                raise StoreDown("The database is empty: run `orders db upgrade`")
            row = await tx.first(_VERSION)
        found = row[0] if row else "nothing"
        if found != SCHEMA:
            raise StoreDown(f"The database's schema is {found}, this program needs {SCHEMA}: run `orders db upgrade`")

    async def close(self) -> None:
        """Close every connection."""
        with suppress(DBAPIError, OSError):
            await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(self, *, writes: bool) -> AsyncIterator[Tx]:
        with _mapped():
            connection = await (self._writer if writes else self._engine).connect()
        try:
            with _mapped():
                await connection.begin()
            tx = Tx(connection, is_postgres=self._is_postgres)
            yield tx
            await tx.flush()
            with _mapped():
                await connection.commit()
        finally:
            # Rolls back what is not committed. A broken connection may fail to close; the pool drops it anyway.
            with suppress(DBAPIError, OSError):
                await connection.close()


_VERSION = text("SELECT version_num FROM alembic_version")
_HAS_VERSION_SQLITE = text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
_HAS_VERSION_POSTGRES = text("SELECT 1 FROM pg_catalog.pg_class WHERE oid = to_regclass('alembic_version')")


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except PoolTimeout:
        raise StoreDown("The database is busy: every connection of this process is in use") from None
    except IntegrityError as error:
        raise Conflict(
            "The change contradicts a stored record: it exists already, or what it names does not"
        ) from error
    except (DBAPIError, OSError) as error:
        reason = reason_of(error)
        if reason is None:
            raise
        raise StoreDown(reason) from error
