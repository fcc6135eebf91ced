"""Visitors of the shop's site: their signed token, and what is journalled when a visit begins (T17, T18).

Nothing is journalled for a visitor who is nobody's customer, or whose customer has no order it concerns.
"""

import re
from hashlib import sha256
from uuid import uuid4

from activities.runtime.tokens import Tokens
from activities.store import addressees, customers, visitors
from activities.store.database import Tx
from activities.store.journal import Arrival
from activities.store.records import CustomerRef
from activities.store.visitors import Visit
from starter.gateway.hooks import Happened, Told, take
from starter.gateway.parts import Parts

SOURCE = "visits"

_PURPOSE = "visitor"

_ID = re.compile(r"v-[0-9a-f]{32}")


def newcomer() -> str:
    """Make a visitor's id; nobody can guess it."""
    return f"v-{uuid4().hex}"


def signed(tokens: Tokens, *, visitor: str) -> str:
    """Return a visitor's token."""
    return tokens.sign(visitor, purpose=_PURPOSE)


def visitor_of(tokens: Tokens, *, token: str) -> str | None:
    """Return whose token it is; None for one that is forged, or no visitor's (case 47)."""
    value = tokens.read(token, purpose=_PURPOSE) if len(token) <= 500 else None
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


async def visit(gateway: Parts, *, visitor: str, page: str, referrer: str) -> None:
    """Note that a visitor looks at a page, and journal the visit if it begins one; raise StoreDown."""
    now = gateway.now()
    async with gateway.store.read() as tx:
        known = await visitors.find(tx, id=visitor)
    if known is not None and known.is_fresh(now):
        return

    async def begun(tx: Tx) -> list[Happened]:
        visit = await visitors.see(tx, id=visitor, shop=gateway.settings.shop, now=now)
        if not visit.is_new:
            return []
        happened = await _happened(tx, visit, page=page, referrer=referrer)
        return [one for one in happened if await _concerns(tx, one)]

    await take(gateway, source=SOURCE, told=Told(), raw=b"", also=begun)


async def _happened(tx: Tx, visit: Visit, *, page: str, referrer: str) -> list[Happened]:
    visitor = visit.visitor
    found = [visitor.customer] if visitor.customer else await customers.find(tx, ref=CustomerRef(visitor=visitor.id))
    if not found:
        return []
    ref = CustomerRef(customer=visitor.customer) if visitor.customer else CustomerRef(visitor=visitor.id)
    # The visitor's id is as good as their token, so the journal knows it by its hash only. Not by the visit's number,
    # which begins anew with a visitor who was forgotten meanwhile.
    at = visitor.visit_started_at
    id = f"{sha256(visitor.id.encode()).hexdigest()[:32]}:{int(at.timestamp())}"
    data = {"page": page, "referrer": referrer}
    returned = [
        Happened(f"{id}:returned:{form}", "visit.returned", at, {"name": form, "page": page}, customer=ref)
        for form in visitor.forms
    ]
    return [Happened(f"{id}:started", "visit.started", at, data, customer=ref), *returned]


async def _concerns(tx: Tx, happened: Happened) -> bool:
    arrival = Arrival(SOURCE, happened.id, happened.type, happened.at, customer=happened.customer)
    return bool(await addressees.of(tx, arrival))
