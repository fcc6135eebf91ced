"""Looks for a person in what was journalled: in a body of any format, for what belongs to nobody else.

In: phones, mail addresses, ids. Names are not looked for: people share them, and what is found is blanked.
"""

import base64
import binascii
import json
import quopri
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any
from urllib.parse import unquote

import phonenumbers

#: What people write between the digits of a phone number.
_BETWEEN = r"[\s().\-/\u00a0\u2010-\u2015]{0,3}"

#: A shorter one without its country's code is a part of too many other numbers.
_SHORTEST_NUMBER = 8

#: Lines of base64, as mails hold them; what is shorter holds no address.
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}(?:\r?\n[A-Za-z0-9+/]+)*={0,2}")

_DIGIT = re.compile(r"\d")

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


class Mentions:
    """Tells whether a person is mentioned. `phones` are E.164; `ids` are those that `unique` keeps."""

    def __init__(self, *, phones: Iterable[str] = (), emails: Iterable[str] = (), ids: Iterable[str] = ()) -> None:
        words = [re.escape(one.strip().lower()) for one in (*emails, *ids) if one.strip()]
        numbers = [form for phone in phones for form in _written(phone)]
        self._patterns = [
            *([re.compile(rf"(?<![\w.+-])(?:{'|'.join(sorted(words))})(?![\w-]|\.\w)")] if words else []),
            *([re.compile(rf"(?<!\w)(?:{'|'.join(sorted(numbers))})(?!\w)")] if numbers else []),
        ]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def are_in(self, raw: bytes | None, *, data: Any = None) -> bool:
        """Say whether an event's data or the bytes of its request mention the person, however they are encoded."""
        if data and self._found(json.dumps(data, ensure_ascii=False).lower()):
            return True
        return any(self._found(text) for text in _readings(raw)) if raw else False

    def _found(self, text: str) -> bool:
        return any(pattern.search(text) for pattern in self._patterns)


def _written(phone: str) -> Iterator[str]:
    """Give the ways in which people and machines write a number."""
    try:
        parsed = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return
    national = phonenumbers.national_significant_number(parsed)
    digits = _BETWEEN.join(national)
    yield rf"(?:\+|00)?{parsed.country_code}{_BETWEEN}0?{_BETWEEN}{digits}"
    if len(national) >= _SHORTEST_NUMBER:
        yield f"0?{digits}"


def _readings(raw: bytes) -> Iterator[str]:
    """Give what a body may say: as it is, and where it is written as an address, as JSON, or as a mail."""
    text = raw.decode("utf-8", "replace").lower()
    yield text
    if "%" in text:
        yield unquote(text.replace("+", " ")) if "&" in text or "=" in text else unquote(text)
    if "\\u" in text:
        yield _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text).lower()
    if b"=" in raw and b"\n" in raw:
        yield _decoded(raw, by=quopri.decodestring)
    for block in _BASE64.findall(raw):
        yield _decoded(block, by=_of_base64)


def _decoded(raw: bytes, *, by: Callable[[bytes], bytes]) -> str:
    return by(raw).decode("utf-8", "replace").lower()


def _of_base64(block: bytes) -> bytes:
    joined = b"".join(block.split())
    try:
        return base64.b64decode(joined[: len(joined) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def unique(words: Collection[str]) -> list[str]:
    """Keep what is nobody else's: ids of vendors and browsers, not words that people write."""
    return sorted({word for word in words if len(word) >= 8 and " " not in word and len(_DIGIT.findall(word)) >= 4})
