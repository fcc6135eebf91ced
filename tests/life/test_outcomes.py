"""Rules that end with an outcome: calls that are repeated, workflows that are awaited. Covers C1, E26, M05, M62."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio import workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.providers.registry import Connecting, Providers, connect
from tests.life.pipelines import stages
from tests.support.exchange import ANSWERED, BUSY, NO_ANSWER, Exchange
from tests.support.house import House, working
from workflows.contracts.ids import workflow_id
from workflows.contracts.reasons import RunReason, RunStatus

CALLING = stages(
    "  new:\n    rules:\n"
    "      - {id: call, robocall: 'Order {{ order.number }}', repeat: {times: 2, every: 1s}}\n"
    "      - {id: told, after: call, log: '{{ results.call.outcome }}, attempt {{ results.call.attempts }}'}\n"
    "  paid:\n    triggers: [{payment: paid}]\n"
)


@asynccontextmanager
async def calling(house: House) -> AsyncIterator[Exchange]:
    """Run the workers with an exchange for calls."""
    exchange = Exchange()
    async with working(house, providers=Providers([exchange], channels={"voice": "stand-in"})):
        yield exchange


async def test_a_call_is_repeated_until_it_is_answered_and_the_chain_goes_on(house: House) -> None:
    """Covers C1."""
    async with calling(house) as exchange:
        exchange.outcomes = [None, BUSY, None, NO_ANSWER, ANSWERED]
        await house.publish(CALLING)
        await house.order("1")
        run = await house.until_run("1", "call", RunStatus.DONE)
        assert (run.results["outcome"], run.results["attempts"]) == ("answered", 3)
        assert len(exchange.sent) == 3
        await house.until_run("1", "told", RunStatus.DONE)
        texts = [line.text for line in await house.timeline("1")]
    assert "answered, attempt 3" in texts


async def test_nobody_is_called_again_once_the_order_has_left_the_stage(house: House) -> None:
    """Covers M05, case 30."""
    async with calling(house) as exchange:
        exchange.outcomes = [NO_ANSWER]
        await house.publish(CALLING.replace("every: 1s", "every: 1h"))
        await house.order("1")
        run = await house.until_run("1", "call", RunStatus.PLANNED)
        await house.until(lambda: _is_retrying(house))
        await house.event("1", "payment.paid")
        await house.until_stage("1", "paid")
        run = await house.until_run("1", "call", RunStatus.STOPPED, visit=1)
        assert (run.reason, len(exchange.sent)) == (RunReason.STAGE_LEFT, 1)


async def test_a_call_that_rings_while_the_order_leaves_the_stage_is_recorded(house: House) -> None:
    """Covers M05: what was claimed is carried to its end, and not repeated."""
    async with calling(house) as exchange:
        await house.publish(CALLING)
        await house.order("1")
        await house.until_run("1", "call", RunStatus.RUNNING)
        await house.event("1", "payment.paid")
        await house.until_stage("1", "paid")
        exchange.outcomes = [None, NO_ANSWER]
        run = await house.until_run("1", "call", RunStatus.DONE, visit=1)
        assert (run.results["outcome"], len(exchange.sent)) == ("no_answer", 1)


async def test_a_repeated_call_can_be_made_at_once_by_hand(house: House) -> None:
    """Covers M06."""
    async with calling(house) as exchange:
        exchange.outcomes = [NO_ANSWER, ANSWERED]
        await house.publish(CALLING.replace("every: 1s", "every: 1h"))
        await house.order("1")
        await house.until(lambda: _is_retrying(house))
        await house.client.get_workflow_handle(workflow_id(house.key("1"))).execute_update(
            "run_now", {"rule": "call", "by": "olga"}
        )
        run = await house.until_run("1", "call", RunStatus.DONE)
    assert run.results["attempts"] == 2


async def _is_retrying(house: House) -> bool:
    run = (await house.runs("1")).get("call")
    return run is not None and (run.status, run.reason) == (RunStatus.PLANNED, RunReason.RETRYING)


# --- other workflows ---------------------------------------------------------------------------------------------


@workflow.defn(name="PackParcel")
class PackParcel:
    """A workflow of the shop's own."""

    @workflow.run
    async def run(self, given: dict[str, Any]) -> dict[str, Any]:
        """Pack, or fail with words that hold a name."""
        if given.get("breaks"):
            raise ApplicationError("Anna Kowalska's parcel is lost", type="ParcelLost", non_retryable=True)
        return {"parcel": f"P-{given['order']}", "weight": 3.5}


