"""Calls that come in together: one transaction for all, one answer for each, and none before the commit."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from activities.store import journal, orders
from activities.store.database import Store, StoreDown, Tx
from activities.store.facts import Locked
from activities.store.journal import Arrival, Journalled
from activities.store.records import NewOrder
from starter.gateway.commits import ONE_WRITER, SEVERAL_WRITERS, Commits, Manner
from tests.support.postgres import Postgres, postgres_server
from workflows.contracts.ids import OrderKey

OF_POSTGRES = text("SELECT pg_current_xact_id()::text")

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Calls:
    """Calls that journal an event each; `used` says in which transactions."""

    def __init__(self) -> None:
        self.used: list[object] = []

    async def take(self, commits: Commits, *, id: str, is_bad: bool = False, order: str = "") -> str:
        async def work(tx: Tx, _: Locked | None) -> str:
            self.used.append((await tx.first(OF_POSTGRES))[0] if order else tx)
            await journal.append(tx, Arrival("test", id, "chat.message", at=NOW, raw=b"{}"), now=NOW)
            if is_bad:
                raise ZeroDivisionError(id)
            return id

        return await commits.run(work, order=order)


async def kept(store: Store) -> list[str]:
    async with store.read() as tx:
        return sorted(row[0] for row in await tx.rows(text("SELECT id FROM events WHERE source = 'test'")))


async def test_calls_that_wait_for_the_writer_go_together(store: Store) -> None:
    calls, commits = Calls(), Commits(store, manner=ONE_WRITER)
    async with store.write():
        waiting = [asyncio.create_task(calls.take(commits, id=f"e{number}")) for number in range(10)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert await asyncio.gather(*waiting) == [f"e{number}" for number in range(10)]
    assert len(set(map(id, calls.used))) == 1
    assert len(await kept(store)) == 10


async def test_no_more_than_so_many_go_together(store: Store) -> None:
    """Other writers wait for so long only."""
    calls, commits = Calls(), Commits(store, manner=Manner(most=4, writers=1))
    await asyncio.gather(*(calls.take(commits, id=f"e{number}") for number in range(10)))
    assert max(calls.used.count(tx) for tx in calls.used) <= 4
    assert len(await kept(store)) == 10


@pytest.mark.parametrize("most", [1, 32])
async def test_a_call_that_fails_spoils_no_other(store: Store, most: int) -> None:
    calls, commits = Calls(), Commits(store, manner=Manner(most=most, writers=1))
    answers = await asyncio.gather(
        *(calls.take(commits, id=f"e{number}", is_bad=number in (0, 5)) for number in range(10)), return_exceptions=True
    )
    assert [number for number, answer in enumerate(answers) if isinstance(answer, ZeroDivisionError)] == [0, 5]
    assert await kept(store) == [f"e{number}" for number in range(10) if number not in (0, 5)]


async def test_an_answer_comes_after_its_commit(store: Store) -> None:
    """Another connection sees each event at the moment of its answer (journal first, then answer)."""
    calls, commits = Calls(), Commits(store, manner=Manner(most=3, writers=1))

    async def answered(id: str) -> bool:
        return await calls.take(commits, id=id) in await kept(store)

    assert all(await asyncio.gather(*(answered(f"e{number}") for number in range(20))))


async def test_where_the_store_is_down_each_call_is_told(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'not-there' / 'orders.db'}")
    calls, commits = Calls(), Commits(store, manner=ONE_WRITER)
    answers = await asyncio.gather(*(calls.take(commits, id=f"e{one}") for one in range(5)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreDown] * 5
    await store.close()


async def test_a_caller_that_gives_up_holds_nobody_up(store: Store) -> None:
    calls, commits = Calls(), Commits(store, manner=ONE_WRITER)
    async with store.write():
        waiting = [asyncio.create_task(calls.take(commits, id=f"e{number}")) for number in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [answers[0], answers[2]] == ["e0", "e2"]
    assert isinstance(answers[1], asyncio.CancelledError)
    assert await calls.take(commits, id="later") == "later"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@pytest_asyncio.fixture
async def postgres_store(postgres: Postgres) -> AsyncIterator[Store]:
    store = await Store.open(postgres.emptied_url(), pool=5)
    yield store
    await store.close()


async def test_on_postgresql_calls_about_one_order_each_go_together(postgres_store: Store) -> None:
    """Others may wait for each other's rows, so each of those has a transaction of its own."""
    calls, commits = Calls(), Commits(postgres_store, manner=SEVERAL_WRITERS)
    await asyncio.gather(*(calls.take(commits, id=f"e{number}", order=f"shop:{number}") for number in range(18)))
    assert len(set(calls.used)) < 9
    others = Calls()
    await asyncio.gather(*(others.take(commits, id=f"o{number}") for number in range(4)))
    assert len(set(map(id, others.used))) == 4
    assert len(await kept(postgres_store)) == 22


