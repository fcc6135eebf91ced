"""The journal: every event once, by (source, id), the orders it goes to, and what was decided for each.

A delivery is one event on its way to one order. Facts of the event are applied in the transaction that journals it.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store import addressees, facts
from activities.store.columns import as_json, cleaned
from activities.store.cursors import after_number, page_of
from activities.store.database import NotFound, Tx
from activities.store.history import EventRecord
from activities.store.records import CustomerRef, Page
from activities.store.tables import DELIVERIES, EVENTS, ORDERS
from workflows.contracts.decisions import Decision
from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import EventReason


@dataclass(frozen=True)
class Arrival:
    """An event at the front door. It names its orders, or its customer (then `shop` may narrow it).

    `data` is JSON; `raw` is what the sender's request held, byte for byte; None says that it came as a signal. For the
    time of `grace` the relays leave the new deliveries to the caller.
    """

    source: str
    id: str
    type: str
    at: datetime
    data: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    orders: tuple[OrderKey, ...] = ()
    customer: CustomerRef | None = None
    shop: str | None = None
    grace: timedelta = timedelta(0)


@dataclass(frozen=True)
class Journalled:
    """What became of an arrival. `follows` are the events its facts caused; they are journalled too.

    `deliveries` are those this call made, follow-ups included: to be handed over after the commit.
    """

    is_new: bool
    orders: tuple[OrderKey, ...]
    unmatched: bool = False
    follows: tuple[Event, ...] = ()
    deliveries: tuple["Delivery", ...] = ()


@dataclass(frozen=True)
class Delivery:
    """An event to be handed to an order's workflow. `event.data` is empty: the journal has it."""

    id: int
    key: OrderKey
    event: Event
    attempts: int = 0


@dataclass(frozen=True)
class JournalledEvent:
    """An event as the decision reads it. `decision` is None while there is none; `state`: new, delivered or dead."""

    type: str
    at: datetime
    data: dict[str, Any]
    decision: Decision | None
    state: str


_ADD_EVENT = upsert(EVENTS).on_conflict_do_nothing(index_elements=["source", "id"]).returning(EVENTS.c.seq)

_ENRICH = update(EVENTS).where(EVENTS.c.seq == bindparam("event_seq")).values(data=bindparam("full"))

_DROP_EVENT = delete(EVENTS).where(EVENTS.c.seq == bindparam("event_seq"))

_ADD_DELIVERY = (
    upsert(DELIVERIES)
    .on_conflict_do_nothing(index_elements=["order_id", "event"])
    .returning(DELIVERIES.c.id, DELIVERIES.c.order_id)
)

_GONE_TO = (
    select(ORDERS.c.shop, ORDERS.c.number)
    .select_from(
        EVENTS.join(DELIVERIES, DELIVERIES.c.event == EVENTS.c.seq).join(ORDERS, ORDERS.c.id == DELIVERIES.c.order_id)
    )
    .where(EVENTS.c.source == bindparam("from_source"), EVENTS.c.id == bindparam("event_id"))
    .order_by(DELIVERIES.c.order_id)
)

_NAMED = (
    EVENTS.c.source == bindparam("from_source"),
    or_(EVENTS.c.id == bindparam("event_id"), EVENTS.c.id == bindparam("scoped_id")),
)

