"""Notices to employees: their inbox, and the way in which each is to reach them besides. Sending them: parcels.py."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.cursors import after_number, page_of
from activities.store.database import Tx
from activities.store.history import LedgerState, NewNotice, NoticeRecord
from activities.store.records import Page, Way
from activities.store.tables import EMPLOYEES, NOTICES, ORDERS
from workflows.contracts.ids import OrderKey

_NAMESPACE = UUID("0b7f1c0e-5b1a-5f0e-9d63-6a8f5f0f2a11")

# Two keys make a notice unique: its employee or its room, with the ref.
_ADD = upsert(NOTICES).on_conflict_do_nothing()

_CHOICES = select(EMPLOYEES.c.id, EMPLOYEES.c.notify, EMPLOYEES.c.email, EMPLOYEES.c.phone).where(
    EMPLOYEES.c.id.in_(bindparam("readers", expanding=True))
)

_NOTICE = select(NOTICES, ORDERS.c.shop, ORDERS.c.number).outerjoin(ORDERS, ORDERS.c.id == NOTICES.c.order_id)

_OF_EMPLOYEE = (
    _NOTICE.where(NOTICES.c.employee == bindparam("reader"), NOTICES.c.id < bindparam("before"))
    .order_by(NOTICES.c.id.desc())
    .limit(bindparam("most"))
)

_OF_ORDER = _NOTICE.where(NOTICES.c.order_id == bindparam("order_id")).order_by(NOTICES.c.id)

_READ = (
    update(NOTICES)
    .where(
        NOTICES.c.employee == bindparam("reader"),
        NOTICES.c.id.in_(bindparam("ids", expanding=True)),
        NOTICES.c.read_at.is_(None),
    )
    .values(read_at=bindparam("at"))
)


async def add(tx: Tx, *, notices: Sequence[NewNotice], key: OrderKey | None, now: datetime) -> None:
    """Put notices into inboxes, and have them sent in the way each employee chose; the same one is written once."""
    ways = await _ways(tx, notices)
    rows = [
        {
            "send_id": send_id(reader=notice.employee or f"chat:{notice.room}", ref=notice.ref),
            "employee": notice.employee,
            "room": notice.room,
            "order_id": None if key is None else str(key),
            "text": notice.text,
            "sender": notice.sender,
            "ref": notice.ref,
            "created_at": now,
            "file": notice.file,
            "way": way,
            "state": "" if way is Way.INBOX else LedgerState.PLANNED,
            "next_at": None if way is Way.INBOX else now,
            "attempts": 0,
            "provider": "",
            "address_hash": "",
            "body_hash": "",
            "provider_status": "",
            "rank": 0,
            "code": "",
            "words": "",
            "updated_at": now,
        }
        for notice in notices
        for way in (ways.get(notice.employee, Way.INBOX) if notice.employee else Way.CHAT,)
    ]
    if rows:
        await tx.run(_ADD, rows)


def send_id(*, reader: str, ref: str) -> UUID:
    """Return the id of a notice's send: the same for every attempt."""
    return uuid5(_NAMESPACE, f"{reader}|{ref}")


async def of_employee(tx: Tx, *, employee: str, cursor: str | None = None, limit: int = 50) -> Page[NoticeRecord]:
    """List an employee's notices, the newest first; raise ValueError for a cursor of another list."""
    values = {"reader": employee, "before": after_number(cursor, default=2**62), "most": limit + 1}
    records = [_record(row) for row in await tx.rows(_OF_EMPLOYEE, values)]
    return page_of(records, limit=limit, cursor=lambda notice: str(notice.id))


async def of_order(tx: Tx, key: OrderKey) -> list[NoticeRecord]:
    """List the notices about an order, the oldest first."""
    return [_record(row) for row in await tx.rows(_OF_ORDER, {"order_id": str(key)})]


async def by_ref(tx: Tx, key: OrderKey) -> dict[str, list[tuple[str, str]]]:
    """List an order's notices by their `ref`: to whom, and the text."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in await tx.rows(_OF_ORDER, {"order_id": str(key)}):
        found.setdefault(row.ref, []).append((row.employee or f"chat:{row.room}", row.text))
    return found


async def mark_read(tx: Tx, *, employee: str, ids: Sequence[int], now: datetime) -> None:
    """Mark an employee's notices as read."""
    if ids:
        await tx.run(_READ, {"reader": employee, "ids": list(ids), "at": now})


async def _ways(tx: Tx, notices: Sequence[NewNotice]) -> dict[str, Way]:
    """Give the way of each employee who can be reached in it; the others have their inbox."""
    readers = sorted({notice.employee for notice in notices if notice.employee})
    found = await tx.rows(_CHOICES, {"readers": readers}) if readers else []
    return {row.id: Way(row.notify) for row in found if _is_reached(row)}


def _is_reached(row: Row[Any]) -> bool:
    # A chat without an address of the employee's own is the shop's, which is a setting.
    return row.notify == Way.CHAT or bool({Way.EMAIL: row.email, Way.SMS: row.phone}.get(row.notify))


def _record(row: Row[Any]) -> NoticeRecord:
    return NoticeRecord(
        id=row.id,
        employee=row.employee,
        room=row.room,
        way=row.way,
        state=row.state or None,
        words=row.words,
        shop=row.shop,
        number=row.number,
        text=row.text,
        sender=row.sender,
        created_at=row.created_at,
        read_at=row.read_at,
    )
