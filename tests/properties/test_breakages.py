"""The search bites: an engine that is broken on purpose is caught within a bounded number of lives."""

import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import run_state_machine_as_test

from activities import decide
from tests.properties.breakages import BREAKAGES
from tests.properties.conftest import SEARCH
from tests.properties.laws import Violation
from tests.properties.machine import OrderMachine
from tests.properties.scenario import simulation
from tests.properties.test_decisions import DecisionsMachine

#: Far more lives than any of them needs; the seed is fixed, as what is tested here is the search.
LOOK = settings(SEARCH, phases=[Phase.generate], max_examples=500, stateful_step_count=40)


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in BREAKAGES])
def test_a_broken_engine_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers M05, M06, M07, M10, M11, M23: each law is one that can be broken."""
    owner, attribute, broken = BREAKAGES[name]
    monkeypatch.setattr(owner, attribute, broken)
    with pytest.raises((Violation, FlakyFailure)) as caught:
        run_state_machine_as_test(seed(1)(OrderMachine), settings=LOOK)
    # What is broken may differ when the life is lived again; that a law was seen broken once is what counts.
    seen = getattr(caught.value, "exceptions", (caught.value,))
    assert any(isinstance(one, Violation) for one in seen), seen


def test_what_breaks_an_engine_is_shown_by_few_rules_and_played_in_the_lab(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Covers M05. People read a counterexample: it holds what is needed for it, in words of the lab."""
    monkeypatch.setattr(*BREAKAGES["a left visit goes on"])
    with pytest.raises(Violation) as caught:
        run_state_machine_as_test(seed(1)(OrderMachine), settings=settings(LOOK, phases=SEARCH.phases))
    printed = "\n".join(getattr(caught.value, "__notes__", []))
    files = dict(re.findall(r"^--- \S+/(\S+)\n(.*?)(?=^---|^\n)", printed, flags=re.DOTALL | re.MULTILINE))
    assert set(files) == {"pipeline.yaml", "order.json", "events.yaml"}, printed
    assert files["pipeline.yaml"].count("- {id:") in (1, 2), printed
    assert len(re.findall("^- ", files["events.yaml"], flags=re.MULTILINE)) <= 2, printed
    assert not re.search(r"\w+\(|<\w", files["events.yaml"]), "these are Python's words, not the lab's"
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    [until] = re.findall(r"orders pipeline simulate .* --until (\S+)", printed)
    command = [sys.executable, "-m", "starter.cli", *simulation(tmp_path, until=datetime.fromisoformat(until))]
    played = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    assert played.returncode == 0, played.stderr


def test_decisions_that_act_twice_on_one_event_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers M50."""

    async def again(tx: object, standing: object, *, decided: object) -> object:
        return decided

    monkeypatch.setattr(decide, "_again", again)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(seed(1)(DecisionsMachine), settings=LOOK)
