"""Tables of what people read and do: timeline, tasks, notices, the outbox, API keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field

from activities.store.columns import Json, Moment, Serial, Words
from activities.store.tables.base import Base


class TimelineLine(Base, table=True):
    """A line of an order's timeline; with a `ref` once."""

    __tablename__ = "timeline"
    __table_args__ = (UniqueConstraint("order_id", "ref"), Index(None, "order_id", "seq"))

    seq: int = Field(sa_type=Serial, primary_key=True)
    order_id: str = Field(sa_type=Words, foreign_key="orders.id")
    kind: str = Field(sa_type=Words)
    text: str = Field(sa_type=Words)
    author: str = Field(sa_type=Words)
    visit: int | None
    rule: str | None = Field(sa_type=Words)
    at: datetime = Field(sa_type=Moment)
    data: dict[str, Any] = Field(sa_type=Json)
    ref: str | None = Field(sa_type=Words)


class Task(Base, table=True):
    """A task for employees. `kind` is task, activity, call or meeting; those planned for a moment have `begins_at`."""

    __tablename__ = "tasks"
    __table_args__ = (Index(None, "order_id", "created_at", "id"),)

    id: UUID = Field(primary_key=True)
    order_id: str = Field(sa_type=Words, foreign_key="orders.id")
    kind: str = Field(sa_type=Words)
    title: str = Field(sa_type=Words)
    description: str = Field(sa_type=Words)
    is_important: bool
    place: str = Field(sa_type=Words)
    begins_at: datetime | None = Field(sa_type=Moment)
    assignees: list[str] = Field(sa_type=Json)
    participants: list[str] = Field(sa_type=Json)
    checklist: list[dict[str, Any]] = Field(sa_type=Json)
    due: datetime | None = Field(sa_type=Moment)
    close_on_leave: bool
    visit: int | None
    rule: str | None = Field(sa_type=Words)
    status: str = Field(sa_type=Words)
    created_at: datetime = Field(sa_type=Moment)
    closed_at: datetime | None = Field(sa_type=Moment)


class TaskAssignee(Base, table=True):
    """Who is to do a task: the index of `tasks.assignees`."""

    __tablename__ = "task_assignees"

    employee: str = Field(sa_type=Words, primary_key=True)
    task_id: UUID = Field(primary_key=True, foreign_key="tasks.id", index=True)


class Notice(Base, table=True):
    """A message in an employee's inbox, which also reaches them in the way they chose; or in a chat room of the staff.

    `way` is inbox, email, sms or chat; `state` is that of a send of the ledger, and `next_at` when it is tried (again).
    While it is `dispatching`, that is when its claim ends. Of the provider's words the highest `rank` stays. The hashes
    are those of where it goes and of what it says. `repeated_at` is when a person last had it sent again. `file` is a
    calendar file: name, media type, text.
    """

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("employee", "ref"),
        UniqueConstraint("room", "ref"),
        Index(None, "employee", "id"),
        Index(None, "provider", "provider_id"),
        Index(
            "ix_notices_open",
            "next_at",
            sqlite_where=sql("state IN ('planned', 'dispatching', 'unknown')"),
            postgresql_where=sql("state IN ('planned', 'dispatching', 'unknown')"),
        ),
        Index(
            "ix_notices_held", "updated_at", sqlite_where=sql("state = 'held'"), postgresql_where=sql("state = 'held'")
        ),
        Index(
            "ix_notices_unsettled",
            "address_hash",
            sqlite_where=sql("state IN ('dispatching', 'unknown')"),
            postgresql_where=sql("state IN ('dispatching', 'unknown')"),
        ),
    )

    id: int = Field(sa_type=Serial, primary_key=True)
    send_id: UUID = Field(index=True)
    employee: str | None = Field(sa_type=Words, foreign_key="employees.id")
    room: str | None = Field(sa_type=Words)
    order_id: str | None = Field(sa_type=Words, foreign_key="orders.id", index=True)
    text: str = Field(sa_type=Words)
    sender: str = Field(sa_type=Words)
    ref: str = Field(sa_type=Words)
    created_at: datetime = Field(sa_type=Moment)
    read_at: datetime | None = Field(sa_type=Moment)
    file: dict[str, str] | None = Field(sa_type=Json)
    way: str = Field(sa_type=Words)
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
    claimed_at: datetime | None = Field(sa_type=Moment)
    repeated_at: datetime | None = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)


class OutboxMessage(Base, table=True):
    """A message kept by the outbox provider."""

    __tablename__ = "outbox"
    __table_args__ = (Index(None, "at", "send_id"),)

    send_id: UUID = Field(primary_key=True)
    provider_id: str = Field(sa_type=Words, unique=True)
    channel: str = Field(sa_type=Words)
    address: str = Field(sa_type=Words)
    sender: str = Field(sa_type=Words)
    subject: str = Field(sa_type=Words)
    body: str = Field(sa_type=Words)
    html: str = Field(sa_type=Words)
    headers: dict[str, str] = Field(sa_type=Json)
    attachments: list[dict[str, str]] = Field(sa_type=Json)
    details: dict[str, Any] = Field(sa_type=Json)
    at: datetime = Field(sa_type=Moment)


class ApiKey(Base, table=True):
    """An API key; of its secret only the SHA-256."""

    __tablename__ = "api_keys"

    id: str = Field(sa_type=Words, primary_key=True)
    name: str = Field(sa_type=Words)
    hash: str = Field(sa_type=Words, unique=True)
    scopes: list[str] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=Moment)
    expires_at: datetime | None = Field(sa_type=Moment)
    last_used_at: datetime | None = Field(sa_type=Moment)
    revoked_at: datetime | None = Field(sa_type=Moment)
