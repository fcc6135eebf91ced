"""Virtual time: to the microsecond, in order, and as fast as the work itself."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from starter.lab.clock import Clock, Rank, play

_START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_sleepers_wake_at_their_moments_in_order() -> None:
    clock, woken = Clock(_START), list[tuple[str, timedelta]]()

    async def sleep(name: str, *, span: timedelta, rank: Rank = Rank.RULE) -> None:
        await clock.until(_START + span, rank=rank)
        woken.append((name, clock.now() - _START))

    async def all_of_them() -> None:
        day, year = timedelta(days=1), timedelta(days=366, microseconds=1)
        await asyncio.gather(
            sleep("year", span=year),
            sleep("rule", span=day),
            sleep("event", span=day, rank=Rank.EVENT),
            sleep("past", span=-day),
        )

    play(clock, all_of_them)
    assert woken == [
        ("past", timedelta(0)),
        ("event", timedelta(days=1)),
        ("rule", timedelta(days=1)),
        ("year", timedelta(days=366, microseconds=1)),
    ]


def test_waiting_for_what_never_comes_is_an_error_and_no_hanging() -> None:
    async def never() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="never comes"):
        play(Clock(_START), never)


def test_a_cancelled_sleeper_does_not_hold_time_up() -> None:
    clock = Clock(_START)

    async def cancelled() -> None:
        task = asyncio.create_task(clock.until(_START + timedelta(hours=1)))
        await clock.until(_START + timedelta(minutes=1))
        task.cancel()
        await clock.until(_START + timedelta(days=1))

    play(clock, cancelled)
    assert clock.now() == _START + timedelta(days=1)
