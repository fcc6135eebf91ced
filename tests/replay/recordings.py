"""A scenario's recordings in a folder: `finished.json`, later `finished-2.json`; the last number is the newest.

A scenario that takes another course today is kept beside its older recordings: orders of their time may be in flight.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

from temporalio.client import WorkflowHistory

from starter.cli.sample import words_of

#: What happens, event by event; and the keys in all that is told, such as `.carry.state.visit`.
Course = tuple[list[str], frozenset[str]]


def recordings(name: str, *, folder: Path) -> list[Path]:
    """List a scenario's recordings, the newest last."""
    found = [file for file in folder.glob(f"{name}*.json") if _number(file, name=name)]
    return sorted(found, key=lambda file: _number(file, name=name))


def keep(name: str, *, text: str, folder: Path) -> Path | None:
    """Keep a history beside the older ones and return its file; None if one of them takes the very same course."""
    before = recordings(name, folder=folder)
    if any(course_of(file.read_text()) == course_of(text) for file in before):
        return None
    number = _number(before[-1], name=name) + 1 if before else 1
    target = folder / (f"{name}.json" if number == 1 else f"{name}-{number}.json")
    target.write_text(text)
    return target


def course_of(text: str) -> Course:
    """Return a history's course: two of the same course differ in values and moments only."""
    words = words_of(WorkflowHistory.from_json("order:shop:1", text))
    return words, frozenset(key for told in _told(json.loads(text)) for key in _keys(told, above=""))


def _number(file: Path, *, name: str) -> int:
    """Say which of a scenario's recordings a file is, from 1; 0 if it is none of them."""
    rest = file.stem.removeprefix(name)
    if not rest:
        return 1
    return int(rest[1:]) if rest[0] == "-" and rest[1:].isdecimal() else 0


def _told(found: object) -> Iterator[object]:
    """Read the payloads of a history."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key == "data" and isinstance(value, str):
                yield json.loads(base64.b64decode(value) or b"null")
            else:
                yield from _told(value)
    elif isinstance(found, list):
        for value in found:
            yield from _told(value)


def _keys(found: object, *, above: str) -> Iterator[str]:
    if isinstance(found, dict):
        for key, value in found.items():
            yield f"{above}.{key}"
            yield from _keys(value, above=f"{above}.{key}")
    elif isinstance(found, list):
        for value in found:
            yield from _keys(value, above=above)
