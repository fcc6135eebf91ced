"""What an URL of the store means; SQLAlchemy's engines, by which alembic migrates (all else goes by `drivers`)."""

import asyncio
from sqlite3 import OperationalError
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from activities.store.columns import as_json
from activities.store.drivers.sqlite import PRAGMAS

_SECONDS_FOR_LOCK = 5.0
_PAUSE = 0.05


def url_of(url: str) -> URL:
    """Read an URL; raise ValueError for one that the store cannot use."""
    parsed = make_url(url)
    if parsed.drivername == "sqlite+aiosqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise ValueError("The store needs a database file: sqlite+aiosqlite:///PATH")
        return parsed
    if parsed.drivername == "postgresql+asyncpg":
        return parsed
    raise ValueError(
        f"The store cannot use '{parsed.drivername}'; write sqlite+aiosqlite:///PATH or postgresql+asyncpg://…"
    )


def engine_of(url: str) -> AsyncEngine:
    """Make an engine for migrations; raise ValueError for an URL that the store cannot use."""
    parsed = url_of(url)
    if parsed.drivername == "sqlite+aiosqlite":
        return _sqlite(parsed)
    from activities.store.drivers.postgres import SECONDS_TO_CONNECT, SESSION  # noqa: PLC0415  not with SQLite

    settings = {"timeout": SECONDS_TO_CONNECT, "server_settings": SESSION}
    return create_async_engine(parsed, poolclass=NullPool, hide_parameters=True, connect_args=settings)


def _set(cursor: Any, pragma: str) -> None:
    """Set a pragma. While another process makes a new file a WAL one, SQLite says at once that it is locked."""
    tries = int(_SECONDS_FOR_LOCK / _PAUSE)
    while True:
        try:
            cursor.execute(f"PRAGMA {pragma}")
            return
        except OperationalError:
            tries -= 1
            if not tries:
                raise
        await_only(asyncio.sleep(_PAUSE))


def _sqlite(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        json_serializer=as_json,
        hide_parameters=True,
        connect_args={"timeout": _SECONDS_FOR_LOCK, "isolation_level": None},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        try:
            for pragma in PRAGMAS:
                _set(cursor, pragma)
        except Exception:
            connection.close()  # else its thread would outlive the event loop
            raise
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
