"""The outbox: what would have been sent, kept by the provider of that name."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, literal, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.columns import Moment
from activities.store.cursors import after_moment, moment_cursor, page_of
from activities.store.database import Tx
from activities.store.history import OutboxRecord
from activities.store.records import Page
from activities.store.tables import OUTBOX

_PUT = upsert(OUTBOX).on_conflict_do_nothing(index_elements=["send_id"])

_FIND = select(OUTBOX).where(OUTBOX.c.send_id == bindparam("send"))

_NEWEST = select(OUTBOX).order_by(OUTBOX.c.at.desc(), OUTBOX.c.send_id.desc())


async def put(tx: Tx, *, record: OutboxRecord) -> OutboxRecord:
    """Keep a message once by its `send_id`; give the one that is kept."""
    if (await tx.run(_PUT, record.model_dump())).rowcount > 0:
        return record
    return await find(tx, send_id=record.send_id) or record


async def find(tx: Tx, *, send_id: UUID) -> OutboxRecord | None:
    """Read a message; None if it never came."""
    row = await tx.first(_FIND, {"send": send_id})
    return None if row is None else _record(row)


async def page(tx: Tx, *, cursor: str | None = None, limit: int = 50) -> Page[OutboxRecord]:
    """List messages, the newest first; raise ValueError for a cursor of another list."""
    query = _NEWEST.limit(limit + 1)
    if cursor is not None:
        at, id = after_moment(cursor)
        query = query.where(tuple_(OUTBOX.c.at, OUTBOX.c.send_id) < tuple_(literal(at, Moment()), literal(UUID(id))))
    records = [_record(row) for row in await tx.rows(query)]
    return page_of(records, limit=limit, cursor=lambda message: moment_cursor(message.at, id=str(message.send_id)))


def _record(row: Row[Any]) -> OutboxRecord:
    return OutboxRecord.model_validate({name: getattr(row, name) for name in OutboxRecord.model_fields})
