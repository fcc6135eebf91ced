"""The employees' feed: posts that rules write."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Text, bindparam, cast, func, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.cursors import after_number, page_of
from activities.store.database import Tx
from activities.store.history import PostRecord
from activities.store.records import Page
from activities.store.tables import ORDERS, POSTS
from workflows.contracts.ids import OrderKey


@dataclass(frozen=True)
class NewPost:
    """A post to be written, once by its `ref`. Without `readers` it is for everybody."""

    ref: str
    text: str
    title: str = ""
    sender: str = ""
    readers: tuple[str, ...] = ()


_ADD = upsert(POSTS).on_conflict_do_nothing(index_elements=["ref"])

_READERS = cast(POSTS.c.readers, Text)

_OF_EMPLOYEE = (
    select(POSTS, ORDERS.c.shop, ORDERS.c.number)
    .outerjoin(ORDERS, ORDERS.c.id == POSTS.c.order_id)
    .where(
        POSTS.c.id < bindparam("before"),
        # The reader's id as JSON writes it is a part of the list; LIKE would not mind capitals on SQLite.
        or_(_READERS == "[]", func.replace(_READERS, bindparam("quoted", type_=Text()), "") != _READERS),
    )
    .order_by(POSTS.c.id.desc())
    .limit(bindparam("most"))
)


async def add(tx: Tx, key: OrderKey, *, post: NewPost, now: datetime) -> None:
    """Write a post; the same `ref` is written once."""
    values = {
        "ref": post.ref,
        "order_id": str(key),
        "title": post.title,
        "text": post.text,
        "sender": post.sender,
        "readers": list(post.readers),
        "created_at": now,
    }
    await tx.run(_ADD, values)


async def of_employee(tx: Tx, *, employee: str, cursor: str | None = None, limit: int = 50) -> Page[PostRecord]:
    """List what an employee sees in the feed, the newest first; raise ValueError for a cursor of another list."""
    values = {"before": after_number(cursor, default=2**62), "quoted": json.dumps(employee), "most": limit + 1}
    records = [_record(row) for row in await tx.rows(_OF_EMPLOYEE, values)]
    return page_of(records, limit=limit, cursor=lambda post: str(post.id))


def _record(row: Row[Any]) -> PostRecord:
    return PostRecord.model_validate({name: getattr(row, name) for name in PostRecord.model_fields})
