"""Documents of orders: numbered and reserved by their rule, filled with their bytes by the provider, opened by token.

The id is that of the send, so a repeated run meets the same number, the same token and the same file.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.database import NotFound, Tx
from activities.store.tables import DOCUMENT_NUMBERS, DOCUMENTS, ORDERS
from activities.store.values import Boundary
from workflows.contracts.ids import OrderKey


class DocumentRecord(Boundary):
    """A document of an order. `content` is empty in lists, and as long as the document is only reserved.

    `name` is that of its file; `token` opens its public page; `viewed_at` is when the customer first opened it.
    """

    id: UUID
    key: OrderKey
    template: str
    number: str
    name: str
    media_type: str
    language: str
    is_signed: bool
    content: bytes
    token: str
    rule: str | None
    created_at: datetime
    viewed_at: datetime | None


@dataclass(frozen=True)
class NewDocument:
    """A document to be reserved: `number` is given by `next_number`; `content` comes later with `fill`.

    Without a `token` it gets one that nobody can guess.
    """

    id: UUID
    key: OrderKey
    template: str
    number: str
    name: str
    language: str
    is_signed: bool = False
    content: bytes = b""
    token: str = ""
    media_type: str = "application/pdf"
    rule: str | None = None


_HEAD = [column for column in DOCUMENTS.c if column.name != "content"]

_FROM = DOCUMENTS.join(ORDERS, ORDERS.c.id == DOCUMENTS.c.order_id)

_DOCUMENT = select(DOCUMENTS, ORDERS.c.shop, ORDERS.c.number.label("order_number")).select_from(_FROM)

_IS_MADE = func.length(DOCUMENTS.c.content) > 0

_GET = _DOCUMENT.where(DOCUMENTS.c.id == bindparam("document"))

_BY_TOKEN = _DOCUMENT.where(DOCUMENTS.c.token == bindparam("of_token"), _IS_MADE)

_NEWEST = (
    _DOCUMENT.where(
        DOCUMENTS.c.order_id == bindparam("of_order"),
        or_(DOCUMENTS.c.template == bindparam("called"), DOCUMENTS.c.rule == bindparam("called")),
        _IS_MADE,
    )
    .order_by(DOCUMENTS.c.created_at.desc(), DOCUMENTS.c.number.desc())
    .limit(1)
)

_OF_ORDER = (
    select(*_HEAD, literal(b"").label("content"), ORDERS.c.shop, ORDERS.c.number.label("order_number"))
    .select_from(_FROM)
    .where(DOCUMENTS.c.order_id == bindparam("of_order"), _IS_MADE)
    .order_by(DOCUMENTS.c.created_at, DOCUMENTS.c.id)
)

_PUT = upsert(DOCUMENTS).on_conflict_do_nothing(index_elements=["id"])

_FILL = (
    update(DOCUMENTS)
    .where(DOCUMENTS.c.id == bindparam("document"), DOCUMENTS.c.name != "", ~_IS_MADE)
    .values(content=bindparam("made"), media_type=bindparam("of_type"))
)

_VIEWED = (
    update(DOCUMENTS)
    .where(DOCUMENTS.c.id == bindparam("document"), DOCUMENTS.c.viewed_at.is_(None))
    .values(viewed_at=bindparam("at"))
)

_NEXT = (
    upsert(DOCUMENT_NUMBERS)
    .on_conflict_do_update(index_elements=["shop", "template", "year"], set_={"last": DOCUMENT_NUMBERS.c.last + 1})
    .returning(DOCUMENT_NUMBERS.c.last)
)


async def put(tx: Tx, document: NewDocument, *, now: datetime) -> DocumentRecord:
    """Store a document, or reserve its place where it has no content yet, once by its id; give what is stored."""
    values = {
        "id": document.id,
        "order_id": str(document.key),
        "template": document.template,
        "number": document.number,
        "name": document.name,
        "media_type": document.media_type,
        "language": document.language,
        "is_signed": document.is_signed,
        "content": document.content,
        "token": document.token or secrets.token_urlsafe(24),
        "rule": document.rule,
        "created_at": now,
        "viewed_at": None,
    }
    await tx.run(_PUT, values)
    return await get(tx, id=document.id)


async def fill(tx: Tx, *, id: UUID, content: bytes, media_type: str = "application/pdf") -> DocumentRecord:
    """Give a reserved document its bytes; one that has some, or was erased, stays as it is. Raise NotFound."""
    await tx.run(_FILL, {"document": id, "made": content, "of_type": media_type})
    return await get(tx, id=id)


async def find(tx: Tx, *, id: UUID) -> DocumentRecord | None:
    """Read a document, also one that is only reserved; None if there is none."""
    row = await tx.first(_GET, {"document": id})
    return None if row is None else _record(row)


async def get(tx: Tx, *, id: UUID) -> DocumentRecord:
    """Read a document, also one that is only reserved; raise NotFound if there is none."""
    found = await find(tx, id=id)
    if found is None:
        raise NotFound("document", str(id))
    return found


async def by_token(tx: Tx, *, token: str) -> DocumentRecord | None:
    """Read the document that a public link opens; None for a token that is none of ours."""
    row = await tx.first(_BY_TOKEN, {"of_token": token})
    return None if row is None else _record(row)


async def newest(tx: Tx, key: OrderKey, *, name: str) -> DocumentRecord | None:
    """Read an order's newest document made from the template, or by the rule, of that name; None if there is none."""
    row = await tx.first(_NEWEST, {"of_order": str(key), "called": name})
    return None if row is None else _record(row)


async def of_order(tx: Tx, key: OrderKey) -> list[DocumentRecord]:
    """List an order's documents without their contents, the oldest first."""
    return [_record(row) for row in await tx.rows(_OF_ORDER, {"of_order": str(key)})]


async def next_number(tx: Tx, *, shop: str, template: str, year: int) -> str:
    """Give the next number of a template in a year: 2026-0001, 2026-0002 ... It is lost if the transaction is."""
    last = (await tx.run(_NEXT, {"shop": shop, "template": template, "year": year, "last": 1})).scalar_one()
    return f"{year}-{last:04d}"


async def viewed(tx: Tx, *, id: UUID, now: datetime) -> bool:
    """Mark a document as opened by the customer; say whether it is the first time."""
    return (await tx.run(_VIEWED, {"document": id, "at": now})).rowcount > 0


def _record(row: Row[Any]) -> DocumentRecord:
    return DocumentRecord(
        id=row.id,
        key=OrderKey(shop=row.shop, number=row.order_number),
        template=row.template,
        number=row.number,
        name=row.name,
        media_type=row.media_type,
        language=row.language,
        is_signed=row.is_signed,
        content=row.content,
        token=row.token,
        rule=row.rule,
        created_at=row.created_at,
        viewed_at=row.viewed_at,
    )
