"""Works in one transaction, side by side: each gets its own answers, and few round trips serve all."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.database import Conflict, Store, Tx
from activities.store.rounds import Rounds
from activities.store.tables import ROTATIONS
from tests.store.watching import watched

_ROW = {"pipeline": "shop", "stage": "new", "turns": 0}

_ADD = insert(ROTATIONS)

_PUT = upsert(ROTATIONS).on_conflict_do_nothing().returning(ROTATIONS.c.rule)

_OF = select(ROTATIONS.c.rule, ROTATIONS.c.turns).where(ROTATIONS.c.rule == bindparam("one"))

_AMONG = select(ROTATIONS.c.rule).where(ROTATIONS.c.rule.in_(bindparam("ones", expanding=True))).order_by("rule")

_TURN = update(ROTATIONS).where(ROTATIONS.c.rule == bindparam("one")).values(turns=ROTATIONS.c.turns + 1)

Work = Callable[[Tx], Awaitable[object]]


@pytest.fixture
def asked() -> list[str]:
    """What the database was asked."""
    return []


@pytest_asyncio.fixture
async def ear(store: Store, asked: list[str]) -> Store:
    """The store, listened to."""
    return watched(store, asked.append)


async def done(store: Store, *works: Work) -> list[object]:
    async with store.write() as tx:
        return await Rounds().together(tx, works)


def row(rule: str) -> dict[str, object]:
    return {**_ROW, "rule": rule}


async def test_equal_statements_of_several_works_are_one_round_trip(ear: Store, asked: list[str]) -> None:
    async def work(tx: Tx, rule: str) -> tuple[object, ...]:
        put = (await tx.run(_PUT, row(rule))).scalar_one()
        turned = (await tx.run(_TURN, {"one": rule})).rowcount
        found = await tx.first(_OF, {"one": rule})
        assert found is not None
        return put, turned, found.rule, found.turns

    rules = [f"r{number}" for number in range(20)]
    answers = await done(ear, *(lambda tx, rule=rule: work(tx, rule) for rule in rules))
    assert answers == [(rule, 1, rule, 1) for rule in rules]
    assert len(asked) == 3


async def test_no_work_is_done_at_once(store: Store) -> None:
    assert await done(store) == []


async def test_each_work_sees_what_those_before_it_wrote(store: Store) -> None:
    """Of equal rows the first one counts."""

    async def work(tx: Tx) -> object:
        return (await tx.run(_PUT, row("same"))).scalar_one_or_none()

    assert await done(store, work, work, work) == ["same", None, None]


async def test_works_that_ask_for_different_things_are_done_too(store: Store) -> None:
    """Lists of other lengths, statements of several rows, writes put off, SQL by hand, and work that asks nothing."""

    async def many(tx: Tx) -> object:
        return [one.rule for one in await tx.run(_PUT, [row("a"), row("b")])]

    async def one(tx: Tx) -> object:
        await tx.run(_ADD, row("c"))
        return [found.rule for found in await tx.rows(_AMONG, {"ones": ["c"]})]

    async def several(tx: Tx) -> object:
        await tx.run(_ADD, row("d"))
        return [found.rule for found in await tx.rows(_AMONG, {"ones": ["a", "b", "d", "e"]})]

    async def later(tx: Tx) -> object:
        tx.later(_ADD, row("e"))
        tx.later(_ADD, row("f"))
        return (await tx.first(text("SELECT 7")))[0]  # type: ignore[index]  # there is one

    async def nothing(_: Tx) -> object:
        return None

    answers = await done(store, many, one, several, later, nothing)
    assert answers == [["a", "b"], ["c"], ["a", "b", "d", "e"], 7, None]
    async with store.read() as tx:
        assert [found.rule for found in await tx.rows(_AMONG, {"ones": list("abcdef")})] == list("abcdef")


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_where_one_work_fails_all_stop_and_nothing_is_kept(store: Store, place: int) -> None:
    ended = list[int]()

    async def work(tx: Tx, number: int) -> None:
        try:
            await tx.run(_ADD, row(f"r{number}"))
            if number == place:
                raise ZeroDivisionError
            await tx.run(_TURN, {"one": f"r{number}"})
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    with pytest.raises(ZeroDivisionError):
        await done(store, *(lambda tx, number=number: work(tx, number) for number in range(3)))
    assert sorted(ended) == [0, 1, 2]
    async with store.read() as tx:
        assert not await tx.rows(_AMONG, {"ones": ["r0", "r1", "r2"]})


async def test_what_the_database_refuses_is_raised(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await tx.run(_ADD, row("same"))

    with pytest.raises(Conflict):
        await done(store, work, work)
