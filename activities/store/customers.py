"""Customers: contacts and companies, how they are reached and found, and which mailbox last wrote to them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, Select, and_, bindparam, case, delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.database import NotFound, Tx
from activities.store.records import (
    Address,
    CustomerPatch,
    CustomerRecord,
    CustomerRef,
    NewCustomer,
    Page,
    Phone,
    normalised,
)
from activities.store.searching import begins
from activities.store.suppressions import fingerprint as fingerprint
from activities.store.suppressions import is_suppressed as is_suppressed
from activities.store.suppressions import suppress as suppress
from activities.store.suppressions import unsuppress as unsuppress
from activities.store.tables import CUSTOMER_TERMS, CUSTOMERS, DELIVERIES, EVENTS, ORDERS
from workflows.contracts.ids import OrderKey

_ADD = upsert(CUSTOMERS).on_conflict_do_nothing(index_elements=["id"])

_ADD_TERMS = insert(CUSTOMER_TERMS)

_DROP_TERMS = delete(CUSTOMER_TERMS).where(CUSTOMER_TERMS.c.customer_id == bindparam("customer"))

_GET = select(CUSTOMERS).where(CUSTOMERS.c.id == bindparam("customer"))

_TERMS = (
    select(CUSTOMER_TERMS)
    .where(CUSTOMER_TERMS.c.customer_id.in_(bindparam("customers", expanding=True)), CUSTOMER_TERMS.c.kind != "name")
    .order_by(CUSTOMER_TERMS.c.customer_id, CUSTOMER_TERMS.c.kind, CUSTOMER_TERMS.c.position)
)

_FIND = (
    select(CUSTOMER_TERMS.c.customer_id)
    .where(CUSTOMER_TERMS.c.kind == bindparam("by"), CUSTOMER_TERMS.c.value == bindparam("wanted"))
    .distinct()
    .order_by(CUSTOMER_TERMS.c.customer_id)
)

_LINKED = select(ORDERS.c.customer_id).where(ORDERS.c.id == bindparam("order_id")).scalar_subquery()
_EMPLOYER = select(CUSTOMERS.c.company_id).where(CUSTOMERS.c.id == _LINKED).correlate(None).scalar_subquery()

_OF_ORDER = (
    select(CUSTOMERS)
    .where(or_(CUSTOMERS.c.id == _LINKED, CUSTOMERS.c.id == _EMPLOYER))
    .order_by(case((CUSTOMERS.c.id == _LINKED, 0), else_=1))
)

_LAST_MAILBOX = (
    select(EVENTS.c.data)
    .select_from(
        ORDERS.join(DELIVERIES, DELIVERIES.c.order_id == ORDERS.c.id).join(EVENTS, EVENTS.c.seq == DELIVERIES.c.event)
    )
    .where(ORDERS.c.customer_id == bindparam("customer"), EVENTS.c.type == "email.sent")
    .order_by(EVENTS.c.seq.desc())
    .limit(1)
)


async def create(tx: Tx, new: NewCustomer, *, now: datetime) -> CustomerRecord:
    """Store a customer; with an id that exists, give the stored one unchanged. Raise NotFound for its company."""
    if new.company_id is not None:
        await _must_exist(tx, id=new.company_id)
    # As it was checked: to check it again would read its phones again.
    record = CustomerRecord.model_construct(
        **{**dict(new), "id": new.id or uuid4().hex}, created_at=now, updated_at=now
    )
    if (await tx.run(_ADD, _values(record))).rowcount == 0:
        return await get(tx, id=record.id)
    await _write_terms(tx, record)
    return record


async def get(tx: Tx, *, id: str) -> CustomerRecord:
    """Read a customer; raise NotFound if there is none."""
    found = await _records(tx, await tx.rows(_GET, {"customer": id}))
    if not found:
        raise NotFound("customer", id)
    return found[0]


async def patch(tx: Tx, *, id: str, patch: CustomerPatch, now: datetime) -> CustomerRecord:
    """Change the given fields; raise NotFound, ValueError for a phone that is no number of the customer's country."""
    before = await get(tx, id=id)
    given = {name: value for name, value in patch if name in patch.model_fields_set}
    given = {name: value for name, value in given.items() if value is not None or name == "company_id"}
    if patch.company_id is not None:
        await _must_exist(tx, id=patch.company_id)
    if patch.phones is not None:
        given["phones"] = normalised(patch.phones, country=given.get("country", before.country))
    record = before.model_copy(update={**given, "updated_at": now})
    values = _values(record)
    del values["id"]
    await tx.run(update(CUSTOMERS).where(CUSTOMERS.c.id == id).values(**values))
    await tx.run(_DROP_TERMS, {"customer": id})
    await _write_terms(tx, record)
    return record


