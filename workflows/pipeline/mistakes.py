"""The one exception for what a shop wrote wrongly: words for people, a code, help, and where in the value."""

from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

#: What a value must be, by the beginning of pydantic's error type.
_KINDS_OF_VALUE = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "finite_number": "a number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "dict": "a block of keys",
    "model": "a block of keys",
    "datetime": "a time like 2026-12-24T10:15:00Z",
    "timezone_aware": "a time with its zone, like 2026-12-24T10:15:00Z",
    "date": "a date like 2026-12-24",
    "time": 'a clock time like "09:30"',
    "url": "an address like https://shop.example/hook",
}
_LIMITS = (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))


class Mistake(ValueError):
    """Say what is wrong with one value of the file.

    `start` and `end` are offsets within the value (end 0: the whole value). The loader adds file, line and column.
    """

    def __init__(self, code: str, words: str, *, help: str = "", start: int = 0, end: int = 0) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.help = help
        self.start = start
        self.end = end


def nearest(name: str, names: list[str], *, likeness: float = 0.6) -> str:
    """Return the valid name that looks most like `name`, or the empty text; `likeness` 1 is the same name."""
    found = get_close_matches(name, names, n=1, cutoff=likeness)
    return found[0] if found else ""


def suggestion(name: str, names: list[str], *, label: str = "") -> str:
    """Write the help for an unknown name: the nearest valid one, then the list of them after `label`."""
    close = nearest(name, names)
    guess = f"Did you mean '{close}'?" if close else ""
    listing = f"{label}: {', '.join(names)}." if label and names else ""
    return " ".join(part for part in (guess, listing) if part)


def kind_of_value(error_type: str) -> str:
    """Say what a value must be ("a whole number") that pydantic refused with this error type; empty if that is open."""
    return next((words for part, words in _KINDS_OF_VALUE.items() if error_type.startswith(part)), "")


def limit_of_number(context: Mapping[str, Any]) -> str:
    """Say what bound of a number ("at least 1") stands in the context of pydantic's error; empty if none does."""
    return next((f"{words} {_number(context[key])}" for key, words in _LIMITS if key in context), "")


def length_of(error: Mapping[str, Any]) -> str:
    """Say what is wrong with a length ("longer than 40 characters") by pydantic's error; empty if nothing is."""
    unit = "characters" if isinstance(error["input"], str) else "entries"
    context = error.get("ctx") or {}
    if error["type"] in ("string_too_short", "too_short"):
        least = context.get("min_length")
        return "empty" if least == 1 else f"shorter than {least} {unit}"
    if error["type"] in ("string_too_long", "too_long"):
        return f"longer than {context.get('max_length')} {unit}"
    return ""


def _number(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
