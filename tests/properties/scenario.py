"""A life written down as it goes, so that a counterexample can be played again in the lab."""

import json
from datetime import datetime
from typing import Any

from tests.properties.loops import Clock


class Scenario:
    """The pipeline and what happened, in the form that `orders pipeline simulate FILE --events EVENTS` plays."""

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

    def publish(self, pipeline: str) -> None:
        """Write a new version down."""
        self.note("a new version is published:")
        self._lines += [f"#   {line}" for line in pipeline.splitlines()]

    def text(self) -> str:
        """Return both files."""
        events = "\n".join(self._lines) or "[]"
        return f"--- pipeline.yaml\n{self._pipeline}\n--- events.yaml\n{events}\n"

    def _add(self, values: dict[str, Any]) -> None:
        parts = [
            f"at: {_written(self._clock.now)}",
            *(f"{name}: {json.dumps(value)}" for name, value in values.items()),
        ]
        self._lines.append(f"- {{{', '.join(parts)}}}")


def _written(moment: datetime) -> str:
    return f'"{moment:%Y-%m-%dT%H:%M:%SZ}"'
