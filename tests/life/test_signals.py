"""Events from any Temporal client: by name, with any payload, from the command line; nothing ever sticks."""

import asyncio
import json
from typing import Any

import pytest
from temporalio.client import Client

from tests.life.pipelines import SHOP
from tests.support.house import PATIENCE, House
from tests.support.temporal import TEMPORAL
from workflows.contracts.ids import workflow_id
from workflows.contracts.reasons import EventReason, RunStatus


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param([1, 2], id="a list"),
        pytest.param("paid", id="a text"),
        pytest.param(17, id="a number"),
        pytest.param({"id": 5}, id="an id that is a number"),
        pytest.param({"id": "x" * 500}, id="an endless id"),
        pytest.param({"at": "yesterday"}, id="a time that is none"),
        pytest.param({"data": "text"}, id="data that is no object"),
        pytest.param({"id": "bad-money", "data": {"amount": "a lot"}}, id="an amount that is none"),
    ],
)
async def test_a_signal_with_nonsense_is_journalled_as_malformed_and_the_order_goes_on(
    shop: House, payload: Any
) -> None:
    """Covers M51, M64."""
    await shop.publish(SHOP)
    await shop.order("1")
    await shop.until_stage("1", "new")
    await shop.handle("1").signal("payment.received", payload)

    async def malformed() -> bool:
        return any(event.reason is EventReason.MALFORMED for event in await shop.events("1"))

    await shop.until(malformed)
    assert (await shop.read("1")).stage == "new"
    await shop.event("1", "payment.paid")
    await shop.until_stage("1", "paid")


async def test_a_signal_without_payload_is_an_event(shop: House) -> None:
    """Operators send them from the Temporal UI."""
    await shop.publish(SHOP)
    await shop.order("1")
    await shop.until_stage("1", "new")
    await shop.handle("1").signal("payment.paid")
    order = await shop.until_stage("1", "paid")
    assert order.paid


async def test_a_webhook_code_moves_the_order_by_the_dynamic_signal(shop: House) -> None:
    """Covers M50."""
    await shop.publish(SHOP.replace("      - payment: paid\n", "      - webhook: erp.ready\n"))
    await shop.order("1")
    await shop.until_stage("1", "new")
    await shop.handle("1").signal("webhook.erp.ready", {"id": "w1"})
    await shop.until_stage("1", "paid")


async def test_the_temporal_command_line_signals_an_order(shop: House, temporal_server: str) -> None:
    """Any client will do: the signal contract is public."""
    await shop.publish(SHOP)
    await shop.order("1")
    await shop.until_stage("1", "new")
    process = await asyncio.create_subprocess_exec(
        str(TEMPORAL),
        "workflow",
        "signal",
        "--address",
        temporal_server,
        "--workflow-id",
        workflow_id(shop.key("1")),
        "--name",
        "payment.paid",
        "--input",
        json.dumps({"id": "cli-1", "source": "cli", "data": {"amount": "100.00", "currency": "EUR"}}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    order = await shop.until_stage("1", "paid")
    assert order.paid


async def test_an_order_that_does_not_exist_ends_its_workflow_and_keeps_the_event(shop: House) -> None:
    """Bad input: an unknown order in a plain signal."""
    await shop.publish(SHOP)
    await shop.signal("nowhere", "payment.paid", id="lost")
    state = await asyncio.wait_for(shop.handle("nowhere").result(), PATIENCE)
    assert state["stage"] == ""


async def test_a_workflow_that_is_started_by_hand_creates_the_order(shop: House, temporal_client: Client) -> None:
    """Covers M01: backend services may start the workflow themselves once the order is in the store."""
    await shop.publish(SHOP)
    key = await shop.order("1", starts=False)
    await temporal_client.start_workflow("Order", {"key": key.model_dump()}, id=workflow_id(key), task_queue="orders")
    await shop.until_run("1", "note", RunStatus.DONE)


async def test_queries_show_where_the_order_stands(shop: House) -> None:
    """State, plan and timeline hold ids and titles."""
    await shop.publish(SHOP)
    await shop.order("1")
    await shop.until_run("1", "thanks", RunStatus.DONE)
    state = await shop.handle("1").query("state")
    plan = await shop.handle("1").query("plan")
    assert state["stage"] == "new"
    assert state["pipeline"] == "shop@1"
    assert [run["rule"] for run in plan["runs"]] == ["thanks", "note", "check", "remind"]
    assert await shop.handle("1").query("timeline")
