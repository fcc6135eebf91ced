"""Search by the beginning of a text in a way that an index serves on both databases."""

from sqlalchemy import ColumnElement, and_


def begins(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Match what begins with the text; the columns sort by code point, so that is a range. `%` and `_` are letters."""
    return and_(column >= text, column <= text + "\U0010ffff")
