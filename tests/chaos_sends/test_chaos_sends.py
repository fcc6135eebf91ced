"""A short exactly-once run, and two that leave a guard out and find it; `make chaos-sends` is the long one.

The seed is printed; CHAOS_SEED sets it.
"""

import os
import secrets
from pathlib import Path

import pytest

from tests.chaos_sends.auditing import DOUBLED, MISTAKEN
from tests.chaos_sends.pipeline import CHANNELS
from tests.chaos_sends.storm import storm
from tests.chaos_sends.table import as_table
from tests.chaos_sends.weather import Weather, Without


def seed() -> int:
    return int(os.environ.get("CHAOS_SEED", secrets.randbelow(1_000_000)))


@pytest.mark.timeout(240)
async def test_over_every_channel_everything_is_accepted_exactly_once(tmp_path: Path) -> None:
    """Covers M61, C1-C4, cases 1-6, 8-12, 53: vendors fail, callbacks are lost, workers and the gateway are killed."""
    outcome = await storm(Weather(sends=70, seed=seed()), folder=tmp_path)
    print(as_table(outcome))
    assert not outcome.findings.violations, as_table(outcome)
    assert not outcome.indiscreet
    assert outcome.kills["worker"] >= 2
    assert outcome.kills["gateway"] >= 1
    assert max(outcome.spoken.values(), default=0) == 1
    assert set(outcome.findings.rows) == set(CHANNELS)


@pytest.mark.timeout(240)
async def test_a_naive_policy_sends_twice_and_the_run_sees_it(tmp_path: Path) -> None:
    """An unknown outcome is sent again at once: were nothing doubled, the run above would prove nothing."""
    weather = Weather(sends=84, seed=seed(), least=1, chance=0, until=DOUBLED, without=Without.POLICY)
    outcome = await storm(weather, folder=tmp_path)
    print(as_table(outcome))
    assert outcome.findings.count(DOUBLED) > 0, as_table(outcome)


@pytest.mark.timeout(240)
async def test_equal_texts_that_leave_at_the_same_time_are_mistaken_and_the_run_sees_it(tmp_path: Path) -> None:
    """Covers case 12: were no message taken for another, the first run would not prove that turns are needed."""
    weather = Weather(sends=154, seed=seed(), least=0, chance=0, is_deaf=True, until=MISTAKEN, without=Without.TURNS)
    outcome = await storm(weather, folder=tmp_path)
    print(as_table(outcome))
    assert outcome.findings.count(MISTAKEN) > 0, as_table(outcome)
