"""Events that wait for a person, as nobody was found or they do not fit: listed, given to an order, laid aside.

Those that wait for another event are listed when their patience is over; when that one comes, they wait no longer.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from activities.store import addressees, arrivals, awaiting, journal, payments
from activities.store.arrivals import Arrival, Delivery
from activities.store.awaiting import Awaited
from activities.store.cursors import after_number, page_of
from activities.store.database import Conflict, NotFound, Tx
from activities.store.records import Page
from activities.store.tables import EVENTS
from activities.store.values import Boundary
from workflows.contracts.ids import OrderKey


class ParkedRecord(Boundary):
    """An event that waits for a person; `problem` says why. `id` is the event's number in the journal."""

    id: int
    source: str
    event: str
    type: str
    at: datetime
    received_at: datetime
    problem: str
    data: dict[str, Any]


_COLUMNS = (
    EVENTS.c.seq,
    EVENTS.c.source,
    EVENTS.c.id,
    EVENTS.c.type,
    EVENTS.c.at,
    EVENTS.c.received_at,
    EVENTS.c.problem,
    EVENTS.c.data,
)

_PAGE = (
    select(*_COLUMNS)
    .where(EVENTS.c.problem != "", EVENTS.c.seq > bindparam("after"), ~awaiting.IS_PATIENT)
    .order_by(EVENTS.c.seq)
    .limit(bindparam("most"))
)

_ONE = select(*_COLUMNS, EVENTS.c.raw).where(EVENTS.c.seq == bindparam("number"), EVENTS.c.problem != "")

_LOCK = _ONE.with_for_update()

_GIVEN = update(EVENTS).where(EVENTS.c.seq == bindparam("number")).values(problem="", whose=None)

# It still went to no order, so it is erased with whom it names, and let go in time.
_LAID_ASIDE = update(EVENTS).where(EVENTS.c.seq == bindparam("number")).values(problem="")


async def page(tx: Tx, *, now: datetime, cursor: str | None = None, limit: int = 50) -> Page[ParkedRecord]:
    """List the events that wait for a person, the oldest first; raise ValueError for a cursor that is none of ours."""
    rows = await tx.rows(_PAGE, {"after": after_number(cursor, default=0), "most": limit + 1, "now": now})
    return page_of([_record(row) for row in rows], limit=limit, cursor=lambda record: str(record.id))


async def get(tx: Tx, *, id: int) -> tuple[ParkedRecord, bytes]:
    """Read one, and what came as it was sent: who called, or which order was named. Raise NotFound."""
    row = await tx.first(_ONE, {"number": id})
    if row is None:
        raise NotFound("parked event", str(id))
    return _record(row), row.raw or b""


async def until_it_comes(tx: Tx, arrival: Arrival, *, awaited: Awaited, problem: str, now: datetime) -> Arrival | None:
    """Give an event its place behind another one of its source: the orders of that one, where it names none itself.

    None where that one is not in the journal, or went to no order yet: then the event is parked until it does. What
    names an order whose money another source tells of waits for nothing.
    """
    await awaiting.hold(tx, source=arrival.source, id=awaited.id, now=now)
    orders = await journal.gone_to(tx, source=arrival.source, id=awaited.id)
    if orders:
        return arrival if arrival.orders else replace(arrival, orders=orders)
    for key in arrival.orders:
        if await payments.came_otherwise(tx, key, source=arrival.source):
            return arrival
    if await journal.park(tx, arrival, problem=problem, now=now):
        await awaiting.begin(tx, source=arrival.source, id=arrival.id, awaited=awaited, now=now)
    return None


async def give(tx: Tx, *, id: int, key: OrderKey, now: datetime) -> tuple[ParkedRecord, tuple[Delivery, ...]]:
    """Give an event to an order, with its facts: a person has looked. Return the deliveries to be handed over.

    Raise NotFound for no such event or order, BadEvent for data that cannot be a fact, Conflict for a type that no
    order can use.
    """
    row = await tx.first(_LOCK, {"number": id})
    if row is None:
        raise NotFound("parked event", str(id))
    if row.type.endswith(".unknown"):
        raise Conflict("The event could not be read, so no order can use it: look at it, then dismiss it")
    arrival = Arrival(
        source=row.source, id=row.id, type=row.type, at=row.at, data=row.data, raw=row.raw or b"", orders=(key,)
    )
    await addressees.of(tx, arrival)
    await awaiting.end(tx, numbers=[id])
    deliveries, _ = await arrivals.deliver(tx, arrival, seq=row.seq, orders=(key,), now=now)
    await tx.run(_GIVEN, {"number": id})
    return _record(row), deliveries


async def dismiss(tx: Tx, *, id: int) -> ParkedRecord:
    """Lay an event aside: it stays in the journal and does nothing. Raise NotFound if none of that id waits."""
    row = await tx.first(_LOCK, {"number": id})
    if row is None:
        raise NotFound("parked event", str(id))
    await awaiting.end(tx, numbers=[id])
    await tx.run(_LAID_ASIDE, {"number": id})
    return _record(row)


def _record(row: Row[Any]) -> ParkedRecord:
    return ParkedRecord(
        id=row.seq,
        source=row.source,
        event=row.id,
        type=row.type,
        at=row.at,
        received_at=row.received_at,
        problem=row.problem,
        data=row.data,
    )
