"""Schedules in a shop's words: days (`mon-fri`), hours (`09:00-18:00`), weeks (`mon-fri 09:00-17:00, sat 10:00-14:00`).

Dates and date ranges too. Each function reads one text and raises Mistake.
"""

import re
from collections.abc import Iterator
from datetime import date, time, timedelta

from workflows.pipeline.calendars import Interval
from workflows.pipeline.durations import parse_clock
from workflows.pipeline.mistakes import Mistake

#: Monday first, as `date.weekday()` counts.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_SPLIT = re.compile(r"[\s,;]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAYS_HELP = f"Days: {', '.join(DAYS)}; write them like mon-fri or 'mon, wed, sat'."
_HOURS_HELP = (
    'Write opening and closing time in quotes, like "09:00-18:00"; an end before the start is on the next day.'
)

Week = tuple[tuple[Interval, ...], ...]


def parse_days(text: str) -> tuple[int, ...]:
    """Read days of the week (`mon-fri, sun`) as numbers from Monday = 0; a range may pass Sunday."""
    found: list[int] = []
    for part in _parts(text):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS or part.endswith("-"):
            raise Mistake("D209", f"'{part}' is not a day of the week", help=_DAYS_HELP)
        start, end = DAYS.index(first), DAYS.index(last or first)
        found += [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    if not found:
        raise Mistake("D209", "no day of the week is given", help=_DAYS_HELP)
    return tuple(sorted(set(found)))


def parse_hours(text: str) -> tuple[Interval, ...]:
    """Read opening hours of a day: `09:00-13:00, 14:00-18:00`."""
    intervals = [_interval(part) for part in _parts(text)]
    if not intervals:
        raise Mistake("D208", f"'{text}' is not a span of time", help=_HOURS_HELP)
    return tuple(sorted(intervals, key=lambda one: one.start))


def parse_week(text: str) -> Week:
    """Read a week: days, then their hours, and so on (`mon-fri 09:00-17:00, sat 10:00-14:00`)."""
    week: list[list[Interval]] = [[] for _ in DAYS]
    days: list[int] = []
    has_hours = True
    for part in _parts(text):
        if not part[0].isdigit():
            days = [*([] if has_hours else days), *parse_days(part)]
            has_hours = False
            continue
        if not days:
            raise Mistake("D209", f"'{part}' has no day before it", help="Write days first: mon-fri 09:00-17:00.")
        has_hours = True
        for day in days:
            week[day].append(_interval(part))
    if has_hours and days:
        return tuple(tuple(sorted(hours, key=lambda one: one.start)) for hours in week)
    raise Mistake("D208", f"'{text}' has days without hours", help="Write days, then hours: mon-fri 09:00-17:00.")


def week_of(days: tuple[int, ...], *, hours: tuple[Interval, ...]) -> Week:
    """Return the week with the same hours on each of the days."""
    return tuple(hours if day in days else () for day in range(7))


def parse_date(text: str) -> date:
    """Read a date `YYYY-MM-DD`."""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Mistake("D210", f"'{text}' is not a date", help="Write year, month and day, like 2026-12-24.")


def parse_dates(text: str) -> tuple[date, ...]:
    """Read a date or a range of dates with both ends (`2026-12-24..2026-12-31`), at most two years long."""
    first, dots, last = text.partition("..")
    start = parse_date(first.strip())
    end = parse_date(last.strip()) if dots else start
    if not 0 <= (end - start).days <= 731:
        raise Mistake("D210", f"'{text}' ends before it starts or is too long", help="A range has at most two years.")
    return tuple(start + timedelta(days=step) for step in range((end - start).days + 1))


def parse_open_date(text: str) -> tuple[date, tuple[Interval, ...]]:
    """Read a date with hours of its own: `2026-12-27 10:00-14:00`; without hours, the whole day."""
    day, _, hours = text.strip().partition(" ")
    return parse_date(day), parse_hours(hours or "00:00-24:00")


def _parts(text: str) -> Iterator[str]:
    return (part for part in _SPLIT.split(text.strip().lower()) if part)


def _interval(text: str) -> Interval:
    start, dash, end = text.partition("-")
    if not dash:
        raise Mistake("D208", f"'{text}' is not a span of time", help=_HOURS_HELP)
    try:
        interval = Interval(parse_clock(start), time(0) if end == "24:00" else parse_clock(end))
    except Mistake as mistake:
        raise Mistake("D208", f"'{text}' is not a span of time: {mistake.words}", help=_HOURS_HELP) from None
    if interval.start == interval.end and end != "24:00":
        raise Mistake("D208", f"'{text}' opens and closes at the same time", help='A whole day is "00:00-24:00".')
    return interval