async def page(tx: Tx, *, q: str | None = None, cursor: str | None = None, limit: int = 50) -> Page[CustomerRecord]:
    """List customers by id; `q` is the beginning of a name, or a whole phone or mail address."""
    query = select(CUSTOMERS).order_by(CUSTOMERS.c.id).limit(limit + 1)
    if cursor is not None:
        query = query.where(CUSTOMERS.c.id > cursor)
    if q and q.strip():
        query = query.where(CUSTOMERS.c.id.in_(matching(q)))
    records = await _records(tx, await tx.rows(query))
    more = len(records) > limit
    return Page(items=records[:limit], next_cursor=records[limit - 1].id if more else None)


async def find(tx: Tx, *, ref: CustomerRef) -> list[str]:
    """List the ids of the customers a phone, mail address, visitor or id belongs to."""
    if ref.customer is not None:
        return [row.id for row in await tx.rows(_GET, {"customer": ref.customer})]
    by, wanted = ("phone", ref.phone) if ref.phone else ("email", ref.email) if ref.email else ("visitor", ref.visitor)
    values = {"by": by, "wanted": (wanted or "").strip().lower() if by == "email" else wanted}
    return [row.customer_id for row in await tx.rows(_FIND, values)]


async def of_order(tx: Tx, key: OrderKey) -> list[CustomerRecord]:
    """List whom the order's rules may reach, in this order: the linked contact, then its company. Empty if none."""
    return await _records(tx, await tx.rows(_OF_ORDER, {"order_id": str(key)}))


async def last_mailbox(tx: Tx, *, id: str) -> str | None:
    """Give the mailbox last used to write to a customer; None if there was none."""
    row = await tx.first(_LAST_MAILBOX, {"customer": id})
    return None if row is None else str(row.data.get("mailbox") or "") or None


def matching(q: str) -> Select[Any]:
    """Select the ids of customers by the beginning of a name, or a whole phone or mail address."""
    value = q.strip().lower()
    return select(CUSTOMER_TERMS.c.customer_id).where(
        or_(
            and_(CUSTOMER_TERMS.c.kind == "name", begins(CUSTOMER_TERMS.c.value, value)),
            and_(CUSTOMER_TERMS.c.kind == "email", CUSTOMER_TERMS.c.value == value),
            and_(CUSTOMER_TERMS.c.kind == "phone", CUSTOMER_TERMS.c.value == value.replace(" ", "")),
        )
    )


async def _must_exist(tx: Tx, *, id: str) -> None:
    if await tx.first(_GET, {"customer": id}) is None:
        raise NotFound("customer", id)


async def _write_terms(tx: Tx, record: CustomerRecord) -> None:
    terms = [
        {"customer_id": record.id, "kind": kind, "position": place, "value": value, "text": text, "type": type_}
        for place, (kind, value, text, type_) in enumerate(_terms(record))
    ]
    if terms:
        await tx.run(_ADD_TERMS, terms)


def _terms(record: CustomerRecord) -> Iterator[tuple[str, str, str, str]]:
    for phone in record.phones:
        yield "phone", phone.number, phone.number, phone.type
    for address in record.emails:
        yield "email", address.email.lower(), address.email, address.type
    for visitor in record.visitors:
        yield "visitor", visitor, visitor, ""
    full = f"{record.first_name} {record.last_name}".strip()
    for name in sorted({n.lower() for n in (full, record.first_name, record.last_name, record.company) if n}):
        yield "name", name, "", ""


def _values(record: CustomerRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "kind": record.kind,
        "first_name": record.first_name,
        "last_name": record.last_name,
        "company": record.company,
        "phone": record.phones[0].number if record.phones else "",
        "email": record.emails[0].email if record.emails else "",
        "language": record.language,
        "country": record.country,
        "time_zone": record.time_zone,
        "channel": record.channel,
        "vip": record.vip,
        "consent": record.consent.model_dump(),
        "fields": record.fields,
        "company_id": record.company_id,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }


async def _records(tx: Tx, rows: Sequence[Row[Any]]) -> list[CustomerRecord]:
    if not rows:
        return []
    terms = await tx.rows(_TERMS, {"customers": [row.id for row in rows]})
    return [_record(row, [term for term in terms if term.customer_id == row.id]) for row in rows]


def _record(row: Row[Any], terms: list[Row[Any]]) -> CustomerRecord:
    return CustomerRecord(
        id=row.id,
        kind=row.kind,
        first_name=row.first_name,
        last_name=row.last_name,
        company=row.company,
        phones=[Phone(number=term.text, type=term.type) for term in terms if term.kind == "phone"],
        emails=[Address(email=term.text, type=term.type) for term in terms if term.kind == "email"],
        visitors=[term.text for term in terms if term.kind == "visitor"],
        language=row.language,
        country=row.country,
        time_zone=row.time_zone,
        vip=row.vip,
        consent=row.consent,
        channel=row.channel,
        fields=row.fields,
        company_id=row.company_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
