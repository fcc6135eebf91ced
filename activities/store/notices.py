"""Notices to employees: their inbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.cursors import after_number, page_of
from activities.store.database import Tx
from activities.store.history import NewNotice, NoticeRecord
from activities.store.records import Page
from activities.store.tables import NOTICES, ORDERS
from workflows.contracts.ids import OrderKey

_ADD = upsert(NOTICES).on_conflict_do_nothing(index_elements=["employee", "ref"])

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
    """Put notices into inboxes; the same `ref` and employee are written once."""
    rows = [
        {
            "employee": notice.employee,
            "order_id": None if key is None else str(key),
            "text": notice.text,
            "sender": notice.sender,
            "ref": notice.ref,
            "created_at": now,
            "file": notice.file,
            "way": "inbox",
            "state": "",
            "attempts": 0,
            "provider": "",
            "words": "",
        }
        for notice in notices
    ]
    if rows:
        await tx.run(_ADD, rows)


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
        found.setdefault(row.ref, []).append((row.employee, row.text))
    return found


async def mark_read(tx: Tx, *, employee: str, ids: Sequence[int], now: datetime) -> None:
    """Mark an employee's notices as read."""
    if ids:
        await tx.run(_READ, {"reader": employee, "ids": list(ids), "at": now})


def _record(row: Row[Any]) -> NoticeRecord:
    return NoticeRecord(
        id=row.id,
        employee=row.employee,
        shop=row.shop,
        number=row.number,
        text=row.text,
        sender=row.sender,
        created_at=row.created_at,
        read_at=row.read_at,
    )
