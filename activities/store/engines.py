"""Engines for the two databases, with this product's settings: durable commits, short time-outs, our own JSON."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from activities.store.columns import as_json
from activities.store.onehop import creator_of

_SECONDS_FOR_LOCK = 5.0
_SECONDS_TO_CONNECT = 3.0
_SECONDS_PER_STATEMENT = 15.0


def engine_of(url: str, *, pool: int = 5) -> AsyncEngine:
    """Make the engine of an URL; raise ValueError for one that the store cannot use."""
    parsed = make_url(url)
    if parsed.drivername == "sqlite+aiosqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise ValueError("The store needs a database file: sqlite+aiosqlite:///PATH")
        return _sqlite(parsed, pool=pool)
    if parsed.drivername == "postgresql+asyncpg":
        return _postgres(parsed, pool=pool)
    raise ValueError(
        f"The store cannot use '{parsed.drivername}'; write sqlite+aiosqlite:///PATH or postgresql+asyncpg://…"
    )


def _sqlite(url: URL, *, pool: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=_SECONDS_FOR_LOCK,
        # Closing a connection rolls back what is open; once more at its return to the pool is a round trip for nothing.
        pool_reset_on_return=None,
        json_serializer=as_json,
        hide_parameters=True,  # a logged error of a statement must not show people's data
        async_creator=creator_of(url, seconds=_SECONDS_FOR_LOCK),
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        try:
            # FULL: an answer 2xx of the gateway must survive a power cut; in WAL mode NORMAL may lose the last commits.
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                cursor.execute(f"PRAGMA {pragma}")
        except Exception:
            connection.close()  # else its thread would outlive the event loop
            raise
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begun(connection: Connection) -> None:
        # A deferred transaction that writes later fails at once with SQLITE_BUSY instead of waiting for its turn.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres(url: URL, *, pool: int) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=_SECONDS_FOR_LOCK,
        json_serializer=as_json,
        hide_parameters=True,  # a logged error of a statement must not show people's data
        connect_args={
            "timeout": _SECONDS_TO_CONNECT,
            "command_timeout": _SECONDS_PER_STATEMENT,
            "server_settings": {
                "lock_timeout": f"{_SECONDS_FOR_LOCK:.0f}s",
                "idle_in_transaction_session_timeout": "60s",
                "TimeZone": "UTC",
                "application_name": "orders",
            },
        },
    )
