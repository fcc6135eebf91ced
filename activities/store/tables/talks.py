"""Tables of talks with customers: calls, chats, whispers, and the visitors of the shop's site."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field

from activities.store.columns import Json, Moment, Serial, Words
from activities.store.tables.base import Base


class Call(Base, table=True):
    """A call that a rule makes: what is heard, and how it went. The id is that of its send.

    `call_id` is the provider's id of the one call that may speak; a second call for the same send hangs up.
    """

    __tablename__ = "calls"

    send_id: UUID = Field(primary_key=True)
    order_id: str = Field(sa_type=Words, foreign_key="orders.id", index=True)
    text: str = Field(sa_type=Words)
    language: str = Field(sa_type=Words)
    voice: str = Field(sa_type=Words)
    rate: int
    volume: int
    audio: str = Field(sa_type=Words)
    call_id: str | None = Field(sa_type=Words)
    status: str = Field(sa_type=Words)
    answered_by: str = Field(sa_type=Words)
    created_at: datetime = Field(sa_type=Moment)
    fetched_at: datetime | None = Field(sa_type=Moment)
    ended_at: datetime | None = Field(sa_type=Moment)


class Conversation(Base, table=True):
    """A chat with a customer in one medium (web, whatsapp, messenger, sms). `address` is what the medium knows."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("medium", "address"),
        Index(None, "customer_id", "last_inbound_at"),
        Index(None, "last_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    shop: str = Field(sa_type=Words)
    medium: str = Field(sa_type=Words)
    address: str = Field(sa_type=Words)
    customer_id: str | None = Field(sa_type=Words, foreign_key="customers.id")
    language: str = Field(sa_type=Words)
    is_open: bool
    created_at: datetime = Field(sa_type=Moment)
    last_at: datetime = Field(sa_type=Moment)
    last_inbound_at: datetime | None = Field(sa_type=Moment)


class ChatMessage(Base, table=True):
    """A message of a chat. `ref` is unique: the send's id, the provider's id, or what the writer's page gave it."""

    __tablename__ = "chat_messages"
    __table_args__ = (UniqueConstraint("conversation", "ref"), Index(None, "conversation", "id"))

    id: int = Field(sa_type=Serial, primary_key=True)
    conversation: UUID = Field(foreign_key="conversations.id")
    ref: str = Field(sa_type=Words)
    is_inbound: bool
    author: str = Field(sa_type=Words)
    text: str = Field(sa_type=Words)
    order_id: str | None = Field(sa_type=Words, foreign_key="orders.id", index=True)
    at: datetime = Field(sa_type=Moment)


class ChatAnswer(Base, table=True):
    """The way of an employee's answer into a chat outside of the house. The id is that of its send.

    `state` is that of a send of the ledger, and `next_at` when it is tried (again). While it is `dispatching`, that is
    when its claim ends. Of the provider's words the highest `rank` stays. The hashes are those of where it goes and
    of what it says. `repeated_at` is when a person last had it sent again.
    """

    __tablename__ = "chat_answers"
    __table_args__ = (
        Index(None, "conversation", "message"),
        Index(None, "conversation", "updated_at"),
        Index(None, "provider", "provider_id"),
        Index(
            "ix_chat_answers_open",
            "next_at",
            sqlite_where=sql("state IN ('planned', 'dispatching', 'unknown')"),
            postgresql_where=sql("state IN ('planned', 'dispatching', 'unknown')"),
        ),
        Index(
            "ix_chat_answers_held",
            "updated_at",
            sqlite_where=sql("state = 'held'"),
            postgresql_where=sql("state = 'held'"),
        ),
        Index(
            "ix_chat_answers_unsettled",
            "address_hash",
            sqlite_where=sql("state IN ('dispatching', 'unknown')"),
            postgresql_where=sql("state IN ('dispatching', 'unknown')"),
        ),
    )

    id: UUID = Field(primary_key=True)
    conversation: UUID = Field(foreign_key="conversations.id")
    message: int = Field(sa_type=Serial, foreign_key="chat_messages.id", unique=True)
    state: str = Field(sa_type=Words)
    attempts: int
    next_at: datetime | None = Field(sa_type=Moment)
    provider: str = Field(sa_type=Words)
    address_hash: str = Field(sa_type=Words)
    body_hash: str = Field(sa_type=Words)
    provider_id: str | None = Field(sa_type=Words)
    provider_status: str = Field(sa_type=Words)
    rank: int
    code: str = Field(sa_type=Words)
    words: str = Field(sa_type=Words)
    created_at: datetime = Field(sa_type=Moment)
    claimed_at: datetime | None = Field(sa_type=Moment)
    repeated_at: datetime | None = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)


class Whisper(Base, table=True):
    """A remark in a chat for employees only. A table of its own, which no sender and no customer's page reads."""

    __tablename__ = "whispers"
    __table_args__ = (UniqueConstraint("conversation", "ref"), Index(None, "conversation", "id"))

    id: int = Field(sa_type=Serial, primary_key=True)
    conversation: UUID = Field(foreign_key="conversations.id")
    ref: str = Field(sa_type=Words)
    author: str = Field(sa_type=Words)
    text: str = Field(sa_type=Words)
    order_id: str | None = Field(sa_type=Words, foreign_key="orders.id", index=True)
    at: datetime = Field(sa_type=Moment)


class Visitor(Base, table=True):
    """A visitor of the shop's site. `forms` are those they filled in; the customer is known once they did."""

    __tablename__ = "visitors"
    __table_args__ = (
        Index(
            "ix_visitors_strangers",
            "seen_at",
            sqlite_where=sql("customer_id IS NULL"),
            postgresql_where=sql("customer_id IS NULL"),
        ),
    )

    id: str = Field(sa_type=Words, primary_key=True)
    shop: str = Field(sa_type=Words)
    customer_id: str | None = Field(sa_type=Words, foreign_key="customers.id", index=True)
    forms: list[str] = Field(sa_type=Json)
    visits: int
    visit_started_at: datetime = Field(sa_type=Moment)
    seen_at: datetime = Field(sa_type=Moment)


class HookCode(Base, table=True):
    """A code that fires a webhook trigger, of which only the SHA-256 is kept; `trigger` is its name in the pipeline."""

    __tablename__ = "hook_codes"
    __table_args__ = (Index(None, "trigger"),)

    hash: str = Field(sa_type=Words, primary_key=True)
    trigger: str = Field(sa_type=Words)
    secret: str = Field(sa_type=Words)
    created_at: datetime = Field(sa_type=Moment)
    expires_at: datetime | None = Field(sa_type=Moment)
    last_used_at: datetime | None = Field(sa_type=Moment)
    data: dict[str, Any] = Field(sa_type=Json)
