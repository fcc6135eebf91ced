"""Temporal servers for tests: one dev server per test process (it starts in 0.4 s), and others that skip time."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest_asyncio
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from tests.support.discretion import found_in_histories
from workflows.attributes import KEYS

TEMPORAL = Path(sys.executable).parent / "temporal"

#: The dev server throttles its own queues; without these a serial test takes 2.6 times as long.
FASTER = [
    part
    for queue in ("transfer", "timer", "visibility")
    for part in ("--dynamic-config-value", f"history.{queue}ProcessorMaxPollRPS=1000")
]


#: How often a server is started before it is given up: the SDK waits 5 s for it, which a busy machine may need.
_STARTS = 12


async def started(start: Callable[[], Awaitable[WorkflowEnvironment]]) -> WorkflowEnvironment:
    """Start a server, and again where it did not serve in time; raise the last start's error."""
    for _ in range(_STARTS - 1):
        try:
            return await start()
        except RuntimeError as error:
            print(f"The Temporal server is started again: {error}")
    return await start()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal_server() -> AsyncIterator[str]:
    """Run a dev server for the whole session; the value is its address. At the end its histories are scanned."""
    environment = await started(
        lambda: WorkflowEnvironment.start_local(
            dev_server_existing_path=str(TEMPORAL),
            dev_server_extra_args=FASTER,
            dev_server_log_level="error",
            data_converter=pydantic_data_converter,
            search_attributes=KEYS,
        )
    )
    yield environment.client.service_client.config.target_host
    found = await found_in_histories(environment.client)
    await environment.shutdown()
    assert not found, "\n".join(["Histories hold people's data (case 53):", *found])


@pytest_asyncio.fixture
async def temporal_client(temporal_server: str) -> Client:
    """Connect a client of one's own to the shared dev server, on the test's loop."""
    return await Client.connect(temporal_server, data_converter=pydantic_data_converter)


@asynccontextmanager
async def skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    """Run a server that skips time; it cannot list workflows, and knows our search attributes."""
    environment = await started(
        lambda: WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=str(TEMPORAL.with_name("temporal-test-server")),
            data_converter=pydantic_data_converter,
        )
    )
    types: dict[str, Any] = {key.name: key.indexed_value_type for key in KEYS}
    try:
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=environment.client.namespace, search_attributes=types)
        )
        yield environment
    finally:
        await environment.shutdown()
