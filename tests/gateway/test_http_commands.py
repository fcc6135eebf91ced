"""Commands over HTTP: updates of the order's workflow, answered with what they did."""

from uuid import uuid4

import pytest_asyncio
from temporalio.client import Client

from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve
from tests.gateway.recording import recording
from tests.gateway.test_delivery import connected, shop

__all__ = ["connected", "shop"]


@pytest_asyncio.fixture
async def operator(serve: Serve, connected: Parts) -> Caller:
    caller: Caller = await serve(connected)
    await caller.created("1001")
    return caller


async def test_a_command_is_carried_out_and_answered(operator: Caller, temporal_client: Client, shop: str) -> None:
    """Covers M06."""
    async with recording(temporal_client, queue=shop):
        answer = await operator.post("/v1/orders/1001/commands/move", {"stage": "paid"})
    assert answer.status == 200
    assert (answer.body["reason"], answer.body["words"]) == ("moved_by_hand", "by tests")
    assert answer.body["state"]["stage"] == "paid"


async def test_a_command_reaches_an_order_whose_workflow_has_ended(
    operator: Caller, connected: Parts, temporal_client: Client, shop: str
) -> None:
    """Covers M06, M07."""
    async with recording(temporal_client, queue=shop):
        await connected.orders.event("1001", "order.cancelled", id=uuid4().hex)
        await temporal_client.get_workflow_handle(f"order:{shop}:1001").result()
        answer = await operator.post("/v1/orders/1001/commands/move", {"stage": "new", "by": "olga"})
    assert (answer.status, answer.body["words"]) == (200, "by olga")


async def test_a_refusal_is_a_conflict_with_the_orders_words(
    operator: Caller, temporal_client: Client, shop: str
) -> None:
    async with recording(temporal_client, queue=shop):
        by_result = await operator.post("/v1/orders/1001/commands/move", {"stage": "moon"})
        by_error = await operator.post("/v1/orders/1001/commands/hold")
    assert (by_result.status, by_result.body["detail"]) == (409, "There is no stage 'moon'")
    assert (by_error.status, by_error.body["detail"]) == (409, "It is on hold already")


async def test_a_bad_command_never_reaches_the_order(operator: Caller) -> None:
    empty = await operator.post("/v1/orders/1001/commands/move", {"stage": ""})
    unknown = await operator.post("/v1/orders/1001/commands/resume", {"deadlines": "soon"})
    stranger = await operator.post("/v1/orders/9999/commands/move", {"stage": "paid"})
    assert (empty.status, empty.pointers) == (422, ["#/stage"])
    assert (unknown.status, unknown.pointers) == (422, ["#/deadlines"])
    assert stranger.status == 404


async def test_a_command_while_temporal_is_down_is_answered_503(caller: Caller) -> None:
    await caller.created("1001")
    answer = await caller.post("/v1/orders/1001/commands/move", {"stage": "paid"})
    assert (answer.status, answer.body["code"]) == (503, "temporal-down")
    assert answer.headers["Retry-After"]


async def test_the_state_can_be_asked_for(
    operator: Caller, connected: Parts, temporal_client: Client, shop: str
) -> None:
    async with recording(temporal_client, queue=shop):
        await connected.orders.event("1001", "payment.paid", id="p")
        assert (await connected.orders.state("1001")).number == "1001"
