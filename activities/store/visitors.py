"""Visitors of the shop's site: when a visit begins, which forms they filled in, and which customer they are.

A visit ends with a pause of half an hour. A visitor is a browser; whoever last filled in a form there is its customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store import customers
from activities.store.database import NotFound, Tx
from activities.store.records import CustomerPatch
from activities.store.tables import CUSTOMER_TERMS, VISITORS

#: The pause after which the next page begins a new visit.
PAUSE = timedelta(minutes=30)

#: What is seen again so soon is not written down.
_FRESH = timedelta(minutes=1)

#: Forms kept of a visitor, and visitors kept of a customer; the latest ones.
_MOST_FORMS, _MOST_VISITORS = 20, 50


@dataclass(frozen=True)
class VisitorRecord:
    """A visitor. `visits` counts up to the present one."""

    id: str
    shop: str
    customer: str | None
    forms: tuple[str, ...]
    visits: int
    visit_started_at: datetime
    seen_at: datetime

    def is_fresh(self, now: datetime) -> bool:
        """Say whether the visitor was seen so lately that nothing need be written."""
        return abs(now - self.seen_at) < _FRESH


@dataclass(frozen=True)
class Visit:
    """A visit that goes on, or has just begun."""

    visitor: VisitorRecord
    is_new: bool


_GET = select(VISITORS).where(VISITORS.c.id == bindparam("visitor"))

_LOCK = _GET.with_for_update()

_ADD = upsert(VISITORS).on_conflict_do_nothing(index_elements=["id"])

_BEGIN = (
    update(VISITORS)
    .where(VISITORS.c.id == bindparam("visitor"), VISITORS.c.seen_at <= bindparam("paused_since"))
    .values(visits=VISITORS.c.visits + 1, visit_started_at=bindparam("at"), seen_at=bindparam("at"))
)

_GO_ON = (
    update(VISITORS)
    .where(VISITORS.c.id == bindparam("visitor"), VISITORS.c.seen_at < bindparam("at"))
    .values(seen_at=bindparam("at"))
)

_LINK = (
    update(VISITORS)
    .where(VISITORS.c.id == bindparam("visitor"))
    .values(customer_id=bindparam("whose"), forms=bindparam("filled", type_=VISITORS.c.forms.type))
)


# Whom a customer's card names is no stranger, also where they filled in no form.
_STRANGERS = (
    select(VISITORS.c.id)
    .where(
        VISITORS.c.customer_id.is_(None),
        VISITORS.c.seen_at < bindparam("silent_since"),
        ~exists(
            select(CUSTOMER_TERMS.c.customer_id).where(
                CUSTOMER_TERMS.c.kind == "visitor", CUSTOMER_TERMS.c.value == VISITORS.c.id
            )
        ),
    )
    .order_by(VISITORS.c.seen_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)

_FORGET = delete(VISITORS).where(VISITORS.c.id.in_(bindparam("ids", expanding=True)))


async def find(tx: Tx, *, id: str) -> VisitorRecord | None:
    """Read a visitor; None if they were never seen."""
    row = await tx.first(_GET, {"visitor": id})
    if row is None:
        return None
    return VisitorRecord(
        id=row.id,
        shop=row.shop,
        customer=row.customer_id,
        forms=tuple(row.forms),
        visits=row.visits,
        visit_started_at=row.visit_started_at,
        seen_at=row.seen_at,
    )


async def see(tx: Tx, *, id: str, shop: str, now: datetime) -> Visit:
    """Note that a visitor is there; of all who say so at the same moment, one begins the visit."""
    is_new = await _add(tx, id=id, shop=shop, now=now)
    if not is_new:
        begun = await tx.run(_BEGIN, {"visitor": id, "paused_since": now - PAUSE, "at": now})
        is_new = begun.rowcount == 1
        if not is_new:
            await tx.run(_GO_ON, {"visitor": id, "at": now})
    return Visit(await _known(tx, id=id), is_new)


async def link(tx: Tx, *, id: str, shop: str, customer: str, form: str, now: datetime) -> None:
    """Note that a visitor filled in a form as a customer: from now on they are that customer."""
    await _add(tx, id=id, shop=shop, now=now)
    await tx.first(_LOCK, {"visitor": id})
    visitor = await _known(tx, id=id)
    forms = [*(one for one in visitor.forms if one != form), form]
    if visitor.customer not in (None, customer):
        forms = [form]  # the others were filled in by somebody else
        await _drop(tx, customer=visitor.customer or "", visitor=id, now=now)
    await tx.run(_LINK, {"visitor": id, "whose": customer, "filled": forms[-_MOST_FORMS:]})
    before = (await customers.get(tx, id=customer)).visitors
    if id not in before:
        await _set_visitors(tx, customer=customer, visitors=[*before, id][-_MOST_VISITORS:], now=now)


async def forget_strangers(tx: Tx, *, silent_since: datetime, limit: int) -> int:
    """Let visitors go who are nobody's, with their visits, if they were not seen since; return how many those were."""
    rows = await tx.rows(_STRANGERS, {"silent_since": silent_since, "most": limit})
    if rows:
        await tx.run(_FORGET, {"ids": [row.id for row in rows]})
    return len(rows)


async def _add(tx: Tx, *, id: str, shop: str, now: datetime) -> bool:
    values: dict[str, object] = {
        "id": id,
        "shop": shop,
        "customer_id": None,
        "forms": [],
        "visits": 1,
        "visit_started_at": now,
        "seen_at": now,
    }
    return (await tx.run(_ADD, values)).rowcount == 1


async def _known(tx: Tx, *, id: str) -> VisitorRecord:
    visitor = await find(tx, id=id)
    if visitor is None:
        raise NotFound("visitor", id)
    return visitor


async def _drop(tx: Tx, *, customer: str, visitor: str, now: datetime) -> None:
    try:
        before = (await customers.get(tx, id=customer)).visitors
    except NotFound:
        return
    await _set_visitors(tx, customer=customer, visitors=[one for one in before if one != visitor], now=now)


async def _set_visitors(tx: Tx, *, customer: str, visitors: Sequence[str], now: datetime) -> None:
    await customers.patch(tx, id=customer, patch=CustomerPatch(visitors=list(visitors)), now=now)
