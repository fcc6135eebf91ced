"""What of the notices leaves the house: claimed by a courier, sent once, settled where the answer was lost.

A notice's `state` is that of a send of the ledger. `next_at` is when it is due, in each state: planned to be sent,
dispatching to be lost (its claim ends), unknown to be looked up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row, bindparam, select, text, update

from activities.store.database import Tx
from activities.store.history import LedgerState
from activities.store.records import Way
from activities.store.tables import EMPLOYEES, NOTICES, ORDERS

_NAMESPACE = UUID("0b7f1c0e-5b1a-5f0e-9d63-6a8f5f0f2a11")


@dataclass(frozen=True)
class Parcel:
    """A notice that belongs to one courier until `until`: to be sent or, where its answer was lost, looked up.

    `address` is the employee's in that way, empty for the shop's chat; `room` names a chat room of the staff.
    """

    id: int
    send_id: UUID
    attempt: int
    is_lost: bool
    until: datetime
    way: Way
    address: str
    room: str
    text: str
    sender: str
    number: str
    file: dict[str, str] | None
    provider: str
    created_at: datetime


# The states are written out, as only then the partial index is used.
_DUE = (
    select(NOTICES.c.id, NOTICES.c.state, NOTICES.c.way)
    .where(text("notices.state IN ('planned', 'dispatching', 'unknown')"), NOTICES.c.next_at <= bindparam("now"))
    .order_by(NOTICES.c.next_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)

_THESE = NOTICES.c.id.in_(bindparam("ids", expanding=True))

_CLAIM = (
    update(NOTICES)
    .where(_THESE)
    .values(state=LedgerState.DISPATCHING, attempts=NOTICES.c.attempts + 1, next_at=bindparam("until"))
)

_LOST = (
    update(NOTICES)
    .where(NOTICES.c.id == bindparam("notice"))
    .values(state=LedgerState.UNKNOWN, next_at=bindparam("then"))
)

_LOOK = update(NOTICES).where(_THESE).values(next_at=bindparam("until"))

_PARCELS = (
    select(
        NOTICES,
        ORDERS.c.number,
        EMPLOYEES.c.email.label("their_email"),
        EMPLOYEES.c.phone.label("their_phone"),
        EMPLOYEES.c.chat.label("their_chat"),
    )
    .outerjoin(ORDERS, ORDERS.c.id == NOTICES.c.order_id)
    .outerjoin(EMPLOYEES, EMPLOYEES.c.id == NOTICES.c.employee)
    .where(_THESE)
    .order_by(NOTICES.c.id)
)

_BY = update(NOTICES).where(NOTICES.c.id == bindparam("notice")).values(provider=bindparam("name"))

# Only the attempt that holds the claim, or that settles what was lost, may tell how it went.
_TELL = (
    update(NOTICES)
    .where(
        NOTICES.c.id == bindparam("notice"),
        NOTICES.c.attempts == bindparam("attempt"),
        NOTICES.c.state.in_((LedgerState.DISPATCHING, LedgerState.UNKNOWN)),
    )
    .values(
        state=bindparam("to_state"),
        provider_id=bindparam("their_id"),
        words=bindparam("said"),
        next_at=bindparam("then"),
    )
)


async def claim(
    tx: Tx, *, now: datetime, limit: int, lease: timedelta, graces: Mapping[Way, timedelta]
) -> list[Parcel]:
    """Take what is due for the time of the lease; other couriers pass it by.

    What a courier that died had claimed may have left: it becomes unknown, and is looked up when the
    provider of its way can know.
    """
    due = await tx.rows(_DUE, {"now": now, "most": limit})
    planned = [row.id for row in due if row.state == LedgerState.PLANNED]
    unknown = [row.id for row in due if row.state == LedgerState.UNKNOWN]
    lost = [row for row in due if row.state == LedgerState.DISPATCHING]
    if lost:
        await tx.run(_LOST, [{"notice": row.id, "then": now + graces.get(row.way, lease)} for row in lost])
    if unknown:
        await tx.run(_LOOK, {"ids": unknown, "until": now + lease})
    if planned:
        await tx.run(_CLAIM, {"ids": planned, "until": now + lease})
    rows = await tx.rows(_PARCELS, {"ids": [*planned, *unknown]}) if planned or unknown else []
    return [_parcel(row, until=now + lease) for row in rows]


async def carried_by(tx: Tx, *, providers: Sequence[tuple[int, str]]) -> None:
    """Note which provider each claimed notice is given to: it is the one to be asked about it."""
    if providers:
        await tx.run(_BY, [{"notice": id, "name": name} for id, name in providers])


async def tell(
    tx: Tx,
    parcel: Parcel,
    *,
    state: LedgerState,
    next_at: datetime | None = None,
    provider_id: str | None = None,
    words: str = "",
) -> bool:
    """Record how a parcel went; say whether it was still this courier's to tell."""
    values = {
        "notice": parcel.id,
        "attempt": parcel.attempt,
        "to_state": state,
        "their_id": provider_id,
        "said": words,
        "then": next_at,
    }
    return (await tx.run(_TELL, values)).rowcount > 0


def send_id(*, reader: str, ref: str) -> UUID:
    """Return the id of a notice's send: the same for every attempt."""
    return uuid5(_NAMESPACE, f"{reader}|{ref}")


def _parcel(row: Row[Any], *, until: datetime) -> Parcel:
    way = Way(row.way)
    address = {Way.EMAIL: row.their_email, Way.SMS: row.their_phone, Way.CHAT: row.their_chat}.get(way)
    return Parcel(
        id=row.id,
        send_id=send_id(reader=row.employee or f"chat:{row.room}", ref=row.ref),
        attempt=row.attempts,
        is_lost=row.state == LedgerState.UNKNOWN,
        until=until,
        way=way,
        address=address or "",
        room=row.room or "",
        text=row.text,
        sender=row.sender,
        number=row.number or "",
        file=row.file,
        provider=row.provider,
        created_at=row.created_at,
    )
