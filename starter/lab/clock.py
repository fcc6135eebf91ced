"""Virtual time: whoever sleeps wakes at his moment to the microsecond; between two moments no time passes.

An event loop that has nothing to do lets its clock jump to the next moment. Nothing else ever happens to it: no
threads, no sockets, no real timers; so the same work takes the same course, byte for byte.
"""

import asyncio
import heapq
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from enum import IntEnum
from typing import Any, TypeVar

T = TypeVar("T")


class Rank(IntEnum):
    """Who is first at one moment: what happens outside, then the rules that are due, then the end of the view."""

    EVENT = 0
    RULE = 1
    END = 2


class Clock:
    """A clock that stands still until everybody waits for it."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, Rank, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        """Return the present moment."""
        return self._now

    def set(self, moment: datetime) -> None:
        """Put a clock that nobody has slept by yet to a moment."""
        self._now = moment

    async def until(self, moment: datetime, *, rank: Rank = Rank.RULE) -> None:
        """Sleep until a moment; one that is past is now."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (max(moment, self._now), rank, self._count, waiting))
        await waiting

    def jump(self) -> None:
        """Go to the next moment somebody sleeps until, and wake all of that moment and rank."""
        while self._sleepers and self._sleepers[0][3].done():
            heapq.heappop(self._sleepers)  # his task was cancelled
        if not self._sleepers:
            raise RuntimeError("the lab waits for something that never comes")
        moment, rank = self._sleepers[0][:2]
        self._now = moment
        while self._sleepers and self._sleepers[0][:2] == (moment, rank):
            waiting = heapq.heappop(self._sleepers)[3]
            if not waiting.done():
                waiting.set_result(None)


def play(clock: Clock, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run work to its end on a clock; from inside a running event loop, in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _played(clock, work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_played, clock, work).result()


def _played(clock: Clock, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    loop = asyncio.SelectorEventLoop(_Jumping(clock))
    try:
        return loop.run_until_complete(work())
    finally:
        _end(loop)
        loop.close()


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what still waits. It ends at once: whatever it does then, it does not sleep."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


class _Jumping(selectors.SelectSelector):
    """Is asked for input when the loop has nothing to do; then time jumps. There never is any input."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self._clock.jump()
        return []
