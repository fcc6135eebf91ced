"""Brings a database to this program's schema: alembic's migrations of this package, run from code."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from activities.store.database import Store
from activities.store.engines import carried_out
from activities.store.failures import told, told_by_engine
from activities.store.tables import METADATA

#: How alembic reads the models; also used when it compares them with a database.
OPTIONS: dict[str, Any] = {
    "target_metadata": METADATA,
    "transactional_ddl": True,
    "render_as_batch": True,
    "compare_type": False,
    "user_module_prefix": "columns.",
}

_LOCK = text("SELECT pg_advisory_xact_lock(720014)")


async def migrate(url: str) -> str:
    """Upgrade the database at an URL to the newest schema and give its revision; raise StoreDown if it cannot be used.

    Safe to run from several processes at once and from a running event loop.
    """
    try:
        await carried_out(url, _upgrade)
    except DBAPIError as error:
        raise told_by_engine(error) from None
    except OSError as error:
        raise told(error) from None
    store = await Store.open(url, pool=1)
    try:
        await store.check()
        async with store.read() as tx:
            row = await tx.first(text("SELECT version_num FROM alembic_version"))
        return str(row[0]) if row else ""
    finally:
        await store.close()


async def differences(url: str) -> list[object]:
    """List how the database at an URL differs from the models; empty if its migrations are complete."""
    return await carried_out(url, _compare)


async def write_revision(url: str, *, message: str, id: str) -> None:
    """Write the next revision from what the models and the database at an URL differ in (for developers)."""
    await carried_out(url, lambda it: command.revision(_config(it), message, autogenerate=True, rev_id=id))


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK)
    command.upgrade(_config(connection), "head")


def _compare(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts=OPTIONS), METADATA))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
