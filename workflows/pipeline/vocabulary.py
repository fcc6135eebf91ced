"""The names that conditions and texts may use, with their types: a tree made of the fields' models and the pipeline."""

import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache

from pydantic import BaseModel

from workflows.pipeline.fields import OrderView
from workflows.pipeline.mistakes import suggestion
from workflows.pipeline.model import FieldType


class ValueType(StrEnum):
    """What a name holds, in the words of error messages."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOL = "yes/no"
    LIST = "list"
    GROUP = "group"
    NOTHING = "nothing"
    ANY = "any"


@dataclass(frozen=True)
class Word:
    """One name: its type, and the names inside it. An open group takes any name (of type ANY).

    `item` describes what a list holds, None for plain texts. `values` are all that a text may be, none given: any.
    """

    type: ValueType
    inside: Mapping[str, "Word"] = field(default_factory=dict)
    is_open: bool = False
    item: "Word | None" = None
    values: tuple[str, ...] = ()


ANY = Word(ValueType.ANY, is_open=True)
TEXT = Word(ValueType.TEXT)
NUMBER = Word(ValueType.NUMBER)
DATE = Word(ValueType.DATE)
BOOL = Word(ValueType.BOOL)
LIST = Word(ValueType.LIST, item=TEXT)

_FIELD_WORDS = {
    FieldType.TEXT: TEXT,
    FieldType.NUMBER: NUMBER,
    FieldType.MONEY: NUMBER,
    FieldType.DATE: DATE,
    FieldType.BOOL: BOOL,
    FieldType.LIST: LIST,
}
_PYTHON_WORDS: dict[object, Word] = {
    str: TEXT,
    int: NUMBER,
    float: NUMBER,
    Decimal: NUMBER,
    date: DATE,
    datetime: DATE,
    bool: BOOL,
    list: LIST,
    dict: ANY,
}


def group(inside: Mapping[str, Word], *, is_open: bool = False) -> Word:
    """Make a group of names."""
    return Word(ValueType.GROUP, inside=inside, is_open=is_open)


def vocabulary(
    fields: Mapping[str, FieldType],
    *,
    vars: Iterable[str] = (),
    results: Mapping[str, Mapping[str, type]] | None = None,
    event: Mapping[str, Word] | None = None,
) -> Word:
    """Return the root of all names: order, customer, responsible, shop, vars, results, and event (for triggers)."""
    names = dict(_view().inside)
    order = dict(names["order"].inside)
    order["fields"] = group({name: _FIELD_WORDS[kind] for name, kind in fields.items()})
    names["order"] = group(order)
    names["vars"] = group(dict.fromkeys(vars, TEXT))
    names["results"] = group(
        {
            rule.replace("-", "_"): group({name: of_python(kind) for name, kind in found.items()})
            for rule, found in (results or {}).items()
        }
    )
    if event is not None:
        names["event"] = group(event, is_open=not event)
    return group(names)


def find(root: Word, path: Iterable[str]) -> Word | None:
    """Follow a path of names; None if one of them does not exist."""
    word: Word | None = root
    for name in path:
        if word is None:
            return None
        word = word.inside.get(name) or (ANY if word.is_open else None)
    return word


def unknown_words(root: Word, path: list[str]) -> tuple[str, str]:
    """Say for an unknown path what is wrong, and what there is instead."""
    known = 0
    while find(root, path[: known + 1]) is not None:
        known += 1
    parent = find(root, path[:known])
    names = sorted(parent.inside) if parent else []
    if known == 0:
        return f"unknown name '{path[0]}'", suggestion(path[0], names, label="Names")
    label = ".".join(path[:known])
    if not names and parent is not None and parent.type is not ValueType.GROUP:
        return f"'{label}' is a {parent.type} and has no '{path[known]}'", f"Use '{label}' alone."
    if label == "results":
        help = suggestion(path[1], names, label="Rules") or "No other rule of this stage gives results."
        return f"no rule '{path[known]}' of this stage gives results", help
    if label == "vars":
        help = suggestion(path[1], names, label="Vars") or "There are none here; a var cannot use another var."
        return f"unknown var '{path[known]}'", help
    help = suggestion(path[known], names, label="Fields")
    return f"unknown field '{'.'.join(path)}'", help or f"'{label}' has no fields."


def of_python(kind: object) -> Word:
    """Return the word for a Python type annotation."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return of_python(next(one for one in typing.get_args(kind) if one is not type(None)))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return group({name: of_python(info.annotation) for name, info in kind.model_fields.items()})
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return Word(ValueType.TEXT, values=tuple(kind))
    if origin in (list, tuple):
        return Word(ValueType.LIST, item=of_python(typing.get_args(kind)[0]))
    if origin is dict:
        return group({}, is_open=True)
    return _PYTHON_WORDS.get(kind, ANY)


@cache
def _view() -> Word:
    return of_python(OrderView)
