"""What does not move with the machine, against the hand-written floor: history, workflow tasks, calls on replay."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from activities.runtime.payloads import PAYLOADS
from activities.runtime.workers import sandbox
from tests.bench.calls import calls_of_replay
from tests.bench.floor import Floor
from tests.bench.measures import Bench
from tests.bench.record import RECORDED
from tests.bench.sides import FloorSide, OursSide, Side
from tests.replay.record import HISTORIES
from tests.support.temporal import temporal_server
from workflows.order import Order

__all__ = ["temporal_server"]

#: Ours enters 1.41 times as many functions per event of a history, of which it has less than half: half of its calls
#: load the workflow module into the order's sandbox, once per replay.
CALLS_PER_EVENT = 1.5
CALLS_PER_ORDER = 0.6

#: Per event, a history of 34 events that moved nothing against one of four stages.
OLD_BESIDE_YOUNG = 1.0


async def test_an_order_costs_less_history_than_the_hand_written_one(tmp_path: Path, temporal_server: str) -> None:
    sides = [FloorSide(tmp_path, address=temporal_server), OursSide(tmp_path, address=temporal_server)]
    async with _launched(sides) as bench:
        await bench.history()
    for name, most in (("history events per order", 0.7), ("workflow tasks per order", 1.0)):
        floor, ours = (bench.figures.median(name, side=side.name) for side in sides)
        assert floor is not None
        assert ours is not None
        assert ours <= most * floor


async def test_a_replay_enters_few_functions_beside_the_hand_written_one() -> None:
    """A failure names the functions that were entered most: what is new among them is the cause."""
    floor = await _read(RECORDED / "floor.json", workflow_id="floor:1")
    ours = await _read(RECORDED / "ours.json", workflow_id="order:shop:1")
    floor_calls, calls = await calls_of_replay(floor, make=_floor), await calls_of_replay(ours, make=_ours)
    most = [f"{count} {code.co_filename}:{code.co_qualname}" for code, count in calls.most_common(20)]
    assert calls.total() <= CALLS_PER_ORDER * floor_calls.total(), most
    per_event, floor_per_event = calls.total() / len(ours.events), floor_calls.total() / len(floor.events)
    assert per_event <= CALLS_PER_EVENT * floor_per_event, most


async def test_an_old_order_replays_with_few_functions_beside_a_young_one() -> None:
    """What an event costs on replay must not grow with the number of events before it."""
    costs = []
    for name in ("finished", "continued"):
        history = await _read(HISTORIES / f"{name}.json", workflow_id=f"order:shop:{name}")
        calls = await calls_of_replay(history, make=_ours)
        costs.append(calls.total() / len(history.events))
    assert costs[1] <= OLD_BESIDE_YOUNG * costs[0]


@asynccontextmanager
async def _launched(sides: Sequence[Side]) -> AsyncIterator[Bench]:
    try:
        for side in sides:
            await side.prepare()
            await side.launch()
        yield Bench(sides)
    finally:
        for side in sides:
            await side.close()


async def _read(file: Path, *, workflow_id: str) -> WorkflowHistory:
    return WorkflowHistory.from_json(workflow_id, await asyncio.to_thread(file.read_text))


def _floor(threads: ThreadPoolExecutor) -> Replayer:
    return Replayer(workflows=[Floor], workflow_task_executor=threads)


def _ours(threads: ThreadPoolExecutor) -> Replayer:
    return Replayer(
        workflows=[Order],
        data_converter=PAYLOADS,
        workflow_runner=sandbox(),
        workflow_task_executor=threads,
    )
