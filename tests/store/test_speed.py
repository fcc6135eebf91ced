"""What the hot path costs: statements are counted and bounded, milliseconds are only printed."""

import time
from typing import Any

import pytest

from activities.store import journal, ledger, orders, runs, views, visits
from activities.store.database import Store
from activities.store.visits import RunEnd
from tests.store.builders import NOW, arrival, claim_of, entry, new_order, planned
from tests.store.test_journal import decision
from tests.store.watching import watched
from workflows.contracts.reasons import RunReason, RunStatus

ROUNDS = 40
RUNS = tuple(planned(f"r{n}", after=f"r{n - 1}" if n else None) for n in range(5))


async def decide(store: Store, order: Any, round: int) -> None:
    """What the decision of an event costs the store: lock, event, view, decided, enter with five runs."""
    async with store.write() as tx:
        await visits.lock(tx, order.key)
        _, event = await views.seen_at(tx, order.key, source="bank", id=f"e{round}")
        assert event is not None
        await journal.decided(tx, event, decision=decision(f"e{round}"), verdict={}, now=NOW)
        await visits.enter(tx, order.key, entry=entry(2, "paid", RUNS))


async def append(store: Store, order: Any, round: int) -> None:
    async with store.write() as tx:
        await journal.append(tx, arrival("call.incoming", id=f"e{round}", orders=(order.key,)), now=NOW)


async def finish(store: Store, order: Any, round: int) -> None:
    end = RunEnd(RunStatus.DONE, RunReason.DONE, NOW)
    async with store.write() as tx:
        await runs.finish(tx, order.key, visit=2, rule="r0", end=end)


async def claim(store: Store, order: Any, round: int) -> None:
    async with store.write() as tx:
        await ledger.claim(tx, claim=claim_of("r1", 2, key=order.key, stage="paid"))


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_the_hot_path_takes_a_handful_of_statements(kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("sqlite_url") if kind == "sqlite" else request.getfixturevalue("postgres").url()
    counted = [0]

    def count(_sql: str) -> None:
        counted[0] += 1

    store = watched(await Store.open(url), count)
    async with store.write() as tx:
        made = [await orders.create(tx, new_order(), now=NOW) for _ in range(ROUNDS)]
        for order in made:
            await visits.enter(tx, order.key, entry=entry(runs=RUNS))

    for step, most in ((append, 4), (decide, 13), (finish, 2), (claim, 5)):
        await step(store, made[0], 0)  # compiles the statements
        counted[0] = 0
        cpu, wall = time.process_time(), time.perf_counter()
        for round, order in enumerate(made[1:], start=1):
            await step(store, order, round)
        rounds = ROUNDS - 1
        cpu, wall = (time.process_time() - cpu) / rounds, (time.perf_counter() - wall) / rounds
        each = counted[0] / rounds
        print(f"{kind:8} {step.__name__:7} {each:4.1f} statements, {cpu * 1000:.2f} ms CPU, {wall * 1000:.2f} ms")
        assert each <= most
    await store.close()
