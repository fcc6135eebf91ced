"""`python -m tests.stress`: the long form of the stress test."""

import argparse
import asyncio
import logging
import secrets
import sys
import tempfile
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from activities.runtime import logs
from activities.runtime.settings import Settings
from tests.stress.strain import Lives, Result, Strain
from tests.stress.table import as_table
from tests.support.house import store_at
from tests.support.temporal import FASTER, TEMPORAL
from workflows.attributes import KEYS


def main() -> int:
    """Run it; exit code 1 says that a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--orders", type=int, default=150)
    parser.add_argument("--at-once", type=int, default=25)
    parser.add_argument("--steps", type=int, default=10, help="things that happen to an order, more or less")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)  # every failing attempt with its traceback
    logs.configure(Settings(log_level="error"))
    strain = Strain(given.orders, at_once=given.at_once, steps=given.steps, seed=given.seed)
    with tempfile.TemporaryDirectory(prefix="orders-stress-") as folder:
        result = asyncio.run(_run(strain, folder=Path(folder)))
    print(as_table(result))
    return 1 if result.findings.total else 0


async def _run(strain: Strain, *, folder: Path) -> Result:
    server = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(TEMPORAL),
        dev_server_extra_args=FASTER,
        dev_server_log_level="error",
        data_converter=pydantic_data_converter,
        search_attributes=KEYS,
    )
    async with server, store_at(folder) as store:
        host = server.client.service_client.config.target_host
        second = await Client.connect(host, data_converter=pydantic_data_converter)
        return await Lives(strain, store=store, clients=(server.client, second)).live()


if __name__ == "__main__":
    sys.exit(main())
