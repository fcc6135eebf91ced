"""What an URL of the store means; SQLAlchemy's engines, by which alembic migrates (all else goes by `drivers`)."""

import asyncio
import time
from collections.abc import Callable
from sqlite3 import OperationalError
from typing import Any, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from activities.store.columns import as_json
from activities.store.drivers.sqlite import PRAGMAS

T = TypeVar("T")

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


async def carried_out(url: str, work: Callable[[Connection], T]) -> T:
    """Carry work out in one transaction of the database at an URL, and give its result.

    Raise ValueError for an URL that the store cannot use, and SQLAlchemy's errors.
    """
    parsed = url_of(url)
    if parsed.drivername == "sqlite+aiosqlite":
        # Not by aiosqlite: where a file cannot be opened, its thread speaks to the event loop after that was closed.
        return await asyncio.to_thread(_on_sqlite, parsed, work)
    from activities.store.drivers.postgres import SECONDS_TO_CONNECT, SESSION  # noqa: PLC0415  not with SQLite

    settings = {"timeout": SECONDS_TO_CONNECT, "server_settings": SESSION}
    engine = create_async_engine(parsed, poolclass=NullPool, hide_parameters=True, connect_args=settings)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _on_sqlite(url: URL, work: Callable[[Connection], T]) -> T:
    engine = _sqlite(url)
    try:
        with engine.begin() as connection:
            return work(connection)
    finally:
        engine.dispose()


def _sqlite(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="sqlite"),
        poolclass=NullPool,
        json_serializer=as_json,
        hide_parameters=True,
        connect_args={"timeout": _SECONDS_FOR_LOCK, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        try:
            for pragma in PRAGMAS:
                _set(cursor, pragma)
        except Exception:
            connection.close()
            raise
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


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
        time.sleep(_PAUSE)
