"""Deletes orders and customers: what people could be known by is blanked; what happened, and when, stays.

A plain hash of a phone number is as good as the number. The ledger keeps those of sends whose answer was lost until
they settle, and suppressions theirs, so that an address which wants no messages gets none.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Executable, Table, bindparam, delete, exists, func, literal, or_, select, update

from activities.store import outbox, standing, strays, traces
from activities.store.arrivals import name
from activities.store.database import NotFound, Store, Tx
from activities.store.hashes import LOST
from activities.store.history import TaskStatus
from activities.store.strays import Sought
from activities.store.tables import (
    CALLS,
    CHAT_ANSWERS,
    CHAT_MESSAGES,
    CONVERSATIONS,
    CUSTOMER_TERMS,
    CUSTOMERS,
    DELIVERIES,
    DOCUMENTS,
    EVENTS,
    LEDGER,
    LINKS,
    LIST_ITEMS,
    NOTICES,
    ORDERS,
    OUTBOX,
    PAYMENTS,
    POSTS,
    RUNS,
    SHIPMENTS,
    TASKS,
    TIMELINE,
    VISITORS,
    VISITS,
    WHISPERS,
)
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.contracts.state import StageKind

_ORDER: BindParameter[str] = bindparam("order")

_MARK = update(ORDERS).where(ORDERS.c.id == _ORDER).values(deletes_when_done=True)

_OPEN_RUNS = (
    select(RUNS.c.id)
    .where(
        RUNS.c.order_id == _ORDER,
        RUNS.c.visit == bindparam("of_visit"),
        RUNS.c.status.in_((RunStatus.PLANNED, RunStatus.RUNNING, RunStatus.HELD)),
    )
    .limit(1)
)

_ITEMS = select(ORDERS.c["items"].label("lines")).where(ORDERS.c.id == _ORDER)

_ANONYMOUS = (
    update(ORDERS)
    .where(ORDERS.c.id == _ORDER)
    .values(
        customer_id=None,
        token=literal("deleted:") + ORDERS.c.id,
        note="",
        cancel_reason="",
        tracking_number="",
        tracking_url="",
        tags=[],
        fields={},
        items=bindparam("figures"),
        attention="",
        deletes_when_done=True,
        deleted_at=func.coalesce(ORDERS.c.deleted_at, bindparam("at", type_=ORDERS.c.deleted_at.type)),
        updated_at=bindparam("at"),
    )
)

# An event that went to other orders as well is theirs as long as one of them is kept.
_OTHERS = DELIVERIES.alias("others")
_KEPT = ORDERS.alias("kept")
_BLANK_EVENTS = (
    update(EVENTS)
    .where(
        EVENTS.c.seq.in_(select(DELIVERIES.c.event).where(DELIVERIES.c.order_id == _ORDER)),
        ~exists(
            select(_OTHERS.c.id)
            .join(_KEPT, _KEPT.c.id == _OTHERS.c.order_id)
            .where(_OTHERS.c.event == EVENTS.c.seq, _KEPT.c.id != _ORDER, _KEPT.c.deleted_at.is_(None))
        ),
    )
    .values(raw=None, data={})
)

_FORGET_SENDS = (
    update(LEDGER).where(LEDGER.c.order_id == _ORDER, LEDGER.c.state.not_in(LOST)).values(address_hash="", body_hash="")
)

_SENDS = select(LEDGER.c.id).where(LEDGER.c.order_id == _ORDER)

# Runs whose message may have left are settled all the same.
_STOP_RUNS = (
    update(RUNS)
    .where(RUNS.c.order_id == _ORDER, RUNS.c.status.in_((RunStatus.PLANNED, RunStatus.HELD)))
    .values(status=RunStatus.STOPPED, reason=RunReason.AUTOMATION_STOPPED, ended_at=bindparam("at"))
)

# Nobody decides on them any more: the relay is to leave them alone.
_SETTLE_EVENTS = (
    update(DELIVERIES)
    .where(DELIVERIES.c.order_id == _ORDER, DELIVERIES.c.decided_at.is_(None))
    .values(state="delivered", reason=EventReason.UNKNOWN_ORDER, decided_at=bindparam("at"))
)

_CLOSE_TASKS = (
    update(TASKS)
    .where(TASKS.c.order_id == _ORDER, TASKS.c.status == TaskStatus.OPEN)
    .values(status=TaskStatus.CLOSED, closed_at=bindparam("at"))
)

_NOTICES = select(NOTICES.c.send_id).where(NOTICES.c.order_id == _ORDER)

_BLANK_OUTBOX = update(OUTBOX).where(OUTBOX.c.send_id.in_(_SENDS)).values(**outbox.BLANK)

_BLANK_OUTBOX_OF_NOTICES = update(OUTBOX).where(OUTBOX.c.send_id.in_(_NOTICES)).values(**outbox.BLANK)

_ANSWERS = (
    select(CHAT_ANSWERS.c.id)
    .join(CHAT_MESSAGES, CHAT_MESSAGES.c.id == CHAT_ANSWERS.c.message)
    .where(CHAT_MESSAGES.c.order_id == _ORDER)
)

_BLANK_OUTBOX_OF_ANSWERS = update(OUTBOX).where(OUTBOX.c.send_id.in_(_ANSWERS)).values(**outbox.BLANK)

_DROP_LINKS = delete(LINKS).where(LINKS.c.send_id.in_(_SENDS))

_BLANK_DOCUMENTS = (
    update(DOCUMENTS)
    .where(DOCUMENTS.c.order_id == _ORDER)
    .values(name="", content=b"", token=literal("deleted:") + DOCUMENTS.c.token)
)

#: What is blanked in the other tables of an order.
_BLANKS: tuple[tuple[Table, dict[str, Any]], ...] = (
    (DELIVERIES, {"decision": None, "verdict": None, "error": ""}),
    (VISITS, {"card": {}}),
    (RUNS, {"words": "", "results": None, "compared": None}),
    (LEDGER, {"words": ""}),
    (TIMELINE, {"text": "", "data": {}}),
    (TASKS, {"title": "", "description": "", "place": "", "checklist": []}),
    (NOTICES, {"text": "", "file": None}),
    (PAYMENTS, {"reference": ""}),
    (SHIPMENTS, {"tracking_number": "", "tracking_url": ""}),
    (LIST_ITEMS, {"fields": {}}),
    (POSTS, {"title": "", "text": ""}),
    (CALLS, {"text": "", "audio": ""}),
    (CHAT_MESSAGES, {"text": ""}),
    (WHISPERS, {"text": ""}),
)

# The outbox comes last: a courier that writes there meanwhile finds the text blank when it records what it sent.
_BLANKING: tuple[Executable, ...] = (
    *(update(table).where(table.c.order_id == _ORDER).values(**blank) for table, blank in _BLANKS),
    _FORGET_SENDS,
    _DROP_LINKS,
    _BLANK_DOCUMENTS,
    _BLANK_OUTBOX,
    _BLANK_OUTBOX_OF_ANSWERS,
    _BLANK_OUTBOX_OF_NOTICES,
)

_CUSTOMER: BindParameter[str] = bindparam("customer")

_EXISTS = select(CUSTOMERS.c.id).where(CUSTOMERS.c.id == _CUSTOMER)

_THEIR_ORDERS = select(ORDERS.c.shop, ORDERS.c.number).where(ORDERS.c.customer_id == _CUSTOMER).order_by(ORDERS.c.id)

_TALKS = select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.customer_id == _CUSTOMER)

_THEIR_ANSWERS = select(CHAT_ANSWERS.c.id).where(CHAT_ANSWERS.c.conversation.in_(_TALKS))

_ADOPT_TALKS = (
    update(CONVERSATIONS)
    .where(CONVERSATIONS.c.id.in_(bindparam("talks", expanding=True)), CONVERSATIONS.c.customer_id.is_(None))
    .values(customer_id=bindparam("whose"))
)

_OF_CUSTOMER: tuple[Executable, ...] = (
    update(CHAT_MESSAGES).where(CHAT_MESSAGES.c.conversation.in_(_TALKS)).values(text="", author=""),
    update(CHAT_ANSWERS).where(CHAT_ANSWERS.c.conversation.in_(_TALKS)).values(words=""),
    update(CHAT_ANSWERS)
    .where(CHAT_ANSWERS.c.conversation.in_(_TALKS), CHAT_ANSWERS.c.state.not_in(LOST))
    .values(address_hash="", body_hash=""),
    update(OUTBOX).where(OUTBOX.c.send_id.in_(_THEIR_ANSWERS)).values(**outbox.BLANK),
    update(WHISPERS).where(WHISPERS.c.conversation.in_(_TALKS)).values(text=""),
    update(CUSTOMERS).where(CUSTOMERS.c.company_id == _CUSTOMER).values(company_id=None),
    delete(CUSTOMER_TERMS).where(CUSTOMER_TERMS.c.customer_id == _CUSTOMER),
)

# The address is unique in its medium, so each gets one of its own.
_CLOSE_TALK = (
    update(CONVERSATIONS)
    .where(CONVERSATIONS.c.id == bindparam("talk"))
    .values(customer_id=None, is_open=False, address=bindparam("nobody"))
)

_DROP_BROWSERS = delete(VISITORS).where(
    VISITORS.c.id.in_(bindparam("browsers", expanding=True)),
    or_(VISITORS.c.customer_id == _CUSTOMER, VISITORS.c.customer_id.is_(None)),
)

_DROP_CUSTOMER = delete(CUSTOMERS).where(CUSTOMERS.c.id == _CUSTOMER)


async def ask(tx: Tx, key: OrderKey) -> None:
    """Have an order deleted once the rules of its visit have ended."""
    await tx.run(_MARK, {"order": str(key)})


async def is_due(tx: Tx, key: OrderKey, *, visit: int) -> bool:
    """Say whether all rules of a visit have ended."""
    return await tx.first(_OPEN_RUNS, {"order": str(key), "of_visit": visit}) is None


async def order(tx: Tx, key: OrderKey, *, now: datetime) -> None:
    """Delete an order that this transaction has locked. Repeated, it blanks what was written about it afterwards."""
    only = {"order": str(key)}
    row = await tx.first(_ITEMS, only)
    if row is None:
        raise NotFound("order", str(key))
    figures = [{"sku": "", "name": "", "quantity": one["quantity"], "price": one["price"]} for one in row.lines]
    await tx.run(_ANONYMOUS, {**only, "figures": figures, "at": now})
    await tx.run(_BLANK_EVENTS, only)
    await strays.blank_named(tx, [name("order", value=str(key))])
    for ending in (_STOP_RUNS, _SETTLE_EVENTS, _CLOSE_TASKS):
        await tx.run(ending, {**only, "at": now})
    for blanking in _BLANKING:
        await tx.run(blanking, only)


@dataclass(frozen=True)
class Erased:
    """The orders that went with a customer; a workflow runs for those that were `open`."""

    orders: list[OrderKey] = field(default_factory=list)
    open: list[OrderKey] = field(default_factory=list)


async def seek(store: Store, *, id: str, now: datetime) -> Sought:
    """Look for what a customer left in events that went to no order, so that erasing them holds nobody up for long."""
    async with store.read() as tx:
        found = await traces.of_customer(tx, id=id)
    return await strays.seek(store, found, now=now)


async def customer(tx: Tx, *, id: str, now: datetime, sought: Sought = Sought()) -> Erased:
    """Delete a customer with all their orders; raise NotFound if there is none. `sought` is what `seek` found before.

    Nothing of them stays but the hashes of addresses which want no messages. What others wrote about them is theirs.
    """
    only = {"customer": id}
    if await tx.first(_EXISTS, only) is None:
        raise NotFound("customer", id)
    known = await traces.of_customer(tx, id=id)
    if known.talks:
        await tx.run(_ADOPT_TALKS, {"talks": list(known.talks), "whose": id})
    erased = Erased()
    for row in await tx.rows(_THEIR_ORDERS, only):
        key = OrderKey(shop=row.shop, number=row.number)
        stands = await standing.lock(tx, key)
        await order(tx, key, now=now)
        erased.orders.append(key)
        if stands is not None and stands.stage_kind is StageKind.OPEN:
            erased.open.append(key)
    talks = [row.id for row in await tx.rows(_TALKS, only)]
    for blanking in _OF_CUSTOMER:
        await tx.run(blanking, only)
    if talks:
        await tx.run(_CLOSE_TALK, [{"talk": talk, "nobody": f"deleted:{talk}"} for talk in talks])
    if known.browsers:
        await tx.run(_DROP_BROWSERS, {**only, "browsers": list(known.browsers)})
    await strays.erase(tx, known, sought=sought)
    await tx.run(_DROP_CUSTOMER, only)
    return erased
