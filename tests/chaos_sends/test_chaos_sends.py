"""A short exactly-once run with our policy, and one with a naive policy; `make chaos-sends` is the long one.

The seed is printed; CHAOS_SEED sets it.
"""

import os
import secrets
from pathlib import Path

import pytest

from tests.chaos_sends.auditing import DOUBLED
from tests.chaos_sends.pipeline import CHANNELS
from tests.chaos_sends.storm import Weather, storm
from tests.chaos_sends.table import as_table


def seed() -> int:
    return int(os.environ.get("CHAOS_SEED", secrets.randbelow(1_000_000)))


@pytest.mark.timeout(240)
async def test_over_every_channel_everything_is_accepted_exactly_once(tmp_path: Path) -> None:
    """Covers M61, C1-C4, cases 1-6 and 8-11: vendors fail, callbacks are lost, workers are killed."""
    outcome = await storm(Weather(sends=36, seed=seed()), folder=tmp_path)
    print(as_table(outcome))
    assert not outcome.findings.violations, as_table(outcome)
    assert outcome.kills >= 2
    assert max(outcome.spoken.values(), default=0) == 1
    assert set(outcome.findings.rows) == set(CHANNELS)


@pytest.mark.timeout(240)
async def test_a_naive_policy_sends_twice_and_the_run_sees_it(tmp_path: Path) -> None:
    """An unknown outcome is sent again at once: were nothing doubled, the run above would prove nothing."""
    weather = Weather(sends=60, seed=seed(), least=1, chance=0, patience=5, is_naive=True)
    outcome = await storm(weather, folder=tmp_path)
    print(as_table(outcome))
    assert outcome.findings.count(DOUBLED) > 0, as_table(outcome)
