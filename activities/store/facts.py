"""What events make true of an order: paid, shipped, cancelled, edited fields, the responsible person.

Comes in: an event of a factual type and its data, from anywhere. All of it is checked before anything is written.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Row, bindparam, select, update

from activities.store import editing, payments, shipments
from activities.store.database import NotFound, Tx
from activities.store.editing import EDITABLE as EDITABLE
from activities.store.editing import BadEvent as BadEvent
from activities.store.tables import EMPLOYEES, ORDERS
from workflows.contracts.ids import OrderKey

#: An order that is locked in a transaction, with what facts are decided on.
Locked: TypeAlias = Row[Any]


@dataclass(frozen=True)
class Applied:
    """The event's data with what the order knows added (`all` of a shipment), and the events that follow."""

    data: dict[str, Any]
    follows: tuple[tuple[str, dict[str, Any]], ...] = ()


@dataclass(frozen=True)
class Fact:
    """One event about to be applied to its order. `id` tells it from any other: what it brought is not taken twice."""

    order: Locked
    type: str
    data: Mapping[str, Any]
    id: str
    at: datetime


@dataclass(frozen=True)
class Effect:
    """Columns of the order to change, additions to the event's data, and the events that follow."""

    changes: dict[str, object] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    follows: tuple[tuple[str, dict[str, Any]], ...] = ()


# What facts are decided on, and no more: turning forty columns into values costs more than reading them.
_LOCK = (
    select(
        ORDERS.c.id,
        ORDERS.c.currency,
        ORDERS.c.total,
        ORDERS.c.paid_amount,
        ORDERS.c.paid,
        ORDERS.c.deleted_at,
    )
    .where(ORDERS.c.id == bindparam("order_id"))
    .with_for_update()
)

_BEFORE = select(ORDERS.c.pipeline, ORDERS.c.fields, *(ORDERS.c[name] for name in EDITABLE)).where(
    ORDERS.c.id == bindparam("order_id")
)

# The columns to change are those that it is given.
_CHANGE = update(ORDERS).where(ORDERS.c.id == bindparam("order_id"))

_EMPLOYEE = select(EMPLOYEES.c.id).where(EMPLOYEES.c.id == bindparam("employee"))


async def lock(tx: Tx, key: OrderKey) -> Locked:
    """Lock an order for its facts; raise NotFound."""
    order = await find(tx, id=str(key))
    if order is None:
        raise NotFound("order", str(key))
    return order


async def find(tx: Tx, *, id: str) -> Locked | None:
    """Lock an order for its facts, if there is one."""
    return await tx.first(_LOCK, {"order_id": id})


async def apply(tx: Tx, fact: Fact) -> Applied:
    """Apply an event's facts to its locked order. Raise BadEvent for unusable data."""
    effect = await _HANDLERS[fact.type](tx, fact)
    if effect.changes:
        await tx.run(_CHANGE, {"order_id": fact.order.id, **effect.changes, "updated_at": fact.at})
    return Applied({**fact.data, **effect.more}, effect.follows)


async def _cancelled(tx: Tx, fact: Fact) -> Effect:
    return Effect({"cancelled": True, "cancel_reason": editing.line(fact.data, "reason")})


async def _uncancelled(tx: Tx, fact: Fact) -> Effect:
    return Effect({"cancelled": False, "cancel_reason": ""})


async def _responsible(tx: Tx, fact: Fact) -> Effect:
    employee = editing.line(fact.data, "employee")
    if employee and await tx.first(_EMPLOYEE, {"employee": employee}) is None:
        raise BadEvent(f"There is no employee '{employee}'")
    return Effect({"responsible": employee or None})


async def _edited(tx: Tx, fact: Fact) -> Effect:
    fields = fact.data.get("fields", {})
    if not isinstance(fields, Mapping):
        raise BadEvent('The data of order.edited reads {"fields": {"name": value}}')
    before = await tx.first(_BEFORE, {"order_id": fact.order.id})
    assert before is not None
    changes, names = await editing.changes(tx, order=before, fields=fields)
    is_paid_now = "total" in changes and payments.is_covered(fact.order, total=changes["total"])
    follows = payments.paid(fact.order) if is_paid_now else ()
    more = {"changed": names}
    return Effect({**changes, "paid": True} if is_paid_now else changes, more, follows)


async def _payment(tx: Tx, fact: Fact) -> Effect:
    changes, follows = await payments.apply(
        tx, order=fact.order, event_type=fact.type, data=fact.data, id=fact.id, at=fact.at
    )
    return Effect(changes, follows=follows)


async def _shipment(tx: Tx, fact: Fact) -> Effect:
    changes, more = await shipments.apply(tx, order=fact.order, event_type=fact.type, data=fact.data, at=fact.at)
    return Effect(changes, more)


_HANDLERS: dict[str, Callable[[Tx, Fact], Awaitable[Effect]]] = {
    "order.cancelled": _cancelled,
    "order.uncancelled": _uncancelled,
    "order.edited": _edited,
    "responsible.changed": _responsible,
    **dict.fromkeys(payments.TYPES, _payment),
    **dict.fromkeys(shipments.TYPES, _shipment),
}

#: The event types that are facts of exactly one order.
TYPES = frozenset(_HANDLERS)
