"""Virtual time for many lives: one clock, and an event loop per life that runs until nothing is left to do.

A loop is dropped to end a life in the middle of everything, as a server drops a workflow that is terminated.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any

#: A Thursday morning, in the second half of November: no change of the clocks is near.
START = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)

#: More steps than any life needs at one moment.
_RESTLESS = 50_000


class Restless(AssertionError):
    """Something goes on for ever without time passing."""


class Clock:
    """Time, and what happens at later moments."""

    def __init__(self) -> None:
        self.now = START
        self._later: list[tuple[datetime, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, moment: datetime, callback: Callable[[], None]) -> None:
        """Call back at a moment; one that has passed is now."""
        self._count += 1
        heapq.heappush(self._later, (max(moment, self.now), self._count, callback))

    def next_within(self, until: datetime) -> bool:
        """Let the next moment until then come; say whether there was one."""
        if not self._later or self._later[0][0] > until:
            return False
        moment, _, callback = heapq.heappop(self._later)
        self.now = max(self.now, moment)
        callback()
        return True


class Loop(asyncio.AbstractEventLoop):
    """An event loop without time and without input: it runs what is ready."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[Any]] = []
        self.errors: list[dict[str, Any]] = []
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...], Context | None, asyncio.Handle]] = deque()

    def run_until_idle(self) -> None:
        """Run all that is ready, and what becomes ready by it."""
        asyncio._set_running_loop(self)
        try:
            for _ in range(_RESTLESS):
                if not self._ready:
                    return
                callback, args, context, handle = self._ready.popleft()
                if handle.cancelled():
                    continue
                if context is None:
                    callback(*args)
                else:
                    context.run(callback, *args)
        finally:
            asyncio._set_running_loop(None)
        raise Restless("an order does not come to rest although no time passes")

    def drop(self) -> None:
        """Forget everything: nothing of this loop ever runs again."""
        self._ready.clear()
        for task in self.tasks:
            coroutine = task.get_coro()
            if not task.done() and coroutine is not None:
                coroutine.close()
        self.tasks.clear()

    def pending(self) -> list["asyncio.Task[Any]"]:
        """List the tasks that have not ended."""
        self.tasks = [task for task in self.tasks if not task.done()]
        return self.tasks

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append((callback, args, context, handle))
        return handle

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Coroutine[Any, Any, Any], **options: Any) -> "asyncio.Task[Any]":
        task = asyncio.Task(coro, loop=self, **options)
        self.tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def time(self) -> float:
        return 0.0

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context)


def later(clock: Clock, loop: Loop, *, span: timedelta) -> "asyncio.Future[None]":
    """Return a future of this loop that is done after a span."""
    waiting: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not waiting.done():
            waiting.set_result(None)

    clock.at(clock.now + span, wake)
    return waiting