async def test_on_postgresql_a_writer_that_finds_nobody_waiting_is_there_for_the_next(postgres_store: Store) -> None:
    """Two begin at the same time, and the first one takes all calls along; the other gives its connection back."""
    calls, commits = Calls(), Commits(postgres_store, manner=SEVERAL_WRITERS)
    for turn in range(3):
        await asyncio.gather(*(calls.take(commits, id=f"{turn}-{n}", order=f"shop:{n}") for n in range(4)))
    async with AsyncExitStack() as every_connection:
        for _ in range(5):
            await every_connection.enter_async_context(postgres_store.read())
    assert len(await kept(postgres_store)) == 12


async def test_on_postgresql_transactions_of_many_orders_never_wait_for_each_other(postgres_store: Store) -> None:
    """Facts of the same orders, told in opposite sequences by two gateways at once: none fails, none is lost."""
    numbers = [f"{number:02d}" for number in range(12)]
    async with postgres_store.write() as tx:
        for number in numbers:
            await orders.create(tx, NewOrder.model_validate({"number": number, "total": "9.00"}), now=NOW)

    async def told(commits: Commits, number: str, *, by: str) -> bool:
        key = OrderKey(shop="shop", number=number)
        arrival = Arrival(by, number, "shipment.shipped", at=NOW, raw=b"{}", orders=(key,))

        async def work(tx: Tx, order: Locked | None) -> bool:
            return (await journal.append(tx, arrival, now=NOW, order=order)).is_new

        return await commits.run(work, order=str(key))

    one, other = (Commits(postgres_store, manner=SEVERAL_WRITERS) for _ in range(2))
    there = [told(one, number, by="one") for number in numbers]
    back = [told(other, number, by="other") for number in reversed(numbers)]
    assert await asyncio.gather(*there, *back) == [True] * 24


async def test_on_postgresql_a_call_that_fails_spoils_no_other(postgres_store: Store) -> None:
    """Those about other orders are under way side by side when it does."""
    calls, commits = Calls(), Commits(postgres_store, manner=SEVERAL_WRITERS)
    answers = await asyncio.gather(
        *(calls.take(commits, id=f"e{n:02d}", is_bad=n in (0, 5), order=f"shop:{n}") for n in range(12)),
        return_exceptions=True,
    )
    assert [number for number, answer in enumerate(answers) if isinstance(answer, ZeroDivisionError)] == [0, 5]
    assert await kept(postgres_store) == [f"e{number:02d}" for number in range(12) if number not in (0, 5)]


async def test_on_postgresql_facts_of_one_order_are_taken_one_after_the_other(postgres_store: Store) -> None:
    """Each payment counts, though those of other orders are taken beside them; each gives its own answer."""
    numbers = ["1001", "1002", "1003"]
    async with postgres_store.write() as tx:
        for number in numbers:
            await orders.create(tx, NewOrder.model_validate({"number": number, "total": "100.00"}), now=NOW)
    commits = Commits(postgres_store, manner=SEVERAL_WRITERS)

    async def paid(number: str, id: str) -> tuple[str, bool]:
        key = OrderKey(shop="shop", number=number)
        arrival = Arrival("psp", id, "payment.received", NOW, {"amount": "1.00"}, raw=b"{}", orders=(key,))

        async def work(tx: Tx, order: Locked | None) -> Journalled:
            return await journal.append(tx, arrival, now=NOW, order=order)

        journalled = await commits.run(work, order=str(key), event=id)
        return journalled.orders[0].number, journalled.is_new

    told = [(number, f"{number}-{place}") for place in range(8) for number in numbers] * 2
    answers = await asyncio.gather(*(paid(number, id) for number, id in told))
    assert [number for number, _ in answers] == [number for number, _ in told]
    news = Counter(id for (_, id), (_, is_new) in zip(told, answers, strict=True) if is_new)
    assert news == Counter(id for _, id in told[:24]), "each once, whichever of the two came first"
    async with postgres_store.read() as tx:
        sums = [(await orders.get(tx, OrderKey(shop="shop", number=number))).paid_amount for number in numbers]
    assert sums == [Decimal("8.00")] * 3


@pytest.mark.parametrize("manner", [ONE_WRITER, SEVERAL_WRITERS], ids=["one writer", "several"])
async def test_an_event_that_is_told_of_two_orders_at_once_is_the_first_ones(
    postgres_store: Store, manner: Manner
) -> None:
    keys = [OrderKey(shop="shop", number=number) for number in ("1001", "1002")]
    async with postgres_store.write() as tx:
        for key in keys:
            await orders.create(tx, NewOrder.model_validate({"number": key.number, "total": "9.00"}), now=NOW)
    commits = Commits(postgres_store, manner=manner)

    async def told(key: OrderKey) -> Journalled:
        arrival = Arrival("psp", "e-1", "shipment.shipped", NOW, raw=b"{}", orders=(key,))

        async def work(tx: Tx, order: Locked | None) -> Journalled:
            return await journal.append(tx, arrival, now=NOW, order=order)

        return await commits.run(work, order=str(key), event="psp/e-1")

    answers = await asyncio.gather(*(told(key) for key in keys))
    assert [(answer.is_new, answer.orders) for answer in answers] == [(True, (keys[0],)), (False, (keys[0],))]
