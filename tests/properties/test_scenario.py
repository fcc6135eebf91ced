"""A counterexample's files are such that the lab plays them."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from tests.properties.lives import Fate, Pace, SendEnd
from tests.properties.loops import START, Clock
from tests.properties.scenario import Scenario, simulation
from tests.properties.shapes import RuleShape, StageShape, TriggerShape, yaml_of


def test_the_lab_plays_a_counterexample(tmp_path: Path) -> None:
    """The events, the commands and the comments of a life."""
    waits = RuleShape("r1", "log: Noted", wait="2h")
    stages = (
        StageShape("s1", False, (), (waits,)),
        StageShape("s2", False, (TriggerShape("webhook.go"),), (RuleShape("r1", "log: Noted"),)),
    )
    clock = Clock()
    scenario = Scenario(clock, yaml_of(stages))
    scenario.note("the workflow: terminate")
    scenario.pace(Pace(decided=timedelta(minutes=2), is_lost=True))
    scenario.fate("r1", Fate(SendEnd.REJECTED, takes=timedelta(seconds=2)))
    scenario.publish(yaml_of(stages))
    clock.now += timedelta(minutes=5)
    scenario.event("order.edited", {"fields": {"delivery_date": "2026-12-01", "note": "x"}})
    scenario.command("skip", {"rule": "r1"})
    scenario.event("webhook.go", {})
    clock.now += timedelta(hours=1)
    told = scenario.save(tmp_path)
    assert "orders pipeline simulate" in told
    assert "answers of the store: decided 120 s late, the first one is lost" in told
    assert "a send of r1 to come: rejected, takes 2 s" in told
    command = [sys.executable, "-m", "starter.cli", *simulation(tmp_path, until=START + timedelta(days=1))]
    played = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    assert played.returncode == 0, played.stderr
    assert "s2" in played.stdout
