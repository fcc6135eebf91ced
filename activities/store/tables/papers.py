"""Tables of what rules make for the shop: documents with their links, entries of lists, posts of the feed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary
from sqlmodel import Field

from activities.store.columns import Json, Moment, Serial, Words
from activities.store.tables.base import Base


class Document(Base, table=True):
    """A document of an order: its bytes, and the unguessable token of its public link. The id is that of its send."""

    __tablename__ = "documents"
    __table_args__ = (Index(None, "order_id", "created_at"),)

    id: UUID = Field(primary_key=True)
    order_id: str = Field(sa_type=Words, foreign_key="orders.id")
    template: str = Field(sa_type=Words)
    number: str = Field(sa_type=Words)
    name: str = Field(sa_type=Words)
    media_type: str = Field(sa_type=Words)
    language: str = Field(sa_type=Words)
    is_signed: bool
    content: bytes = Field(sa_type=LargeBinary)
    token: str = Field(sa_type=Words, unique=True)
    rule: str | None = Field(sa_type=Words)
    created_at: datetime = Field(sa_type=Moment)
    viewed_at: datetime | None = Field(sa_type=Moment)


class DocumentNumber(Base, table=True):
    """The last number given to a document of a template in a shop."""

    __tablename__ = "document_numbers"

    shop: str = Field(sa_type=Words, primary_key=True)
    template: str = Field(sa_type=Words, primary_key=True)
    year: int = Field(primary_key=True)
    last: int


class Link(Base, table=True):
    """An address that a message leads to by way of the gateway, so that its opening is seen."""

    __tablename__ = "links"
    __table_args__ = (Index(None, "send_id"),)

    token: str = Field(sa_type=Words, primary_key=True)
    order_id: str = Field(sa_type=Words, foreign_key="orders.id")
    send_id: UUID
    rule: str = Field(sa_type=Words)
    url: str = Field(sa_type=Words)
    created_at: datetime = Field(sa_type=Moment)
    clicked_at: datetime | None = Field(sa_type=Moment)


class ListItem(Base, table=True):
    """An entry of one of the shop's lists; the id is that of the run which made it."""

    __tablename__ = "list_items"
    __table_args__ = (Index(None, "list", "created_at", "id"),)

    id: UUID = Field(primary_key=True)
    list: str = Field(sa_type=Words)
    order_id: str | None = Field(sa_type=Words, foreign_key="orders.id", index=True)
    fields: dict[str, Any] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=Moment)


class Post(Base, table=True):
    """A post in the employees' feed. `readers` are employees' ids; none: everybody."""

    __tablename__ = "posts"

    id: int = Field(sa_type=Serial, primary_key=True)
    ref: str = Field(sa_type=Words, unique=True)
    order_id: str | None = Field(sa_type=Words, foreign_key="orders.id", index=True)
    title: str = Field(sa_type=Words)
    text: str = Field(sa_type=Words)
    sender: str = Field(sa_type=Words)
    readers: list[str] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=Moment)
