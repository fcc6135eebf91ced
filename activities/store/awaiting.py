"""Events that wait for another one of their source: a refund is heard of before the payment that it takes back.

In: an event that is parked meanwhile, and the id of the one it waits for. Out: when that one is journalled for an
order, or given to it by a person, those behind it, to be sent on in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.database import Tx
from activities.store.tables import EVENTS, WAITING


@dataclass(frozen=True)
class Awaited:
    """The event that must come first: its id at the same source, and how long nobody needs to look."""

    id: str
    patience: timedelta


_HOLD = upsert(EVENTS).on_conflict_do_nothing(index_elements=["source", "id"]).returning(EVENTS.c.seq)

_LET_GO = delete(EVENTS).where(EVENTS.c.seq == bindparam("number"))

_THE_ONE = (
    select(EVENTS.c.seq)
    .where(EVENTS.c.source == bindparam("from_source"), EVENTS.c.id == bindparam("event_id"))
    .with_for_update()
)

_BEGIN = insert(WAITING)

# What a person is giving to an order right now is passed by; nobody waits for each other.
_BEHIND = (
    select(EVENTS.c.seq, EVENTS.c.source, EVENTS.c.id, EVENTS.c.type, EVENTS.c.at, EVENTS.c.data)
    .join(WAITING, WAITING.c.event == EVENTS.c.seq)
    .where(
        WAITING.c.source == bindparam("from_source"), WAITING.c.awaited == bindparam("event_id"), EVENTS.c.problem != ""
    )
    .order_by(EVENTS.c.at, EVENTS.c.seq)
    .with_for_update(of=EVENTS, skip_locked=True)
)

_END = delete(WAITING).where(WAITING.c.event.in_(bindparam("numbers", expanding=True)))

_CAME = update(EVENTS).where(EVENTS.c.seq == bindparam("number")).values(problem="", whose=None)

_MISFITS = update(EVENTS).where(EVENTS.c.seq == bindparam("number")).values(problem=bindparam("words"))

#: A condition on events: nobody needs to look yet.
IS_PATIENT = exists().where(
    WAITING.c.event == EVENTS.c.seq, WAITING.c.until > bindparam("now", type_=WAITING.c.until.type)
)


async def hold(tx: Tx, *, source: str, id: str, now: datetime) -> None:
    """Let nobody journal an event, or give it to an order, before this transaction ends.

    Else each of two transactions at a time would miss what the other one writes.
    """
    placeholder = {
        "source": source,
        "id": id,
        "type": "",
        "at": now,
        "data": {},
        "raw": None,
        "problem": "",
        "received_at": now,
        "whose": None,
    }
    held = (await tx.run(_HOLD, placeholder)).scalar_one_or_none()
    if held is None:
        await tx.first(_THE_ONE, {"from_source": source, "event_id": id})
    else:  # the key stays locked: who inserts it meanwhile waits for our commit
        await tx.run(_LET_GO, {"number": held})


async def begin(tx: Tx, *, source: str, id: str, awaited: Awaited, now: datetime) -> None:
    """Let an event of the journal wait for another one of its source."""
    row = await tx.first(_THE_ONE, {"from_source": source, "event_id": id})
    assert row is not None
    await tx.run(_BEGIN, {"event": row.seq, "source": source, "awaited": awaited.id, "until": now + awaited.patience})


async def behind(tx: Tx, *, source: str, id: str) -> Sequence[Row[Any]]:
    """Give the events that wait for one, the oldest first, and lock them."""
    return await tx.rows(_BEHIND, {"from_source": source, "event_id": id})


async def came(tx: Tx, *, number: int) -> None:
    """Note that an event went to its order, behind the one it waited for."""
    await end(tx, numbers=[number])
    await tx.run(_CAME, {"number": number})


async def misfits(tx: Tx, *, number: int, problem: str) -> None:
    """Note why an event does not fit the order of the one it waited for: a person has to look."""
    await end(tx, numbers=[number])
    await tx.run(_MISFITS, {"number": number, "words": problem})


async def end(tx: Tx, *, numbers: Sequence[int]) -> None:
    """Let events wait for nothing any more."""
    if numbers:
        await tx.run(_END, {"numbers": list(numbers)})
