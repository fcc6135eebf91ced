"""The outbox: what would have been sent, kept by the provider of that name; and what rules wrote into the web chat.

Of the web chat a row here says only where a message is. Its text and its visitor are read from the conversation, so
that nothing is kept twice.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.columns import Moment
from activities.store.cursors import after_moment, moment_cursor, page_of
from activities.store.database import Tx
from activities.store.history import OutboxRecord
from activities.store.records import Page
from activities.store.tables import CHAT_MESSAGES, CONVERSATIONS, OUTBOX

#: The detail of a row that says in which conversation its message is.
_PLACE = "conversation"

_PUT = upsert(OUTBOX).on_conflict_do_nothing(index_elements=["send_id"])

#: A message of which nothing can be read.
BLANK: dict[str, Any] = {
    "address": "",
    "sender": "",
    "subject": "",
    "body": "",
    "html": "",
    "headers": {},
    "attachments": [],
    "details": {},
}

_BLANK = update(OUTBOX).where(OUTBOX.c.send_id == bindparam("send")).values(**BLANK)

_FIND = select(OUTBOX).where(OUTBOX.c.send_id == bindparam("send"))

_NEWEST = select(OUTBOX).order_by(OUTBOX.c.at.desc(), OUTBOX.c.send_id.desc())

_SAID = (
    select(CHAT_MESSAGES.c.ref, CHAT_MESSAGES.c.text, CONVERSATIONS.c.address)
    .join(CONVERSATIONS, CONVERSATIONS.c.id == CHAT_MESSAGES.c.conversation)
    .where(
        CHAT_MESSAGES.c.conversation.in_(bindparam("conversations", expanding=True)),
        CHAT_MESSAGES.c.ref.in_(bindparam("refs", expanding=True)),
    )
)


async def put(tx: Tx, *, record: OutboxRecord) -> OutboxRecord:
    """Keep a message once by its `send_id`; give the one that is kept."""
    if (await tx.run(_PUT, record.model_dump())).rowcount > 0:
        return record
    return await find(tx, send_id=record.send_id) or record


async def refer(tx: Tx, *, send_id: UUID, provider_id: str, medium: str, conversation: UUID, at: datetime) -> None:
    """Show a message that a rule wrote into a conversation, where its `ref` is the send's id; once."""
    details = {"medium": medium, _PLACE: str(conversation)}
    record = OutboxRecord(send_id=send_id, provider_id=provider_id, channel="chat", address="", details=details, at=at)
    await tx.run(_PUT, record.model_dump())


async def blank(tx: Tx, *, send_id: UUID) -> None:
    """Blank a message whose people were deleted while it was being sent."""
    await tx.run(_BLANK, {"send": send_id})


async def find(tx: Tx, *, send_id: UUID) -> OutboxRecord | None:
    """Read a message; None if it never came."""
    row = await tx.first(_FIND, {"send": send_id})
    return None if row is None else (await _read(tx, [row]))[0]


async def page(tx: Tx, *, cursor: str | None = None, limit: int = 50) -> Page[OutboxRecord]:
    """List messages, the newest first; raise ValueError for a cursor of another list."""
    query = _NEWEST.limit(limit + 1)
    if cursor is not None:
        at, id = after_moment(cursor)
        query = query.where(tuple_(OUTBOX.c.at, OUTBOX.c.send_id) < tuple_(literal(at, Moment()), literal(UUID(id))))
    records = await _read(tx, await tx.rows(query))
    return page_of(records, limit=limit, cursor=lambda message: moment_cursor(message.at, id=str(message.send_id)))


async def _read(tx: Tx, rows: Sequence[Row[Any]]) -> list[OutboxRecord]:
    """Read rows; those that say where their message is get its text and its visitor from there."""
    records = [
        OutboxRecord.model_validate({name: getattr(row, name) for name in OutboxRecord.model_fields}) for row in rows
    ]
    places = {record.send_id: UUID(record.details[_PLACE]) for record in records if _PLACE in record.details}
    if not places:
        return records
    values = {"conversations": sorted(set(places.values())), "refs": sorted(map(str, places))}
    said = {row.ref: {"body": row.text, "address": row.address} for row in await tx.rows(_SAID, values)}
    return [record.model_copy(update=said.get(str(record.send_id), {})) for record in records]
