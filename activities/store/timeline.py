"""The timeline of an order: what people read about it, the newest first."""

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.cursors import after_number, page_of
from activities.store.database import Tx
from activities.store.history import NewEntry, TimelineRecord
from activities.store.records import Page
from activities.store.tables import TIMELINE
from workflows.contracts.ids import OrderKey

_ADD = upsert(TIMELINE).on_conflict_do_nothing(index_elements=["order_id", "ref"])

_PAGE = (
    select(TIMELINE)
    .where(TIMELINE.c.order_id == bindparam("order_id"), TIMELINE.c.seq < bindparam("before"))
    .order_by(TIMELINE.c.seq.desc())
    .limit(bindparam("most"))
)


async def add(tx: Tx, key: OrderKey, *, entry: NewEntry) -> None:
    """Write a line; with a `ref` it is written once."""
    tx.later(
        _ADD,
        {
            "order_id": str(key),
            "kind": entry.kind,
            "text": entry.text,
            "author": entry.author,
            "visit": entry.visit,
            "rule": entry.rule,
            "at": entry.at,
            "data": entry.data,
            "ref": entry.ref,
        },
    )


async def page(tx: Tx, key: OrderKey, *, cursor: str | None = None, limit: int = 50) -> Page[TimelineRecord]:
    """List an order's lines, the newest first; raise ValueError for a cursor that is none of ours."""
    before = after_number(cursor, default=2**62)
    rows = await tx.rows(_PAGE, {"order_id": str(key), "before": before, "most": limit + 1})
    records = [
        TimelineRecord(
            seq=row.seq,
            kind=row.kind,
            text=row.text,
            at=row.at,
            author=row.author,
            visit=row.visit,
            rule=row.rule,
            data=row.data,
        )
        for row in rows
    ]
    return page_of(records, limit=limit, cursor=lambda record: str(record.seq))
