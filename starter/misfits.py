"""Says in our words where given values do not fit their model: the one place for callers of the API and for commands.

What was given is never repeated: it may be a person's data.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from workflows.pipeline.mistakes import kind_of_value, length_of, limit_of_number, nearest

Place: TypeAlias = tuple[int | str, ...]

_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")
_OBJECT = ("model", "dict", "dataclass")
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Misfit:
    """One thing that is wrong, and where: names of fields, positions in lists. `is_unknown`: no field has that name."""

    place: Place
    words: str
    is_unknown: bool = False


def misfits(errors: Iterable[Mapping[str, Any]], *, kind: object = None) -> list[Misfit]:
    """Return what pydantic's errors say. `kind` is the model, or any type, that the values were to fit."""
    return [_misfit(error, kind=kind) for error in errors]


def as_line(error: ValidationError, *, kind: object = None) -> str:
    """Write everything that is wrong on one line, each with its place: `items.0.price: must be a number`."""
    return "; ".join(_with_place(one) for one in misfits(error.errors(include_url=False), kind=kind))


def wrong_settings(error: ValidationError) -> list[str]:
    """Write what is wrong with each setting, by its environment variable."""
    found = misfits(error.errors(include_url=False))
    return [f"ORDERS_{'_'.join(str(part) for part in one.place).upper()}: {one.words}" for one in found]


def _with_place(misfit: Misfit) -> str:
    place = misfit.place[:-1] if misfit.is_unknown else misfit.place  # the words name the field that is unknown
    return f"{'.'.join(str(part) for part in place)}: {misfit.words}" if place else misfit.words


def _misfit(error: Mapping[str, Any], *, kind: object) -> Misfit:
    place: Place = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        return Misfit(place, _unknown(place, kind=kind), is_unknown=True)
    return Misfit(place, _words(error, field=_field_at(kind, place)))


def _unknown(place: Place, *, kind: object) -> str:
    name = str(place[-1])
    known = _names(_at(kind, place[:-1]))
    words = f"unknown field '{name[:_LONGEST_NAME]}'"
    if not known:
        return words
    close = nearest(name, known)
    listing = f"nown fields: {', '.join(known)}"
    return f"{words}; did you mean '{close}'? K{listing}" if close else f"{words}; k{listing}"


def _words(error: Mapping[str, Any], *, field: FieldInfo | None) -> str:
    type_, context = str(error["type"]), error.get("ctx") or {}
    if type_ == "missing":
        return "is missing"
    if type_ in ("enum", "literal_error"):
        return f"must be one of {', '.join(_QUOTED.findall(str(context.get('expected', ''))))}"
    if type_ == "string_pattern_mismatch":
        like, pattern = _example(field), context.get("pattern")
        return f"must be written like {like} ({pattern})" if like else f"must match {pattern}"
    if type_ in ("value_error", "assertion_error"):
        return str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if length := length_of(error):
        return f"is {length}"
    wanted = limit_of_number(context) or ("an object" if type_.startswith(_OBJECT) else kind_of_value(type_))
    return f"must be {wanted}" if wanted else str(error["msg"])


def _at(kind: object, place: Sequence[int | str]) -> object:
    """Return the type of the value at a place; None where that is open."""
    for step in place:
        kind = next((inner for one in _choices(kind) if (inner := _inner(one, step=step)) is not None), None)
    return kind


def _inner(kind: object, *, step: int | str) -> object:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = _field(kind, name=step)
        return field.annotation if field else None
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return arguments[1]
    return arguments[0] if arguments and isinstance(step, int) else None


def _field_at(kind: object, place: Place) -> FieldInfo | None:
    models = _models(_at(kind, place[:-1])) if place else ()
    return next((field for model in models if (field := _field(model, name=place[-1])) is not None), None)


def _field(model: type[BaseModel], *, name: int | str) -> FieldInfo | None:
    fields = model.model_fields.items()
    return next((field for own, field in fields if name in (own, field.alias, field.validation_alias)), None)


def _names(kind: object) -> list[str]:
    """List the fields that may be given, as callers write them."""
    return [field.alias or name for model in _models(kind) for name, field in model.model_fields.items()]


def _models(kind: object) -> Iterator[type[BaseModel]]:
    return (one for one in _choices(kind) if isinstance(one, type) and issubclass(one, BaseModel))


def _choices(kind: object) -> Iterator[object]:
    """List the types that a value may have: those of a union, each without its annotations."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _choices(get_args(kind)[0])
    elif origin in (Union, UnionType):
        for one in get_args(kind):
            yield from _choices(one)
    elif kind is not None:
        yield kind


def _example(field: FieldInfo | None) -> str:
    """Return the first example of a field: its own, or that of a type it is annotated with."""
    if field is None:
        return ""
    annotated = [note for one in (field.annotation, *get_args(field.annotation)) for note in get_args(one)[1:]]
    notes = [field, *(note for note in annotated if isinstance(note, FieldInfo))]
    return next((str(note.examples[0]) for note in notes if note.examples), "")
