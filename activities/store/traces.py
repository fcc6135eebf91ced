"""By what one customer is found in the records: what is on their card, their orders and chats, and on nobody else's."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Row, Select, bindparam, exists, func, select

from activities.store.arrivals import name
from activities.store.conversations import WEB
from activities.store.database import Tx
from activities.store.mentions import Mentions, unique
from activities.store.tables import (
    CONVERSATIONS,
    CUSTOMER_TERMS,
    DELIVERIES,
    EVENTS,
    ORDERS,
    PAYMENTS,
    SHIPMENTS,
    VISITORS,
)


@dataclass(frozen=True)
class Traces:
    """What a customer is known by: `names` as events name people, and what bodies are searched for.

    `browsers` are their visitors of the site; `talks` are nobody's chats that are theirs all the same: from their
    number, or in their browser.
    """

    customer: str
    names: tuple[str, ...]
    mentions: Mentions
    browsers: tuple[str, ...]
    talks: tuple[UUID, ...]


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: The media whose addresses are phone numbers.
_BY_PHONE = ("sms", "whatsapp")

_CUSTOMER: BindParameter[str] = bindparam("customer")

_OTHERS = CUSTOMER_TERMS.alias("others")

# A family's number is theirs as long as one of them is a customer.
_TERMS = select(CUSTOMER_TERMS.c.kind, CUSTOMER_TERMS.c.value).where(
    CUSTOMER_TERMS.c.customer_id == _CUSTOMER,
    CUSTOMER_TERMS.c.kind.in_(("phone", "email", "visitor")),
    ~exists(
        select(_OTHERS.c.customer_id).where(
            _OTHERS.c.kind == CUSTOMER_TERMS.c.kind,
            _OTHERS.c.value == CUSTOMER_TERMS.c.value,
            _OTHERS.c.customer_id != CUSTOMER_TERMS.c.customer_id,
        )
    ),
)

_BROWSERS = select(VISITORS.c.id).where(VISITORS.c.customer_id == _CUSTOMER)

_CHATS = select(CONVERSATIONS.c.medium, CONVERSATIONS.c.address).where(
    CONVERSATIONS.c.customer_id == _CUSTOMER,
    ~exists(
        select(_OTHERS.c.customer_id).where(
            _OTHERS.c.kind == "phone",
            _OTHERS.c.value == CONVERSATIONS.c.address,
            _OTHERS.c.customer_id != CONVERSATIONS.c.customer_id,
        )
    ),
)

_THEIR_ORDERS = select(ORDERS.c.id).where(ORDERS.c.customer_id == _CUSTOMER)

_PARCELS = select(SHIPMENTS.c.tracking_number).where(
    SHIPMENTS.c.order_id.in_(_THEIR_ORDERS), SHIPMENTS.c.tracking_number != ""
)

_MONEY = select(PAYMENTS.c.reference).where(PAYMENTS.c.order_id.in_(_THEIR_ORDERS), PAYMENTS.c.reference != "")

_NOBODYS = select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.customer_id.is_(None))

_FROM_THEIR_ADDRESSES = _NOBODYS.where(
    CONVERSATIONS.c.medium.in_((*_BY_PHONE, WEB)),
    CONVERSATIONS.c.address.in_(bindparam("addresses", expanding=True)),
)

_AMONG_THESE = _NOBODYS.where(CONVERSATIONS.c.id.in_(bindparam("ids", expanding=True)))

# An event of the web chat is called after its conversation: what starter/gateway/chat/saying.py journals.
_CHAT_OF_EVENT = func.substr(EVENTS.c.id, 1, 36).label("chat")

_SAID_BY_STRAYS = select(_CHAT_OF_EVENT).where(
    EVENTS.c.whose.is_not(None), EVENTS.c.whose.in_(bindparam("names", expanding=True)), EVENTS.c.source == "chat"
)

_TOLD = DELIVERIES.alias("told")
_ELSEWHERE = ORDERS.alias("elsewhere")

_SAID_TO_ORDERS = (
    select(_CHAT_OF_EVENT)
    .select_from(DELIVERIES.join(EVENTS, EVENTS.c.seq == DELIVERIES.c.event))
    .where(
        DELIVERIES.c.order_id.in_(_THEIR_ORDERS),
        EVENTS.c.source == "chat",
        ~exists(
            select(_TOLD.c.id)
            .join(_ELSEWHERE, _ELSEWHERE.c.id == _TOLD.c.order_id)
            .where(_TOLD.c.event == EVENTS.c.seq, _ELSEWHERE.c.customer_id != _CUSTOMER)
        ),
    )
)


async def of_customer(tx: Tx, *, id: str) -> Traces:
    """Collect them; a customer who is not there has none but the id."""
    only = {"customer": id}
    terms = [(row.kind, row.value) for row in await tx.rows(_TERMS, only)]
    chats = [(row.medium, row.address) for row in await tx.rows(_CHATS, only)]
    phones = {value for kind, value in terms if kind == "phone"}
    phones |= {address for medium, address in chats if medium in _BY_PHONE}
    browsers = {value for kind, value in terms if kind == "visitor"}
    browsers |= {row.id for row in await tx.rows(_BROWSERS, only)}
    browsers |= {address for medium, address in chats if medium == WEB}
    emails = {value for kind, value in terms if kind == "email"}
    orders = [row.id for row in await tx.rows(_THEIR_ORDERS, only)]
    numbers = [value for query in (_PARCELS, _MONEY) for (value,) in await tx.rows(query, only)]
    others = [f"{medium}:{address}" for medium, address in chats if medium not in (*_BY_PHONE, WEB)]
    names = [
        name("customer", value=id),
        *(name("phone", value=phone) for phone in phones),
        *(name("email", value=email) for email in emails),
        *(name("visitor", value=browser) for browser in browsers),
        *(name("order", value=order) for order in orders),
    ]
    return Traces(
        customer=id,
        names=tuple(sorted(names)),
        mentions=Mentions(phones=sorted(phones), emails=sorted(emails), ids=unique({*browsers, *numbers, *others})),
        browsers=tuple(sorted(browsers)),
        talks=await _nobodys_talks(tx, id=id, names=names, addresses=sorted(phones | browsers)),
    )


async def _nobodys_talks(tx: Tx, *, id: str, names: list[str], addresses: list[str]) -> tuple[UUID, ...]:
    found: set[UUID] = set()
    if addresses:
        found |= {row.id for row in await tx.rows(_FROM_THEIR_ADDRESSES, {"addresses": addresses})}
    said = [*await _said(tx, _SAID_BY_STRAYS, {"names": names}), *await _said(tx, _SAID_TO_ORDERS, {"customer": id})]
    if said:
        found |= {row.id for row in await tx.rows(_AMONG_THESE, {"ids": sorted(set(said))})}
    return tuple(sorted(found))


async def _said(tx: Tx, query: Select[Any], values: dict[str, object]) -> list[UUID]:
    rows: list[Row[Any]] = list(await tx.rows(query, values))
    return [UUID(row.chat) for row in rows if _UUID.fullmatch(row.chat)]
