"""The line of M05 under real concurrency: a claim and a stage change meet, in both orders, on both databases."""

import asyncio

import pytest

from activities.store import journal, ledger, orders, relay, runs, visits
from activities.store.database import Store
from activities.store.ledger import Claimed, Refused
from tests.store.builders import KEY, NOW, arrival, claim_of, entry, later, move, new_order, planned, put_order, take
from workflows.contracts.reasons import RunReason, RunStatus


async def claim(store: Store) -> object:
    async with store.write() as tx:
        return await ledger.claim(tx, claim=claim_of())


async def leave(store: Store) -> None:
    async with store.write() as tx:
        await move(tx, KEY, visit=2)


async def test_a_claim_waits_for_the_stage_change_and_is_refused(store: Store) -> None:
    """Covers M05, M61."""
    await put_order(store, runs=(planned("sms"),))
    async with store.write() as tx:
        await move(tx, KEY, visit=2)
        waiting = asyncio.create_task(claim(store))
        await asyncio.sleep(0.05)
        assert not waiting.done()
    found = await waiting
    assert isinstance(found, Refused)
    assert found.reason is RunReason.STAGE_LEFT


async def test_a_stage_change_waits_for_the_claim_and_lets_it_be_completed(store: Store) -> None:
    """Covers M05, M61."""
    await put_order(store, runs=(planned("sms"), planned("other")))
    async with store.write() as tx:
        assert isinstance(await ledger.claim(tx, claim=claim_of()), Claimed)
        waiting = asyncio.create_task(leave(store))
        await asyncio.sleep(0.05)
        assert not waiting.done()
    await waiting
    async with store.read() as tx:
        found = {run.rule: run.status for run in await runs.runs_of(tx, KEY, visit=1)}
    assert found == {"sms": RunStatus.RUNNING, "other": RunStatus.STOPPED}


@pytest.mark.parametrize("round", range(3))
async def test_of_many_claims_exactly_one_may_send(store: Store, round: int) -> None:
    """Covers M61."""
    await put_order(store, runs=(planned("sms"),))
    found = await asyncio.gather(*(claim(store) for _ in range(8)))
    assert len([one for one in found if isinstance(one, Claimed)]) == 1


async def test_a_claim_and_a_stage_change_at_once_never_leave_a_stopped_run_claimed(store: Store) -> None:
    """Covers M05."""
    await put_order(store, runs=(planned("sms"),))
    claimed, _ = await asyncio.gather(claim(store), leave(store))
    async with store.read() as tx:
        run = await runs.run_of(tx, KEY, visit=1, rule="sms")
        row = await ledger.row(tx, send_id=run.id) if run else None
    assert run is not None
    assert (run.status is RunStatus.STOPPED) == isinstance(claimed, Refused) == (row is None)


async def test_one_event_from_many_senders_at_once_is_one_event(store: Store) -> None:
    """Covers M50."""
    await put_order(store)
    taken = await asyncio.gather(*(take(store, arrival(data={"amount": "10"})) for _ in range(6)))
    assert sorted(one.is_new for one in taken) == [False] * 5 + [True]
    async with store.read() as tx:
        assert (await orders.get(tx, KEY)).paid_amount == 10


async def test_payments_at_once_add_up(store: Store) -> None:
    """Covers T10."""
    await put_order(store)
    taken = await asyncio.gather(*(take(store, arrival(id=f"p{n}", data={"amount": "25"})) for n in range(4)))
    assert [event.type for one in taken for event in one.follows] == ["payment.paid"]
    async with store.read() as tx:
        order = await orders.get(tx, KEY)
    assert (order.paid_amount, order.paid) == (100, True)


async def test_orders_created_at_once_get_numbers_of_their_own(store: Store) -> None:
    async def create() -> str:
        async with store.write() as tx:
            return (await orders.create(tx, new_order(), now=NOW)).number

    numbers = await asyncio.gather(*(create() for _ in range(6)))
    assert sorted(numbers) == ["1001", "1002", "1003", "1004", "1005", "1006"]


async def test_two_relays_never_take_the_same_delivery(store: Store) -> None:
    await put_order(store)
    for n in range(10):
        await take(store, arrival("call.incoming", id=f"e{n}"))

    async def some() -> list[int]:
        async with store.write() as tx:
            return [d.id for d in await relay.claim_undelivered(tx, now=NOW, limit=4, lease=later(minutes=1) - NOW)]

    taken = [id for ids in await asyncio.gather(some(), some(), some()) for id in ids]
    assert len(taken) == len(set(taken))
    assert len(taken) + len(await some()) == 10


async def test_a_decision_is_made_once_by_two_workers(store: Store) -> None:
    """Covers M50: both lock the order, the second finds the first one's visit."""
    await put_order(store)
    taken = await take(store, arrival("payment.paid"))

    async def decide() -> bool:
        async with store.write() as tx:
            await visits.lock(tx, KEY)
            found = await journal.event_for(tx, KEY, source="bank", id="e1")
            assert found is not None
            if found.state == "delivered":
                return False
            await visits.enter(tx, KEY, entry=entry(2, "paid"))
            await relay.mark_delivered(tx, ids=[delivery.id for delivery in taken.deliveries], now=NOW)
            return True

    assert sorted(await asyncio.gather(decide(), decide())) == [False, True]


@pytest.mark.parametrize("rounds", range(6))
async def test_a_writer_that_is_cancelled_as_its_turn_comes_is_cancelled(sqlite_url: str, rounds: int) -> None:
    """A lost cancel would let a relay, and so its process, run for ever."""
    store = await Store.open(sqlite_url)

    async def write() -> None:
        async with store.write():
            await asyncio.Event().wait()

    async with store.write():
        writing = asyncio.create_task(write())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    for _ in range(rounds):
        await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait([writing], timeout=60)

    assert writing.cancelled()
    async with store.write():
        pass  # its turn was given back
    await store.close()
