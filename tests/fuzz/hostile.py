"""What an outsider may send: broken values, documents with parts exchanged, bytes with pieces cut out and put in.

The suite searches a little, the same in each run; `make fuzz` searches long, and elsewhere each time.
"""

import copy
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

#: Examples for each parser.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))

#: Whether this is a long search, and the seed that repeats it.
IS_SEARCH = os.environ.get("HYPOTHESIS_PROFILE") == "search"
SEED = int(os.environ.get("FUZZ_SEED", "0"))

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

#: A text that no compression makes short: limits of an index count what is left of it.
_DENSE = "".join(sha256(str(number).encode()).hexdigest() for number in range(200))

#: Texts that break something somewhere: NUL, half a pair, other directions, normal forms, formats, limits.
TEXTS: tuple[str, ...] = (
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\udfff\ud800",
    "\u202eabc",
    "\ufeff",
    "I\u0307",
    "\U0001f4a9",
    "%s%n{0}{{ x }}",
    "'; --",
    "../../etc/passwd",
    "0",
    "-1",
    "1e400",
    "NaN",
    "Infinity",
    "9" * 400,
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "ORDER_1001",
    "x" * 300,
    "ż" * 300,
    "x" * 20_000,
    _DENSE,
    "\r\nX-Injected: yes",
)

_NUMBERS = (0, -1, 2**31, 2**63, -(2**63) - 1, 10**30, 10**400, 0.1, -0.0, 1e308, float("inf"), float("nan"))


def texts() -> st.SearchStrategy[str]:
    """Any text, half a surrogate pair and NUL among them."""
    return st.sampled_from(TEXTS) | st.text(st.characters(codec=None), max_size=30)


def values() -> st.SearchStrategy[Any]:
    """Any JSON value, and what Python's reader takes for one."""
    leaves = st.none() | st.booleans() | st.sampled_from(_NUMBERS) | texts()
    deep: Any = []
    for _ in range(50):
        deep = [deep]
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3), max_leaves=6
    ) | st.just(deep)


@st.composite
def documents(draw: st.DrawFn, *seeds: Any) -> bytes:
    """A seed as JSON, with some of its values exchanged, left out or doubled; perhaps cut or spliced."""
    document = copy.deepcopy(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(list(_places(document))))
        document = _changed(document, place, draw)
    raw = json.dumps(document).encode()
    return draw(spliced(raw)) if draw(st.integers(0, 9)) == 0 else raw


@st.composite
def spliced(draw: st.DrawFn, *seeds: bytes) -> bytes:
    """A seed with pieces of it cut out, put in, doubled, or cut off behind."""
    raw = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(len(raw), start + 40)))
        piece = draw(st.binary(max_size=8) | st.sampled_from([b"", b"\0", b"\r\n", b"\r\n\r\n", b"--", b"=?", b"\xff"]))
        raw = draw(st.sampled_from([raw[:start] + piece + raw[end:], raw[:end] + raw[start:], raw[:start]]))
    return raw


@st.composite
def forms(draw: st.DrawFn, *seeds: dict[str, str]) -> dict[str, str]:
    """A form with some of its fields exchanged, left out or added."""
    form = dict(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from([*sorted(form), draw(texts())]))
        if draw(st.integers(0, 3)):
            form[name] = draw(texts())
        else:
            form.pop(name, None)
    return form


#: What every single value of a call is exchanged for.
WORST: tuple[Any, ...] = (None, "", "a\0\ud800", _DENSE, 10**400, -(2**63) - 1, float("nan"), [[]], {"": {}}, True)


def worst_documents(seed: Any) -> Iterator[tuple[str, bytes]]:
    """Every value of a seed exchanged for each of the worst, one at a time; with words that say where."""
    for place in _places(seed):
        for value in WORST:
            document = {"": copy.deepcopy(seed)}
            _set(document, ("", *place), value)
            yield f"{'/'.join(map(str, place))} = {value!r:.40}", json.dumps(document[""]).encode()


def worst_forms(seed: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every field of a form exchanged for each of the worst texts, one at a time, and left out."""
    for name in seed:
        yield f"no {name}", {other: text for other, text in seed.items() if other != name}
        for value in ("", "a\0b", _DENSE, "+", "\u202e1", "9" * 40):
            yield f"{name} = {value!r:.40}", {**seed, name: value}


def _set(document: Any, place: Sequence[str | int], value: Any) -> None:
    *steps, last = place
    for step in steps:
        document = document[step]
    document[last] = value


def _places(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield above
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield from _places(one, (*above, step))


def _changed(document: Any, place: Sequence[str | int], draw: st.DrawFn) -> Any:
    if not place:
        return draw(values()) if draw(st.integers(0, 4)) == 0 else document
    *steps, last = place
    holder = document
    for step in steps:
        holder = holder[step]
    match draw(st.sampled_from(["exchange", "leave out", "add"])):
        case "exchange":
            holder[last] = draw(values())
        case "leave out":
            del holder[last]
        case "add" if isinstance(holder, dict):
            holder[draw(texts())] = draw(values())
    return document
