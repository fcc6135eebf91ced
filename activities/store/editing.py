"""Reads values of events and requests into an order's fields: the order's own, and those the pipeline declares."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Row, bindparam, select

from activities.store.database import StoreError, Tx
from activities.store.tables import PIPELINES
from activities.store.values import exact

#: The order's own fields that `order.edited` may change, beside the pipeline's.
EDITABLE = ("total", "delivery_date", "tags", "note", "source")


class BadEvent(StoreError):
    """An event's data cannot be a fact of the order; the words say which value and what is expected."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


_DECLARED = (
    select(PIPELINES.c.fields)
    .where(PIPELINES.c.name == bindparam("pipeline"))
    .order_by(PIPELINES.c.version.desc())
    .limit(1)
)


async def changes(tx: Tx, *, order: Row[Any], fields: Mapping[str, object]) -> tuple[dict[str, Any], list[str]]:
    """Turn given fields into the columns to change, and the names of those that differ; raise BadEvent."""
    columns = {name: _READ[name](name, value) for name, value in fields.items() if name in _READ}
    own = {name: value for name, value in fields.items() if name not in _READ}
    typed = await custom(tx, pipeline=order.pipeline, fields=own) if own else {}
    changed = [name for name, value in columns.items() if getattr(order, name) != value]
    changed += [name for name, value in typed.items() if order.fields.get(name) != value]
    result: dict[str, Any] = {name: value for name, value in columns.items() if name in changed}
    if any(name in changed for name in typed):
        result["fields"] = {**order.fields, **typed}
    return result, changed


async def custom(tx: Tx, *, pipeline: str, fields: Mapping[str, object]) -> dict[str, Any]:
    """Check the pipeline's own fields against their declared types; raise BadEvent for unknown names and other types.

    Before the pipeline is published there is nothing to check against, and values are kept as they are.
    """
    if not fields:
        return {}
    row = await tx.first(_DECLARED, {"pipeline": pipeline})
    if row is None:
        return dict(fields)
    return {name: _typed(name, value, types=row.fields) for name, value in fields.items()}


def typed_for_view(fields: Mapping[str, Any], *, types: Mapping[str, str]) -> dict[str, Any]:
    """Give stored custom fields as conditions and texts see them: money and numbers exact, dates as dates."""
    return {name: _seen(value, kind=types.get(name, "")) for name, value in fields.items()}


def line(data: Mapping[str, Any], name: str, *, default: str = "", most: int = 500) -> str:
    """Read a text of an event's data; raise BadEvent if it is none or too long."""
    value = data.get(name, default)
    if value is None:
        return default
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > most:
        raise BadEvent(f"'{name}' is a text of at most {most} characters")
    return value


def amount(value: object, *, name: str) -> Decimal:
    """Read an amount of money; raise BadEvent if it is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise BadEvent(f"'{name}' is an amount such as \"12.50\"")
    try:
        return exact(Decimal(str(value).strip()))
    except (InvalidOperation, ValueError):
        raise BadEvent(f"'{name}' is an amount such as \"12.50\"") from None


def _typed(name: str, value: object, *, types: Mapping[str, str]) -> object:
    if name not in types:
        known = ", ".join(sorted({*types, *EDITABLE}))
        raise BadEvent(f"Orders of this pipeline have no field '{name[:60]}'; there are {known}")
    return None if value is None else _CUSTOM[types[name]](name, value)


def _text(name: str, value: object) -> str:
    return line({name: value}, name, most=10_000)


def _total(name: str, value: object) -> Decimal:
    total = amount(value, name=name)
    if total < 0:
        raise BadEvent("'total' is not negative")
    return total


def _date(name: str, value: object) -> date | None:
    if value in (None, ""):
        return None
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise BadEvent(f"'{name}' is a date such as \"2026-12-24\"") from None


def _date_text(name: str, value: object) -> str | None:
    found = _date(name, value)
    return None if found is None else found.isoformat()


def _money_text(name: str, value: object) -> str:
    return format(amount(value, name=name), "f")


def _bool(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadEvent(f"'{name}' is true or false")
    return value


def _texts(name: str, value: object) -> list[str]:
    if not isinstance(value, (list, tuple)) or len(value) > 100:
        raise BadEvent(f"'{name}' is a list of at most 100 texts")
    return [line({name: item}, name) for item in value]


def _seen(value: Any, *, kind: str) -> Any:
    if value is None or kind not in ("money", "number", "date"):
        return value
    try:
        return date.fromisoformat(value) if kind == "date" else Decimal(str(value))
    except (ValueError, TypeError, InvalidOperation):
        return value  # declared otherwise when it was stored


_READ: dict[str, Callable[[str, object], Any]] = {
    "total": _total,
    "delivery_date": _date,
    "tags": _texts,
    "note": _text,
    "source": _text,
}

_CUSTOM: dict[str, Callable[[str, object], object]] = {
    "text": _text,
    "number": _money_text,
    "money": _money_text,
    "date": _date_text,
    "bool": _bool,
    "list": _texts,
}
