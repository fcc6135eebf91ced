"""A desk over a fresh SQLite store for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.store.database import Store
from activities.store.schema import migrate
from tests.rules.desk import Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Open an empty shop."""
    url = f"sqlite+aiosqlite:///{tmp_path}/orders.db"
    await migrate(url)
    store = await Store.open(url)
    yield Desk(store)
    await store.close()
