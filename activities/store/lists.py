"""The shop's lists, whose entries rules add."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, literal, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.columns import Moment
from activities.store.cursors import after_moment, moment_cursor, page_of
from activities.store.database import Tx
from activities.store.history import ListItemRecord
from activities.store.records import Page
from activities.store.tables import LIST_ITEMS, ORDERS
from workflows.contracts.ids import OrderKey

_ADD = upsert(LIST_ITEMS).on_conflict_do_nothing(index_elements=["id"])

_OF_LIST = (
    select(LIST_ITEMS, ORDERS.c.shop, ORDERS.c.number)
    .outerjoin(ORDERS, ORDERS.c.id == LIST_ITEMS.c.order_id)
    .where(LIST_ITEMS.c.list == bindparam("name"))
    .order_by(LIST_ITEMS.c.created_at, LIST_ITEMS.c.id)
)


async def add(tx: Tx, key: OrderKey, *, id: UUID, to: str, fields: dict[str, str], now: datetime) -> None:
    """Add an entry to a list; the same id is written once."""
    await tx.run(_ADD, {"id": id, "list": to, "order_id": str(key), "fields": fields, "created_at": now})


async def page(tx: Tx, *, name: str, cursor: str | None = None, limit: int = 50) -> Page[ListItemRecord]:
    """List a list's entries, the oldest first; raise ValueError for a cursor of another list."""
    query = _OF_LIST.limit(limit + 1)
    if cursor is not None:
        at, id = after_moment(cursor)
        after = tuple_(literal(at, Moment()), literal(UUID(id)))
        query = query.where(tuple_(LIST_ITEMS.c.created_at, LIST_ITEMS.c.id) > after)
    records = [_record(row) for row in await tx.rows(query, {"name": name})]
    return page_of(records, limit=limit, cursor=lambda item: moment_cursor(item.created_at, id=str(item.id)))


def _record(row: Row[Any]) -> ListItemRecord:
    return ListItemRecord.model_validate({name: getattr(row, name) for name in ListItemRecord.model_fields})
