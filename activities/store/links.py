"""Links of messages: an address stands behind a token, so that its opening is seen and nobody can forge a target."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, insert, select, update

from activities.store.database import Tx
from activities.store.tables import LEDGER, LINKS, ORDERS
from workflows.contracts.ids import OrderKey

#: The address of a mail's open pixel: it leads nowhere, its token is asked for with `.gif`.
PIXEL = ""


@dataclass(frozen=True)
class LinkRecord:
    """A link of a message. `clicked_at` is when it was first opened; `arrived_at` when its message left or arrived."""

    token: str
    key: OrderKey
    send_id: UUID
    rule: str
    url: str
    created_at: datetime
    clicked_at: datetime | None
    arrived_at: datetime

    @property
    def is_pixel(self) -> bool:
        """Say whether it is the open pixel of a mail."""
        return self.url == PIXEL


_ADD = insert(LINKS)

_SAME = (
    select(LINKS.c.token)
    .where(LINKS.c.send_id == bindparam("of_send"), LINKS.c.url == bindparam("to_url"))
    .order_by(LINKS.c.created_at, LINKS.c.token)
    .limit(1)
)

_GET = (
    select(
        LINKS,
        ORDERS.c.shop,
        ORDERS.c.number,
        func.coalesce(LEDGER.c.delivered_at, LEDGER.c.accepted_at, LINKS.c.created_at).label("arrived_at"),
    )
    .select_from(LINKS.join(ORDERS, ORDERS.c.id == LINKS.c.order_id).outerjoin(LEDGER, LEDGER.c.id == LINKS.c.send_id))
    .where(LINKS.c.token == bindparam("of_token"))
)

_OPENED = (
    update(LINKS)
    .where(LINKS.c.token == bindparam("of_token"), LINKS.c.clicked_at.is_(None))
    .values(clicked_at=bindparam("at"))
)


async def put(tx: Tx, *, key: OrderKey, send_id: UUID, rule: str, url: str, now: datetime) -> str:
    """Keep the address a message leads to and give its token; once per send and address. `PIXEL` is a mail's opening.

    The caller holds the order's lock, as every rule that is being carried out does.
    """
    before = await tx.first(_SAME, {"of_send": send_id, "to_url": url})
    if before is not None:
        return str(before.token)
    token = secrets.token_urlsafe(16)
    values = {
        "token": token,
        "order_id": str(key),
        "send_id": send_id,
        "rule": rule,
        "url": url,
        "created_at": now,
        "clicked_at": None,
    }
    await tx.run(_ADD, values)
    return token


async def find(tx: Tx, *, token: str) -> LinkRecord | None:
    """Read a link; None for a token that is none of ours."""
    row = await tx.first(_GET, {"of_token": token})
    return None if row is None else _record(row)


async def open(tx: Tx, *, token: str, now: datetime) -> LinkRecord | None:
    """Mark a link as opened by the customer and give it; None for a token that is none of ours."""
    await tx.run(_OPENED, {"of_token": token, "at": now})
    return await find(tx, token=token)


def _record(row: Row[Any]) -> LinkRecord:
    return LinkRecord(
        token=row.token,
        key=OrderKey(shop=row.shop, number=row.number),
        send_id=row.send_id,
        rule=row.rule,
        url=row.url,
        created_at=row.created_at,
        clicked_at=row.clicked_at,
        arrived_at=row.arrived_at,
    )
