"""The journal: every event once, by (source, id), the orders it goes to, and what was decided for each.

A delivery is one event on its way to one order. Facts of the event are applied in the transaction that journals it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, or_, select, update

from activities.store import addressees, facts
from activities.store.arrivals import Arrival as Arrival
from activities.store.arrivals import Delivery as Delivery
from activities.store.arrivals import Journalled as Journalled
from activities.store.arrivals import add_event, deliver, lock_named, named, stem
from activities.store.columns import as_json, cleaned
from activities.store.cursors import after_number, page_of
from activities.store.database import NotFound, Tx
from activities.store.history import EventRecord
from activities.store.records import Page
from activities.store.tables import DELIVERIES, EVENTS, ORDERS
from workflows.contracts.decisions import Decision
from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import EventReason

#: For so long a rule's events are left to the outcome that hands them to the workflow.
GRACE_OF_RULES = timedelta(seconds=30)


@dataclass(frozen=True)
class JournalledEvent:
    """An event as the decision reads it. `decision` is None while there is none; `state`: new, delivered or dead.

    `delivery` is the number of its delivery to the order.
    """

    delivery: int
    type: str
    at: datetime
    data: dict[str, Any]
    decision: Decision | None
    state: str


_GONE_TO = (
    select(ORDERS.c.shop, ORDERS.c.number)
    .select_from(
        EVENTS.join(DELIVERIES, DELIVERIES.c.event == EVENTS.c.seq).join(ORDERS, ORDERS.c.id == DELIVERIES.c.order_id)
    )
    .where(EVENTS.c.source == bindparam("from_source"), EVENTS.c.id == bindparam("event_id"))
    .order_by(DELIVERIES.c.order_id)
)

#: The event that is meant for an order by its source and id; `meant` gives the values.
NAMED = (
    EVENTS.c.source == bindparam("from_source"),
    or_(EVENTS.c.id == bindparam("event_id"), EVENTS.c.id == bindparam("scoped_id")),
)

#: What `event_of` makes a JournalledEvent of.
COLUMNS = (
    DELIVERIES.c.id.label("delivery"),
    EVENTS.c.type,
    EVENTS.c.at,
    EVENTS.c.data,
    DELIVERIES.c.decision,
    DELIVERIES.c.state,
)

_ONE = (
    select(*COLUMNS)
    .join(DELIVERIES, DELIVERIES.c.event == EVENTS.c.seq)
    .where(*NAMED, DELIVERIES.c.order_id == bindparam("order"))
)

_MADE_BY_RULE = (
    select(EVENTS.c.id, EVENTS.c.type, EVENTS.c.at, EVENTS.c.source)
    .join(DELIVERIES, DELIVERIES.c.event == EVENTS.c.seq)
    .where(
        EVENTS.c.source == bindparam("from_source"),
        (EVENTS.c.id == bindparam("event_id"))
        | ((EVENTS.c.id > bindparam("first")) & (EVENTS.c.id < bindparam("last"))),
        DELIVERIES.c.order_id == bindparam("order"),
    )
    .order_by(EVENTS.c.seq)
)

# From the first place of a run's events (`run:0`) to behind its last one; what follows from them is `run:0/paid`.
_UNTAKEN_OF_RUN = (
    select(EVENTS.c.id, EVENTS.c.type, EVENTS.c.at, EVENTS.c.source)
    .join(DELIVERIES, DELIVERIES.c.event == EVENTS.c.seq)
    .where(
        EVENTS.c.source == "rule",
        EVENTS.c.id > bindparam("first"),
        EVENTS.c.id < bindparam("last"),
        DELIVERIES.c.order_id == bindparam("order"),
        DELIVERIES.c.decided_at.is_(None),
    )
    .order_by(EVENTS.c.seq)
)

_DECIDED = (
    update(DELIVERIES)
    .where(DELIVERIES.c.id == bindparam("delivery"))
    .values(
        decision=bindparam("answer"),
        verdict=bindparam("because"),
        reason=bindparam("why"),
        decided_at=bindparam("at"),
        state="delivered",
    )
)

_HELD_BACK = (
    select(EVENTS.c.id, EVENTS.c.type, EVENTS.c.at, EVENTS.c.source)
    .join(DELIVERIES, DELIVERIES.c.event == EVENTS.c.seq)
    .where(
        DELIVERIES.c.order_id == bindparam("order"), DELIVERIES.c.reason.in_((EventReason.ON_HOLD, EventReason.LOOP))
    )
    .order_by(DELIVERIES.c.id)
)

_PAGE = (
    select(
        EVENTS.c.seq,
        EVENTS.c.source,
        EVENTS.c.id,
        EVENTS.c.type,
        EVENTS.c.at,
        EVENTS.c.received_at,
        EVENTS.c.data,
        DELIVERIES.c.reason,
        DELIVERIES.c.decision,
        DELIVERIES.c.verdict,
        DELIVERIES.c.decided_at,
        DELIVERIES.c.state,
        DELIVERIES.c.error,
    )
    .join(DELIVERIES, DELIVERIES.c.event == EVENTS.c.seq)
    .where(DELIVERIES.c.order_id == bindparam("order"), DELIVERIES.c.event > bindparam("after"))
    .order_by(DELIVERIES.c.event)
    .limit(bindparam("most"))
)


#: The problem of an event that names nobody we know.
UNMATCHED = "unmatched"


async def park(tx: Tx, arrival: Arrival, *, problem: str, now: datetime) -> bool:
    """Keep an event that cannot be used for a person to look at; say whether it is new. Nothing else happens."""
    parked = replace(_checked(replace(arrival, orders=()), with_facts=False), problem=problem)
    return await add_event(tx, parked, now=now, whose=named(arrival)) is not None


async def append(
    tx: Tx,
    arrival: Arrival,
    *,
    now: datetime,
    with_facts: bool = True,
    are_known: bool = False,
    order: facts.Locked | None = None,
) -> Journalled:
    """Journal an event and apply its facts; a duplicate changes nothing and gives the same orders.

    Without facts (the event is kept, but cannot be used) no data is refused. The caller may know that the orders it
    names exist, or have locked the only one (`facts.find`). Raise NotFound for an order that does not exist, BadEvent
    for data that cannot be a fact; then nothing was written.
    """
    arrival = _checked(arrival, with_facts=with_facts)
    if order is None and with_facts and not are_known:
        order = await lock_named(tx, arrival)
    if order is not None and order.deleted_at is not None:
        raise NotFound("order", order.id)
    found = arrival.orders if are_known or order is not None else await addressees.of(tx, arrival)
    if not found and arrival.raw is not None:
        arrival = replace(arrival, problem=arrival.problem or UNMATCHED)
    seq = await add_event(tx, arrival, now=now, whose=None if found else named(arrival))
    if seq is None:
        before = await gone_to(tx, source=arrival.source, id=arrival.id)
        is_signal = arrival.raw is None and len(arrival.orders) == 1
        if not is_signal or arrival.orders[0] in before:
            return Journalled(is_new=False, orders=before, unmatched=not before)
        # A signal goes straight to its order, so its id need only be unique there.
        arrival = replace(arrival, id=_scoped(arrival.id, arrival.orders[0]))
        seq = await add_event(tx, arrival, now=now)
    if seq is None:
        return Journalled(is_new=False, orders=found)
    deliveries, follows = await deliver(
        tx, arrival, seq=seq, orders=found, now=now, with_facts=with_facts, locked=order
    )
    return Journalled(is_new=True, orders=found, unmatched=not found, follows=follows, deliveries=deliveries)


async def append_from_rule(tx: Tx, key: OrderKey, *, event: Event, now: datetime) -> tuple[Event, ...]:
    """Journal an event a rule made for its own order; give it and those that follow, for the workflow to take.

    The run's outcome hands them over; what is not decided within `GRACE_OF_RULES` is the relay's. A repeated call
    gives the same events.
    """
    at = event.at or now
    arrival = Arrival(
        source=event.source,
        id=event.id,
        type=event.type,
        at=at,
        data=event.data,
        orders=(key,),
        grace=GRACE_OF_RULES,
    )
    arrival = _checked(arrival, with_facts=True)
    seq = await add_event(tx, arrival, now=now)
    if seq is not None:
        _, follows = await deliver(tx, arrival, seq=seq, orders=(key,), now=now)
        return (event.model_copy(update={"data": {}, "at": at}), *follows)
    stem_of_id = stem(event.id)
    values = {"from_source": event.source, "event_id": event.id, "order": str(key)}
    rows = await tx.rows(_MADE_BY_RULE, {**values, "first": f"{stem_of_id}/", "last": f"{stem_of_id}0"})
    return tuple(Event(id=row.id, type=row.type, at=row.at, source=row.source) for row in rows)


async def untaken_of_run(tx: Tx, key: OrderKey, *, run: UUID) -> list[Event]:
    """List the events a run made for its own order that are not decided yet, without their data."""
    rows = await tx.rows(_UNTAKEN_OF_RUN, {"first": f"{run}:", "last": f"{run};", "order": str(key)})
    return [Event(id=row.id, type=row.type, at=row.at, source=row.source) for row in rows]


async def gone_to(tx: Tx, *, source: str, id: str) -> tuple[OrderKey, ...]:
    """List the orders that an event went to; none where it is not in the journal, or waits for a person."""
    rows = await tx.rows(_GONE_TO, {"from_source": source, "event_id": id})
    return tuple(OrderKey(shop=row.shop, number=row.number) for row in rows)


async def event_for(tx: Tx, key: OrderKey, *, source: str, id: str) -> JournalledEvent | None:
    """Read an event as it was journalled for an order, with its decision; None if it never was."""
    row = await tx.first(_ONE, {**meant(key, source=source, id=id), "order": str(key)})
    return None if row is None else event_of(row)


def event_of(row: Sequence[Any]) -> JournalledEvent:
    """Make the values of `COLUMNS` into an event."""
    delivery, event_type, at, data, answer, state, *_ = row  # beside other works it says whose it is, too
    decision = None if answer is None else Decision.model_validate(answer)
    return JournalledEvent(delivery, event_type, at, data, decision, state)


def meant(key: OrderKey, *, source: str, id: str) -> dict[str, str]:
    """Give the values of `NAMED`."""
    return {"from_source": source, "event_id": id, "scoped_id": _scoped(id, key)}


async def decided(
    tx: Tx, event: JournalledEvent, *, decision: Decision, verdict: dict[str, Any], now: datetime
) -> None:
    """Keep the decision on an event. A decision made at resume replaces the one that held the event back."""
    values = {
        "delivery": event.delivery,
        "answer": decision,
        "because": verdict,
        "why": decision.reason,
        "at": now,
    }
    if (await tx.run(_DECIDED, values)).rowcount == 0:
        raise NotFound("event", decision.event)


async def held_back(tx: Tx, key: OrderKey) -> list[Event]:
    """List the events a hold or the loop guard kept back, in the order of their arrival, without their data."""
    rows = await tx.rows(_HELD_BACK, {"order": str(key)})
    return [Event(id=row.id, type=row.type, at=row.at, source=row.source) for row in rows]


async def events_of(tx: Tx, key: OrderKey, *, cursor: str | None = None, limit: int = 100) -> Page[EventRecord]:
    """List an order's events, the oldest first."""
    values = {"order": str(key), "after": after_number(cursor, default=0), "most": limit + 1}
    records = [
        EventRecord(
            seq=row.seq,
            source=row.source,
            id=row.id,
            type=row.type,
            at=row.at,
            received_at=row.received_at,
            data=row.data,
            reason=row.reason,
            words="" if row.decision is None else row.decision.get("words", ""),
            verdict=row.verdict,
            decided_at=row.decided_at,
            state=row.state,
            error=row.error,
        )
        for row in await tx.rows(_PAGE, values)
    ]
    return page_of(records, limit=limit, cursor=lambda record: str(record.seq))


def _checked(arrival: Arrival, *, with_facts: bool) -> Arrival:
    if with_facts and arrival.type in facts.TYPES and len(arrival.orders) != 1:
        raise facts.BadEvent(f"A '{arrival.type}' names exactly one order")
    try:
        as_json(arrival.data)
    except (ValueError, TypeError, RecursionError):
        if with_facts:
            raise facts.BadEvent("The event's data is not JSON") from None
        return replace(arrival, data={})
    return arrival


def _scoped(id: str, key: OrderKey) -> str:
    return f"{id[:120]}@{sha256(cleaned(f'{key} {id}').encode()).hexdigest()[:16]}"
