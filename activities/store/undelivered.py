"""A message that its provider accepted and then could not deliver: its rule is done, so a person is told (M61, M62)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select

from activities.store import notices
from activities.store.database import Tx
from activities.store.history import NewNotice
from activities.store.receipts import Callback
from activities.store.tables import ORDERS
from workflows.contracts.ids import OrderKey

_ORDER = select(ORDERS.c.shop, ORDERS.c.number, ORDERS.c.responsible).where(
    ORDERS.c.id == bindparam("order_id"), ORDERS.c.deleted_at.is_(None), ORDERS.c.responsible.is_not(None)
)

#: What people call a channel's messages.
_NAMES = {"sms": "text message", "email": "mail", "chat": "chat message"}


async def tell(tx: Tx, row: Row[Any], *, provider_id: str, callback: Callback, now: datetime) -> None:
    """Tell the order's responsible person, once. `row` is the send's in the ledger, `callback` the provider's word."""
    order = await tx.first(_ORDER, {"order_id": row.order_id})
    if order is None:
        return
    what = f"the {_NAMES.get(row.channel, 'message')} of rule {row.rule} was sent and did not arrive"
    text = f"Order {order.number}: {what}{_why(callback, provider=row.provider)}"
    notice = NewNotice(employee=order.responsible, text=text, ref=f"{row.id}:{provider_id}:undelivered")
    await notices.add(tx, notices=[notice], key=OrderKey(shop=order.shop, number=order.number), now=now)


def _why(callback: Callback, *, provider: str) -> str:
    """Say why, and what to do: as the provider's code says it, else what helps most often."""
    if callback.words:
        return f". {callback.words} ({callback.code}). It is not sent again by itself: reach them another way"
    why = f" ({provider} says {callback.code})" if callback.code else ""
    return f"{why}: correct the address for the next ones, and reach them another way"
