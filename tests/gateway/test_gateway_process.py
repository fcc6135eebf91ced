"""The gateway as a process: starts without Temporal, answers, stops clean."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from temporalio.client import Client

from activities.store import keys
from activities.store.database import Store
from starter.client import OrdersClient
from starter.relay import Relay
from tests.gateway.calling import Caller, event
from tests.gateway.recording import events_at, recording
from tests.gateway.test_delivery import QUICK, delivered, delivering
from workflows.contracts.ids import OrderKey


async def started(tmp_path: Path, **settings: str) -> Process:
    own = {"ORDERS_STORE_URL": f"sqlite+aiosqlite:///{tmp_path / 'orders.db'}", "TEMPORAL_ADDRESS": "127.0.0.1:9"}
    given = {name: value for name, value in os.environ.items() if not name.startswith(("ORDERS_", "TEMPORAL_"))}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "starter.gateway", env=given | own | settings, stdout=PIPE, stderr=PIPE
    )


async def address_of(process: Process) -> str:
    """Wait until the process says where it listens."""
    assert process.stderr is not None
    while line := await process.stderr.readline():
        if line.startswith(b"{") and (url := json.loads(line).get("url")):
            return str(url)
    raise AssertionError("the process ended")


async def test_the_process_serves_on_a_free_port_and_stops_when_told(store: Store, tmp_path: Path) -> None:
    process = await started(tmp_path, ORDERS_GATEWAY_PORT="0")
    url = await address_of(process)
    async with Caller(url, secret=None) as caller:
        assert (await caller.get("/healthz")).status == 200
        assert (await caller.get("/readyz")).body["store"] == "up"
        assert (await caller.get("/v1/orders")).status == 401

    process.send_signal(signal.SIGTERM)
    out, err = await process.communicate()

    assert process.returncode == 0
    assert out == b""
    assert b"Traceback" not in err
    assert b"Gateway has stopped" in err


async def test_a_taken_port_is_said_with_the_setting_to_change(store: Store, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = await started(tmp_path, ORDERS_GATEWAY_PORT=str(taken.getsockname()[1]))
        _, err = await process.communicate()
    assert process.returncode == 1
    assert b"ORDERS_GATEWAY_PORT" in err
    assert b"Traceback" not in err


async def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    process = await started(tmp_path, ORDERS_GATEWAY_PORT="many")
    _, err = await process.communicate()
    assert process.returncode == 2
    assert err.startswith(b"ORDERS_GATEWAY_PORT: ")


async def test_what_a_killed_gateway_had_answered_is_delivered(
    store: Store, tmp_path: Path, temporal_client: Client
) -> None:
    """Covers M51. The process is killed after its answer and before any signal."""
    shop = f"s-{uuid4().hex[:8]}"
    async with store.write() as tx:
        _, secret = await keys.create(tx, name="psp", scopes=["admin"], now=datetime.now(UTC))
    process = await started(tmp_path, ORDERS_GATEWAY_PORT="0", ORDERS_SHOP=shop)
    async with Caller(await address_of(process), secret=secret) as caller:
        await caller.created("1001")
        assert (await caller.post("/v1/orders/1001/events", event())).status == 202
        process.kill()
    await process.communicate()

    other = Relay(store, orders=OrdersClient(temporal_client, task_queue=shop), rhythm=QUICK)
    key = OrderKey(shop=shop, number="1001")
    async with recording(temporal_client, queue=shop), delivering(other):
        await delivered(store, key=key)
        assert [one.type for one in await events_at(temporal_client, key=key)] == ["order.created", "payment.paid"]
