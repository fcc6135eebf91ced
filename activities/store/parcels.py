"""What of the notices leaves the house, in the way each employee chose: claimed by a courier, sent once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row, bindparam, select

from activities.store import carrying
from activities.store.carrying import End, Parcel, Statements
from activities.store.database import Tx
from activities.store.history import LedgerState
from activities.store.records import Way
from activities.store.tables import EMPLOYEES, NOTICES, ORDERS

_NAMESPACE = UUID("0b7f1c0e-5b1a-5f0e-9d63-6a8f5f0f2a11")


@dataclass(frozen=True)
class NoticeParcel(Parcel):
    """A notice on its way.

    `address` is the employee's in that way, empty for the shop's chat; `room` names a chat room of the staff.
    """

    way: Way
    room: str
    sender: str
    number: str
    file: dict[str, str] | None


_DUE = carrying.due(NOTICES, NOTICES.c.way)
_CLAIM = carrying.claim(NOTICES)
_LOST = carrying.lost(NOTICES)
_LOOK = carrying.look(NOTICES)
_BY = carrying.by(NOTICES)
_TELL = carrying.tell(NOTICES)

_STATEMENTS = Statements(due=_DUE, claim=_CLAIM, lost=_LOST, look=_LOOK, by=_BY, tell=_TELL)

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
    .where(NOTICES.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(NOTICES.c.id)
)


async def claim(
    tx: Tx, *, now: datetime, limit: int, lease: timedelta, graces: Mapping[Way, timedelta]
) -> list[NoticeParcel]:
    """Take what is due for the time of the lease; other couriers pass it by."""
    taken = await carrying.take(
        tx, _STATEMENTS, now=now, limit=limit, lease=lease, grace=lambda row: graces.get(row.way, lease)
    )
    rows = await tx.rows(_PARCELS, {"ids": taken.ids}) if taken.ids else []
    return [_parcel(row, until=taken.until) for row in rows]


async def carried_by(tx: Tx, *, providers: Sequence[tuple[int | UUID, str]]) -> None:
    """Note which provider each claimed notice is given to."""
    await carrying.carried_by(tx, _STATEMENTS, providers=providers)


async def tell(tx: Tx, parcel: Parcel, *, end: End) -> bool:
    """Record how a parcel went; say whether it was still this courier's to tell."""
    return await carrying.ended(tx, _STATEMENTS, parcel, end=end)


def send_id(*, reader: str, ref: str) -> UUID:
    """Return the id of a notice's send: the same for every attempt."""
    return uuid5(_NAMESPACE, f"{reader}|{ref}")


def _parcel(row: Row[Any], *, until: datetime) -> NoticeParcel:
    way = Way(row.way)
    address = {Way.EMAIL: row.their_email, Way.SMS: row.their_phone, Way.CHAT: row.their_chat}.get(way)
    return NoticeParcel(
        id=row.id,
        send_id=send_id(reader=row.employee or f"chat:{row.room}", ref=row.ref),
        attempt=row.attempts,
        is_lost=row.state == LedgerState.UNKNOWN,
        until=until,
        address=address or "",
        text=row.text,
        provider=row.provider,
        created_at=row.created_at,
        way=way,
        room=row.room or "",
        sender=row.sender,
        number=row.number or "",
        file=row.file,
    )
