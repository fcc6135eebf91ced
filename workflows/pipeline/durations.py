"""Durations as shops write them (`90m`, `1d 12h`), and waits built of them (M20).

A day is a calendar day: the same wall-clock time next day. Hours, minutes and seconds are real time.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from workflows.pipeline.mistakes import Mistake

#: The longest duration, ten years: longer is a slip of the pen, and far dates overflow.
LONGEST_DAYS = 3_660

_PART = re.compile(r"(\d{1,9})\s*([dhms])", re.ASCII)
_WHOLE = re.compile(r"\s*(?:\d{1,9}\s*[dhms]\s*)+", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


@dataclass(frozen=True)
class Duration:
    """Calendar days, and real time on top."""

    days: int = 0
    exact: timedelta = timedelta()

    def __str__(self) -> str:
        """Write it as the file does, in the largest whole units: `1d 12h`."""
        parts = [f"{self.days}d"] if self.days else []
        left = int(self.exact.total_seconds())
        for unit in "hms":
            count, left = divmod(left, _UNITS[unit])
            if count:
                parts.append(f"{count}{unit}")
        return " ".join(parts) or "0s"

    @property
    def length(self) -> timedelta:
        """The length, days taken as 24 hours."""
        return timedelta(days=self.days) + self.exact

    def after(self, moment: datetime, *, zone: tzinfo) -> datetime:
        """Return the moment this much later; days keep the wall-clock time of `zone`."""
        return shifted(moment, days=self.days, zone=zone) + self.exact

    def before(self, moment: datetime, *, zone: tzinfo) -> datetime:
        """Return the moment this much earlier; days keep the wall-clock time of `zone`."""
        return shifted(moment, days=-self.days, zone=zone) - self.exact


def parse_duration(text: str) -> Duration:
    """Read a duration; raise Mistake for any other text. Days and hours stay apart: 24h is not 1d."""
    if not _WHOLE.fullmatch(text):
        raise Mistake(
            "D203", f"'{text}' is not a duration", help="Write a number and a unit, like 90m, 3h, 2d or '1d 12h'."
        )
    parts = _PART.findall(text)
    units = [unit for _, unit in parts]
    if len(set(units)) != len(units):
        raise Mistake("D203", f"'{text}' names a unit twice", help="Write each of d, h, m and s at most once.")
    seconds = {unit: int(number) * _UNITS[unit] for number, unit in parts}
    if sum(seconds.values()) > LONGEST_DAYS * 86_400:
        raise Mistake("D203", f"'{text}' is longer than ten years", help=f"The longest duration is {LONGEST_DAYS}d.")
    days = seconds.pop("d", 0) // 86_400
    return Duration(days=days, exact=timedelta(seconds=sum(seconds.values())))


def parse_clock(text: str) -> time:
    """Read a clock time `HH:MM`; raise Mistake for any other text."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise Mistake("D204", f"'{text}' is not a clock time", help='Write hours and minutes in quotes, like "09:30".')
    return time(int(found[1]), int(found[2]))


def _to_duration(value: object) -> Duration:
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        raise Mistake(
            "D203", f"'{value}' is not a duration", help="Write a number and a unit, like 90m, 3h, 2d or '1d 12h'."
        )
    return parse_duration(value)


#: The type of a settings field that is a duration: `due: DurationSetting`.
DurationSetting = Annotated[
    Duration,
    BeforeValidator(_to_duration),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^\s*(\d+\s*[dhms]\s*)+$", "examples": ["3h", "1d 12h"]}),
]


class WaitAnchor(StrEnum):
    """What a wait counts from: the start of the wait itself, or a date of the order."""

    START = "start"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Wait:
    """A rule's wait. `field` is the date it counts from (`order.delivery_date`) unless the anchor is START."""

    duration: Duration = Duration()
    anchor: WaitAnchor = WaitAnchor.START
    field: str = ""
    at: time | None = None

    def __str__(self) -> str:
        """Say it in words: `1 day before order.delivery_date at 18:00`."""
        length = spoken(self.duration)
        if self.anchor is WaitAnchor.START and self.at and self.duration == Duration():
            return f"at {self.at:%H:%M}"
        if self.anchor is WaitAnchor.START:
            base = length
        elif self.duration == Duration():
            base = f"on {self.field}"
        else:
            base = f"{length} {self.anchor} {self.field}"
        return f"{base} at {self.at:%H:%M}" if self.at else base


def spoken(duration: Duration) -> str:
    """Write a duration in words: `1 day 12 hours`."""
    names = {"d": "day", "h": "hour", "m": "minute", "s": "second"}
    parts = [(part[:-1], names[part[-1]]) for part in str(duration).split()]
    return " ".join(f"{number} {name}{'' if number == '1' else 's'}" for number, name in parts)


def shifted(moment: datetime, *, days: int, zone: tzinfo) -> datetime:
    """Return the same wall-clock time of `zone` some days later, in the zone of `moment`."""
    if days == 0:
        return moment
    local = moment.astimezone(zone)
    return wall(local.replace(tzinfo=None) + timedelta(days=days), zone=zone, fold=local.fold).astimezone(moment.tzinfo)


def wall(naive: datetime, *, zone: tzinfo, fold: int = 0) -> datetime:
    """Read a wall-clock time in `zone`, as UTC.

    A time that the spring change skips moves forward by the gap (02:30 -> 03:30); one that happens twice is the first,
    unless `fold` asks for the second.
    """
    # With fold 0 Python reads a skipped time by the offset before the gap, which is what moves it forward.
    if fold and _is_skipped(naive, zone=zone):
        fold = 0
    return naive.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _is_skipped(naive: datetime, *, zone: tzinfo) -> bool:
    aware = naive.replace(tzinfo=zone, fold=0)
    return aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive
