"""Lives of orders on a real Temporal server, through the product's own worker and a store on SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from temporalio.client import Client

from activities.runtime import metrics
from tests.support.house import House, store_at, working
from tests.support.temporal import temporal_client, temporal_server

__all__ = ["temporal_client", "temporal_server"]


@pytest_asyncio.fixture
async def house(tmp_path: Path, temporal_client: Client) -> AsyncIterator[House]:
    """A house without workers: a test starts those it needs."""
    async with store_at(tmp_path) as store:
        house = House(store, temporal_client)
        yield house
        await house.close()


@pytest_asyncio.fixture
async def shop(house: House) -> AsyncIterator[House]:
    """A house with workers on every queue."""
    bugs = _bugs()
    async with working(house):
        yield house
    assert _bugs() == bugs, "a failure on our side was worked around; the log says which"


def _bugs() -> float:
    return sum(sample.value for metric in metrics.BUGS.collect() for sample in metric.samples)
