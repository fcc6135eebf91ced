"""Scenarios of orders' lives: a file each, played in the lab and on Temporal servers. Days count from the start."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from activities.actions import KINDS
from activities.store.records import NewEmployee, NewOrder
from starter.lab.moments import parse_moment
from starter.lab.opening import Opening
from starter.lab.playing import Plot
from starter.lab.reading import plain, root_of
from starter.lab.script import Setting, read_script
from workflows.pipeline.file.report import Report
from workflows.pipeline.loader import load
from workflows.pipeline.problems import as_text

FOLDER = Path(__file__).parent / "scenarios"

#: A Monday, ten o'clock in Warsaw.
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

_DAY = re.compile(r"DAY\+(\d+)")


@dataclass(frozen=True)
class Scenario:
    """A scenario's file as it stands; `is_short` says that it lasts seconds, and may be played in real time."""

    name: str
    given: dict[str, Any]

    @property
    def is_short(self) -> bool:
        return bool(self.given.get("short"))

    def plot(self, *, start: datetime = START, shop: str = "shop") -> Plot:
        """Read it for a start: `DAY+5` is the fifth day after it."""
        text = _DAY.sub(lambda found: str((start + timedelta(days=int(found[1]))).date()), json.dumps(self.given))
        given = json.loads(text)
        loaded = load(given["pipeline"], file=self.name, kinds=KINDS)
        assert loaded.pipeline is not None, as_text(loaded.problems)
        events = json.dumps(given["events"], indent=0)
        report = Report(events, file=self.name)
        steps = read_script(events, report=report, setting=Setting(loaded.pipeline, start))
        assert not report.problems(), as_text(report.problems())
        new = NewOrder.model_validate({**given["order"], "shop": shop, "token": f"token-{shop}"})
        people = tuple(NewEmployee.model_validate(person) for person in given["people"])
        until = parse_moment(given["until"], start=start, zone=loaded.pipeline.zone)
        return Plot(loaded.pipeline, given["pipeline"], Opening(new, people), steps, start=start, until=until)


def scenarios() -> list[Scenario]:
    """Read every scenario."""
    found = []
    for file in sorted(FOLDER.glob("*.yaml")):
        text = file.read_text()
        report = Report(text, file=file.name)
        root = root_of(text, report=report, help="")
        assert not report.problems(), as_text(report.problems())
        assert root is not None
        given = plain(root.node)
        assert isinstance(given, dict)
        found.append(Scenario(file.stem, given))
    return found
