"""Connections to PostgreSQL: asyncpg's pool, with short time-outs. Only here is asyncpg known."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from json import loads
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.engine import URL

from activities.store.columns import as_json
from activities.store.drivers.protocol import Busy, Connection
from activities.store.ready import Answer, Ready, Statements, Values

SECONDS_TO_CONNECT = 3.0
SECONDS_PER_STATEMENT = 15.0

#: Settings of every session.
SESSION = {
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
    "TimeZone": "UTC",
    "application_name": "orders",
}

#: More than this program has statements. They are prepared once per connection.
_CACHED_STATEMENTS = 1_000

_NEVER_TOO_MANY = 10**12

#: What a broken connection may raise while it is taken back.
_BROKEN = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

#: Of all stores of this process, so that a statement is made ready once.
STATEMENTS = Statements(dialects.dialect(json_serializer=as_json))  # type: ignore[no-untyped-call]


class PostgresConnection:
    """A connection in a transaction; one that only reads needs none, for each statement sees what was committed."""

    __slots__ = ("raw",)

    def __init__(self, raw: "PoolConnectionProxy[Any]") -> None:
        self.raw = raw

    async def execute(self, ready: Ready, rows: Sequence[Values]) -> Answer:
        """Execute a statement, once for each row of values."""
        try:
            return await self._execute(ready, rows)
        except asyncpg.InternalClientError:
            self.raw.terminate()  # nobody knows what state it is in: the pool is not to give it to another
            raise

    async def _execute(self, ready: Ready, rows: Sequence[Values]) -> Answer:
        form = ready.form(rows[0])
        if ready.returns is not False:
            found: list[Any] = []
            if len(rows) == 1:
                found = await self.raw.fetch(form.sql, *form.bound(rows[0]))
            else:  # in one round trip, one after the other
                found = await self.raw.fetchmany(form.sql, [form.bound(row) for row in rows])
            names = None if ready.returns else list(found[0].keys()) if found else []
            return Answer(ready.rows(found, names=names), rowcount=len(found))
        if len(rows) > 1:
            await self.raw.executemany(form.sql, [form.bound(row) for row in rows])
            return Answer((), rowcount=len(rows))
        status = await self.raw.execute(form.sql, *form.bound(rows[0]))
        count = status.rpartition(" ")[2]
        return Answer((), rowcount=int(count) if count.isdecimal() else -1)

    async def commit(self) -> None:
        """Commit."""
        if self.raw.is_in_transaction():
            await _say(self.raw, "COMMIT")


class PostgresConnections:
    """The connections of one process. None is opened before it is needed."""

    statements = STATEMENTS

    def __init__(self, pool: "asyncpg.Pool[Any]", *, patience: float) -> None:
        self._pool = pool
        self._patience = patience

    @classmethod
    async def open(cls, url: URL, *, most: int, patience: float) -> "PostgresConnections":
        """Make the pool of an URL."""
        _, settings = dialects.dialect().create_connect_args(url)  # type: ignore[no-untyped-call]
        cached = settings.pop("prepared_statement_cache_size", _CACHED_STATEMENTS)
        settings.pop("prepared_statement_name_func", None)
        pool = await asyncpg.create_pool(
            min_size=0,
            max_size=most,
            max_queries=_NEVER_TOO_MANY,
            init=_prepare,
            reset=_as_it_is,
            **{
                "timeout": SECONDS_TO_CONNECT,
                "command_timeout": SECONDS_PER_STATEMENT,
                "statement_cache_size": cached,
                "max_cached_statement_lifetime": 0,
                "server_settings": SESSION,
                **settings,
            },
        )
        return cls(pool, patience=patience)

    async def begin(self, *, writes: bool) -> PostgresConnection:
        """Begin a transaction; raise Busy, OSError, asyncpg.PostgresError, asyncpg.InterfaceError."""
        is_full = self._pool.get_idle_size() == 0 and self._pool.get_size() == self._pool.get_max_size()
        try:
            raw = await self._pool.acquire(timeout=self._patience)
        except TimeoutError:
            if is_full:
                raise Busy("The database is busy: every connection of this process is in use") from None
            raise
        connection = PostgresConnection(raw)
        if writes:
            try:
                await _say(raw, "BEGIN")
            except BaseException:
                await self.end(connection)
                raise
        return connection

    async def end(self, connection: Connection) -> None:
        """Take a connection back, rolling back what is not committed."""
        assert isinstance(connection, PostgresConnection)
        raw = connection.raw
        try:
            with suppress(*_BROKEN):
                if not raw.is_closed() and raw.is_in_transaction():
                    await _say(raw, "ROLLBACK")
        finally:
            with suppress(*_BROKEN):
                await self._pool.release(raw)

    async def close(self) -> None:
        """Close every connection."""
        with suppress(*_BROKEN):
            async with asyncio.timeout(self._patience):
                await self._pool.close()


async def _say(raw: "PoolConnectionProxy[Any]", command: str) -> None:
    try:
        await raw.execute(command)
    except asyncpg.InternalClientError:
        raw.terminate()
        raise


async def _prepare(raw: "asyncpg.Connection[Any]") -> None:
    """Read JSON as values; it is written as text already."""
    await raw.set_type_codec(
        "json", encoder=str.encode, decoder=lambda binary: loads(binary.decode()), schema="pg_catalog", format="binary"
    )


async def _as_it_is(raw: "asyncpg.Connection[Any]") -> None:
    """Leave a session as it is: this program changes nothing of it beyond a transaction."""
