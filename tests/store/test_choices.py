"""What a run chose when it was first composed: kept for its retries, gone with its end or a repeat by hand."""

from activities.store import runs
from activities.store.database import Store
from activities.store.visits import RunEnd
from tests.store.builders import NOW, planned, put_order
from workflows.contracts.ids import OrderKey, run_id
from workflows.contracts.reasons import RunReason, RunStatus


async def chosen(store: Store, key: OrderKey, mailbox: str) -> object:
    async with store.write() as tx:
        kept = await runs.keep_choice(tx, run=run_id(key, 1, "mail"), choice={"mailbox": mailbox})
    return kept["mailbox"]


async def ended(store: Store, key: OrderKey, *, status: RunStatus, results: dict[str, object]) -> None:
    async with store.write() as tx:
        end = RunEnd(status, RunReason.REJECTED, NOW, results=results)
        await runs.finish(tx, key, visit=1, rule="mail", end=end)


async def test_first_choice_stays(store: Store) -> None:
    """Case 25."""
    key = await put_order(store, runs=(planned("mail"),))
    assert await chosen(store, key, "shop@example.com") == "shop@example.com"
    assert await chosen(store, key, "new@example.com") == "shop@example.com"


async def test_end_of_the_run_replaces_it_by_the_results(store: Store) -> None:
    key = await put_order(store, runs=(planned("mail"),))
    await chosen(store, key, "shop@example.com")
    await ended(store, key, status=RunStatus.DONE, results={"language": "en"})
    async with store.read() as tx:
        run = await runs.run_of(tx, key, visit=1, rule="mail")
    assert run is not None
    assert run.results == {"language": "en"}


async def test_repeat_by_hand_chooses_anew(store: Store) -> None:
    key = await put_order(store, runs=(planned("mail"),))
    await chosen(store, key, "shop@example.com")
    await ended(store, key, status=RunStatus.FAILED, results={})
    async with store.write() as tx:
        await runs.repeat(tx, key, visit=1, rules=["mail"], at=NOW)
    assert await chosen(store, key, "new@example.com") == "new@example.com"
