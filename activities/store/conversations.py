"""Chats as they are read: conversations, their messages, and apart from them the whispers for employees.

What customers read never touches the table of whispers.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from pydantic import Field
from sqlalchemy import Row, bindparam, func, literal, select, tuple_

from activities.store.columns import Moment
from activities.store.cursors import after_moment, moment_cursor, page_of
from activities.store.database import NotFound, Tx
from activities.store.history import LedgerState
from activities.store.records import Page
from activities.store.tables import CHAT_ANSWERS, CHAT_MESSAGES, CONVERSATIONS, WHISPERS
from activities.store.values import Boundary
from workflows.contracts.ids import RUNS

#: The medium of the chat that the gateway serves itself.
WEB = "web"

#: For so long after the customer's last message a medium takes free texts
#: (https://www.twilio.com/docs/whatsapp/key-concepts, https://www.twilio.com/docs/api/errors/63016).
WINDOWS = {"whatsapp": timedelta(hours=24), "messenger": timedelta(hours=24)}


class ConversationRecord(Boundary):
    """A chat as it is read. `address` is what the medium knows the customer by; in the web chat the visitor's id."""

    id: UUID
    shop: str
    medium: str
    address: str
    customer_id: str | None
    language: str
    is_open: bool
    created_at: datetime
    last_at: datetime
    last_inbound_at: datetime | None


class ChatLine(Boundary):
    """A message of a chat, or a whisper in it. `author` is the employee's id, the rule's, or empty: the customer.

    An employee's answer into a chat outside has a `state`: how far it is on its way, as every send. `words` say why it
    did not leave or arrive, `code` in short.
    """

    id: int
    ref: str
    is_inbound: bool
    is_whisper: bool
    author: str
    text: str
    order_id: str | None
    at: datetime
    state: LedgerState | None = Field(default=None, description="Only of employees' answers into chats outside.")
    code: str = ""
    words: str = ""


_OF_ADDRESS = select(CONVERSATIONS).where(
    CONVERSATIONS.c.medium == bindparam("in_medium"), CONVERSATIONS.c.address == bindparam("of_address")
)

_GET = select(CONVERSATIONS).where(CONVERSATIONS.c.id == bindparam("conversation_id"))

_LINE = select(CHAT_MESSAGES, CHAT_ANSWERS.c.state, CHAT_ANSWERS.c.code, CHAT_ANSWERS.c.words).outerjoin(
    CHAT_ANSWERS, CHAT_ANSWERS.c.message == CHAT_MESSAGES.c.id
)

_FIND = _LINE.where(
    CHAT_MESSAGES.c.conversation == bindparam("conversation_id"), CHAT_MESSAGES.c.ref == bindparam("wanted")
)

_THESE = _LINE.where(
    CHAT_MESSAGES.c.conversation == bindparam("conversation_id"),
    CHAT_MESSAGES.c.id.in_(bindparam("ids", expanding=True)),
).order_by(CHAT_MESSAGES.c.id)

_LATEST = (
    select(CONVERSATIONS)
    .where(CONVERSATIONS.c.customer_id == bindparam("whose"), CONVERSATIONS.c.last_inbound_at.is_not(None))
    .order_by(CONVERSATIONS.c.last_inbound_at.desc(), CONVERSATIONS.c.id)
)

_AFTER = (
    _LINE.where(
        CHAT_MESSAGES.c.conversation == bindparam("conversation_id"), CHAT_MESSAGES.c.id > bindparam("after_id")
    )
    .order_by(CHAT_MESSAGES.c.id)
    .limit(bindparam("most"))
)

_NEWEST = (
    _LINE.where(CHAT_MESSAGES.c.conversation == bindparam("conversation_id"))
    .order_by(CHAT_MESSAGES.c.id.desc())
    .limit(bindparam("most"))
)

_WHISPERS_AFTER = (
    select(WHISPERS)
    .where(WHISPERS.c.conversation == bindparam("conversation_id"), WHISPERS.c.id > bindparam("after_id"))
    .order_by(WHISPERS.c.id)
    .limit(bindparam("most"))
)


_FIND_WHISPER = select(WHISPERS).where(
    WHISPERS.c.conversation == bindparam("conversation_id"), WHISPERS.c.ref == bindparam("wanted")
)

_NEWEST_IDS = (
    select(CHAT_MESSAGES.c.conversation, func.max(CHAT_MESSAGES.c.id).label("newest"))
    .where(CHAT_MESSAGES.c.conversation.in_(bindparam("conversations", expanding=True)))
    .group_by(CHAT_MESSAGES.c.conversation)
)

_NEWEST_WHISPERS = (
    select(WHISPERS.c.conversation, func.max(WHISPERS.c.id).label("newest"))
    .where(WHISPERS.c.conversation.in_(bindparam("conversations", expanding=True)))
    .group_by(WHISPERS.c.conversation)
)


def web_conversation(visitor: str) -> UUID:
    """Name the conversation of a visitor's web chat, also before it has begun."""
    return uuid5(RUNS, f"chat:{WEB}:{visitor}")


async def get(tx: Tx, *, id: UUID) -> ConversationRecord:
    """Read a conversation; raise NotFound if there is none."""
    row = await tx.first(_GET, {"conversation_id": id})
    if row is None:
        raise NotFound("conversation", str(id))
    return conversation_of(row)


