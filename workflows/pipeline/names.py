"""The names of an order as texts read them: groups over the view, values cleaned of what harms readers."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal

from pydantic import BaseModel

#: Control characters but newline and tab, bidirectional marks and overrides, lone surrogates.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MARKDOWN_SIGNS = re.compile(r"([\\`*_\[\]<>#!|~])")
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]\\]+", re.ASCII)


class Safe(str):
    """A text the shop wrote itself: its Markdown counts."""

    __slots__ = ()


class Names(Mapping[str, object]):
    """A group of fields as Liquid sees it."""

    def __init__(self, group: BaseModel | Mapping[str, object]) -> None:
        self._group = group

    def __getitem__(self, name: str) -> object:
        if isinstance(self._group, BaseModel):
            if name not in type(self._group).model_fields:
                raise KeyError(name)
            return named(getattr(self._group, name))
        return named(self._group[name])

    def __iter__(self) -> Iterator[str]:
        return iter(type(self._group).model_fields if isinstance(self._group, BaseModel) else self._group)

    def __len__(self) -> int:
        return len(type(self._group).model_fields if isinstance(self._group, BaseModel) else self._group)

    def __str__(self) -> str:
        return ""


class Vars(Mapping[str, object]):
    """The pipeline's vars, each rendered when it is read."""

    def __init__(self, names: Mapping[str, str], *, render: Callable[[str], str]) -> None:
        self._names = names
        self._render = render

    def __getitem__(self, name: str) -> object:
        return Safe(self._render(self._names[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def named(value: object) -> object:
    """Return a value as texts see it: cleaned, and groups and lists wrapped."""
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, (bool, int, Decimal, date)):
        return value
    if isinstance(value, (BaseModel, Mapping)):
        return Names(value)
    if isinstance(value, (list, tuple)):
        return [named(one) for one in value]
    if isinstance(value, float):
        return Decimal(repr(value))
    return clean(str(value))


def clean(text: str) -> str:
    """Remove control and bidirectional characters, which can turn the reading of a text around."""
    return _HARMFUL.sub("", text) if _HARMFUL.search(text) else text


def safe_markdown(text: str) -> str:
    """Escape Markdown's signs in a value; an address stays as it is, since it holds none that could open a link."""
    return text if _ADDRESS.fullmatch(text) else _MARKDOWN_SIGNS.sub(r"\\\1", text)
