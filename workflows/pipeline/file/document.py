"""YAML 1.2 text in, a tree of values with their places out. Refuses what a pipeline file must not hold."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from workflows.pipeline.mistakes import Mistake

#: Limits of a file: characters, blocks inside each other, values in all (with what aliases repeat).
LONGEST = 256_000
DEEPEST = 20
MOST_VALUES = 30_000

_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_BRACES = re.compile(r"(?:^|[:\-\[,]\s+)(\{\{)")
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Place:
    """Where something stands: line and column from 0, offsets in the text, end behind the last character."""

    line: int
    column: int
    start: int
    end: int


@dataclass(frozen=True)
class Scalar:
    """A text, number, yes/no or nothing. `text` is as written, `value` what YAML makes of it."""

    place: Place
    text: str
    value: str | int | Decimal | bool | None


@dataclass(frozen=True)
class Entry:
    """One key of a block, and its value."""

    key: Scalar
    value: "Node"


@dataclass(frozen=True)
class Block:
    """A mapping, in the order of the file."""

    place: Place
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Listing:
    """A sequence."""

    place: Place
    items: tuple["Node", ...]


Node: TypeAlias = Scalar | Block | Listing


class Misplaced(Exception):
    """A mistake that makes the whole file unreadable, at a place."""

    def __init__(self, mistake: Mistake, *, place: Place) -> None:
        super().__init__(mistake.words)
        self.mistake = mistake
        self.place = place


@dataclass
class Document:
    """The parsed file: its root block, and the mistakes that did not keep it from being read on."""

    text: str
    root: Block
    mistakes: list[tuple[Mistake, Place]] = field(default_factory=list)


def lines_of(text: str) -> list[str]:
    """Split a text into lines as YAML counts them."""
    return _LINE_END.split(text)


def parse(text: str) -> Document:
    """Parse a file; raise Misplaced if it cannot be read at all."""
    node, mistakes = read(text, help="Begin with 'pipeline: shop'.")
    if not isinstance(node, Block):
        help = "Begin with 'pipeline: shop', then 'stages:' and so on, one key a line."
        raise Misplaced(Mistake("D106", "the file is not a block of keys and values", help=help), place=node.place)
    return Document(text=text, root=node, mistakes=mistakes)


def read(text: str, *, help: str) -> tuple[Node, list[tuple[Mistake, Place]]]:
    """Read any YAML (or JSON) text; `help` says how one that is empty should begin. Raise Misplaced."""
    start = Place(0, 0, 0, 1)
    if len(text) > LONGEST:
        help = "Split it into several files."
        raise Misplaced(Mistake("D107", f"the file has more than {LONGEST} characters", help=help), place=start)
    root = _composed(text)
    if root is None:
        raise Misplaced(Mistake("D105", "the file is empty", help=help), place=start)
    reader = _Reader(text)
    try:
        node = reader.node(root, depth=0)
    except RecursionError:
        raise Misplaced(_too_deep(), place=start) from None
    return node, reader.mistakes


def _composed(text: str) -> Any:
    # Composing gives nodes with places before anything is constructed of them.
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

    try:
        return YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise _syntax(error, text=text) from None
    except YAMLError as error:
        raise _unreadable(error, text=text) from None
    except RecursionError:
        raise Misplaced(_too_deep(), place=Place(0, 0, 0, 1)) from None
    except Exception as error:
        # ruamel lets a few of its own slips through (bad directives, bad escapes) as plain Python errors.
        mistake = Mistake("D101", f"this is not YAML ({type(error).__name__})", help="Look at the first lines.")
        raise Misplaced(mistake, place=Place(0, 0, 0, 1)) from None


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._count = 0
        self.mistakes: list[tuple[Mistake, Place]] = []

    def node(self, raw: Any, *, depth: int) -> Node:
        self._count += 1
        place = _place(raw)
        if depth > DEEPEST:
            raise Misplaced(_too_deep(), place=place)
        if self._count > MOST_VALUES:
            help = "Aliases (*name) repeat what they name; write less of them."
            raise Misplaced(Mistake("D107", f"the file has more than {MOST_VALUES} values", help=help), place=place)
        self._refuse_tag(raw, place=place)
        if raw.id == "scalar":
            return _scalar(raw, place=place)
        if raw.id == "sequence":
            return Listing(place, tuple(self.node(one, depth=depth + 1) for one in raw.value))
        if self._is_braces(raw):
            self.mistakes.append((_braces(), Place(place.line, place.column, place.start, place.start + 2)))
            written = self._text[place.start : place.end]
            return Scalar(place, written, written)
        return Block(place, tuple(self._entries(raw, depth=depth)))

    def _is_braces(self, raw: Any) -> bool:
        start = raw.start_mark.index
        return self._text[start : start + 2] == "{{" and any(key.id != "scalar" for key, _ in raw.value)

    def _entries(self, raw: Any, *, depth: int) -> Iterator[Entry]:
        seen: dict[str, int] = {}
        for raw_key, raw_value in raw.value:
            place = _place(raw_key)
            if raw_key.id != "scalar":
                mistake = Mistake("D109", "a key must be a plain word", help="Write 'key: value', one key a line.")
                self.mistakes.append((mistake, Place(place.line, place.column, place.start, place.start + 1)))
                return
            value = self.node(raw_value, depth=depth + 1)
            key = Scalar(place, raw_key.value, raw_key.value)
            if raw_key.value == "<<":
                mistake = Mistake("D108", "'<<' is not supported", help="Write the keys out in each block.")
                self.mistakes.append((mistake, place))
            elif key.text in seen:
                words = f"the key '{key.text}' is written twice in the same block (first on line {seen[key.text]})"
                first = Place(place.line, place.column, place.start, place.start + 1)
                self.mistakes.append((Mistake("D102", words, help="Rename or remove one of them."), first))
            else:
                seen[key.text] = place.line + 1
                yield Entry(key, value)

    def _refuse_tag(self, raw: Any, *, place: Place) -> None:
        tag = str(raw.tag or "")
        if (tag and not tag.startswith(_TAG)) or "/" in tag.removeprefix(_TAG):
            words = f"the tag '{tag.removeprefix(_TAG)}' is not supported"
            self.mistakes.append((Mistake("D108", words, help="Remove what begins with '!'."), place))


def _scalar(raw: Any, *, place: Place) -> Scalar:
    # In a folded text (>) the library marks the folds with this character.
    text = str(raw.value).replace("\a", "") if raw.style == ">" else str(raw.value)
    return Scalar(place, text, text if raw.style is not None else _value(raw))


def _value(raw: Any) -> str | int | Decimal | bool | None:
    kind, text = str(raw.tag or "").removeprefix(_TAG), str(raw.value)
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        if kind == "int" and len(text) < 40:
            return int(text)
        if kind == "float" and Decimal(text).is_finite():
            return Decimal(text)
    except (ValueError, InvalidOperation):
        pass
    return text


def _place(raw: Any) -> Place:
    mark = raw.start_mark
    return Place(mark.line, mark.column, mark.index, max(mark.index + 1, raw.end_mark.index))


def _too_deep() -> Mistake:
    return Mistake("D107", f"blocks are more than {DEEPEST} deep inside each other", help="Remove some of them.")


def _braces() -> Mistake:
    help = 'Write it as "{{ … }}": without quotes YAML reads it as a mapping.'
    return Mistake("D103", "a value that starts with '{{' must be quoted", help=help)


#: What the YAML parser says, and what it means to a shop owner.
_SAID = (
    ("found character '\\t'", "D104", "a tab stands where only spaces may", "Indent with spaces."),
    ("mapping values are not allowed", "D101", "a second ':' is not expected here", "Put a value with ': ' in quotes."),
    ("found undefined alias", "D101", "an alias (*) names nothing", "Put a value that begins with * in quotes."),
    ("but found another document", "D101", "a file holds one document", "Remove the line '---' and what follows it."),
    ("found unexpected end of stream", "D101", "a quote is not closed", "Close it with the same quote."),
    ("while scanning a quoted scalar", "D101", "a quoted text cannot be read", "In double quotes write \\ as \\\\."),
    ("sequence entries are not allowed", "D101", "a list item '-' is not expected here", "Begin it on its own line."),
    ("cannot start any token", "D101", "a value cannot begin with this character", "Put the value in quotes."),
    ("expected <block end>", "D101", "this line does not fit the block it stands in", "Check how far it is indented."),
    ("expected ',' or", "D101", "a bracket is not closed", "Close it, or put the value in quotes."),
    ("could not find expected ':'", "D101", "a key has no ':'", "Write 'key: value'."),
)


def _syntax(error: Any, *, text: str) -> Misplaced:
    mark = error.problem_mark or error.context_mark
    said = f"{error.context or ''} {error.problem or ''}"
    line = lines_of(text)[mark.line] if mark and mark.line < len(lines_of(text)) else ""
    braces = _BRACES.search(line)
    if mark is None:
        return Misplaced(Mistake("D101", "this is not YAML"), place=Place(0, 0, 0, 1))
    if error.context_mark is not None and ("end of stream" in said or "<stream end>" in said or "expected ','" in said):
        # What was opened and never closed is more telling than where the file ended.
        mark = error.context_mark
    if "mapping values" in said and ":" not in line[: mark.column]:
        words = "this line is indented further than the block it stands in"
        mistake = Mistake("D101", words, help="Give the keys of a block the same indentation.")
        return Misplaced(mistake, place=Place(mark.line, 0, mark.index - mark.column, mark.index))
    if braces and "block" in said:
        start = mark.index - mark.column + braces.start(1)
        return Misplaced(_braces(), place=Place(mark.line, braces.start(1), start, start + 2))
    place = Place(mark.line, mark.column, mark.index, mark.index + 1)
    for part, code, words, help in _SAID:
        if part in said:
            return Misplaced(Mistake(code, words, help=help), place=place)
    return Misplaced(Mistake("D101", f"this is not YAML: {error.problem or error.context}"), place=place)


def _unreadable(error: Any, *, text: str) -> Misplaced:
    index = min(getattr(error, "position", 0) or 0, len(text))
    before = lines_of(text[:index])
    place = Place(len(before) - 1, len(before[-1]), index, index + 1)
    help = "Remove it; it may be invisible."
    return Misplaced(Mistake("D101", "a control character stands here", help=help), place=place)
