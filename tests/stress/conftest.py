"""A house on a real Temporal server, as in tests/life; and an order on a store without one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.life.conftest import house
from tests.stress.bench import Bench, bench_at
from tests.support.temporal import temporal_client, temporal_server

__all__ = ["house", "temporal_client", "temporal_server"]


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """An order in its first stage, on a store without Temporal."""
    async with bench_at(tmp_path) as bench:
        yield bench
