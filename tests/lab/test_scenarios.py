"""Every scenario in the lab, on the time-skipping server and (the short ones) on a real server: the same story.

The lab's timelines are kept beside the scenarios; `python -m tests.lab.test_scenarios` writes them anew.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from temporalio.client import Client

from starter.lab.playing import Plot, simulate
from starter.lab.writing import Frame, as_json, as_text
from tests.lab.living import LATE, REAL, ServerClock, both, dues, likeness, skipping
from tests.lab.scenario import FOLDER, Scenario, scenarios
from tests.support.house import House, store_at
from tests.support.temporal import skipping_server, temporal_client, temporal_server

__all__ = ["temporal_client", "temporal_server"]

WARSAW = ZoneInfo("Europe/Warsaw")

ALL = scenarios()
_IN_THE_LAB = pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
_SHORT = pytest.mark.parametrize("scenario", [one for one in ALL if one.is_short], ids=lambda scenario: scenario.name)


def frame_of(plot: Plot) -> Frame:
    """Return what surrounds a scenario's story."""
    pipeline = plot.pipeline
    return Frame(pipeline.id, pipeline.timezone, pipeline.zone, start=plot.start, until=plot.until)


def timeline(scenario: Scenario) -> str:
    """Play a scenario in the lab and write its story."""
    plot = scenario.plot()
    return as_text(simulate(plot), frame=frame_of(plot)) + "\n"


@_IN_THE_LAB
def test_a_scenario_takes_the_course_that_is_written_down(scenario: Scenario) -> None:
    """A change of the timeline is a change of behaviour: look at it, then write it anew (see above)."""
    assert timeline(scenario) == (FOLDER / f"{scenario.name}.txt").read_text()


@_IN_THE_LAB
def test_the_same_scenario_gives_the_same_story_to_the_byte(scenario: Scenario) -> None:
    plot = scenario.plot()
    first, second = (as_json(simulate(plot), frame=frame_of(plot)) for _ in range(2))
    assert first == second


@pytest_asyncio.fixture
async def real(tmp_path: Path, temporal_client: Client) -> AsyncIterator[House]:
    """A house on the real dev server."""
    async with store_at(tmp_path) as store:
        house = House(store, temporal_client)
        yield house
        await house.close()


@_IN_THE_LAB
async def test_a_scenario_takes_the_same_course_on_the_time_skipping_server(scenario: Scenario, tmp_path: Path) -> None:
    async with skipping_server() as environment, store_at(tmp_path) as store:
        house, clock = House(store, environment.client), skipping(environment)
        await clock.go_on(like_start(await clock.now()) - await clock.now())
        await _compare(scenario, house, clock=clock)
        await house.close()


@_SHORT
async def test_a_short_scenario_takes_the_same_course_on_a_real_server(scenario: Scenario, real: House) -> None:
    await _compare(scenario, real, clock=REAL)


def like_start(now: datetime) -> datetime:
    """Return the next moment that is a Monday, ten o'clock: not every hour of the week is as good for a scenario."""
    then = now.astimezone(WARSAW).replace(hour=10, minute=0, second=0, microsecond=0)
    return (then + timedelta(days=7 - then.weekday())).astimezone(UTC)


async def _compare(scenario: Scenario, house: House, *, clock: ServerClock) -> None:
    in_lab, on_server = await both(scenario, house, clock=clock)
    assert likeness(on_server) == likeness(in_lab)
    expected, found = dues(in_lab), dues(on_server)
    assert found.keys() == expected.keys()
    for name, due in expected.items():
        assert abs(found[name] - due) <= LATE, name


if __name__ == "__main__":
    for one in ALL:
        (FOLDER / f"{one.name}.txt").write_text(timeline(one))
