"""Large work is done beside the event loop, one piece at a time."""

import asyncio
import threading

from starter.gateway.apart import LARGE, Apart


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
