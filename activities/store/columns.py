"""Column types that behave alike on SQLite and PostgreSQL: text, aware UTC times, exact money, JSON."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, Numeric, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


class Json(TypeDecorator[Any]):
    """JSON kept as text on both: PostgreSQL's JSONB refuses the NUL and lone surrogates an outsider's data may hold."""

    impl = JSON(none_as_null=True)
    cache_ok = True


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

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean a value on its way in, also where it is compared."""
        return None if value is None else cleaned(str(value))


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC; ISO 8601 text of fixed width on SQLite, so that it sorts. A naive one is refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose timestamptz or text."""
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        """Turn into UTC."""
        if value is None:
            return None
        moment = in_utc(value)
        return moment if dialect.name == "postgresql" else moment.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give an aware time in UTC."""
        if value is None:
            return None
        moment: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An exact amount, digits kept as written; text on SQLite, whose numbers are floats."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose numeric or text."""
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else String(40))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """Write all digits."""
        return value if value is None or dialect.name == "postgresql" else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read all digits."""
        return None if value is None else Decimal(value)


def cleaned(value: str) -> str:
    """Replace NUL and lone surrogates, which databases and UTF-8 refuse."""
    if value.isascii():
        return value.replace("\0", "\ufffd") if "\0" in value else value
    return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def in_utc(value: datetime) -> datetime:
    """Turn an aware time into UTC; raise ValueError for a naive one.

    The calendar's first and last years are cut off: there the conversion overflows, and asyncpg takes the first and
    last moment for infinity.
    """
    if value.tzinfo is None:
        raise ValueError("a time without a zone reached the store")
    if 1 < value.year < 9999:
        return value.astimezone(UTC)
    return datetime(2, 1, 1, tzinfo=UTC) if value.year == 1 else datetime(9998, 12, 31, tzinfo=UTC)


def as_json(value: object) -> str:
    """Write JSON as the columns hold it: ASCII, money and times as text; raise ValueError for NaN and infinities."""
    return json.dumps(value, default=_plain, separators=(",", ":"), allow_nan=False)


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
