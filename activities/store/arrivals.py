"""Arrivals: an event at the front door, written down with its facts and sent on to its orders as deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, bindparam, delete, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store import awaiting, facts, payments
from activities.store.columns import cleaned
from activities.store.database import Tx
from activities.store.records import CustomerRef
from activities.store.tables import DELIVERIES, EVENTS
from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey


@dataclass(frozen=True)
class Arrival:
    """An event at the front door. It names its orders, or its customer (then `shop` may narrow it).

    `data` is JSON; `raw` is what the sender's request held, byte for byte; None says that it came as a signal. For the
    time of `grace` the relays leave the new deliveries to the caller. With a `problem` (words without a person's data)
    it is only kept, for a person to look at.
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
    problem: str = ""


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


_LONGEST_NAME = 300

_ADD_EVENT = upsert(EVENTS).on_conflict_do_nothing(index_elements=["source", "id"]).returning(EVENTS.c.seq)

_ENRICH = update(EVENTS).where(EVENTS.c.seq == bindparam("event_seq")).values(data=bindparam("full"))

_DROP_EVENT = delete(EVENTS).where(EVENTS.c.seq == bindparam("event_seq"))

_ADD_DELIVERY = (
    upsert(DELIVERIES)
    .on_conflict_do_nothing(index_elements=["order_id", "event"])
    .returning(DELIVERIES.c.id, DELIVERIES.c.order_id)
)


def named(arrival: Arrival) -> str:
    """Say whom an arrival names, as events that go to no order are found by it: `phone:+48…`, `order:shop:1001`.

    "" where it names nobody.
    """
    if arrival.orders:
        return name("order", value=str(arrival.orders[0]))
    if arrival.customer is None:
        return ""
    kind, value = next((kind, value) for kind, value in arrival.customer if value)
    return name(kind, value=value)


def name(kind: str, *, value: str) -> str:
    """Write whom an event names: by phone, email, visitor, customer or order."""
    # PostgreSQL's index holds no long values, and nobody's address is longer.
    return f"{kind}:{value.strip().lower() if kind == 'email' else value}"[:_LONGEST_NAME]


async def add_event(tx: Tx, arrival: Arrival, *, now: datetime, whose: str | None = None) -> int | None:
    """Write an event down and give its number in the journal; None if it is there already.

    `whose` is given for one that goes to no order: whom it names.
    """
    values = {
        "source": arrival.source,
        "id": arrival.id,
        "type": arrival.type,
        "at": _aware(arrival.at),
        "data": arrival.data,
        "raw": arrival.raw,
        "problem": arrival.problem,
        "received_at": now,
        "whose": whose,
    }
    seq: int | None = (await tx.run(_ADD_EVENT, values)).scalar_one_or_none()
    return seq


async def lock_named(tx: Tx, arrival: Arrival) -> facts.Locked | None:
    """Lock the order that a fact from outside names; None for what is no fact. Raise NotFound."""
    if arrival.type not in facts.TYPES:
        return None
    return await facts.lock(tx, arrival.orders[0])


async def deliver(
    tx: Tx,
    arrival: Arrival,
    *,
    seq: int,
    orders: tuple[OrderKey, ...],
    now: datetime,
    with_facts: bool = True,
    locked: facts.Locked | None = None,
) -> tuple[tuple[Delivery, ...], tuple[Event, ...]]:
    """Send an event on to orders, with its facts, and journal what follows from them; then what waited for it.

    `locked` is the order, where it is locked already.
    """
    if not (with_facts and orders and arrival.type in facts.TYPES):
        return await _add_deliveries(tx, arrival, seq=seq, orders=orders, now=now), ()
    is_coming = arrival.type in payments.COMING
    waiting = await awaiting.behind(tx, source=arrival.source, id=arrival.id) if is_coming else ()
    sending = _Sending(
        orders[0], seq=seq, now=now, more=payments.went_back(arrival.data, [row.data for row in waiting])
    )
    try:
        deliveries, follows = await _sent(tx, arrival, sending=sending, locked=locked)
    except facts.BadEvent:
        await tx.run(_DROP_EVENT, {"event_seq": seq})  # so that it can still be kept without its facts
        raise
    for row in waiting:
        deliveries += await _sent_behind(tx, row, sending=sending, grace=arrival.grace)
    return deliveries, follows


@dataclass(frozen=True)
class _Sending:
    """The order that an event with facts goes to, the event's number, and what is known beyond its data."""

    key: OrderKey
    seq: int
    now: datetime
    more: Mapping[str, Any] = field(default_factory=dict)


async def _sent(
    tx: Tx, arrival: Arrival, *, sending: _Sending, locked: facts.Locked | None = None
) -> tuple[tuple[Delivery, ...], tuple[Event, ...]]:
    """Apply an event's facts, and send it and what follows on; raise BadEvent before anything is written."""
    key, now = sending.key, sending.now
    order = locked if locked is not None else await facts.lock(tx, key)
    fact = facts.Fact(
        order,
        type=arrival.type,
        data={**arrival.data, **sending.more},
        id=f"{arrival.source}:{arrival.id}",
        at=_aware(arrival.at),
    )
    applied = await facts.apply(tx, fact)
    if applied.data != arrival.data:
        await tx.run(_ENRICH, {"event_seq": sending.seq, "full": applied.data})
    deliveries = await _add_deliveries(tx, arrival, seq=sending.seq, orders=(key,), now=now)
    follows = tuple(_following(arrival, key, *follow) for follow in applied.follows)
    for follow in follows:  # at most one, payment.paid
        follow_seq = await add_event(tx, follow, now=now)
        if follow_seq is not None:
            deliveries += await _add_deliveries(tx, follow, seq=follow_seq, orders=(key,), now=now)
    return deliveries, tuple(Event(id=f.id, type=f.type, at=f.at, source=f.source) for f in follows)


async def _sent_behind(tx: Tx, row: Row[Any], *, sending: _Sending, grace: timedelta) -> tuple[Delivery, ...]:
    """Send on an event that waited for another one; one that does not fit its order is left to a person."""
    arrival = Arrival(source=row.source, id=row.id, type=row.type, at=row.at, data=row.data, grace=grace)
    try:
        deliveries, _ = await _sent(tx, arrival, sending=_Sending(sending.key, seq=row.seq, now=sending.now))
    except facts.BadEvent as error:
        await awaiting.misfits(tx, number=row.seq, problem=str(error))
        return ()
    await awaiting.came(tx, number=row.seq)
    return deliveries


async def _add_deliveries(
    tx: Tx, arrival: Arrival, *, seq: int, orders: tuple[OrderKey, ...], now: datetime
) -> tuple[Delivery, ...]:
    if not orders:
        return ()
    rows = [
        {
            "order_id": str(key),
            "event": seq,
            "state": "new",
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
        id=f"{stem(arrival.id)}/{event_type.rpartition('.')[2]}",
        type=event_type,
        at=arrival.at,
        data=data,
        orders=(key,),
        grace=arrival.grace,
    )


def stem(id: str) -> str:
    """Give what the ids of events that follow from this one begin with."""
    # An event's id holds 200 characters at most, so a long one is shortened before something is added to it.
    return id if len(id) <= 150 else f"{id[:120]}#{sha256(cleaned(id).encode()).hexdigest()[:16]}"


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
