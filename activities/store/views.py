"""The view of an order that conditions and texts see: order, customer, responsible person, shop, earlier results."""

from typing import Any

from sqlalchemy import Row, bindparam, select

from activities.store.database import NotFound, Tx
from activities.store.editing import typed_for_view
from activities.store.tables import CUSTOMERS, EMPLOYEES, ORDERS, PIPELINES, RUNS
from workflows.contracts.ids import OrderKey
from workflows.pipeline.fields import (
    Consent,
    CustomerFields,
    EmployeeFields,
    ItemFields,
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

_TYPES = (
    select(PIPELINES.c.fields)
    .where(PIPELINES.c.name == ORDERS.c.pipeline)
    .order_by(PIPELINES.c.version.desc())
    .limit(1)
    .scalar_subquery()
    .label("types")
)

_VIEW = (
    select(
        *(ORDERS.c[name] for name in _OF_ORDER),
        *(CUSTOMERS.c[name].label(f"customer_{name}") for name in _OF_CUSTOMER),
        *(EMPLOYEES.c[name].label(f"employee_{name}") for name in _OF_EMPLOYEE),
        _TYPES,
    )
    .select_from(
        ORDERS.outerjoin(CUSTOMERS, CUSTOMERS.c.id == ORDERS.c.customer_id).outerjoin(
            EMPLOYEES, EMPLOYEES.c.id == ORDERS.c.responsible
        )
    )
    .where(ORDERS.c.id == bindparam("order_id"))
)

_RESULTS = select(RUNS.c.rule, RUNS.c.results).where(
    RUNS.c.order_id == bindparam("order_id"), RUNS.c.visit == bindparam("of_visit"), RUNS.c.results.is_not(None)
)


async def view(tx: Tx, key: OrderKey, *, visit: int) -> OrderView:
    """Give what conditions and texts may see of an order, with the results of the visit's runs; two queries.

    Raise NotFound if there is no such order.
    """
    row = await tx.first(_VIEW, {"order_id": str(key)})
    if row is None:
        raise NotFound("order", str(key))
    results = await tx.rows(_RESULTS, {"order_id": str(key), "of_visit": visit}) if visit else []
    return OrderView(
        order=_order(row),
        customer=_customer(row),
        responsible=_employee(row),
        shop=ShopFields(id=row.shop),
        results={found.rule.replace("-", "_"): found.results for found in results},
    )


def _order(row: Row[Any]) -> OrderFields:
    values = {name: getattr(row, name) for name in _OF_ORDER if name not in ("shop", "items", "fields")}
    return OrderFields(
        **values,
        items=[ItemFields.model_validate(item) for item in row.items],
        fields=typed_for_view(row.fields, types=row.types or {}),
    )


def _customer(row: Row[Any]) -> CustomerFields | None:
    if row.customer_id is None:
        return None
    values = {name: getattr(row, f"customer_{name}") for name in _OF_CUSTOMER if name != "consent"}
    name = f"{row.customer_first_name} {row.customer_last_name}".strip() or row.customer_company
    return CustomerFields(**values, name=name, consent=Consent.model_validate(row.customer_consent))


def _employee(row: Row[Any]) -> EmployeeFields | None:
    if row.employee_id is None:
        return None
    values = {name: getattr(row, f"employee_{name}") or "" for name in _OF_EMPLOYEE}
    name = f"{row.employee_first_name} {row.employee_last_name}".strip() or row.employee_id
    return EmployeeFields(**values, name=name)
