"""Payments: money that came and went, and when it makes an order paid."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.database import Tx
from activities.store.editing import BadEvent, amount, line
from activities.store.records import PaymentRecord
from activities.store.tables import ORDERS, PAYMENTS
from workflows.contracts.ids import OrderKey

#: The event types that tell of money.
TYPES = ("payment.received", "payment.paid", "payment.refunded", "payment.unpaid")

#: Those of them that tell of money that came.
COMING = ("payment.received", "payment.paid")

#: In the data of a payment: how much of it had gone back when it was heard of.
RETURNED = "returned"

Follows = tuple[tuple[str, dict[str, Any]], ...]

_ADD = upsert(PAYMENTS).on_conflict_do_nothing(index_elements=["order_id", "id"])

_OPEN_SUM = select(ORDERS.c.total, ORDERS.c.paid_amount).where(ORDERS.c.id == bindparam("order_id"))

_STANDING = select(ORDERS.c.paid).where(ORDERS.c.id == bindparam("order_id"))

_OF_ORDER = select(PAYMENTS).where(PAYMENTS.c.order_id == bindparam("order_id")).order_by(PAYMENTS.c.at, PAYMENTS.c.id)


async def of_order(tx: Tx, key: OrderKey) -> list[PaymentRecord]:
    """List an order's payments, the oldest first."""
    return [
        PaymentRecord(
            id=row.id, kind=row.kind, amount=row.amount, currency=row.currency, reference=row.reference, at=row.at
        )
        for row in await tx.rows(_OF_ORDER, {"order_id": str(key)})
    ]


async def apply(
    tx: Tx, *, order: Row[Any], event_type: str, data: Mapping[str, Any], id: str, at: datetime
) -> tuple[dict[str, object], Follows]:
    """Record a payment of a locked order; give the order's columns to change and the events that follow."""
    if event_type == "payment.unpaid":
        return {"paid": False}, ()
    given = _amount(order, data)
    reference = line(data, "reference")
    returned = amount(data.get(RETURNED, "0"), name=RETURNED)
    if event_type == "payment.received" and given is None:
        raise BadEvent("'amount' is missing: it is an amount such as \"12.50\"")
    if event_type == "payment.paid":
        moved = max((given or Decimal(0)) - order.paid_amount, Decimal(0))
    else:
        moved = order.paid_amount if given is None else given
    kind = "refunded" if event_type == "payment.refunded" else "received"
    is_new = moved > 0 and await _add(tx, order, kind=kind, amount=moved, reference=reference, id=id, at=at)
    after = order.paid_amount + (moved if kind == "received" else -moved) if is_new else order.paid_amount
    changes: dict[str, object] = {"paid_amount": after} if is_new else {}
    if event_type == "payment.paid":
        return {**changes, "paid": True}, ()
    if event_type == "payment.refunded":
        # Part of the money back (a returned item) leaves the order paid; all of it does not.
        return ({**changes, "paid": False} if after <= 0 else changes), ()
    # Money that has gone back makes nothing paid, as in the sequence in which it happened.
    if order.paid or after < order.total or after <= returned:
        return changes, ()
    return {**changes, "paid": True}, paid(order, amount=after)


def went_back(payment: Mapping[str, Any], refunds: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Say what to add to the data of a payment whose refunds were heard of before it."""
    own = _currency_of(payment)
    amounts = [_amount_of(one) for one in refunds if not own or _currency_of(one) in (own, "")]
    return {RETURNED: format(sum(amounts, Decimal(0)), "f")} if any(amounts) else {}


async def came_otherwise(tx: Tx, key: OrderKey, *, source: str) -> bool:
    """Say whether an order's money came, and none of it by a source: then its payments are told by another one."""
    order = await tx.first(_STANDING, {"order_id": str(key)})
    if order is None:
        return False
    came = [payment for payment in await of_order(tx, key) if payment.kind == "received"]
    return (order.paid or bool(came)) and not any(payment.id.startswith(f"{source}:") for payment in came)


async def doubt(tx: Tx, key: OrderKey, *, amount: Decimal, at: datetime) -> str:
    """Say why a payment that a vendor reports needs a person; "" if it fits: no more than is open, and no money back.

    A payment whose money went back later must not make the order paid again, whichever is heard of first.
    """
    order = await tx.first(_OPEN_SUM, {"order_id": str(key)})
    if order is None:
        return "it names an order that does not exist"
    for payment in await of_order(tx, key):
        if payment.kind == "refunded" and payment.at >= at:
            return "money of this order went back since: look whether this payment is still to be counted"
    if amount > order.total - order.paid_amount:
        return "it is more than what is open on the order: look, then record it by hand or pay it back"
    return ""


def is_covered(order: Row[Any], *, total: Decimal) -> bool:
    """Say whether a new total makes an unpaid order paid by what has come already."""
    return not order.paid and 0 < order.paid_amount >= total


def paid(order: Row[Any], *, amount: Decimal | None = None) -> Follows:
    """Give the event that follows when an order is covered."""
    sum_paid = order.paid_amount if amount is None else amount
    return (("payment.paid", {"amount": format(sum_paid, "f"), "currency": order.currency}),)


def _amount(order: Row[Any], data: Mapping[str, Any]) -> Decimal | None:
    currency = line(data, "currency", default=order.currency) or order.currency
    if currency.upper() != order.currency:
        raise BadEvent(f"The order is in {order.currency}, the payment in {currency[:10]}")
    if data.get("amount") is None:
        return None
    given = amount(data["amount"], name="amount")
    if given <= 0:
        raise BadEvent("'amount' is above zero")
    return given


def _currency_of(data: Mapping[str, Any]) -> str:
    return str(data.get("currency") or "").upper()


def _amount_of(refund: Mapping[str, Any]) -> Decimal:
    try:
        return amount(refund.get("amount"), name="amount")
    except BadEvent:  # which is told of the refund itself, not of its payment
        return Decimal(0)


async def _add(tx: Tx, order: Row[Any], *, kind: str, amount: Decimal, reference: str, id: str, at: datetime) -> bool:
    values = {
        "order_id": order.id,
        "id": id,
        "kind": kind,
        "amount": amount,
        "currency": order.currency,
        "reference": reference,
        "at": at,
    }
    return (await tx.run(_ADD, values)).rowcount > 0
