"""Tables of orders with their payments and shipments, of order numbers, and of published pipelines."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field

from activities.store.columns import Json, Moment, Money, Words
from activities.store.tables.base import Base


class Order(Base, table=True):
    """An order: its facts, and where it stands. `id` is the text of its key, `shop:number`."""

    __tablename__ = "orders"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "stage", "created_at", "id"),
        Index(None, "stage_kind", "created_at", "id"),
        Index(None, "responsible", "created_at", "id"),
        Index(None, "customer_id", "created_at", "id"),
        Index(None, "pipeline", "stage_kind", "stage"),
        Index(
            "ix_orders_attention",
            "created_at",
            "id",
            sqlite_where=text("attention <> ''"),
            postgresql_where=text("attention <> ''"),
        ),
        Index(
            "ix_orders_deleted",
            "deleted_at",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )

    id: str = Field(sa_type=Words, primary_key=True)
    shop: str = Field(sa_type=Words)
    number: str = Field(sa_type=Words, index=True)
    token: str = Field(sa_type=Words, unique=True)
    pipeline: str = Field(sa_type=Words)
    version: int
    stage: str = Field(sa_type=Words)
    stage_kind: str = Field(sa_type=Words)
    visit: int
    entered_at: datetime | None = Field(sa_type=Moment)
    held_at: datetime | None = Field(sa_type=Moment)
    resumed_at: datetime | None = Field(sa_type=Moment)
    attention: str = Field(sa_type=Words)
    responsible: str | None = Field(sa_type=Words, foreign_key="employees.id")
    customer_id: str | None = Field(sa_type=Words, foreign_key="customers.id")
    currency: str = Field(sa_type=Words)
    total: Decimal = Field(sa_type=Money)
    paid_amount: Decimal = Field(sa_type=Money)
    paid: bool
    shipped: bool
    delivered: bool
    delivery_allowed: bool
    cancelled: bool
    cancel_reason: str = Field(sa_type=Words)
    delivery_date: date | None
    tracking_number: str = Field(sa_type=Words)
    tracking_url: str = Field(sa_type=Words)
    source: str = Field(sa_type=Words)
    note: str = Field(sa_type=Words)
    tags: list[str] = Field(sa_type=Json)
    items: list[dict[str, Any]] = Field(sa_type=Json)
    fields: dict[str, Any] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)
    deletes_when_done: bool
    deleted_at: datetime | None = Field(sa_type=Moment)


class OrderNumber(Base, table=True):
    """The last number a shop has given."""

    __tablename__ = "order_numbers"

    shop: str = Field(sa_type=Words, primary_key=True)
    last: int


class Payment(Base, table=True):
    """Money that came or went back; the id is that of the event that told."""

    __tablename__ = "payments"

    order_id: str = Field(sa_type=Words, primary_key=True, foreign_key="orders.id")
    id: str = Field(sa_type=Words, primary_key=True)
    kind: str = Field(sa_type=Words)
    amount: Decimal = Field(sa_type=Money)
    currency: str = Field(sa_type=Words)
    reference: str = Field(sa_type=Words)
    at: datetime = Field(sa_type=Moment)


class Shipment(Base, table=True):
    """A shipment of an order."""

    __tablename__ = "shipments"

    order_id: str = Field(sa_type=Words, primary_key=True, foreign_key="orders.id")
    id: str = Field(sa_type=Words, primary_key=True)
    approved_at: datetime | None = Field(sa_type=Moment)
    tracking_number: str = Field(sa_type=Words)
    tracking_url: str = Field(sa_type=Words)
    shipped_at: datetime | None = Field(sa_type=Moment)
    status: str = Field(sa_type=Words)
    delivered_at: datetime | None = Field(sa_type=Moment)


class PipelineVersion(Base, table=True):
    """A published version of a pipeline."""

    __tablename__ = "pipelines"

    name: str = Field(sa_type=Words, primary_key=True)
    version: int = Field(primary_key=True)
    text: str = Field(sa_type=Words)
    frozen_json: str = Field(sa_type=Words)
    reopens: list[str] = Field(sa_type=Json)
    fields: dict[str, str] = Field(sa_type=Json)
    author: str = Field(sa_type=Words)
    created_at: datetime = Field(sa_type=Moment)
