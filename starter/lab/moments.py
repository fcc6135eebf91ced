"""Moments as people write them for the lab: ISO 8601, or a duration after the start (`+2h`, `+1d 3h`, `30d`)."""

from datetime import UTC, datetime, tzinfo

from workflows.pipeline.durations import parse_duration
from workflows.pipeline.mistakes import Mistake

_HELP = 'Write an offset such as +2h or "+1d 3h", or a moment such as 2026-11-23T10:00.'


def parse_moment(text: str, *, start: datetime, zone: tzinfo) -> datetime:
    """Read a moment, in UTC; one without a zone is read in `zone`, days keep its wall-clock time. Raise Mistake."""
    text = text.strip()
    if text[:4].isdecimal() and text[4:5] == "-":
        return _iso(text, zone=zone)
    if text in ("0", "+0"):
        return start
    try:
        return parse_duration(text.removeprefix("+")).after(start, zone=zone).astimezone(UTC)
    except Mistake as mistake:
        raise Mistake("L201", f"'{text}' is not a moment", help=_HELP) from mistake
    except OverflowError:
        raise Mistake("L201", f"'{text}' is too far away", help=_HELP) from None


def _iso(text: str, *, zone: tzinfo) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Mistake("L201", f"'{text}' is not a moment", help=_HELP) from None
