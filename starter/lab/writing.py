"""Writes a story for people, in the pipeline's zone and in words, or as JSON for programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from starter.lab.story import Compared, Entry, Said, Story, Waiting, What

_WIDTH = 9

_INDENT = " " * 14


@dataclass(frozen=True)
class Frame:
    """What surrounds a story: the pipeline, the zone its moments are shown in, and the span that was played."""

    pipeline: str
    zone_name: str
    zone: tzinfo
    start: datetime
    until: datetime


def as_text(story: Story, *, frame: Frame) -> str:
    """Write a story as lines: when, what, to whom, which text, or why not; then what waits."""
    lines = [f"Order {story.number}, pipeline {frame.pipeline}. Times are those of {frame.zone_name}.", ""]
    day = ""
    for entry in story.entries:
        local = entry.at.astimezone(frame.zone)
        if f"{local:%a %d %b %Y}" != day:
            day = f"{local:%a %d %b %Y}"
            lines += [day] if lines[-1] == "" else ["", day]
        lines += [f"  {local:%H:%M:%S}  {_headline(entry, frame=frame)}", *_details(entry)]
    lines += ["", f"Until {_moment(frame.until, frame=frame)}", *_end(story, frame=frame)]
    return "\n".join(line.rstrip() for line in lines)


def as_json(story: Story, *, frame: Frame) -> dict[str, Any]:
    """Write a story as JSON values; moments carry the zone's offset, what is empty is left out."""
    return {
        "order": story.number,
        "pipeline": frame.pipeline,
        "zone": frame.zone_name,
        "start": _iso(frame.start, frame=frame),
        "until": _iso(frame.until, frame=frame),
        "entries": [_entry_json(entry, frame=frame) for entry in story.entries],
        "waiting": [_waiting_json(one, frame=frame) for one in story.waiting],
        "stage": story.stage,
        "held": story.is_held,
        "attention": story.attention,
    }


def _headline(entry: Entry, *, frame: Frame) -> str:
    kind = entry.what.value.ljust(_WIDTH)
    if entry.what is What.STAGE:
        return f"{kind}{entry.name}  ({entry.words or entry.kind})"
    if entry.what is What.DELAY:
        until = f" until {_moment(entry.until, frame=frame)}" if entry.until else ""
        tries = f", {entry.tries} tries" if entry.tries > 1 else ""
        return f"{kind}{entry.name} [{entry.kind}] {entry.reason}{until}{tries}{_tail(entry.words)}"
    if entry.what is What.RULE:
        reason = "" if entry.reason == entry.status else f" ({entry.reason})"
        return f"{kind}{entry.name} [{entry.kind}] {entry.status}{reason}{_tail(entry.words)}"
    return f"{kind}{entry.name}: {entry.reason}{_tail(entry.words)}"


def _details(entry: Entry) -> Iterator[str]:
    for line in _compared(entry.compared):
        yield f"{_INDENT}{line}"
    for said in entry.said:
        for line in _said(said):
            yield f"{_INDENT}{line}"


def _compared(compared: Compared) -> Iterator[str]:
    for path, value in compared:
        yield f"where {path} = {value or 'nothing'}"


def _said(said: Said) -> Iterator[str]:
    to = f" to {said.to}" if said.to else ""
    subject = f": {said.subject}" if said.subject else ""
    yield f"{said.how}{to}{subject}"
    for line in said.text.splitlines():
        yield f"  | {line}"


def _end(story: Story, *, frame: Frame) -> Iterator[str]:
    held = ", on hold" if story.is_held else ""
    attention = f", needs attention: {story.attention}" if story.attention else ""
    yield f"  the order is in stage {story.stage or 'none'}{held}{attention}"
    for one in story.waiting:
        yield f"  {one.rule} [{one.kind}] waits {_what_for(one, frame=frame)}"
    if not story.waiting:
        yield "  nothing waits"


def _what_for(one: Waiting, *, frame: Frame) -> str:
    if one.after:
        return f"for the rule {one.after}"
    until = f"until {_moment(one.due, frame=frame)}" if one.due else "for a person" if one.reason != "on_hold" else ""
    reason = "" if one.reason == "waiting" else f"({one.reason})"
    return " ".join(part for part in (until, reason) if part) + _tail(one.words)


def _tail(words: str) -> str:
    return f": {words}" if words else ""


def _moment(at: datetime | None, *, frame: Frame) -> str:
    return f"{at.astimezone(frame.zone):%a %d %b %Y %H:%M:%S}" if at else ""


def _iso(at: datetime, *, frame: Frame) -> str:
    return at.astimezone(frame.zone).isoformat()


def _entry_json(entry: Entry, *, frame: Frame) -> dict[str, Any]:
    values: dict[str, Any] = {
        "at": _iso(entry.at, frame=frame),
        "what": entry.what.value,
        "name": entry.name,
        "visit": entry.visit,
        "stage": entry.stage,
        "kind": entry.kind,
        "status": entry.status,
        "reason": entry.reason,
        "words": entry.words,
        "due": _iso(entry.due, frame=frame) if entry.due else None,
        "until": _iso(entry.until, frame=frame) if entry.until else None,
        "tries": entry.tries,
        "compared": dict(entry.compared),
        "said": [_filled({"how": s.how, "to": s.to, "subject": s.subject, "text": s.text}) for s in entry.said],
    }
    return _filled(values)


def _waiting_json(one: Waiting, *, frame: Frame) -> dict[str, Any]:
    return _filled(
        {
            "rule": one.rule,
            "kind": one.kind,
            "reason": one.reason,
            "due": _iso(one.due, frame=frame) if one.due else None,
            "after": one.after,
            "words": one.words,
        }
    )


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ("", None, 0, [], {})}
