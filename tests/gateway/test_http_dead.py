"""Events that Temporal refused until they were given up: listed with their error, and delivered again."""

from datetime import UTC, datetime, timedelta

from activities.store import journal, relay
from activities.store.database import Store
from tests.gateway.calling import Caller, event
from workflows.contracts.ids import OrderKey


async def given_up(store: Store, *, number: str) -> list[int]:
    """Give up every delivery to an order; return their ids, the oldest first."""
    async with store.write() as tx:
        found = await relay.claim_undelivered(tx, now=datetime.now(UTC) + timedelta(days=1), lease=timedelta(0))
        ids = [one.id for one in found if one.key.number == number]
        for id in ids:
            for _ in range(relay.TRIES):
                await relay.mark_failed(tx, id=id, error="no such task queue", now=datetime.now(UTC))
    return ids


async def test_dead_events_are_listed_in_pages_with_what_temporal_said(caller: Caller, store: Store) -> None:
    await caller.created("1001")
    await caller.post("/v1/orders/1001/events", event())
    ids = await given_up(store, number="1001")

    first = await caller.get("/v1/events/dead?limit=1")
    second = await caller.get(first.headers["Link"].partition("<")[2].partition(">")[0])

    assert first.status == 200
    assert [one["id"] for one in first.body["items"] + second.body["items"]] == ids
    [paid] = second.body["items"]
    assert (paid["number"], paid["source"], paid["event"], paid["type"]) == ("1001", "psp", "e-1", "payment.paid")
    assert (paid["attempts"], paid["error"]) == (10, "no such task queue")


async def test_a_foreign_cursor_is_refused(caller: Caller) -> None:
    answer = await caller.get("/v1/events/dead?cursor=zzz")
    assert (answer.status, answer.pointers) == (422, ["query/cursor"])


async def test_a_replayed_event_is_to_be_delivered_again(caller: Caller, store: Store) -> None:
    await caller.created("1001")
    await caller.post("/v1/orders/1001/events", event())
    [_, paid] = await given_up(store, number="1001")

    answer = await caller.post(f"/v1/events/dead/{paid}/replay")

    assert answer.status == 202
    assert (answer.body["id"], answer.body["type"], answer.body["orders"]) == ("e-1", "payment.paid", ["1001"])
    async with store.read() as tx:
        kept = await journal.event_for(tx, OrderKey(shop="shop", number="1001"), source="psp", id="e-1")
        left = await relay.dead(tx)
    assert kept is not None
    assert kept.state == "new"
    assert [one.type for one in left.items] == ["order.created"]


async def test_what_is_not_dead_cannot_be_replayed(caller: Caller, store: Store) -> None:
    await caller.created("1001")
    [created] = await given_up(store, number="1001")
    await caller.post(f"/v1/events/dead/{created}/replay")

    again = await caller.post(f"/v1/events/dead/{created}/replay")
    unknown = await caller.post("/v1/events/dead/4711/replay")
    no_id = await caller.post("/v1/events/dead/x/replay")

    assert (again.status, again.body["detail"]) == (404, f"There is no dead delivery '{created}'.")
    assert unknown.status == 404
    assert (no_id.status, no_id.body["detail"]) == (422, "path/id: must be a whole number")
