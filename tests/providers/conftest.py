"""A fresh SQLite store for providers that keep something, and a shop on it whose phone is a stand-in of Twilio."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.store.database import Store
from activities.store.schema import migrate
from tests.providers.phone import Phone, phone_of
from tests.rules.desk import Desk


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Open an empty store."""
    url = f"sqlite+aiosqlite:///{tmp_path}/orders.db"
    await migrate(url)
    opened = await Store.open(url)
    yield opened
    await opened.close()


@pytest.fixture
async def phone(store: Store) -> AsyncIterator[Phone]:
    """Connect the shop to the stand-in."""
    async with phone_of(Desk(store)) as opened:
        yield opened
