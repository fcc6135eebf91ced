"""Work on large bodies, done in a thread beside the event loop: other requests are answered meanwhile.

One at a time: several would need several times the memory, and be no faster, for they share one interpreter.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")

#: Bytes. Reading a mail takes some 30 ms for each megabyte; up to here a change of thread is not worth it.
LARGE = 256 * 1024


class Apart:
    """What one process does apart from its event loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)

    async def run(self, work: Callable[[], Coroutine[Any, Any, _T]], *, size: int) -> _T:
        """Give what work on a body of that size gives; it must not use what belongs to the event loop."""
        if size <= LARGE:
            return await work()
        async with self._turn:
            return await asyncio.to_thread(lambda: asyncio.run(work()))
