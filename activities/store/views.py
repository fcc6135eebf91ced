"""The view of an order that conditions and texts see: order, customer, responsible person, shop, earlier results."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, select

from activities.store import journal
from activities.store.database import NotFound, Tx
from activities.store.editing import typed_for_view
from activities.store.journal import JournalledEvent
from activities.store.tables import CUSTOMERS, DELIVERIES, EMPLOYEES, EVENTS, ORDERS, PIPELINES, RUNS
from workflows.contracts.ids import OrderKey
from workflows.pipeline.fields import (
    CustomerFields,
    EmployeeFields,
    OrderFields,
    OrderView,
    ShopFields,
)

_OF_ORDER = (
    *("shop", "number", "token", "stage", "total", "currency", "paid", "paid_amount", "shipped", "delivered"),
    *("delivery_allowed", "cancelled", "cancel_reason", "created_at", "delivery_date", "tracking_number"),
    *("tracking_url", "source", "note", "tags", "items", "fields"),
)

_OF_CUSTOMER = (
    *("id", "kind", "first_name", "last_name", "company", "phone", "email", "language", "country", "time_zone"),
    *("channel", "vip", "consent", "fields"),
)

_OF_EMPLOYEE = ("id", "first_name", "last_name", "email", "phone", "department", "time_zone", "hours")

_VERSIONS = PIPELINES.alias("versions")

_IS_LATEST = and_(
    PIPELINES.c.name == ORDERS.c.pipeline,
    PIPELINES.c.version
    == select(func.max(_VERSIONS.c.version)).where(_VERSIONS.c.name == ORDERS.c.pipeline).scalar_subquery(),
)

_COLUMNS = (
    *(ORDERS.c[name] for name in _OF_ORDER),
    *(CUSTOMERS.c[name].label(f"customer_{name}") for name in _OF_CUSTOMER),
    *(EMPLOYEES.c[name].label(f"employee_{name}") for name in _OF_EMPLOYEE),
    PIPELINES.c.fields.label("types"),
    PIPELINES.c.version.label("latest"),
)

_SEEN = (
    ORDERS.outerjoin(CUSTOMERS, CUSTOMERS.c.id == ORDERS.c.customer_id)
    .outerjoin(EMPLOYEES, EMPLOYEES.c.id == ORDERS.c.responsible)
    .outerjoin(PIPELINES, _IS_LATEST)
)

_VIEW = select(*_COLUMNS).select_from(_SEEN).where(ORDERS.c.id == bindparam("order_id"))

# Two events may have the id, of which one was delivered to this order.
_VIEW_AND_EVENT = (
    select(*_COLUMNS, *journal.COLUMNS)
    .select_from(
        _SEEN.outerjoin(EVENTS, and_(*journal.NAMED)).outerjoin(
            DELIVERIES, and_(DELIVERIES.c.order_id == ORDERS.c.id, DELIVERIES.c.event == EVENTS.c.seq)
        )
    )
    .where(ORDERS.c.id == bindparam("order_id"))
)

_RESULTS = select(RUNS.c.rule, RUNS.c.results).where(
    RUNS.c.order_id == bindparam("order_id"), RUNS.c.visit == bindparam("of_visit"), RUNS.c.results.is_not(None)
)


#: Results of runs by the names of their rules.
Results = Mapping[str, dict[str, Any]]


@dataclass(frozen=True)
class Seen:
    """An order as conditions and texts see it, and the latest version of its pipeline, None if none was published."""

    view: OrderView
    latest: int | None


async def view(tx: Tx, key: OrderKey, *, visit: int, results: Results | None = None) -> OrderView:
    """Give what conditions and texts may see of an order, with the results of the visit's runs, read if not given.

    Raise NotFound if there is no such order.
    """
    if results is None:
        results = await _results(tx, key, visit=visit) if visit else {}
    return (await seen(tx, key, results=results)).view


async def seen(tx: Tx, key: OrderKey, *, results: Results) -> Seen:
    """Give an order's view with these results; else as `view`."""
    return _seen(key, await tx.first(_VIEW, {"order_id": str(key)}), results=results)


async def seen_at(tx: Tx, key: OrderKey, *, source: str, id: str) -> tuple[Seen, JournalledEvent | None]:
    """Give an order's view without results, and an event as it was journalled for it, None if it never was."""
    values = {"order_id": str(key), **journal.meant(key, source=source, id=id)}
    rows = await tx.rows(_VIEW_AND_EVENT, values)
    row = next((row for row in rows if row.delivery is not None), rows[0] if rows else None)
    event = None if row is None or row.delivery is None else journal.event_of(row[-len(journal.COLUMNS) :])
    return _seen(key, row, results={}), event


def _seen(key: OrderKey, row: Row[Any] | None, *, results: Results) -> Seen:
    if row is None:
        raise NotFound("order", str(key))
    view = OrderView(
        order=_order(row),
        customer=_customer(row),
        responsible=_employee(row),
        shop=ShopFields(id=row.shop),
        results={rule.replace("-", "_"): found for rule, found in results.items()},
    )
    return Seen(view, row.latest)


async def _results(tx: Tx, key: OrderKey, *, visit: int) -> Results:
    rows = await tx.rows(_RESULTS, {"order_id": str(key), "of_visit": visit})
    return {row.rule: row.results for row in rows}


def _order(row: Row[Any]) -> OrderFields:
    values = dict(zip(_OF_ORDER, row, strict=False))
    del values["shop"]
    values["fields"] = typed_for_view(row.fields, types=row.types or {})
    return OrderFields(**values)


def _customer(row: Row[Any]) -> CustomerFields | None:
    if row.customer_id is None:
        return None
    values = dict(zip(_OF_CUSTOMER, row[len(_OF_ORDER) :], strict=False))
    name = f"{row.customer_first_name} {row.customer_last_name}".strip() or row.customer_company
    return CustomerFields(**values, name=name)


def _employee(row: Row[Any]) -> EmployeeFields | None:
    if row.employee_id is None:
        return None
    values = {name: getattr(row, f"employee_{name}") or "" for name in _OF_EMPLOYEE}
    name = f"{row.employee_first_name} {row.employee_last_name}".strip() or row.employee_id
    return EmployeeFields(**values, name=name)
