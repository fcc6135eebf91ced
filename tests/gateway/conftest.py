"""A gateway over real HTTP on a free port, a SQLite store of its own, and callers with keys."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.runtime.settings import Settings
from activities.shelf import Shelf
from activities.store import keys, pipelines
from activities.store.database import Store
from activities.store.schema import migrate
from starter.client import OrdersClient
from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from starter.gateway.serving import listening
from starter.relay import Relay
from tests.gateway.calling import Caller
from tests.gateway.pipelines import SHOP, frozen, kinds
from tests.support.temporal import temporal_client, temporal_server

__all__ = ["temporal_client", "temporal_server"]

#: A port on which nothing listens: Temporal is down.
NOWHERE = "127.0.0.1:9"


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the schema and a published pipeline, to be copied: making it takes longer than a test."""
    path = tmp_path_factory.mktemp("published") / "orders.db"
    asyncio.run(_publish(url_of(path)))
    return path


async def _publish(url: str) -> None:
    await migrate(url)
    store = await Store.open(url)
    async with store.write() as tx:
        await pipelines.publish(
            tx,
            name="shop",
            text=SHOP,
            frozen_json=frozen(),
            reopens=["chat.message"],
            fields={"gift_wrap": "bool"},
            author="tests",
            now=datetime.now(UTC),
        )
    await store.close()


def url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


@pytest_asyncio.fixture
async def store(published: Path, tmp_path: Path) -> AsyncIterator[Store]:
    shutil.copy(published, tmp_path / "orders.db")
    store = await Store.open(url_of(tmp_path / "orders.db"))
    yield store
    await store.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store_url=url_of(tmp_path / "orders.db"), gateway_port=0)


@pytest_asyncio.fixture
async def no_temporal() -> OrdersClient:
    """A client whose server is down."""
    client = await Client.connect(NOWHERE, data_converter=pydantic_data_converter, lazy=True)
    return OrdersClient(client)


@pytest.fixture
def parts(store: Store, settings: Settings, no_temporal: OrdersClient) -> Parts:
    """A gateway's parts, with Temporal down: most of what HTTP answers does not need it."""
    relay = Relay(store, orders=no_temporal)
    return Parts(store=store, orders=no_temporal, relay=relay, settings=settings, shelf=Shelf(kinds()))


Serve = Callable[..., Any]


@pytest_asyncio.fixture
async def serve(store: Store) -> AsyncIterator[Serve]:
    """Serve a gateway made of parts; give a caller with a key of the scopes."""
    async with AsyncExitStack() as stack:

        async def started(parts: Parts, *, scopes: tuple[str, ...] = ("admin",)) -> Caller:
            async with store.write() as tx:
                _, secret = await keys.create(tx, name="tests", scopes=scopes, now=datetime.now(UTC))
            url = await stack.enter_async_context(listening(create_app(parts), host="127.0.0.1", port=0))
            return await stack.enter_async_context(Caller(url, secret=secret))

        yield started


@pytest_asyncio.fixture
async def caller(serve: Serve, parts: Parts) -> Caller:
    """A caller who may do everything."""
    caller: Caller = await serve(parts)
    return caller
