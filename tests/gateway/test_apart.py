"""Large work is done beside the event loop, one piece at a time."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from fastapi import FastAPI, Request
from starlette.types import Message

from starter.gateway.apart import LARGE, Apart, Room, body_of
from starter.gateway.problems import Problem


async def test_the_loop_goes_on_while_large_work_is_done() -> None:
    """It waits for what only the loop can do; on the loop itself that would never come."""
    told = threading.Event()

    async def work() -> bool:
        return told.wait(30)

    doing = asyncio.create_task(Apart().run(work, size=LARGE + 1))
    await asyncio.sleep(0)
    assert not doing.done()
    told.set()
    assert await doing


async def test_one_large_piece_is_done_at_a_time() -> None:
    """So the memory of one is all that large bodies take, however many come."""
    apart, doing, most = Apart(), list[int](), list[int]()

    async def work() -> None:
        doing.append(1)
        most.append(len(doing))
        await asyncio.sleep(0)
        doing.pop()

    await asyncio.gather(*(apart.run(work, size=LARGE + 1) for _ in range(8)))
    assert most == [1] * 8


async def test_small_work_waits_for_no_large_work() -> None:
    apart, told = Apart(), threading.Event()

    async def large() -> str:
        told.wait(30)
        return "large"

    async def small() -> str:
        return threading.current_thread().name

    doing = asyncio.create_task(apart.run(large, size=LARGE + 1))
    assert await apart.run(small, size=LARGE) == threading.current_thread().name
    assert not doing.done()
    told.set()
    assert await doing == "large"


def sent(parts: Sequence[bytes], *, app: FastAPI, ends: bool = True) -> Request:
    """Make a request whose body comes in parts; without an end, the sender keeps the line open and says no more."""
    left = [*parts]

    async def receive() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left) or not ends}
        return await asyncio.Future[Message]()

    return Request({"type": "http", "method": "POST", "headers": [], "app": app}, receive)


async def test_large_bodies_take_no_more_of_the_disk_than_there_is_room_for() -> None:
    """Whoever sends them is known at their end only. Small ones stay in memory, and go on."""
    app, large, small = FastAPI(), [b"x" * LARGE, b"y"], [b"x" * LARGE]
    app.state.room = Room(2 * LARGE)
    async with body_of(sent(large, app=app)) as first:
        assert first.read() == b"x" * LARGE + b"y"
        with pytest.raises(Problem) as refused:
            await body_of(sent(large, app=app)).__aenter__()
        async with body_of(sent(small, app=app)) as other:
            assert other.size == LARGE
    assert (refused.value.status, refused.value.code) == (503, "no-room")
    assert refused.value.headers["Retry-After"]
    for _ in range(3):
        async with body_of(sent(large, app=app)) as later:
            assert later.size == LARGE + 1


async def test_a_body_that_never_ends_gives_its_room_back() -> None:
    app = FastAPI()
    app.state.room = Room(LARGE + 1)
    with pytest.raises(Problem) as refused:
        await body_of(sent([b"x" * (LARGE + 1)], app=app, ends=False), seconds=0.01).__aenter__()
    assert (refused.value.status, refused.value.code) == (503, "too-slow")
    async with body_of(sent([b"x" * (LARGE + 1)], app=app)) as body:
        assert body.size == LARGE + 1
