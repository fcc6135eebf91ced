"""What of the notices leaves the house, in the way each employee chose: claimed by a courier, sent once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select

from activities.store import carrying
from activities.store.carrying import End, Given, Parcel
from activities.store.database import Tx
from activities.store.history import LedgerState
from activities.store.notices import send_id as send_id
from activities.store.receipts import Callback
from activities.store.records import Way
from activities.store.tables import EMPLOYEES, NOTICES, ORDERS


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


_WORDS = select(NOTICES.c.text).where(NOTICES.c.id == bindparam("row")).with_for_update()

_STATEMENTS = carrying.statements(NOTICES, NOTICES.c.way, key=NOTICES.c.send_id, words=_WORDS)

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


async def carried_by(tx: Tx, *, given: Sequence[Given]) -> None:
    """Note which provider each claimed notice is given to."""
    await carrying.carried_by(tx, _STATEMENTS, given=given)


async def is_blank(tx: Tx, parcel: Parcel) -> bool:
    """Say whether a notice was deleted after it was claimed."""
    return await carrying.is_blank(tx, _STATEMENTS, id=parcel.id)


async def tell(tx: Tx, parcel: Parcel, *, end: End, now: datetime) -> bool:
    """Record how a notice went; say whether it was still this courier's to tell. Raise DuplicateSend."""
    return await carrying.ended(tx, _STATEMENTS, parcel, end=end, now=now)


async def received(tx: Tx, *, send_id: UUID, provider_id: str, callback: Callback, now: datetime) -> bool | None:
    """Take a provider's callback; say whether it changed anything, None for a send that is no notice.

    Raise DuplicateSend for another provider id.
    """
    code = f" ({callback.code})" if callback.code else ""
    return await carrying.received(
        tx,
        _STATEMENTS,
        send_id=send_id,
        provider_id=provider_id,
        callback=callback,
        failure=f"The provider could not deliver it{code}: correct the employee's address or number",
        now=now,
    )


def _parcel(row: Row[Any], *, until: datetime) -> NoticeParcel:
    way = Way(row.way)
    address = {Way.EMAIL: row.their_email, Way.SMS: row.their_phone, Way.CHAT: row.their_chat}.get(way)
    return NoticeParcel(
        id=row.id,
        send_id=row.send_id,
        attempt=row.attempts,
        is_lost=row.state == LedgerState.UNKNOWN,
        until=until,
        address=address or "",
        text=row.text,
        provider=row.provider,
        since=row.repeated_at or row.created_at,
        way=way,
        room=row.room or "",
        sender=row.sender,
        number=row.number or "",
        file=row.file,
    )
