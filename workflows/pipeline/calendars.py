"""Working hours (M21): a calendar answers when it is next open, nights, days off and clock changes included."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from workflows.pipeline.durations import wall

#: Days to look ahead for an opening; a calendar that is closed for longer counts as never open.
_HORIZON = 800


@dataclass(frozen=True)
class Interval:
    """Opening hours of one day; an end at or before the start is on the next day (`20:00-02:00`, `00:00-24:00`)."""

    start: time
    end: time

    @property
    def passes_midnight(self) -> bool:
        """Say whether it ends on the next day."""
        return self.end <= self.start


@dataclass(frozen=True)
class Calendar:
    """When something is open.

    `week` has the intervals of Monday to Sunday. `holidays` and `closed` (of `except:`) are days off; `also` are days
    with hours of their own, which win over both. Night hours belong to the day they begin on.
    """

    name: str
    week: tuple[tuple[Interval, ...], ...]
    zone: tzinfo
    zone_name: str = "UTC"
    countries: tuple[str, ...] = ()
    holidays: frozenset[date] = frozenset()
    closed: frozenset[date] = frozenset()
    also: dict[date, tuple[Interval, ...]] = field(default_factory=dict)

    def hours_of(self, day: date) -> tuple[Interval, ...]:
        """Return the intervals that begin on a day; none on a day off."""
        if day in self.also:
            return self.also[day]
        if day in self.closed or day in self.holidays:
            return ()
        return self.week[day.weekday()]


def is_open(calendar: Calendar, moment: datetime) -> bool:
    """Say whether the calendar is open at a moment."""
    return next_open(calendar, moment) == moment


def next_open(calendar: Calendar, moment: datetime) -> datetime | None:
    """Return the moment itself if the calendar is open then, else the next opening; None if there is none for years."""
    for start, end in _openings(calendar, moment.astimezone(calendar.zone).date()):
        if moment < end:
            return max(moment, start.astimezone(moment.tzinfo))
    return None


def earlier_open(calendar: Calendar, moment: datetime) -> datetime | None:
    """Return the open moment of that day, or of the last working day before it, for something due before a date.

    The clock time is kept where that day is open then; before its opening it is the opening, after its last closing
    the last minute before it. None if there was no working day for years.
    """
    local = moment.astimezone(calendar.zone)
    for back in range(_HORIZON):
        day = local.date() - timedelta(days=back)
        found = _within(calendar, day=day, clock=local.time())
        if found is not None:
            return found.astimezone(moment.tzinfo)
    return None


def _within(calendar: Calendar, *, day: date, clock: time) -> datetime | None:
    wanted = wall(datetime.combine(day, clock), zone=calendar.zone)
    spans = _spans(calendar, day)
    ahead = next((max(wanted, start) for start, end in spans if wanted < end), None)
    if ahead is not None or not spans:
        return ahead
    start, end = spans[-1]
    return max(start, end - timedelta(minutes=1))


def _openings(calendar: Calendar, day: date) -> Iterator[tuple[datetime, datetime]]:
    # Night hours of the day before may still be open.
    for offset in range(-1, _HORIZON):
        yield from _spans(calendar, day + timedelta(days=offset))


def _spans(calendar: Calendar, day: date) -> list[tuple[datetime, datetime]]:
    spans = []
    for interval in calendar.hours_of(day):
        start = wall(datetime.combine(day, interval.start), zone=calendar.zone)
        last = day + timedelta(days=1) if interval.passes_midnight else day
        end = wall(datetime.combine(last, interval.end), zone=calendar.zone)
        # The spring change can swallow a short opening whole.
        if start < end:
            spans.append((start, end))
    return sorted(spans)


def in_quiet_hours(moment: datetime, *, start: time, end: time, zone: tzinfo) -> datetime | None:
    """Return when the quiet hours that cover the moment end, as UTC; None if it is not in them."""
    quiet = Interval(start, end)
    calendar = Calendar(name="quiet", week=((quiet,),) * 7, zone=zone)
    today = moment.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        for opens, closes in _spans(calendar, day):
            if opens <= moment < closes:
                return closes.astimezone(UTC)
    return None
