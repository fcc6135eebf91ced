"""What Temporal did not take yet: leases, tries, the dead and their replay."""

from datetime import timedelta

import pytest

from activities.store import relay
from activities.store.database import NotFound, Store
from activities.store.journal import Delivery
from tests.store.builders import KEY, NOW, arrival, decided, later, put_order, take
from tests.store.test_journal import decision

MINUTE = timedelta(minutes=1)


async def some(store: Store, **more: float) -> list[Delivery]:
    async with store.write() as tx:
        return await relay.claim_undelivered(tx, now=later(**more), limit=10, lease=MINUTE)


async def test_a_claimed_delivery_is_left_alone_until_its_lease_ends(store: Store) -> None:
    await put_order(store)
    await take(store, arrival("call.incoming", data={"line": "one"}))
    first = await some(store)
    assert [(d.key, d.event.id, d.event.type, d.event.data, d.attempts) for d in first] == [
        (KEY, "e1", "call.incoming", {}, 0)
    ]
    assert await some(store, seconds=59) == []
    assert await some(store, seconds=60) == first


async def test_a_decided_event_is_not_sent_again(store: Store) -> None:
    await put_order(store)
    await take(store, arrival("call.incoming", id="e2"))
    async with store.write() as tx:
        await relay.mark_delivered(tx, ids=[], now=NOW)
        await decided(tx, KEY, id="e2", decision=decision("e2"))
    assert await some(store, days=1) == []


async def test_an_event_that_nobody_decides_is_sent_again_each_time_later(store: Store) -> None:
    """Temporal took it, but its workflow may be terminated, or its server restored from a backup."""
    await put_order(store)
    taken = await take(store, arrival("call.incoming"))
    ids = [delivery.id for delivery in taken.deliveries]
    async with store.write() as tx:
        await relay.mark_delivered(tx, ids=ids, now=NOW)
    assert await some(store, seconds=29) == []
    assert [delivery.id for delivery in await some(store, seconds=30)] == ids

    async with store.write() as tx:
        await relay.mark_delivered(tx, ids=ids, now=later(seconds=30))
    assert await some(store, seconds=89) == []
    assert [delivery.id for delivery in await some(store, seconds=90)] == ids


async def test_the_grace_of_an_arrival_keeps_relays_away(store: Store) -> None:
    await put_order(store)
    await take(store, arrival("call.incoming", grace=MINUTE))
    assert await some(store) == []
    assert len(await some(store, seconds=60)) == 1


async def test_ten_failed_tries_are_the_end_and_a_replay_begins_anew(store: Store) -> None:
    await put_order(store)
    await take(store, arrival("call.incoming"))
    for n in range(10):
        (delivery,) = await some(store, hours=n)
        assert delivery.attempts == n
        async with store.write() as tx:
            await relay.mark_failed(tx, id=delivery.id, error="refused", now=later(hours=n))
    assert await some(store, days=2) == []
    async with store.write() as tx:
        [dead] = (await relay.dead(tx)).items
        assert (dead.event, dead.number, dead.attempts, dead.error) == ("e1", KEY.number, 10, "refused")
        again = await relay.replay(tx, id=dead.id, now=later(days=1))
        assert (again.id, again.key, again.event.id, again.attempts) == (dead.id, KEY, "e1", 0)
        with pytest.raises(NotFound):
            await relay.replay(tx, id=dead.id, now=later(days=1))
    assert await some(store, hours=23) == []
    assert len(await some(store, days=1)) == 1


async def test_the_dead_come_in_pages(store: Store) -> None:
    await put_order(store)
    for number in range(3):
        taken = await take(store, arrival("call.incoming", id=f"e{number}"))
        async with store.write() as tx:
            for _ in range(relay.TRIES):
                await relay.mark_failed(tx, id=taken.deliveries[0].id, error="refused", now=NOW)
    async with store.read() as tx:
        first = await relay.dead(tx, limit=2)
        last = await relay.dead(tx, cursor=first.next_cursor, limit=2)
        with pytest.raises(ValueError, match="cursor"):
            await relay.dead(tx, cursor="x")
    assert [one.event for one in (*first.items, *last.items)] == ["e0", "e1", "e2"]
    assert last.next_cursor is None


async def test_an_unreachable_temporal_is_no_try(store: Store) -> None:
    await put_order(store)
    await take(store, arrival("call.incoming"))
    for n in range(20):
        (delivery,) = await some(store, hours=n)
        assert delivery.attempts == 0
        async with store.write() as tx:
            await relay.mark_failed(tx, id=delivery.id, error="down", now=later(hours=n), is_try=False)
    assert await some(store, hours=19) == []
    assert len(await some(store, hours=19, seconds=5)) == 1
