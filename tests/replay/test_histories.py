"""Golden histories, finished and open, replay against this code and hold no personal data."""

import asyncio
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from activities.runtime.workers import sandbox
from tests.replay.record import HISTORIES, SCENARIOS
from tests.replay.recordings import recordings
from tests.support.discretion import found_in
from workflows.order import Order

FILES = sorted(HISTORIES.glob("*.json"))


def test_every_scenario_has_its_history() -> None:
    missing = {name for name in SCENARIOS if not recordings(name, folder=HISTORIES)}
    assert not missing, f"run: python -m tests.replay.record {' '.join(sorted(missing))}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_recorded_history_replays(file: Path) -> None:
    """A failure here means that orders in flight would be stuck after a deploy: guard the change with patched()."""
    text = await asyncio.to_thread(file.read_text)
    replayer = Replayer(workflows=[Order], data_converter=pydantic_data_converter, workflow_runner=sandbox())
    await replayer.replay_workflow(WorkflowHistory.from_json(f"order:shop:{file.stem}", text))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_history_holds_ids_and_no_people(file: Path) -> None:
    """Names, numbers, addresses and texts stay in the store."""
    import base64
    import json

    text = file.read_text()
    payloads = [
        base64.b64decode(found).decode("utf-8", "replace")
        for found in _values(json.loads(text), "data")
        if isinstance(found, str)
    ]
    everything = "\n".join([text, *payloads])
    assert found_in(everything) == []
    assert '"decide"' in everything or "decide" in everything, "the scan must see inside the payloads"


def _values(found: object, name: str) -> list[object]:
    if isinstance(found, dict):
        here = [value for key, value in found.items() if key == name]
        return here + [value for child in found.values() for value in _values(child, name)]
    if isinstance(found, list):
        return [value for child in found for value in _values(child, name)]
    return []
