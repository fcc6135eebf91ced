"""What the benchmark measures: each part runs every side in turn on the same machine and notes its figures."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from tests.bench import processes
from tests.bench.figures import SERVER, WORKER, Figures
from tests.bench.sides import RULES, Side

STAGES = 4
AT_ONCE = 20

Thing = TypeVar("Thing")

#: Fresh orders beside the one with thousands of events; the median of them counts.
FRESH = 5

#: Memory is measured with as many parked orders, fewer than a worker keeps in its cache, after a few.
KEPT, WARM = 500, 50


async def life(side: Side, number: str) -> None:
    """One order's whole life: the next event comes when the stage's rules have done their work."""
    await side.start(number)
    for stage in range(STAGES):
        if stage:
            await side.go(number, stage=stage)
        await side.until(number, effects=RULES * (stage + 1))
    await side.ended(number)


class Bench:
    """The sides, in turn."""

    def __init__(self, sides: Sequence[Side]) -> None:
        self.sides = sides
        self.figures = Figures()
        self._numbers = 0

    async def history(self) -> None:
        """Counts, which do not move: events and workflow tasks of one order."""
        for side in self._turns():
            [number] = self._new(1)
            await life(side, number)
            history = await side.history(number)
            if history is None:
                continue
            tasks = [event for event in history.events if event.HasField("workflow_task_completed_event_attributes")]
            self.figures.add("history events per order", len(history.events), side=side.name)
            self.figures.add("workflow tasks per order", len(tasks), side=side.name)

    async def throughput(self, *, orders: int, rounds: int) -> None:
        """Whole lives, some at once: orders per second, CPU per order of worker and server."""
        for _ in range(rounds):
            for side in self._turns():
                worker, server, begun = _worker_cpu(side), side.server_cpu(), _now()
                await _each(self._new(orders), partial(life, side))
                self.figures.add("orders per second", orders / (_now() - begun), side=side.name)
                self.figures.add(WORKER, 1000 * (_worker_cpu(side) - worker) / orders, side=side.name)
                if server is not None:
                    spent = (side.server_cpu() or 0.0) - server
                    self.figures.add(SERVER, 1000 * spent / orders, side=side.name)

    async def latency(self, *, orders: int, rounds: int) -> None:
        """One order at a time: from the signal to the stage's first effect."""
        taken: dict[str, list[float]] = {side.name: [] for side in self.sides}
        for _ in range(rounds):
            for side in self._turns():
                for number in self._new(orders):
                    await side.start(number)
                    await side.until(number, effects=RULES)
                    taken[side.name].append(1000 * await _answer(side, number, stage=1))
        for name, times in taken.items():
            self.figures.add("first effect p50 ms", statistics.median(times), side=name)
            self.figures.add("first effect p99 ms", statistics.quantiles(times, n=100)[98], side=name)

    async def long(self, *, events: int) -> None:
        """An order with thousands of events that moved nothing, after a restart of its worker, beside a fresh order."""
        for side in self._turns():
            long, first, *fresh = self._new(2 + FRESH)
            for number in (long, first, *fresh):
                await side.start(number)
                await side.until(number, effects=RULES)
            for begin in range(0, events, AT_ONCE):
                end = min(begin + AT_ONCE, events)
                await _each(range(begin, end), partial(_note, side, long))
                await _all_noted(side, long, count=end)
            for number in (long, first, *fresh):
                await side.go(number, stage=1)
                await side.until(number, effects=RULES * 2, seconds=600)  # the events before this one come first
            await side.stop()
            await side.launch()
            await _answer(side, first, stage=2)  # the worker's own first time
            young = statistics.median([await _answer(side, number, stage=2) for number in fresh])
            old = await _answer(side, long, stage=2)
            self.figures.add("after a restart: first effect of a fresh order ms", 1000 * young, side=side.name)
            self.figures.add(f"the same of an order with {events} events ms", 1000 * old, side=side.name)
            self.figures.add("ratio of the two", old / young, side=side.name)
            if (history := await side.history(long)) is not None:  # of its last run, as it was replayed, and the answer
                self.figures.add("history events of the long order", len(history.events), side=side.name)

    async def parked(self, *, orders: int) -> None:
        """Orders that wait: a young worker's memory for each. It is killed, and the next one takes an event of each."""
        for side in self._turns():
            await side.stop()  # memory that it has had for other orders would be used again, and not be seen
            await side.launch()
            await _each(self._new(WARM), partial(_park, side))
            kept, rest = self._new(min(orders, KEPT)), self._new(orders - min(orders, KEPT))
            before = _worker_memory(side)
            await _each(kept, partial(_park, side))
            await asyncio.sleep(1)
            self.figures.add("memory kB per parked order", (_worker_memory(side) - before) / len(kept), side=side.name)
            await _each(rest, partial(_park, side))
            await side.kill()
            self.figures.add("start-up s", await side.launch(), side=side.name)
            begun = _now()
            await _each(kept + rest, partial(side.go, stage=1))
            await asyncio.gather(*(side.until(number, effects=RULES * 2, seconds=600) for number in kept + rest))
            self.figures.add(f"recovery of {orders} parked orders s", _now() - begun, side=side.name)

    def _turns(self) -> Iterator[Side]:
        """Yield each side in its turn, while the others rest."""
        for side in self.sides:
            side.pause()
        for side in self.sides:
            side.resume()
            yield side
            side.pause()

    def _new(self, count: int) -> list[str]:
        self._numbers += count
        return [f"{self._numbers - n:06d}" for n in range(count)]


async def _answer(side: Side, number: str, *, stage: int) -> float:
    """Send a stage's event; return the seconds until its first effect."""
    begun = _now()
    await side.go(number, stage=stage)
    await side.until(number, effects=RULES * stage + 1)
    return _now() - begun


async def _note(side: Side, number: str, sequence: int) -> None:
    await side.note(number, sequence=sequence)


async def _all_noted(side: Side, number: str, *, count: int) -> None:
    begun = _now()
    while (taken := side.noted(number)) is not None and taken < count:
        assert _now() - begun < 120, f"{side.name} took {taken} of {count} events"
        await asyncio.sleep(0.005)


async def _park(side: Side, number: str) -> None:
    await side.start(number)
    await side.until(number, effects=RULES)


async def _each(things: Sequence[Thing], act: Callable[[Thing], Awaitable[None]]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(thing: Thing) -> None:
        async with gate:
            await act(thing)

    await asyncio.gather(*(one(thing) for thing in things))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _worker_cpu(side: Side) -> float:
    assert side.worker is not None
    return processes.cpu(side.worker.pid)


def _worker_memory(side: Side) -> float:
    assert side.worker is not None
    return processes.memory(side.worker.pid)
