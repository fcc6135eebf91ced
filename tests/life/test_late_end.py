"""A rule runs out of time at the very moment at which its stage is left: its end is recorded all the same."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio import client as clients
from temporalio import worker as workers
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.providers.errors import NotSent, Unknown
from activities.providers.protocol import Accepted
from activities.store import ledger
from activities.store.history import LedgerState
from tests.life.pipelines import stages
from tests.life.test_failures import Scripted, only
from tests.support.house import House, store_at, working
from workflows.contracts.decisions import DecideRequest
from workflows.contracts.ids import run_id
from workflows.contracts.reasons import RunStatus

PIPELINE = stages("""
  new:
    rules:
      - {id: text, sms: "Order {{ order.number }}", expires: 2s}
  done:
    kind: success
    triggers: [{webhook: done}]
""")


#: The server writes either, as its attempts fall, when no time is left for another one.
_ENDS = (EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED)


class _Holding(clients.Interceptor, workers.Interceptor):
    """Holds the decision on the event that moves the order until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Held(next, go=self.go)


class _Held(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, *, go: asyncio.Event) -> None:
        super().__init__(next)
        self._go = go

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        if activity.info().activity_type == "decide":
            request: DecideRequest = input.args[0]
            if request.event.type == "webhook.done":
                await self._go.wait()
        return await super().execute_activity(input)


async def test_a_claimed_send_settles_although_it_expired_while_its_stage_was_left(
    tmp_path: Path, temporal_client: Client
) -> None:
    """Covers M05, M60, M61: the end waits for the decision, whose leaving cancels it once."""
    provider = Scripted(Unknown("no answer"), arrived=NotSent("down", retry_after=timedelta(milliseconds=200)))
    holding = _Holding()
    settings = temporal_client.config()
    settings["interceptors"] = [holding]
    async with store_at(tmp_path) as store:
        house = House(store, Client(**settings))
        async with working(house, providers=only(provider)):
            await house.publish(PIPELINE)
            await house.order("1001")
            await house.until(lambda: _is_lost(house))
            await house.event("1001", "webhook.done")
            try:
                await house.until(lambda: _heard_of_the_end(house))
            finally:
                holding.go.set()  # a worker does not stop while a decision is held
            await house.until_stage("1001", "done")
            provider.arrived = Accepted("theirs")
            await house.until_run("1001", "text", RunStatus.DONE, visit=1)
        await house.close()
    assert provider.sent == []


async def _is_lost(house: House) -> bool:
    async with house.store.read() as tx:
        row = await ledger.row(tx, send_id=run_id(house.key("1001"), 1, "text"))
        return row is not None and row.state is LedgerState.UNKNOWN


async def _heard_of_the_end(house: House) -> bool:
    """Say whether a workflow task began after the activity had ended."""
    history = await house.handle("1001").fetch_history()
    kinds = [event.event_type for event in history.events]
    ends = [at for at, kind in enumerate(kinds) if kind in _ENDS]
    if not ends:
        return False
    after = kinds[ends[0] :]
    return EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED in after
