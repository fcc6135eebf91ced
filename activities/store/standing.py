"""Where an order stands: stage, visit, hold, attention. Locking it is what puts decisions and claims in a row."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, func, select, update

from activities.store import timeline
from activities.store.database import NotFound, Tx
from activities.store.history import NewEntry, TimelineKind
from activities.store.tables import ORDERS, VISITS
from workflows.contracts.ids import OrderKey
from workflows.contracts.state import StageKind


class Standing(NamedTuple):
    """Where an order stands now. Each transaction makes one: a tuple costs a third of a dataclass."""

    key: OrderKey
    pipeline: str
    version: int
    stage: str
    stage_kind: StageKind
    visit: int
    entered_at: datetime | None
    held_at: datetime | None
    resumed_at: datetime | None
    attention: str
    responsible: str
    total: Decimal
    currency: str
    paid: bool
    tags: tuple[str, ...]
    is_deleted: bool
    is_to_be_deleted: bool = False


_ORDER = ORDERS.c.id == bindparam("order_id")

_STANDING = select(
    ORDERS.c.pipeline,
    ORDERS.c.version,
    ORDERS.c.stage,
    ORDERS.c.stage_kind,
    ORDERS.c.visit,
    ORDERS.c.entered_at,
    ORDERS.c.held_at,
    ORDERS.c.resumed_at,
    ORDERS.c.attention,
    ORDERS.c.responsible,
    ORDERS.c.total,
    ORDERS.c.currency,
    ORDERS.c.paid,
    ORDERS.c.tags,
    ORDERS.c.deleted_at,
    ORDERS.c.deletes_when_done,
).where(_ORDER)

_LOCK = _STANDING.with_for_update()

_MOVES = (
    select(func.count())
    .select_from(VISITS)
    .where(
        VISITS.c.order_id == bindparam("order_id"),
        VISITS.c.visit > 1,  # the order's creation is no change
        VISITS.c.entered_at >= bindparam("since"),
        VISITS.c.is_automatic.is_(True),
    )
)

_CUSTOMER = select(ORDERS.c.customer_id).where(_ORDER).correlate(None).scalar_subquery()

_LATEST_OPEN = (
    select(ORDERS.c.id)
    .where(ORDERS.c.customer_id == _CUSTOMER, ORDERS.c.stage_kind == StageKind.OPEN, ORDERS.c.deleted_at.is_(None))
    .order_by(ORDERS.c.created_at.desc(), ORDERS.c.id.desc())
    .limit(1)
)

_HOLD = update(ORDERS).where(_ORDER, ORDERS.c.held_at.is_(None)).values(held_at=bindparam("at"))

_RESUME = update(ORDERS).where(_ORDER).values(held_at=None, resumed_at=bindparam("at"))

_ATTENTION = update(ORDERS).where(_ORDER).values(attention=bindparam("why"))


async def lock(tx: Tx, key: OrderKey) -> Standing | None:
    """Lock an order until the transaction ends and say where it stands; None if there is no such order.

    What it holds is read again only after this transaction has changed an order: nobody else can.
    """
    order = str(key)
    kept = tx.kept(ORDERS, order)
    if isinstance(kept, Standing):
        return kept
    row = await tx.first(_LOCK, {"order_id": order})
    if row is None:
        return None
    found = _standing(key, row)
    tx.keep(ORDERS, order, found)
    return found


async def standing(tx: Tx, key: OrderKey) -> Standing | None:
    """Say where an order stands, without locking it; None if there is no such order."""
    kept = tx.kept(ORDERS, str(key))
    if isinstance(kept, Standing):
        return kept
    row = await tx.first(_STANDING, {"order_id": str(key)})
    return None if row is None else _standing(key, row)


async def automatic_moves(tx: Tx, key: OrderKey, *, since: datetime) -> int:
    """Count the stage changes no person made since a moment (M08)."""
    row = await tx.first(_MOVES, {"order_id": str(key), "since": since})
    return int(row[0]) if row else 0


async def is_latest_open(tx: Tx, key: OrderKey) -> bool:
    """Say whether the order is the newest open one of its customer; True if it has none or none is open."""
    row = await tx.first(_LATEST_OPEN, {"order_id": str(key)})
    return row is None or row.id == str(key)


async def hold(tx: Tx, key: OrderKey, *, at: datetime, by: str) -> bool:
    """Hold an order's automation; say whether that changed anything."""
    changed = (await tx.run(_HOLD, {"order_id": str(key), "at": at})).rowcount > 0
    if changed:
        await _note(tx, key, text="Automation held", at=at, by=by)
    return changed


async def resume(tx: Tx, key: OrderKey, *, at: datetime, by: str) -> timedelta | None:
    """Resume an order's automation; give the length of the pause, None if it was not held."""
    before = await lock(tx, key)
    if before is None:
        raise NotFound("order", str(key))
    if before.held_at is None:
        return None
    await tx.run(_RESUME, {"order_id": str(key), "at": at})
    await _note(tx, key, text="Automation resumed", at=at, by=by)
    return at - before.held_at


async def set_attention(tx: Tx, key: OrderKey, *, text: str) -> None:
    """Mark an order as needing a person, with the reason; an empty text takes the mark away."""
    await tx.run(_ATTENTION, {"order_id": str(key), "why": text})


async def _note(tx: Tx, key: OrderKey, *, text: str, at: datetime, by: str) -> None:
    await timeline.add(tx, key, entry=NewEntry(kind=TimelineKind.LOG, text=text, at=at, author=by))


def _standing(key: OrderKey, row: Row[Any]) -> Standing:
    return Standing(
        key=key,
        pipeline=row.pipeline,
        version=row.version,
        stage=row.stage,
        stage_kind=StageKind(row.stage_kind),
        visit=row.visit,
        entered_at=row.entered_at,
        held_at=row.held_at,
        resumed_at=row.resumed_at,
        attention=row.attention,
        responsible=row.responsible or "",
        total=row.total,
        currency=row.currency,
        paid=row.paid,
        tags=tuple(row.tags),
        is_deleted=row.deleted_at is not None,
        is_to_be_deleted=row.deletes_when_done,
    )