_ONE = (
    select(EVENTS.c.type, EVENTS.c.at, EVENTS.c.data, DELIVERIES.c.decision, DELIVERIES.c.state)
    .join(DELIVERIES, DELIVERIES.c.event == EVENTS.c.seq)
    .where(*_NAMED, DELIVERIES.c.order_id == bindparam("order"))
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

_DECIDED = (
    update(DELIVERIES)
    .where(DELIVERIES.c.order_id == bindparam("order"), DELIVERIES.c.event.in_(select(EVENTS.c.seq).where(*_NAMED)))
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
    .order_by(DELIVERIES.c.event)
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


async def append(tx: Tx, arrival: Arrival, *, now: datetime, with_facts: bool = True) -> Journalled:
    """Journal an event and apply its facts; a duplicate changes nothing and gives the same orders.

    Without facts (the event is kept, but cannot be used) no data is refused. Raise NotFound for an order that does not
    exist, BadEvent for data that cannot be a fact.
    """
    arrival = _checked(arrival, with_facts=with_facts)
    found = await addressees.of(tx, arrival)
    seq = await _add_event(tx, arrival, now=now)
    if seq is None:
        before = await _gone_to(tx, arrival)
        is_signal = arrival.raw is None and len(arrival.orders) == 1
        if not is_signal or arrival.orders[0] in before:
            return Journalled(is_new=False, orders=before, unmatched=not before)
        # A signal goes straight to its order, so its id need only be unique there.
        arrival = replace(arrival, id=_scoped(arrival.id, arrival.orders[0]))
        seq = await _add_event(tx, arrival, now=now)
    if seq is None:
        return Journalled(is_new=False, orders=found)
    deliveries, follows = await _deliver(tx, arrival, seq=seq, orders=found, now=now, with_facts=with_facts)
    return Journalled(is_new=True, orders=found, unmatched=not found, follows=follows, deliveries=deliveries)


async def append_from_rule(tx: Tx, key: OrderKey, *, event: Event, now: datetime) -> tuple[Event, ...]:
    """Journal an event a rule made for its own order; give it and those that follow, for the workflow to take.

    Nothing is left for the relay: the run's outcome hands them over. A repeated call gives the same events.
    """
    at = event.at or now
    arrival = _checked(
        Arrival(source=event.source, id=event.id, type=event.type, at=at, data=event.data, orders=(key,)),
        with_facts=True,
    )
    seq = await _add_event(tx, arrival, now=now)
    if seq is not None:
        _, follows = await _deliver(tx, arrival, seq=seq, orders=(key,), now=now, state="delivered")
        return (event.model_copy(update={"data": {}, "at": at}), *follows)
    stem = _stem(event.id)
    values = {"from_source": event.source, "event_id": event.id, "order": str(key)}
    rows = await tx.rows(_MADE_BY_RULE, {**values, "first": f"{stem}/", "last": f"{stem}0"})
    return tuple(Event(id=row.id, type=row.type, at=row.at, source=row.source) for row in rows)


async def event_for(tx: Tx, key: OrderKey, *, source: str, id: str) -> JournalledEvent | None:
    """Read an event as it was journalled for an order, with its decision; None if it never was."""
    values = {"from_source": source, "event_id": id, "scoped_id": _scoped(id, key), "order": str(key)}
    row = await tx.first(_ONE, values)
    if row is None:
        return None
    decision = None if row.decision is None else Decision.model_validate(row.decision)
    return JournalledEvent(type=row.type, at=row.at, data=row.data, decision=decision, state=row.state)


async def decided(
    tx: Tx, key: OrderKey, *, source: str, id: str, decision: Decision, verdict: dict[str, Any], now: datetime
) -> None:
    """Keep the decision on an event. A decision made at resume replaces the one that held the event back."""
    values = {
        "order": str(key),
        "from_source": source,
        "event_id": id,
        "scoped_id": _scoped(id, key),
        "answer": decision.model_dump(mode="json"),
        "because": verdict,
        "why": decision.reason,
        "at": now,
    }
    if (await tx.run(_DECIDED, values)).rowcount == 0:
        raise NotFound("event", f"{source}/{id}")


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


async def _gone_to(tx: Tx, arrival: Arrival) -> tuple[OrderKey, ...]:
    rows = await tx.rows(_GONE_TO, {"from_source": arrival.source, "event_id": arrival.id})
    return tuple(OrderKey(shop=row.shop, number=row.number) for row in rows)


async def _add_event(tx: Tx, arrival: Arrival, *, now: datetime) -> int | None:
    values = {
        "source": arrival.source,
        "id": arrival.id,
        "type": arrival.type,
        "at": _aware(arrival.at),
        "data": arrival.data,
        "raw": arrival.raw,
        "received_at": now,
    }
    seq: int | None = (await tx.run(_ADD_EVENT, values)).scalar_one_or_none()
    return seq


async def _deliver(
    tx: Tx,
    arrival: Arrival,
    *,
    seq: int,
    orders: tuple[OrderKey, ...],
    now: datetime,
    state: str = "new",
    with_facts: bool = True,
) -> tuple[tuple[Delivery, ...], tuple[Event, ...]]:
    """Send an event on to orders, with its facts, and journal what follows from them."""
    follows: tuple[Arrival, ...] = ()
    if with_facts and orders and arrival.type in facts.TYPES:
        fact_id = f"{arrival.source}:{arrival.id}"
        try:
            applied = await facts.apply(
                tx, orders[0], event_type=arrival.type, data=arrival.data, id=fact_id, at=_aware(arrival.at)
            )
        except facts.BadEvent:
            await tx.run(_DROP_EVENT, {"event_seq": seq})  # so that it can still be kept without its facts
            raise
        if applied.data != arrival.data:
            await tx.run(_ENRICH, {"event_seq": seq, "full": applied.data})
        follows = tuple(_following(arrival, orders[0], *follow) for follow in applied.follows)
    deliveries = await _add_deliveries(tx, arrival, seq=seq, orders=orders, now=now, state=state)
    for follow in follows:  # at most one, payment.paid
        follow_seq = await _add_event(tx, follow, now=now)
        if follow_seq is not None:
            deliveries += await _add_deliveries(tx, follow, seq=follow_seq, orders=orders, now=now, state=state)
    return deliveries, tuple(Event(id=f.id, type=f.type, at=f.at, source=f.source) for f in follows)


async def _add_deliveries(
    tx: Tx, arrival: Arrival, *, seq: int, orders: tuple[OrderKey, ...], now: datetime, state: str
) -> tuple[Delivery, ...]:
    if not orders:
        return ()
    rows = [
        {
            "order_id": str(key),
            "event": seq,
            "state": state,
            "attempts": 0,
            "next_at": now + arrival.grace,
            "error": "",
        }
        for key in orders
    ]
    keys = {str(key): key for key in orders}
    event = Event(id=cleaned(arrival.id), type=cleaned(arrival.type), at=arrival.at, source=cleaned(arrival.source))
    return tuple(Delivery(row.id, keys[row.order_id], event) for row in await tx.run(_ADD_DELIVERY, rows))


def _following(arrival: Arrival, key: OrderKey, event_type: str, data: dict[str, Any]) -> Arrival:
    return Arrival(
        source=arrival.source,
        id=f"{_stem(arrival.id)}/{event_type.rpartition('.')[2]}",
        type=event_type,
        at=arrival.at,
        data=data,
        orders=(key,),
        grace=arrival.grace,
    )


def _stem(id: str) -> str:
    # An event's id holds 200 characters at most, so a long one is shortened before something is added to it.
    return id if len(id) <= 150 else f"{id[:120]}#{sha256(cleaned(id).encode()).hexdigest()[:16]}"


def _scoped(id: str, key: OrderKey) -> str:
    return f"{id[:120]}@{sha256(cleaned(f'{key} {id}').encode()).hexdigest()[:16]}"


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
