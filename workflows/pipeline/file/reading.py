"""Reading single values of the file: each function returns the value, or None after adding a problem."""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from workflows.pipeline.file.document import Block, Listing, Scalar
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.mistakes import Mistake, nearest, suggestion

#: What names of stages, rules, messages and calendars look like.
NAME = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII)
#: What names of vars and fields look like.
FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)

T = TypeVar("T")


def shown(spot: Spot) -> str:
    """Write a value for a message, shortened."""
    if not isinstance(spot.node, Scalar):
        return "a list" if isinstance(spot.node, Listing) else "a block of keys"
    text = spot.node.text
    return f"'{text}'" if len(text) <= 60 else f"'{text[:59]}…'"


def articled(name: str) -> str:
    """Write `a` or `an` before a name."""
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def is_nothing(spot: Spot) -> bool:
    """Say whether a key was written without a value."""
    return isinstance(spot.node, Scalar) and spot.node.value is None


def text(report: Report, spot: Spot, *, longest: int = 10_000) -> str | None:
    """Read a text that is not empty."""
    if _refuse_nothing(report, spot):
        return None
    node = spot.node
    if not isinstance(node, Scalar):
        report.error("D207", f"'{spot.name}' must be a text, not {shown(spot)}", at=spot)
        return None
    if not isinstance(node.value, str):
        help = f'Write it in quotes: "{node.text}".'
        report.error("D207", f"'{spot.name}' must be a text, and {shown(spot)} is not", at=spot, help=help)
        return None
    if not node.value.strip():
        report.error("D219", f"'{spot.name}' is empty", at=spot, help="Write a value or remove the line.")
        return None
    if len(node.value) > longest:
        report.error("D218", f"'{spot.name}' is longer than {longest} characters", at=spot, help="Shorten it.")
        return None
    return node.value


def flag(report: Report, spot: Spot) -> bool | None:
    """Read true or false."""
    if isinstance(spot.node, Scalar) and isinstance(spot.node.value, bool):
        return spot.node.value
    if not _refuse_nothing(report, spot):
        help = "Write true or false, without quotes."
        report.error("D207", f"'{spot.name}' must be true or false, not {shown(spot)}", at=spot, help=help)
    return None


def parsed(report: Report, spot: Spot, parser: Callable[[str], T]) -> T | None:
    """Read a text by a parser that raises Mistake."""
    if isinstance(spot.node, Scalar) and spot.node.value is not None:
        try:
            return parser(spot.node.text)
        except Mistake as mistake:
            report.mistake(mistake, at=spot)
            return None
    text(report, spot)
    return None


def choice(report: Report, spot: Spot, *, names: Iterable[str], what: str = "") -> str | None:
    """Read one of several words."""
    if _refuse_nothing(report, spot):
        return None
    known = list(names)
    if isinstance(spot.node, Scalar) and spot.node.text in known:
        return spot.node.text
    found = spot.node.text if isinstance(spot.node, Scalar) else ""
    help = suggestion(found, known, label="One of")
    report.error("D202", f"{shown(spot)} is not {articled(what or spot.name)} value", at=spot, help=help)
    return None


def name(report: Report, spot: Spot, *, pattern: re.Pattern[str] = NAME) -> str | None:
    """Read a name: of a stage, a rule, a message (small letters, digits, dashes) or, by pattern, a field."""
    found = text(report, spot)
    if found is not None and pattern.fullmatch(found):
        return found
    if found is not None:
        bad_name(report, spot, pattern=pattern)
    return None


def bad_name(report: Report, spot: Spot, *, pattern: re.Pattern[str] = NAME) -> None:
    """Say that a name does not look like one."""
    sign = "dashes" if pattern is NAME else "underscores"
    help = f"Use small letters, digits and {sign}, beginning with a letter, at most 64 characters."
    report.error("D216", f"{shown(spot)} cannot be a name", at=spot, help=help)


def block(report: Report, spot: Spot, *, example: str = "") -> bool:
    """Say whether a value is a block of keys; add a problem if not."""
    if isinstance(spot.node, Block):
        return True
    if not _refuse_nothing(report, spot):
        help = f"Write it as {example}." if example else "Write 'key: value' lines, indented."
        report.error("D207", f"'{spot.name}' must be a block of keys, not {shown(spot)}", at=spot, help=help)
    return False


def listing(report: Report, spot: Spot) -> bool:
    """Say whether a value is a list; add a problem if not."""
    if isinstance(spot.node, Listing):
        return True
    if not _refuse_nothing(report, spot):
        help = "Begin each item with '- '."
        report.error("D207", f"'{spot.name}' must be a list, not {shown(spot)}", at=spot, help=help)
    return False


def unknown_keys(report: Report, spot: Spot, *, known: Iterable[str]) -> None:
    """Add a problem for each key of a block that does not exist."""
    names = list(known)
    for entry in spot.entries():
        if entry.name not in names:
            unknown_key(report, entry, names=names)


def unknown_key(report: Report, entry: Spot, *, names: list[str]) -> None:
    """Say that a key does not exist, and which one was probably meant."""
    close = nearest(entry.name, names)
    help = f"Did you mean '{close}'?" if close else f"Keys: {', '.join(names)}."
    report.error("D201", f"unknown key '{entry.name}'", at=entry.at_key(), help=help)


def _refuse_nothing(report: Report, spot: Spot) -> bool:
    if not is_nothing(spot):
        return False
    help = "Write a value or remove the line."
    report.error("D219", f"'{spot.name}' has no value", at=spot.at_key(), help=help)
    return True
