"""What the start of a worker leaves out, and what it sets right again before the first order comes."""

import subprocess
import sys
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import Client

from activities.runtime import workers
from activities.store.database import Store
from tests.commands.running import ROOT, environment
from tests.support.house import store_at
from tests.support.temporal import temporal_client, temporal_server
from workflows.contracts.ids import TASK_QUEUE

__all__ = ["temporal_client", "temporal_server"]

#: A worker that is told to stop as soon as its start is set apart and collections go on.
_WATCHED = """
import gc, os, signal, threading, time
import worker

def watch():
    while not (gc.get_freeze_count() and gc.isenabled()):
        time.sleep(0.05)
    print("collects", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

print("rests" if not gc.isenabled() else "collects early", flush=True)
threading.Thread(target=watch, daemon=True).start()
code = worker.main()
os._exit(code)
"""


@activity.defn(name="nothing")
async def nothing() -> None:
    """Do nothing."""


async def test_the_build_is_named_by_the_code_that_replays_and_not_by_all_modules(temporal_client: Client) -> None:
    orders = workers.orders_worker(temporal_client, activities=[nothing])
    sms = workers.sending_worker(temporal_client, activities=[nothing], task_queue=f"{TASK_QUEUE}-sms")
    assert {orders.config()["build_id"], sms.config()["build_id"]} == {workers.build()}


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> Store:
    """A migrated store that the worker's process finds."""
    async with store_at(tmp_path) as store:
        return store


@pytest.mark.usefixtures("store")
def test_collections_rest_while_a_worker_starts_and_go_on_before_it_works(tmp_path: Path, temporal_server: str) -> None:
    given = environment(tmp_path) | {
        "PYTHONPATH": str(ROOT),
        "ORDERS_STORE_URL": f"sqlite+aiosqlite:///{tmp_path / 'orders.db'}",
        "TEMPORAL_ADDRESS": temporal_server,
    }
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED], env=given, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.stdout.split() == ["rests", "collects"], done.stderr
    assert done.returncode == 0, done.stderr
