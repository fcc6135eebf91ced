"""Moments as people read them in the Temporal UI: 21 Nov 18:00.

Written by hand: strftime imports its time module through the sandbox at every call, 40 % of the calls of a replay.
"""

from datetime import datetime

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def written(moment: datetime, *, with_year: bool = False) -> str:
    """Write a moment as it is in its own zone."""
    year = f" {moment.year}" if with_year else ""
    return f"{moment.day:02d} {_MONTHS[moment.month - 1]}{year} {moment.hour:02d}:{moment.minute:02d}"
