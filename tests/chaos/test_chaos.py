"""A short run of the crash test on each store; `make chaos` is a long one. The seed is printed; CHAOS_SEED sets it."""

import os
import secrets
from pathlib import Path

import pytest

from tests.chaos.storm import Weather, storm
from tests.chaos.table import as_table


def seed() -> int:
    return int(os.environ.get("CHAOS_SEED", secrets.randbelow(1_000_000)))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_killed_at_any_step_nothing_is_lost_doubled_or_left_open(tmp_path: Path, store: str) -> None:
    """Covers M05, M07, M50, M51, M61. Worker, gateway, Temporal, PostgreSQL die; workers freeze. Covers case 51."""
    weather = Weather(orders=12, at_once=12, store=store, seed=seed(), every=2.0, most=6, chance=0.01, pause=0.8)
    outcome = await storm(weather, folder=tmp_path)
    print(as_table(outcome))
    assert not outcome.findings.violations, as_table(outcome)
    assert outcome.blows.total() > 0


@pytest.mark.timeout(240)
async def test_without_a_guard_the_promises_break_and_the_test_sees_it(tmp_path: Path) -> None:
    """The lookup after a lost answer is left out: were nothing found, the test would prove nothing."""
    weather = Weather(orders=12, at_once=12, seed=seed(), most=0, chance=0, pause=1.0, patience=15, without="lookup")
    outcome = await storm(weather, folder=tmp_path)
    print(as_table(outcome))
    assert outcome.findings.total > 0, as_table(outcome)
