"""A life written down as it goes, so that a counterexample can be played again in the lab."""

import json
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.properties.books import KEY
from tests.properties.lives import Fate, Pace
from tests.properties.loops import START, Clock

#: Where the last counterexample is kept.
FOLDER = Path(tempfile.gettempdir()) / "order-automation-counterexample"

_ORDER = {"number": KEY.number, "shop": KEY.shop, "total": "100.00", "currency": "EUR"}


class Scenario:
    """The pipeline and what happened, in the form that `orders pipeline simulate` plays.

    What the lab has no word for (lost answers, terminated workflows, a new version) stands there as a comment.
    """

    def __init__(self, clock: Clock, pipeline: str) -> None:
        self._clock = clock
        self._pipeline = pipeline
        self._lines: list[str] = []

    def event(self, event_type: str, data: dict[str, Any]) -> None:
        """Write an event down."""
        self._add({"type": event_type, **({"data": data} if data else {})})

    def command(self, name: str, data: dict[str, str]) -> None:
        """Write an operator's command down."""
        self._add({"command": name, **data})

    def note(self, words: str) -> None:
        """Write down what the lab has no word for."""
        self._lines.append(f"# {_written(self._clock.now)} {words}")

    def pace(self, pace: Pace) -> None:
        """Write down how the answers of the store come from now on."""
        late = {"deciding": pace.deciding, "decided": pace.decided, "recorded": pace.recorded}
        parts = [f"{what} {_span(span)} late" for what, span in late.items() if span]
        parts += ["the first one is lost"] if pace.is_lost else []
        self.note(f"answers of the store: {', '.join(parts) or 'at once'}")

    def fate(self, rule: str, fate: Fate) -> None:
        """Write down how a send of a rule is to go."""
        spans = {"starts after": fate.starts, "takes": fate.takes, "told after": fate.tells}
        parts = [str(fate.end), *(f"{what} {_span(span)}" for what, span in spans.items() if span)]
        self.note(f"a send of {rule} to come: {', '.join(parts)}")

    def publish(self, pipeline: str) -> None:
        """Write a new version down."""
        self.note("a new version is published:")
        self._lines += [f"#   {line}" for line in pipeline.splitlines()]

    def save(self, folder: Path = FOLDER) -> str:
        """Keep the files, and return what they say and how to play them."""
        folder.mkdir(exist_ok=True)
        files = {
            "pipeline.yaml": self._pipeline,
            "order.json": json.dumps(_ORDER),
            "events.yaml": "\n".join(self._lines if self._has_steps() else [*self._lines, "[]"]) + "\n",
        }
        for name, text in files.items():
            (folder / name).write_text(text)
        told = "\n".join(f"--- {folder / name}\n{text}" for name, text in files.items())
        return f"{told}\n{' '.join(['orders', *simulation(folder, until=self._clock.now)])}\n"

    def _has_steps(self) -> bool:
        return any(line.startswith("-") for line in self._lines)

    def _add(self, values: dict[str, Any]) -> None:
        parts = [
            f"at: {_written(self._clock.now)}",
            *(f"{name}: {json.dumps(value)}" for name, value in values.items()),
        ]
        self._lines.append(f"- {{{', '.join(parts)}}}")


def simulation(folder: Path, *, until: datetime) -> list[str]:
    """Return the arguments of `orders` that play a folder's files."""
    files = ["--order", str(folder / "order.json"), "--events", str(folder / "events.yaml")]
    times = ["--start", f"{START:%Y-%m-%dT%H:%M:%SZ}", "--until", f"{until:%Y-%m-%dT%H:%M:%SZ}"]
    return ["pipeline", "simulate", str(folder / "pipeline.yaml"), *files, *times]


def _written(moment: datetime) -> str:
    return f'"{moment:%Y-%m-%dT%H:%M:%SZ}"'


def _span(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"