async def find(tx: Tx, *, conversation: UUID, ref: str) -> ChatLine | None:
    """Read a message by its `ref`; None if it is not there."""
    row = await tx.first(_FIND, {"conversation_id": conversation, "wanted": ref})
    return None if row is None else _message(row)


async def these(tx: Tx, *, conversation: UUID, ids: Sequence[int]) -> list[ChatLine]:
    """Read messages of a conversation by their ids; those that are not there are left out."""
    rows = await tx.rows(_THESE, {"conversation_id": conversation, "ids": list(ids)}) if ids else []
    return [_message(row) for row in rows]


async def of_address(tx: Tx, *, medium: str, address: str) -> ConversationRecord | None:
    """Find the conversation of a medium's address; None if nobody wrote from there."""
    row = await tx.first(_OF_ADDRESS, {"in_medium": medium, "of_address": address})
    return None if row is None else conversation_of(row)


async def of_customer(tx: Tx, *, customer: str) -> list[ConversationRecord]:
    """List the conversations a customer has written in, where they last wrote first."""
    return [conversation_of(row) for row in await tx.rows(_LATEST, {"whose": customer})]


async def latest_of_customer(tx: Tx, *, customer: str) -> ConversationRecord | None:
    """Give the conversation in which a customer last wrote; None if they never did."""
    found = await of_customer(tx, customer=customer)
    return found[0] if found else None


async def history(tx: Tx, *, conversation: UUID, after: int | None = None, limit: int = 100) -> list[ChatLine]:
    """List the messages that follow an id, the oldest first; without one, the newest of the chat."""
    values: dict[str, object] = {"conversation_id": conversation, "most": limit}
    if after is None:
        return [_message(row) for row in reversed(await tx.rows(_NEWEST, values))]
    return [_message(row) for row in await tx.rows(_AFTER, {**values, "after_id": after})]


async def whispers(tx: Tx, *, conversation: UUID, after: int = 0, limit: int = 100) -> list[ChatLine]:
    """List the whispers that follow an id, the oldest first. For employees only."""
    values = {"conversation_id": conversation, "after_id": after, "most": limit}
    return [_whisper(row) for row in await tx.rows(_WHISPERS_AFTER, values)]


async def find_whisper(tx: Tx, *, conversation: UUID, ref: str) -> ChatLine | None:
    """Read a whisper by its `ref`; None if it is not there. For employees only."""
    row = await tx.first(_FIND_WHISPER, {"conversation_id": conversation, "wanted": ref})
    return None if row is None else _whisper(row)


async def newest_ids(tx: Tx, *, conversations: Sequence[UUID]) -> dict[UUID, int]:
    """Give the id of the newest message of each conversation that has one."""
    rows = await tx.rows(_NEWEST_IDS, {"conversations": list(conversations)})
    return {row.conversation: row.newest for row in rows}


async def newest_whispers(tx: Tx, *, conversations: Sequence[UUID]) -> dict[UUID, int]:
    """Give the id of the newest whisper of each conversation that has one. For employees only."""
    rows = await tx.rows(_NEWEST_WHISPERS, {"conversations": list(conversations)})
    return {row.conversation: row.newest for row in rows}


async def page(
    tx: Tx, *, is_open: bool | None = None, customer: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[ConversationRecord]:
    """List conversations, the last touched first; raise ValueError for a cursor of another list."""
    query = select(CONVERSATIONS).order_by(CONVERSATIONS.c.last_at.desc(), CONVERSATIONS.c.id.desc()).limit(limit + 1)
    if is_open is not None:
        query = query.where(CONVERSATIONS.c.is_open.is_(is_open))
    if customer is not None:
        query = query.where(CONVERSATIONS.c.customer_id == customer)
    if cursor is not None:
        at, id = after_moment(cursor)
        here = tuple_(literal(at, Moment()), literal(UUID(id)))
        query = query.where(tuple_(CONVERSATIONS.c.last_at, CONVERSATIONS.c.id) < here)
    records = [conversation_of(row) for row in await tx.rows(query)]
    return page_of(records, limit=limit, cursor=lambda chat: moment_cursor(chat.last_at, id=str(chat.id)))


def takes_words(chat: ConversationRecord, *, moment: datetime) -> bool:
    """Say whether a chat's medium takes free texts at a moment; else it takes templates that were approved only."""
    window = WINDOWS.get(chat.medium)
    return window is None or (chat.last_inbound_at is not None and moment < chat.last_inbound_at + window)


def conversation_of(row: Row[Any]) -> ConversationRecord:
    """Read a row of the conversations."""
    return ConversationRecord.model_validate({name: getattr(row, name) for name in ConversationRecord.model_fields})


def _message(row: Row[Any]) -> ChatLine:
    line = _read(row, is_inbound=row.is_inbound, is_whisper=False)
    if row.state is None:
        return line
    return line.model_copy(update={"state": LedgerState(row.state), "code": row.code, "words": row.words})


def _whisper(row: Row[Any]) -> ChatLine:
    return _read(row, is_inbound=False, is_whisper=True)


def _read(row: Row[Any], *, is_inbound: bool, is_whisper: bool) -> ChatLine:
    return ChatLine(
        id=row.id,
        ref=row.ref,
        is_inbound=is_inbound,
        is_whisper=is_whisper,
        author=row.author,
        text=row.text,
        order_id=row.order_id,
        at=row.at,
    )
