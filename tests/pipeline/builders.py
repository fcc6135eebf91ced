"""Builders for these tests: a loaded pipeline, an order's view, moments on a city's clock."""

from datetime import UTC, date, datetime
from decimal import Decimal
from textwrap import dedent
from typing import Any
from zoneinfo import ZoneInfo

from tests.pipeline.kinds import KINDS
from workflows.pipeline.fields import CustomerFields, EmployeeFields, ItemFields, OrderFields, OrderView
from workflows.pipeline.loader import load
from workflows.pipeline.model import Pipeline
from workflows.pipeline.problems import as_text
from workflows.pipeline.triggers import EventFact

WARSAW = ZoneInfo("Europe/Warsaw")
NOW = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Warsaw

FRAME = """
    pipeline: shop
    timezone: Europe/Warsaw
    languages: [en, pl]
    calendars:
      office: {days: mon-fri, hours: "09:00-18:00", holidays: PL}
    fields: {colour: text, ship_by: date, score: number}
"""

END = """
      won:
        kind: success
        triggers: [{payment: paid}]
"""


def pipeline_of(text: str) -> Pipeline:
    """Load a file that must have no errors."""
    loaded = load(dedent(text).lstrip("\n"), file="shop.yaml", kinds=KINDS)
    assert loaded.pipeline is not None, as_text(loaded.errors)
    return loaded.pipeline


def pipeline_with(stages: str, *, more: str = "") -> Pipeline:
    """Load a frame with these stages (indented as under `stages:`)."""
    return pipeline_of(f"{dedent(FRAME)}{dedent(more)}\nstages:\n{_indented(stages)}")


def rules(text: str) -> Pipeline:
    """Load a frame with one stage `new` that has these rules, and a final one."""
    body = _indented(text, by=6)
    return pipeline_with(f"new:\n  rules:\n{body}\nwon:\n  kind: success\n  triggers: [{{payment: paid}}]\n")


def view(
    *, customer: dict[str, Any] | None = None, responsible: dict[str, Any] | None = None, **order: Any
) -> OrderView:
    """Make an order as conditions and texts see it."""
    facts: dict[str, Any] = {
        "number": "2026-117",
        "total": Decimal("499.90"),
        "currency": "PLN",
        "created_at": NOW,
        "delivery_date": date(2026, 11, 26),
        "tags": ["vip", "gift"],
        "items": [ItemFields(sku="M1", name="Mug", quantity=Decimal(2), price=Decimal("19.95"))],
    }
    person = {"first_name": "Anna", "language": "pl", "country": "PL", "phone": "+48221234567"}
    return OrderView(
        order=OrderFields(**{**facts, **order}),
        customer=CustomerFields(**{**person, **(customer or {})}),
        responsible=EmployeeFields(**responsible) if responsible is not None else None,
    )


def event(name: str, **data: Any) -> EventFact:
    """Make an event."""
    return EventFact(type=name, at=NOW, data=data)


def warsaw(text: str) -> datetime:
    """Read `2026-11-18 10:00` on Warsaw's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW).astimezone(UTC)


def _indented(text: str, *, by: int = 2) -> str:
    return "\n".join(" " * by + line if line else line for line in dedent(text).strip("\n").split("\n"))
