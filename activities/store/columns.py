"""Column types that behave alike on SQLite and PostgreSQL: text, aware UTC times, exact money, JSON."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError
from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, Numeric, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


class Json(TypeDecorator[Any]):
    """JSON kept as text on both: PostgreSQL's JSONB refuses the NUL and lone surrogates an outsider's data may hold."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Write, as one call."""
        return _json_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Read, as one call; PostgreSQL's driver has done so."""
        return None if dialect.name == "postgresql" else _json_of


class Serial(TypeDecorator[int]):
    """An automatic number; on SQLite the rowid."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the type that counts by itself."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "postgresql" else Integer())


class Words(TypeDecorator[str]):
    """Text of any origin: what neither database can hold (NUL, lone surrogates) is written U+FFFD.

    On PostgreSQL it sorts by code point, as on SQLite, so that an index serves searches by prefix.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the collation."""
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Clean a value on its way in, also where it is compared. One call: SQLAlchemy's default way has three."""
        return words


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC; ISO 8601 text of fixed width on SQLite, so that it sorts. A naive one is refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose timestamptz or text."""
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else String(32))

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Turn into UTC, as one call."""
        return _moment if dialect.name == "postgresql" else _moment_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Give an aware time in UTC, as one call."""
        return _moment if dialect.name == "postgresql" else _moment_of


class Money(TypeDecorator[Decimal]):
    """An exact amount, digits kept as written; text on SQLite, whose numbers are floats."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose numeric or text."""
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else String(40))

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Write all digits, as one call."""
        return None if dialect.name == "postgresql" else _digits

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Read all digits, as one call; PostgreSQL's driver gives exact numbers."""
        return None if dialect.name == "postgresql" else _amount


def cleaned(value: str) -> str:
    """Replace NUL and lone surrogates, which databases and UTF-8 refuse."""
    if value.isascii():
        return value.replace("\0", "\ufffd") if "\0" in value else value
    return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _json_text(value: object) -> str | None:
    if value is None:
        return None
    if not value and type(value) in _EMPTY:  # most are, and making the encoder ready costs more than this
        return _EMPTY[type(value)]
    if type(value) is not dict and isinstance(value, BaseModel):
        return _model_text(value)
    return as_json(value)


def _model_text(model: BaseModel) -> str:
    try:
        return model.model_dump_json(ensure_ascii=True)
    except PydanticSerializationError:  # it holds a lone surrogate
        return as_json(model)


def _json_of(text: str | None) -> Any:
    """Read what `_json_text` wrote: `json.loads` would search for spaces around it, which costs as much again."""
    if text is None:
        return None
    return _EMPTIED[text]() if text in _EMPTIED else _DECODER.raw_decode(text)[0]


def words(value: str | None) -> str | None:
    """Give a text as both databases hold it; None stays None."""
    if value is None:
        return None
    text = value if type(value) is str else str(value)  # a StrEnum's member is not what a driver takes at once
    return text if text.isascii() and "\0" not in text else cleaned(text)


def _digits(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _moment(value: datetime | None) -> datetime | None:
    return None if value is None else in_utc(value)


def _moment_text(value: datetime | None) -> str | None:
    return None if value is None else _iso(in_utc(value))


@lru_cache(maxsize=1_000)  # a transaction writes its one moment many times
def _iso(moment: datetime) -> str:
    """Write a moment in UTC: of other zones, two that differ may be equal (the hour that comes twice)."""
    return moment.isoformat(timespec="microseconds")


@lru_cache(maxsize=1_000)
def _moment_of(text: str | None) -> datetime | None:
    """Read what `_moment_text` wrote: it is in UTC."""
    return None if text is None else datetime.fromisoformat(text)


def in_utc(value: datetime) -> datetime:
    """Turn an aware time into UTC; raise ValueError for a naive one.

    The calendar's first and last years are cut off: there the conversion overflows, and asyncpg takes the first and
    last moment for infinity.
    """
    if value.tzinfo is None:
        raise ValueError("a time without a zone reached the store")
    if 1 < value.year < 9999:
        return value if value.tzinfo is UTC else value.astimezone(UTC)
    return datetime(2, 1, 1, tzinfo=UTC) if value.year == 1 else datetime(9998, 12, 31, tzinfo=UTC)


def as_json(value: object) -> str:
    """Write JSON as the columns hold it: ASCII, money and times as text; raise ValueError for NaN and infinities."""
    return _ENCODER.encode(value)


def _plain(value: object) -> object:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not JSON")


_ENCODER = json.JSONEncoder(default=_plain, separators=(",", ":"), allow_nan=False)
_DECODER = json.JSONDecoder()
_EMPTY: dict[type, str] = {dict: "{}", list: "[]", tuple: "[]"}
_EMPTIED: dict[str, Callable[[], Any]] = {"{}": dict, "[]": list}
