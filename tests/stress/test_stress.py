"""A short run of the stress test; `make stress` is a long one. STRESS_SEED sets another seed."""

import os
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from tests.stress.strain import Lives, Strain
from tests.stress.table import as_table
from tests.support.house import store_at
from tests.support.temporal import temporal_client, temporal_server

__all__ = ["temporal_client", "temporal_server"]


@pytest.mark.timeout(600)
async def test_under_strain_what_is_recorded_as_sent_is_what_was_sent_once(
    tmp_path: Path, temporal_client: Client, temporal_server: str
) -> None:
    """Covers M05, M07, M50, M57, M60, M61. Every history of every order replays."""
    seed = int(os.environ.get("STRESS_SEED", 1))
    second = await Client.connect(temporal_server, data_converter=pydantic_data_converter)
    async with store_at(tmp_path) as store:
        result = await Lives(Strain(seed=seed), store=store, clients=(temporal_client, second)).live()
    print(as_table(result))
    assert not result.findings.violations, as_table(result)
    assert result.continued > 0
