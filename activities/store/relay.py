"""Deliveries on their way: claimed by one relay at a time, marked, repeated until they are decided, given up.

That Temporal took a signal does not say that the workflow saw it: it may be terminated, or its server restored.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, case, select, text, update

from activities.store.cursors import after_number, page_of
from activities.store.database import NotFound, Tx
from activities.store.history import DeadRecord
from activities.store.journal import Delivery
from activities.store.records import Page
from activities.store.tables import DELIVERIES, EVENTS, ORDERS
from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey

#: A delivery whose tries failed this often is dead, until a person replays it.
TRIES = 10

_LONGEST = timedelta(minutes=10)

#: A delivery that Temporal took and nobody decided is signalled again after so long, each time later.
CONFIRM = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 300, 900, 3600))

# `next_at` is the lease as well: a relay that dies leaves its deliveries to the others when it has passed.
# The state is written out, as only then the partial index is used.
_DUE = (
    select(DELIVERIES.c.id)
    .where(
        DELIVERIES.c.decided_at.is_(None),
        DELIVERIES.c.state != text("'dead'"),
        DELIVERIES.c.next_at <= bindparam("now"),
    )
    .order_by(DELIVERIES.c.next_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)

_LEASE = (
    update(DELIVERIES).where(DELIVERIES.c.id.in_(bindparam("ids", expanding=True))).values(next_at=bindparam("until"))
)

_DELIVERY = (
    select(
        DELIVERIES.c.id.label("delivery"),
        DELIVERIES.c.attempts,
        DELIVERIES.c.error,
        EVENTS.c.id,
        EVENTS.c.type,
        EVENTS.c.at,
        EVENTS.c.source,
        ORDERS.c.shop,
        ORDERS.c.number,
    )
    .join(EVENTS, EVENTS.c.seq == DELIVERIES.c.event)
    .join(ORDERS, ORDERS.c.id == DELIVERIES.c.order_id)
)

_THESE = _DELIVERY.where(DELIVERIES.c.id.in_(bindparam("ids", expanding=True))).order_by(DELIVERIES.c.id)

_DEAD = (
    _DELIVERY.where(DELIVERIES.c.state == text("'dead'"), DELIVERIES.c.id > bindparam("after"))
    .order_by(DELIVERIES.c.id)
    .limit(bindparam("most"))
)

_AFTER = [bindparam(f"after_{tries}", type_=DELIVERIES.c.next_at.type) for tries in range(len(CONFIRM))]

_NEXT = case(*((DELIVERIES.c.attempts == tries, after) for tries, after in enumerate(_AFTER[:-1])), else_=_AFTER[-1])

_DELIVERED = (
    update(DELIVERIES)
    .where(DELIVERIES.c.id.in_(bindparam("ids", expanding=True)), DELIVERIES.c.state != "dead")
    .values(state="delivered", error="", attempts=DELIVERIES.c.attempts + 1, next_at=_NEXT)
)

_TRIES = select(DELIVERIES.c.attempts).where(DELIVERIES.c.id == bindparam("delivery")).with_for_update()

_FAILED = (
    update(DELIVERIES)
    .where(DELIVERIES.c.id == bindparam("delivery"), DELIVERIES.c.state == "new")
    .values(
        attempts=bindparam("tries"), state=bindparam("to_state"), error=bindparam("said"), next_at=bindparam("next")
    )
)

_REPLAY = (
    update(DELIVERIES)
    .where(DELIVERIES.c.id == bindparam("delivery"), DELIVERIES.c.state == "dead")
    .values(attempts=0, state="new", next_at=bindparam("now"))
)


async def claim_undelivered(tx: Tx, *, now: datetime, limit: int = 100, lease: timedelta) -> list[Delivery]:
    """Take events that are not decided for the time of the lease, the oldest first; other relays pass them by."""
    ids = [row.id for row in await tx.rows(_DUE, {"now": now, "most": limit})]
    if not ids:
        return []
    await tx.run(_LEASE, {"ids": ids, "until": now + lease})
    return [_delivery(row) for row in await tx.rows(_THESE, {"ids": ids})]


async def mark_delivered(tx: Tx, *, ids: Sequence[int], now: datetime) -> None:
    """Mark deliveries as taken by Temporal; those that nobody decides are taken again later."""
    if ids:
        moments = {f"after_{tries}": now + wait for tries, wait in enumerate(CONFIRM)}
        await tx.run(_DELIVERED, {"ids": list(ids), **moments})


async def mark_failed(tx: Tx, *, id: int, error: str, now: datetime, is_try: bool = True) -> None:
    """Note a failed delivery: it is tried again later, at the tenth try it is dead.

    With `is_try` False (Temporal cannot be reached) the try does not count.
    """
    row = await tx.first(_TRIES, {"delivery": id})
    if row is None:
        return
    tries = row.attempts + 1 if is_try else row.attempts
    wait = min(timedelta(seconds=2.0 ** min(tries, 10)), _LONGEST) if is_try else timedelta(seconds=5)
    values = {
        "delivery": id,
        "tries": tries,
        "to_state": "dead" if tries >= TRIES else "new",
        "said": error[:1000],
        "next": now + wait,
    }
    await tx.run(_FAILED, values)


async def dead(tx: Tx, *, cursor: str | None = None, limit: int = 100) -> Page[DeadRecord]:
    """List deliveries that were given up, the oldest first; raise ValueError for a cursor that is none of ours."""
    rows = await tx.rows(_DEAD, {"after": after_number(cursor, default=0), "most": limit + 1})
    return page_of([_dead(row) for row in rows], limit=limit, cursor=lambda record: str(record.id))


async def replay(tx: Tx, *, id: int, now: datetime) -> Delivery:
    """Put a dead delivery back to be delivered, and give it. Raise NotFound if there is no dead one of that id."""
    if (await tx.run(_REPLAY, {"delivery": id, "now": now})).rowcount == 0:
        raise NotFound("dead delivery", str(id))
    [row] = await tx.rows(_THESE, {"ids": [id]})
    return _delivery(row)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.delivery,
        key=OrderKey(shop=row.shop, number=row.number),
        event=Event(id=row.id, type=row.type, at=row.at, source=row.source),
        attempts=row.attempts,
    )


def _dead(row: Row[Any]) -> DeadRecord:
    return DeadRecord(
        id=row.delivery,
        shop=row.shop,
        number=row.number,
        source=row.source,
        event=row.id,
        type=row.type,
        at=row.at,
        attempts=row.attempts,
        error=row.error,
    )
