"""The store on both databases: every test that asks for `store` runs on SQLite and on PostgreSQL."""

import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from activities.store.database import Store
from activities.store.schema import migrate
from tests.support.postgres import Postgres, postgres_server

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole run."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    import asyncio

    path = tmp_path_factory.mktemp("template") / "orders.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A fresh SQLite database with the schema."""
    shutil.copy(sqlite_template, tmp_path / "orders.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'orders.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """A database with the schema and no rows, of each kind."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    server: Postgres = request.getfixturevalue("postgres")
    return server.emptied_url()


@pytest_asyncio.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """An open store on a fresh database."""
    opened = await Store.open(url)
    yield opened
    await opened.close()
