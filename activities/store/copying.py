"""Copies one order with all it depends on into another store: its life, its customer, the people, the pipelines.

The source is only read. What belongs to other orders stays behind, but for the customer's other orders as such.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Table, insert, or_, select

from activities.store.customers import fingerprint
from activities.store.database import NotFound, Tx
from activities.store.tables import (
    CONVERSATIONS,
    CUSTOMER_TERMS,
    CUSTOMERS,
    DELIVERIES,
    DEPARTMENTS,
    DOCUMENT_NUMBERS,
    DOCUMENTS,
    EMPLOYEE_ROLES,
    EMPLOYEES,
    EVENTS,
    LEDGER,
    NOTICES,
    ORDERS,
    PAYMENTS,
    PIPELINES,
    ROTATIONS,
    RUNS,
    SHIPMENTS,
    SUPPRESSIONS,
    TASK_ASSIGNEES,
    TASKS,
    TIMELINE,
    VISITS,
)
from workflows.contracts.ids import OrderKey

#: The channels an address may be blocked on.
_REACHED_BY = ("phone", "email")


async def copy_order(source: Tx, target: Tx, key: OrderKey) -> None:
    """Copy an order into an empty store. Raise NotFound if there is no such order."""
    order = await source.first(select(ORDERS.c.customer_id, ORDERS.c.pipeline).where(ORDERS.c.id == str(key)))
    if order is None:
        raise NotFound("order", str(key))
    for table, condition in _tables(key, customer=order.customer_id, pipeline=order.pipeline):
        await _copy(source, target, table, condition)
    await _copy(source, target, SUPPRESSIONS, SUPPRESSIONS.c.address_hash.in_(await _hashes(source, order.customer_id)))


def _tables(
    key: OrderKey, *, customer: str | None, pipeline: str
) -> Iterator[tuple[Table, ColumnElement[bool] | None]]:
    """Name the tables in the order in which their rows may refer to each other, and which rows."""
    order = str(key)
    theirs = select(ORDERS.c.id).where(ORDERS.c.customer_id == customer)
    company = select(CUSTOMERS.c.company_id).where(CUSTOMERS.c.id == customer)
    owners = or_(CUSTOMERS.c.id == customer, CUSTOMERS.c.id.in_(company))
    told = select(DELIVERIES.c.event).where(DELIVERIES.c.order_id == order)
    mails = select(DELIVERIES.c.event).where(DELIVERIES.c.order_id.in_(theirs))
    mailed = (EVENTS.c.type == "email.sent") & EVENTS.c.seq.in_(mails)
    yield DEPARTMENTS, None
    yield EMPLOYEES, None
    yield EMPLOYEE_ROLES, None
    yield PIPELINES, None
    yield ROTATIONS, ROTATIONS.c.pipeline == pipeline
    yield DOCUMENT_NUMBERS, DOCUMENT_NUMBERS.c.shop == key.shop
    yield CUSTOMERS, owners
    yield CUSTOMER_TERMS, CUSTOMER_TERMS.c.customer_id.in_(select(CUSTOMERS.c.id).where(owners))
    yield CONVERSATIONS, CONVERSATIONS.c.customer_id.in_(select(CUSTOMERS.c.id).where(owners))
    yield ORDERS, or_(ORDERS.c.id == order, ORDERS.c.customer_id == customer)
    yield EVENTS, or_(EVENTS.c.seq.in_(told), mailed)
    is_mail = DELIVERIES.c.order_id.in_(theirs) & DELIVERIES.c.event.in_(
        select(EVENTS.c.seq).where(EVENTS.c.type == "email.sent")
    )
    yield DELIVERIES, or_(DELIVERIES.c.order_id == order, is_mail)
    for table in (PAYMENTS, SHIPMENTS, VISITS, RUNS, LEDGER, TIMELINE, TASKS, NOTICES, DOCUMENTS):
        yield table, table.c.order_id == order
    yield TASK_ASSIGNEES, TASK_ASSIGNEES.c.task_id.in_(select(TASKS.c.id).where(TASKS.c.order_id == order))


async def _copy(source: Tx, target: Tx, table: Table, condition: ColumnElement[bool] | None) -> None:
    query = select(table) if condition is None else select(table).where(condition)
    names = [column.name for column in table.c]
    rows: list[dict[str, Any]] = [{name: getattr(row, name) for name in names} for row in await source.rows(query)]
    if table is EMPLOYEES or table is CUSTOMERS:
        rows = _referred_first(rows, by="head" if table is EMPLOYEES else "company_id")
    if rows:
        await target.run(insert(table), rows)


def _referred_first(rows: list[dict[str, Any]], *, by: str) -> list[dict[str, Any]]:
    """Sort rows so that one comes before those that refer to it; in a circle, as they are."""
    left, done = list(rows), list[dict[str, Any]]()
    while left:
        waiting = {row["id"] for row in left}
        ready = [row for row in left if row[by] not in waiting - {row["id"]}] or left[:1]
        done += ready
        left = [row for row in left if row not in ready]
    return done


async def _hashes(source: Tx, customer: str | None) -> list[str]:
    """Give the hashes of a customer's addresses and of all employees': what may be blocked."""
    terms = select(CUSTOMER_TERMS.c.text, CUSTOMER_TERMS.c.value).where(
        CUSTOMER_TERMS.c.customer_id == customer, CUSTOMER_TERMS.c.kind.in_(_REACHED_BY)
    )
    addresses = [value for row in await source.rows(terms) for value in (row.text, row.value)]
    addresses += [
        value for row in await source.rows(select(EMPLOYEES.c.phone, EMPLOYEES.c.email)) for value in row if value
    ]
    return sorted({fingerprint(address) for address in addresses if address})
