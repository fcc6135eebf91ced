"""Tables of an order's life: events and their deliveries, visits, runs, and the ledger of what was sent."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from activities.store.columns import Json, Moment, Serial, Words
from activities.store.tables.base import Base


class Event(Base, table=True):
    """An event as it came in, once. `problem` is why it waits for a person: nobody was found, or it cannot be used.

    As long as it went to no order, `whose` is whom it names, such as `phone:+48…`, or empty; see `strays.py`.
    """

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("source", "id"),
        Index("ix_events_parked", "seq", sqlite_where=text("problem <> ''"), postgresql_where=text("problem <> ''")),
        Index(
            "ix_events_strays",
            "received_at",
            "seq",
            sqlite_where=text("whose IS NOT NULL"),
            postgresql_where=text("whose IS NOT NULL"),
        ),
        Index(
            "ix_events_whose",
            "whose",
            sqlite_where=text("whose IS NOT NULL"),
            postgresql_where=text("whose IS NOT NULL"),
        ),
    )

    seq: int = Field(sa_type=Serial, primary_key=True)
    source: str = Field(sa_type=Words)
    id: str = Field(sa_type=Words)
    type: str = Field(sa_type=Words)
    at: datetime = Field(sa_type=Moment)
    data: dict[str, Any] = Field(sa_type=Json)
    raw: bytes | None
    problem: str = Field(sa_type=Words)
    received_at: datetime = Field(sa_type=Moment)
    whose: str | None = Field(sa_type=Words)


class Waiting(Base, table=True):
    """An event that waits for another one of its source, `awaited`; from `until` on it waits for a person as well."""

    __tablename__ = "waiting"
    __table_args__ = (Index(None, "source", "awaited"),)

    event: int = Field(sa_type=Serial, primary_key=True, foreign_key="events.seq")
    source: str = Field(sa_type=Words)
    awaited: str = Field(sa_type=Words)
    until: datetime = Field(sa_type=Moment)


class Delivery(Base, table=True):
    """An event on its way to one order, and what was decided. `next_at` is when a relay may take it (again)."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("order_id", "event"),
        Index(
            "ix_deliveries_open",
            "next_at",
            sqlite_where=text("decided_at IS NULL AND state != 'dead'"),
            postgresql_where=text("decided_at IS NULL AND state != 'dead'"),
        ),
        Index("ix_deliveries_dead", "id", sqlite_where=text("state = 'dead'"), postgresql_where=text("state = 'dead'")),
    )

    id: int = Field(sa_type=Serial, primary_key=True)
    order_id: str = Field(sa_type=Words, foreign_key="orders.id")
    event: int = Field(sa_type=Serial, foreign_key="events.seq", index=True)
    state: str = Field(sa_type=Words)
    attempts: int
    next_at: datetime = Field(sa_type=Moment)
    error: str = Field(sa_type=Words)
    reason: str | None = Field(sa_type=Words)
    decision: dict[str, Any] | None = Field(sa_type=Json)
    verdict: dict[str, Any] | None = Field(sa_type=Json)
    decided_at: datetime | None = Field(sa_type=Moment)


class Visit(Base, table=True):
    """A stay of an order in a stage."""

    __tablename__ = "visits"

    order_id: str = Field(sa_type=Words, primary_key=True, foreign_key="orders.id")
    visit: int = Field(primary_key=True)
    stage: str = Field(sa_type=Words)
    stage_kind: str = Field(sa_type=Words)
    version: int
    entered_at: datetime = Field(sa_type=Moment)
    by: str = Field(sa_type=Words)
    is_automatic: bool
    cause_source: str = Field(sa_type=Words)
    cause_id: str = Field(sa_type=Words)
    cause_type: str = Field(sa_type=Words)
    card: dict[str, Any] = Field(sa_type=Json)


class Run(Base, table=True):
    """One execution of a rule in one visit. `planned` is the plan's line; status and moment are those of now."""

    __tablename__ = "runs"
    __table_args__ = (UniqueConstraint("order_id", "visit", "rule"),)

    id: UUID = Field(primary_key=True)
    order_id: str = Field(sa_type=Words, foreign_key="orders.id")
    visit: int
    rule: str = Field(sa_type=Words)
    stage: str = Field(sa_type=Words)
    position: int
    planned: dict[str, Any] = Field(sa_type=Json)
    due: datetime | None = Field(sa_type=Moment)
    status: str = Field(sa_type=Words)
    reason: str | None = Field(sa_type=Words)
    words: str = Field(sa_type=Words)
    started_at: datetime | None = Field(sa_type=Moment)
    ended_at: datetime | None = Field(sa_type=Moment)
    results: dict[str, Any] | None = Field(sa_type=Json)
    compared: list[list[str]] | None = Field(sa_type=Json)


class Send(Base, table=True):
    """One intended message of a run: hashes of the address and the body, nothing readable.

    `earlier` are the providers' ids of attempts a person had repeated.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        UniqueConstraint("provider", "provider_id"),
        Index(None, "order_id", "visit"),
        Index(
            "ix_ledger_held", "updated_at", sqlite_where=text("state = 'held'"), postgresql_where=text("state = 'held'")
        ),
        Index(
            "ix_ledger_leases",
            "lease_until",
            sqlite_where=text("state = 'dispatching'"),
            postgresql_where=text("state = 'dispatching'"),
        ),
        Index(
            "ix_ledger_unsettled",
            "address_hash",
            sqlite_where=text("state IN ('dispatching', 'unknown')"),
            postgresql_where=text("state IN ('dispatching', 'unknown')"),
        ),
    )

    id: UUID = Field(primary_key=True)
    run: UUID = Field(index=True)
    order_id: str = Field(sa_type=Words, foreign_key="orders.id")
    visit: int
    stage: str = Field(sa_type=Words)
    rule: str = Field(sa_type=Words)
    channel: str = Field(sa_type=Words)
    provider: str = Field(sa_type=Words)
    address_hash: str = Field(sa_type=Words)
    body_hash: str = Field(sa_type=Words)
    state: str = Field(sa_type=Words)
    attempt: int
    provider_id: str | None = Field(sa_type=Words)
    provider_status: str = Field(sa_type=Words)
    rank: int
    code: str = Field(sa_type=Words)
    words: str = Field(sa_type=Words)
    earlier: list[str] = Field(sa_type=Json)
    claimed_at: datetime | None = Field(sa_type=Moment)
    lease_until: datetime | None = Field(sa_type=Moment)
    accepted_at: datetime | None = Field(sa_type=Moment)
    delivered_at: datetime | None = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)