PACKING = (
    "  new:\n    rules:\n"
    "      - id: pack\n"
    "        run: {workflow: PackParcel, task_queue: warehouse, AWAIT, input: {order: '{{ order.number }}', EXTRA}}\n"
    "      - {id: told, after: pack, when: results.pack.result.weight > 3, log: '{{ results.pack.result.parcel }}'}\n"
)


def packing(*, awaits: bool = True, extra: str = "express: true") -> str:
    """Write a pipeline that packs."""
    return stages(PACKING.replace("AWAIT", f"await: {str(awaits).lower()}").replace("EXTRA", extra))


@asynccontextmanager
async def warehouse(client: Client) -> AsyncIterator[None]:
    """Run the warehouse's worker."""
    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue="warehouse", workflows=[PackParcel], workflow_runner=runner):
        yield


async def test_a_rule_waits_for_the_workflow_it_started_and_keeps_its_result(shop: House) -> None:
    """Covers E26."""
    await shop.publish(packing())
    await shop.order("1")
    run = await shop.until_run("1", "pack", RunStatus.RUNNING)
    async with warehouse(shop.client):
        run = await shop.until_run("1", "pack", RunStatus.DONE)
    assert run.results["result"] == {"parcel": "P-1", "weight": 3.5}
    await shop.until_run("1", "told", RunStatus.DONE)
    assert "P-1" in [line.text for line in await shop.timeline("1")]


async def test_a_rule_that_does_not_wait_ends_when_the_workflow_is_started(shop: House) -> None:
    """Covers E26."""
    await shop.publish(packing(awaits=False))
    await shop.order("1")
    run = await shop.until_run("1", "pack", RunStatus.DONE)
    async with warehouse(shop.client):
        handle = shop.client.get_workflow_handle(str(run.results["workflow"]))
        assert await handle.result() == {"parcel": "P-1", "weight": 3.5}


async def test_a_workflow_that_fails_fails_the_rule_without_its_words(shop: House) -> None:
    """Covers E26, M62, case 53."""
    await shop.publish(packing(extra="breaks: true"))
    await shop.order("1")
    async with warehouse(shop.client):
        run = await shop.until_run("1", "pack", RunStatus.FAILED)
    assert (run.reason, run.words) == (
        RunReason.REJECTED,
        "the workflow failed (ParcelLost): look at it in Temporal",
    )


async def test_a_workflow_that_somebody_ended_fails_the_rule(shop: House) -> None:
    """Covers E26."""
    await shop.publish(packing())
    await shop.order("1")
    await shop.until_run("1", "pack", RunStatus.RUNNING)
    send = (await shop.runs("1"))["pack"].id
    handle = shop.client.get_workflow_handle(f"run:{send}")
    await shop.until(lambda: _is_there(handle))
    await handle.terminate("enough")
    run = await shop.until_run("1", "pack", RunStatus.FAILED)
    assert run.words == "the workflow was terminated"


async def test_a_workflow_of_an_id_that_has_run_is_not_started_again(shop: House) -> None:
    """Covers E26."""
    text = packing().replace("AWAIT", "").replace("{workflow:", "{id: one-parcel-only, workflow:")
    await shop.publish(text)
    async with warehouse(shop.client):
        await shop.order("1")
        await shop.until_run("1", "pack", RunStatus.DONE)
        await shop.order("2")
        run = await shop.until_run("2", "pack", RunStatus.FAILED)
    assert (run.reason, "already_started" in run.words) == (RunReason.REJECTED, True)


async def test_a_start_that_is_repeated_starts_one_workflow(house: House) -> None:
    """Covers E26, case 6: the answer to the start is lost."""
    from uuid import uuid4

    from activities.providers.protocol import Message

    send_id = uuid4()
    provider = connect(Connecting(house.store, client=house.client)).choose("workflow")
    message = Message("workflow", f"run:{send_id}", '{"order": "1"}', "PackParcel", headers={"task_queue": "warehouse"})
    assert await provider.lookup(message, send_id=send_id) is None
    first, second = await asyncio.gather(*(provider.send(message, send_id=send_id) for _ in range(2)))
    async with warehouse(house.client):
        await house.client.get_workflow_handle(message.address).result()
    third = await provider.send(message, send_id=send_id)
    assert first == second == third == await provider.lookup(message, send_id=send_id)
    runs = [found.run_id async for found in house.client.list_workflows(f"WorkflowId = '{message.address}'")]
    assert len(runs) <= 1


async def _is_there(handle: Any) -> bool:
    from temporalio.service import RPCError

    try:
        await handle.describe()
    except RPCError:
        return False
    return True
