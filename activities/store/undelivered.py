"""A message that its provider accepted and then could not deliver: its rule is done (M61, M62).

Where another try can mend it, the order decides on that (`rule.undelivered`); else the responsible person is told.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select

from activities.store import journal, notices
from activities.store.database import Tx
from activities.store.history import NewNotice
from activities.store.journal import Arrival
from activities.store.receipts import Callback
from activities.store.tables import ORDERS
from workflows.contracts.events import RULE_UNDELIVERED
from workflows.contracts.ids import OrderKey


@dataclass(frozen=True)
class Undelivered:
    """A send that did not arrive, and why: the provider's `code`, and words for people where it has any."""

    send_id: UUID
    rule: str
    channel: str
    provider: str
    provider_id: str
    code: str
    words: str


_ORDER = select(ORDERS.c.shop, ORDERS.c.number, ORDERS.c.responsible).where(
    ORDERS.c.id == bindparam("order_id"), ORDERS.c.deleted_at.is_(None)
)

#: What people call a channel's messages.
_NAMES = {"sms": "text message", "email": "mail", "chat": "chat message"}


async def tell(tx: Tx, row: Row[Any], *, provider_id: str, callback: Callback, now: datetime) -> None:
    """Take the provider's word, the first time, that a send did not arrive. `row` is the send's in the ledger."""
    order = await tx.first(_ORDER, {"order_id": row.order_id})
    if order is None:
        return
    key = OrderKey(shop=order.shop, number=order.number)
    lost = Undelivered(row.id, row.rule, row.channel, row.provider, provider_id, callback.code, callback.words)
    if callback.may_be_repeated:
        await ask(tx, key, lost=lost, run=row.run, now=now)
    else:
        await tell_responsible(tx, key, lost=lost, responsible=order.responsible or "", now=now)


async def ask(tx: Tx, key: OrderKey, *, lost: Undelivered, run: UUID, now: datetime, at_end: bool = False) -> None:
    """Journal it for the order, whose stage may have been left meanwhile: it decides whether it is sent anew.

    Once when the receipt comes, and `at_end` of the rule, if that was not recorded before.
    """
    data = {"rule": lost.rule, "send": str(lost.send_id), "code": lost.code, "words": lost.words}
    arrival = Arrival(
        source="rule",
        id=f"{run}:undelivered:{lost.provider_id}{':end' if at_end else ''}",
        type=RULE_UNDELIVERED,
        at=now,
        data=data,
        orders=(key,),
    )
    await journal.append(tx, arrival, now=now, with_facts=False, are_known=True)


async def tell_responsible(tx: Tx, key: OrderKey, *, lost: Undelivered, responsible: str, now: datetime) -> None:
    """Tell the order's responsible person, once, if it has one."""
    if not responsible:
        return
    what = f"the {_NAMES.get(lost.channel, 'message')} of rule {lost.rule} was sent and did not arrive"
    text = f"Order {key.number}: {what}{_why(lost)}"
    notice = NewNotice(employee=responsible, text=text, ref=f"{lost.send_id}:{lost.provider_id}:undelivered")
    await notices.add(tx, notices=[notice], key=key, now=now)


def _why(lost: Undelivered) -> str:
    """Say why, and what to do: as the provider's code says it, else what helps most often."""
    if lost.words:
        return f". {lost.words} ({lost.code}). It is not sent again by itself: reach them another way"
    why = f" ({lost.provider} says {lost.code})" if lost.code else ""
    return f"{why}: correct the address for the next ones, and reach them another way"
