"""Cursors of lists: where the next page begins, as text that callers only hand back."""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from activities.store.records import Page

T = TypeVar("T")

_ERRORS = (ValueError, TypeError, binascii.Error, UnicodeError)


def page_of(records: list[T], *, limit: int, cursor: Callable[[T], str]) -> Page[T]:
    """Make a page of records read with one more than the limit."""
    more = len(records) > limit
    shown = records[:limit]
    return Page(items=shown, next_cursor=cursor(shown[-1]) if more and shown else None)


def after_number(cursor: str | None, *, default: int) -> int:
    """Read a cursor that is a number; raise ValueError for any other text."""
    if cursor is None:
        return default
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise ValueError("the cursor is not one that this list gave")
    return int(cursor)


def moment_cursor(at: datetime, *, id: str) -> str:
    """Write a cursor of a list that is sorted by time and id."""
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), id]).encode()).decode().rstrip("=")


def after_moment(cursor: str) -> tuple[datetime, str]:
    """Read such a cursor back; raise ValueError for any other text."""
    try:
        at, id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("naive")
    except _ERRORS:
        raise ValueError("the cursor is not one that this list gave") from None
    return moment, str(id)
