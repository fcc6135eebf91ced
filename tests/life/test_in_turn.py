"""Local activities of one order go one after the other: side by side, a replay may resolve them in another order."""

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio import client as clients
from temporalio import worker as workers
from temporalio.client import Client
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from tests.life.pipelines import stages
from tests.support.house import House, store_at, working
from workflows.contracts.reasons import RunStatus

PIPELINE = stages("""
  new:
    rules:
      - {id: mail, email: "Order {{ order.number }}", subject: "Order {{ order.number }}"}
      - {id: noted, after: mail, log: "Noted"}
""")

#: How long a local activity waits for another one to begin beside it.
_CHANCE = 0.5


class _Watching(clients.Interceptor, workers.Interceptor):
    """Counts the local activities, and those of one order that were under way at one time."""

    def __init__(self) -> None:
        self.all: Counter[str] = Counter()
        self.beside: Counter[str] = Counter()
        self.under_way: dict[str, asyncio.Event] = {}

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Watched(next, watching=self)


class _Watched(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, *, watching: _Watching) -> None:
        super().__init__(next)
        self._watching = watching

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info, watching = activity.info(), self._watching
        if not info.is_local or info.workflow_id is None:
            return await super().execute_activity(input)
        watching.all[info.activity_type] += 1
        other = watching.under_way.get(info.workflow_id)
        if other is not None:
            watching.beside[info.activity_type] += 1
            other.set()
            return await super().execute_activity(input)
        begun = watching.under_way[info.workflow_id] = asyncio.Event()
        with suppress(TimeoutError):  # then nothing began beside it
            async with asyncio.timeout(_CHANCE):
                await begun.wait()
        del watching.under_way[info.workflow_id]
        return await super().execute_activity(input)


async def test_a_decision_and_a_record_never_run_side_by_side(tmp_path: Path, temporal_client: Client) -> None:
    """The mail's end brings an event to be decided, and a rule that follows it, at the same moment."""
    watching = _Watching()
    settings = temporal_client.config()
    settings["interceptors"] = [watching]  # a worker takes those of its client that fit it
    async with store_at(tmp_path) as store:
        house = House(store, Client(**settings))
        async with working(house):
            await house.publish(PIPELINE)
            await house.order("1001")
            await house.until_run("1001", "noted", RunStatus.DONE)
            await house.until(lambda: _decided(house))
        await house.close()
    assert watching.all["decide"] >= 2  # more where a workflow task ran out of time and was begun again
    assert watching.all["log"] >= 1
    assert not watching.beside


async def _decided(house: House) -> bool:
    return any(event.type == "email.sent" and event.reason for event in await house.events("1001"))
