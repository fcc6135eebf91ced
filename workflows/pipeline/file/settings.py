"""A rule's own settings: checked by its kind's model, whose errors become problems in a shop owner's words."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import AliasChoices, ValidationError

from workflows.pipeline.file import reading
from workflows.pipeline.file.document import Block, Listing, Node, Scalar
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.kinds import RuleKind, RuleSettings
from workflows.pipeline.mistakes import Mistake, kind_of_value, length_of, limit_of_number, suggestion

_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")


def setting_names(kind: RuleKind) -> list[str]:
    """List the keys of a kind's settings as they are written in the file, the kind's own key first."""
    names = [_written(name, info.alias, info.validation_alias) for name, info in kind.settings.model_fields.items()]
    return sorted(names, key=lambda name: name != kind.name)


def read_settings(report: Report, entries: Mapping[str, Spot], *, kind: RuleKind, rule: Spot) -> RuleSettings | None:
    """Make a rule's settings of its keys; None after adding problems."""
    empty = [spot for spot in entries.values() if reading.is_nothing(spot)]
    for spot in empty:
        help = "Write a value or remove the line."
        report.error("D219", f"'{spot.name}' has no value", at=spot.at_key(), help=help)
    if empty:
        return None
    try:
        return kind.settings.model_validate({name: plain(spot.node) for name, spot in entries.items()})
    except ValidationError as errors:
        _tell(report, errors, entries=entries, kind=kind, rule=rule)
    except RecursionError:
        report.error("D107", "the settings are nested too deep", at=rule)
    return None


def plain(node: Node) -> object:
    """Return a value of the file as plain data; numbers with a point as exact decimals."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Listing):
        return [plain(one) for one in node.items]
    return {entry.key.text: plain(entry.value) for entry in node.entries}


def _written(name: str, alias: str | None, other: str | AliasChoices | Any | None) -> str:
    return alias or (other if isinstance(other, str) else None) or name


def _tell(report: Report, errors: ValidationError, *, entries: Mapping[str, Spot], kind: RuleKind, rule: Spot) -> None:
    told: set[tuple[str, int]] = set()
    found = errors.errors(include_url=False)
    places = [error["loc"] for error in found]
    for error in found:
        # A list is counted without the entries that are refused, so it may seem empty or too short.
        size = len(error["loc"])
        if error["type"] == "too_short" and any(len(one) > size and one[:size] == error["loc"] for one in places):
            continue
        spot, missing = _spot_of(error["loc"], entries=entries, kind=kind, rule=rule)
        mark = (spot.path + missing, spot.node.place.start)
        # A union reports one error for each of its types; the first one says enough.
        if mark in told:
            continue
        told.add(mark)
        at = spot.at_key() if error["type"] == "extra_forbidden" else spot
        report.mistake(_mistake(error, spot=spot, missing=missing, kind=kind), at=at)


def _spot_of(
    loc: tuple[int | str, ...], *, entries: Mapping[str, Spot], kind: RuleKind, rule: Spot
) -> tuple[Spot, str]:
    own = entries.get(kind.name)
    spot = own.at_key() if own is not None else rule
    names = [str(one) for one in loc]
    if not names:
        return spot, ""
    first = _field_key(kind, names[0])
    if first not in entries:
        return spot, first
    spot = entries[first]
    for name in names[1:]:
        inner = spot.get(name) or _item(spot, name)
        if inner is None and isinstance(spot.node, Block) and name == names[-1]:
            return spot, name
        spot = inner or spot
    return spot, ""


def _field_key(kind: RuleKind, name: str) -> str:
    info = kind.settings.model_fields.get(name)
    return _written(name, info.alias, info.validation_alias) if info else name


def _item(spot: Spot, name: str) -> Spot | None:
    items = spot.items() if isinstance(spot.node, Listing) else []
    return items[int(name)] if name.isdigit() and int(name) < len(items) else None


def _mistake(error: Any, *, spot: Spot, missing: str, kind: RuleKind) -> Mistake:
    type_, context = str(error["type"]), error.get("ctx") or {}
    inner = context.get("error")
    if isinstance(inner, Mistake):
        return inner
    if type_ == "missing":
        owner = spot.name if spot.name != kind.name else kind.name
        return Mistake("D211", f"'{owner}' needs '{missing}'", help=f"Add '{missing}:' to it.")
    if type_ == "extra_forbidden":
        return Mistake("D201", f"unknown key '{spot.name}'", help="Remove it, or check its spelling.")
    if type_ in ("literal_error", "enum"):
        names = [one.replace("\\'", "'") for one in _QUOTED.findall(str(context.get("expected", "")))]
        help = suggestion(spot.text, names, label="One of")
        return Mistake("D202", f"{reading.shown(spot)} is not {reading.articled(spot.name)} value", help=help)
    if inner is not None or type_ in ("value_error", "assertion_error"):
        words = str(inner) if inner is not None else str(error["msg"])
        return Mistake("D218", words)
    return _limit(error, spot=spot, kind=kind) or _wrong_type(type_, spot=spot)


def _limit(error: Any, *, spot: Spot, kind: RuleKind) -> Mistake | None:
    name = spot.name
    if bound := limit_of_number(error.get("ctx") or {}):
        return Mistake("D218", f"'{name}' must be {bound}, not {spot.text}")
    length = length_of(error)
    if length == "empty":
        return Mistake("D219", f"'{name}' is empty", help="Write a value or remove the line.")
    if length:
        help = "Shorten it." if length.startswith("longer") else "Write more, or remove the line."
        return Mistake("D218", f"'{name}' is {length}", help=help)
    if error["type"] == "string_pattern_mismatch":
        return Mistake("D218", f"{reading.shown(spot)} is not right for '{name}'", help=_example(kind, name=name))
    return None


def _example(kind: RuleKind, *, name: str) -> str:
    fields = kind.settings.model_fields.items()
    examples = [info.examples[0] for field, info in fields if info.examples and _field_key(kind, field) == name]
    return f"Write it like {examples[0]}." if examples else "Check it against the JSON Schema of the pipeline."


def _wrong_type(type_: str, *, spot: Spot) -> Mistake:
    wanted = kind_of_value(type_) or "something else"
    is_plain = isinstance(spot.node, Scalar) and not isinstance(spot.node.value, str)
    help = f'Write it in quotes: "{spot.text}".' if wanted == "a text" and is_plain else ""
    help = "Write true or false, without quotes." if wanted == "true or false" else help
    return Mistake("D207", f"'{spot.name}' must be {wanted}, and {reading.shown(spot)} is not", help=help)
