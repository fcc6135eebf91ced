"""Work on large bodies, done in a thread beside the event loop: other requests are answered meanwhile.

One at a time: several would need several times the memory, and be no faster, for they share one interpreter.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any, TypeVar

from fastapi import Request

from starter.gateway.problems import Problem

_T = TypeVar("_T")

#: Bytes. Reading a mail takes some 30 ms for each megabyte; up to here a change of thread is not worth it.
LARGE = 256 * 1024

#: Bytes of large bodies that may wait on disk at a time: fifteen of the largest mails.
ROOM = 512 * 1024 * 1024

#: How long a body may be under way: else who never ends one would keep its room for ever.
SECONDS = 120.0


class Room:
    """How much of the disk the bodies of one process take: many come unsigned, which is known at their end only."""

    def __init__(self, most: int = ROOM) -> None:
        self._free = most

    @contextmanager
    def part(self) -> Iterator[Callable[[int], None]]:
        """Give what takes room for so many more bytes, or raises Problem (503); all is free again at the end."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self._free:
                raise _later("no-room", detail="Too many large bodies at a time; send it again later.")
            self._free -= size
            taken += size

        try:
            yield take
        finally:
            self._free += taken


@dataclass(frozen=True)
class Body:
    """A request's body, which waits on disk while it is large: many may wait, one is read at a time."""

    file: SpooledTemporaryFile[bytes]
    size: int

    def read(self) -> bytes:
        """Return all of it."""
        self.file.seek(0)
        return self.file.read()


@asynccontextmanager
async def body_of(request: Request, *, seconds: float = SECONDS) -> AsyncIterator[Body]:
    """Receive a request's body; it is gone at the end of the block.

    Raise Problem (503) where there is no room for it, or where it does not come.
    """
    with SpooledTemporaryFile[bytes](max_size=LARGE) as file, _room(request).part() as take:
        try:
            async with asyncio.timeout(seconds):
                await _received(request, file=file, take=take)
        except TimeoutError:
            raise _later("too-slow", detail=f"The body did not come within {seconds:.0f} seconds.") from None
        yield Body(file, size=file.tell())


async def _received(request: Request, *, file: IO[bytes], take: Callable[[int], None]) -> None:
    kept = 0
    async for part in request.stream():
        size = file.tell() + len(part)
        if size > LARGE:  # what is smaller waits in memory
            take(size - kept)
            kept = size
        file.write(part)


def _later(code: str, *, detail: str) -> Problem:
    # 503, after which a vendor sends it again; the rest of the body stays unread.
    headers = {"Retry-After": "30", "Connection": "close"}
    return Problem(503, code=code, detail=detail).with_headers(headers)


def _room(request: Request) -> Room:
    state = request.app.state
    if not hasattr(state, "room"):
        state.room = Room()
    room: Room = state.room
    return room


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
