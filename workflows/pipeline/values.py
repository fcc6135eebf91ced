"""The values behind the names: read from an order's view, the pipeline's vars and the event, in few plain types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from pydantic import BaseModel

from workflows.pipeline.durations import wall
from workflows.pipeline.fields import OrderView
from workflows.pipeline.model import Pipeline
from workflows.pipeline.triggers import EventFact

#: A value in a condition: exact numbers, moments in UTC, lists as tuples; None where there is nothing.
Value = str | Decimal | bool | datetime | tuple["Value", ...] | None


@dataclass(frozen=True)
class Scope:
    """Where a condition's names are looked up."""

    pipeline: Pipeline
    view: OrderView
    event: EventFact | None = None

    def value(self, path: tuple[str, ...]) -> Value:
        """Return the value at a path; None where any part of it is missing."""
        return plain(self._raw(path), pipeline=self.pipeline)

    def _raw(self, path: tuple[str, ...]) -> object:
        first, *rest = path
        if first == "vars":
            return step(self.pipeline.vars, rest[0]) if rest else None
        if first == "event":
            return self._event_value(rest)
        found: object = self.view
        for name in path:
            found = step(found, name)
        return found

    def _event_value(self, path: list[str]) -> object:
        if self.event is None or not path:
            return None
        if path == ["at"]:
            return self.event.at
        found: object = self.event.data
        for name in path:
            found = step(found, name)
        return found


def step(thing: object, name: str) -> object:
    """Return what a name means inside a value; None if there is no such thing."""
    if isinstance(thing, BaseModel):
        return getattr(thing, name) if name in type(thing).model_fields else None
    if isinstance(thing, Mapping):
        return thing.get(name)
    return None


def plain(found: object, *, pipeline: Pipeline) -> Value:
    """Return a value in the few types of conditions; a date is the midnight it begins with in the pipeline's zone."""
    if found is None or isinstance(found, str | bool | Decimal):
        return found
    if isinstance(found, int):
        return Decimal(found)
    if isinstance(found, float):
        return Decimal(repr(found))
    if isinstance(found, datetime):
        return found.astimezone(UTC) if found.tzinfo else wall(found, zone=pipeline.zone)
    if isinstance(found, date):
        return wall(datetime.combine(found, time()), zone=pipeline.zone)
    if isinstance(found, Sequence):
        return tuple(plain(one, pipeline=pipeline) for one in found)
    return str(found)


def as_words(value: Value) -> str:
    """Write a value for people, in at most 200 characters."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    text = ", ".join(as_words(one) for one in value) if isinstance(value, tuple) else value
    return text if len(text) <= 200 else f"{text[:199]}…"
