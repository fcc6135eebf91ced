"""Orders: created, read, listed, edited, counted, and the view of one that conditions and texts see."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store import customers, editing, payments, shipments
from activities.store.columns import Moment
from activities.store.cursors import after_moment, moment_cursor, page_of
from activities.store.database import Conflict, NotFound, Tx
from activities.store.records import NewOrder, OrderFilter, OrderRecord, Page, PaymentRecord, ShipmentRecord
from activities.store.searching import begins
from activities.store.tables import CUSTOMERS, EMPLOYEES, ORDER_NUMBERS, ORDERS
from activities.store.views import view as view
from workflows.contracts.ids import OrderKey
from workflows.contracts.state import StageKind
from workflows.pipeline.fields import ItemFields

_FIRST_NUMBER = 1001

_ADD = upsert(ORDERS).on_conflict_do_nothing().returning(*ORDERS.c)

_GET = select(ORDERS).where(ORDERS.c.id == bindparam("order_id"))

_LOCK = _GET.with_for_update()

_KNOWN = select(
    select(CUSTOMERS.c.id).where(CUSTOMERS.c.id == bindparam("customer")).scalar_subquery().label("customer"),
    select(EMPLOYEES.c.id).where(EMPLOYEES.c.id == bindparam("employee")).scalar_subquery().label("employee"),
)

_NEXT = (
    upsert(ORDER_NUMBERS)
    .on_conflict_do_update(index_elements=["shop"], set_={"last": ORDER_NUMBERS.c.last + 1})
    .returning(ORDER_NUMBERS.c.last)
)

_NUMBER = upsert(ORDER_NUMBERS)
_REACH = _NUMBER.on_conflict_do_update(
    index_elements=["shop"],
    set_={"last": _NUMBER.excluded.last},
    where=ORDER_NUMBERS.c.last < _NUMBER.excluded.last,
)

_OPEN_BY_STAGE = (
    select(ORDERS.c.stage, func.count().label("orders"))
    .where(ORDERS.c.pipeline == bindparam("of_pipeline"), ORDERS.c.stage_kind == StageKind.OPEN, ORDERS.c.stage != "")
    .group_by(ORDERS.c.stage)
    .order_by(ORDERS.c.stage)
)


async def create(tx: Tx, new: NewOrder, *, now: datetime) -> OrderRecord:
    """Create an order and, given one, its customer; it is in no stage until its `order.created` is decided.

    Raise Conflict for a number or token that is taken, NotFound for an unknown customer or employee, BadEvent for
    fields that the pipeline does not declare.
    """
    customer = new.customer_id
    if new.customer is not None:
        customer = (await customers.create(tx, new.customer, now=now)).id
    await _check_people(tx, customer=new.customer_id, employee=new.responsible)
    fields = await editing.custom(tx, pipeline=new.pipeline, fields=new.fields)
    if new.number is None:
        number = await next_number(tx, shop=new.shop)
    else:
        number = new.number
        await _reach(tx, shop=new.shop, number=number)
    values = _values(new, number=number, customer=customer, fields=fields, now=now)
    row = (await tx.run(_ADD, values)).first()
    if row is None:
        raise Conflict(f"Order '{number}' of shop '{new.shop}' exists already, or another order has its token")
    return _record(row)


async def get(tx: Tx, key: OrderKey) -> OrderRecord:
    """Read an order; raise NotFound if there is none."""
    row = await tx.first(_GET, {"order_id": str(key)})
    if row is None:
        raise NotFound("order", str(key))
    return _record(row)


async def page(tx: Tx, *, filter: OrderFilter, cursor: str | None = None, limit: int = 50) -> Page[OrderRecord]:
    """List orders, the newest first; raise ValueError for a cursor that is none of ours."""
    query = select(ORDERS).where(ORDERS.c.deleted_at.is_(None), *_conditions(filter))
    if cursor is not None:
        at, id = after_moment(cursor)
        query = query.where(tuple_(ORDERS.c.created_at, ORDERS.c.id) < tuple_(literal(at, Moment()), literal(id)))
    query = query.order_by(ORDERS.c.created_at.desc(), ORDERS.c.id.desc()).limit(limit + 1)
    records = [_record(row) for row in await tx.rows(query)]
    return page_of(records, limit=limit, cursor=lambda order: moment_cursor(order.created_at, id=str(order.key)))


async def edit(tx: Tx, key: OrderKey, *, fields: Mapping[str, object], now: datetime) -> list[str]:
    """Change fields of an order (JSON values; the pipeline's own beside facts.EDITABLE); give the names that changed.

    Raise BadEvent for an unknown field or a value of another type, NotFound if there is no such order.
    """
    row = await tx.first(_LOCK, {"order_id": str(key)})
    if row is None:
        raise NotFound("order", str(key))
    columns, names = await editing.changes(tx, order=row, fields=fields)
    if columns:
        await tx.run(update(ORDERS).where(ORDERS.c.id == str(key)).values(**columns, updated_at=now))
    return names


async def next_number(tx: Tx, *, shop: str) -> str:
    """Give the next free number of a shop: 1001, 1002 ..."""
    return str((await tx.run(_NEXT, {"shop": shop, "last": _FIRST_NUMBER})).scalar_one())


async def payments_of(tx: Tx, key: OrderKey) -> list[PaymentRecord]:
    """List an order's payments, the oldest first."""
    return await payments.of_order(tx, key)


async def shipments_of(tx: Tx, key: OrderKey) -> list[ShipmentRecord]:
    """List an order's shipments."""
    return await shipments.of_order(tx, key)


async def open_by_stage(tx: Tx, *, pipeline: str) -> dict[str, int]:
    """Count a pipeline's orders that are not in a final stage, by stage (M72, M73)."""
    return {row.stage: row.orders for row in await tx.rows(_OPEN_BY_STAGE, {"of_pipeline": pipeline})}


async def _check_people(tx: Tx, *, customer: str | None, employee: str | None) -> None:
    if customer is None and employee is None:
        return
    row = await tx.first(_KNOWN, {"customer": customer, "employee": employee})
    if row is None or (customer is not None and row.customer is None):
        raise NotFound("customer", str(customer))
    if employee is not None and row.employee is None:
        raise NotFound("employee", employee)


async def _reach(tx: Tx, *, shop: str, number: str) -> None:
    """Let the counter go on after a number that was given, so that it does not meet it."""
    if number.isascii() and number.isdigit() and len(number) < 10:
        await tx.run(_REACH, {"shop": shop, "last": max(int(number), _FIRST_NUMBER - 1)})


def _values(
    new: NewOrder, *, number: str, customer: str | None, fields: dict[str, Any], now: datetime
) -> dict[str, object]:
    total = new.total if new.total is not None else sum((i.quantity * i.price for i in new.items), Decimal(0))
    return {
        "id": str(OrderKey(shop=new.shop, number=number)),
        "shop": new.shop,
        "number": number,
        "token": new.token or secrets.token_urlsafe(12),
        "pipeline": new.pipeline,
        "version": 0,
        "stage": "",
        "stage_kind": StageKind.OPEN,
        "visit": 0,
        "attention": "",
        "responsible": new.responsible,
        "customer_id": customer,
        "currency": new.currency,
        "total": total,
        "paid_amount": Decimal(0),
        "paid": False,
        "shipped": False,
        "delivered": False,
        "delivery_allowed": False,
        "cancelled": False,
        "cancel_reason": "",
        "delivery_date": new.delivery_date,
        "tracking_number": "",
        "tracking_url": "",
        "source": new.source,
        "note": new.note,
        "tags": new.tags,
        "items": [item.model_dump(mode="json") for item in new.items],
        "fields": fields,
        "created_at": now,
        "updated_at": now,
        "deletes_when_done": False,
    }


def _conditions(filter: OrderFilter) -> list[ColumnElement[bool]]:
    exact = {
        "shop": filter.shop,
        "pipeline": filter.pipeline,
        "stage": filter.stage,
        "stage_kind": filter.stage_kind,
        "responsible": filter.responsible,
        "customer_id": filter.customer,
    }
    found = [ORDERS.c[name] == value for name, value in exact.items() if value is not None]
    if filter.attention is not None:
        # Written out, as only then the partial index is used.
        found.append(
            ORDERS.c.attention != literal("", literal_execute=True) if filter.attention else ORDERS.c.attention == ""
        )
    if filter.q:
        q = filter.q.strip()
        theirs = ORDERS.c.customer_id.in_(customers.matching(q))
        found.append(or_(theirs, begins(ORDERS.c.number, q)))
    return found


def _record(row: Row[Any]) -> OrderRecord:
    return OrderRecord(
        number=row.number,
        shop=row.shop,
        token=row.token,
        pipeline=row.pipeline,
        version=row.version,
        stage=row.stage,
        stage_kind=row.stage_kind,
        visit=row.visit,
        entered_at=row.entered_at,
        held_at=row.held_at,
        attention=row.attention,
        responsible=row.responsible,
        customer_id=row.customer_id,
        items=[ItemFields.model_validate(item) for item in row.items],
        currency=row.currency,
        total=row.total,
        paid_amount=row.paid_amount,
        paid=row.paid,
        shipped=row.shipped,
        delivered=row.delivered,
        delivery_allowed=row.delivery_allowed,
        cancelled=row.cancelled,
        cancel_reason=row.cancel_reason,
        delivery_date=row.delivery_date,
        tracking_number=row.tracking_number,
        tracking_url=row.tracking_url,
        tags=row.tags,
        fields=row.fields,
        note=row.note,
        source=row.source,
        created_at=row.created_at,
        updated_at=row.updated_at,
        is_deleted=row.deleted_at is not None,
    )
