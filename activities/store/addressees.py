"""Which orders an event goes to: those it names, or those of the customer it names (M56)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, func, or_, select

from activities.store import customers
from activities.store.arrivals import Arrival
from activities.store.database import NotFound, Tx
from activities.store.tables import CUSTOMERS, ORDERS, PIPELINES
from workflows.contracts.ids import OrderKey
from workflows.contracts.state import StageKind

_NAMED = (
    select(ORDERS.c.id)
    .where(ORDERS.c.id.in_(bindparam("ids", expanding=True)), ORDERS.c.deleted_at.is_(None))
    .order_by(ORDERS.c.id)
)

_OWNERS: BindParameter[str] = bindparam("owners", expanding=True)

# The order's customer, or the company the customer belongs to.
_THEIRS = or_(
    ORDERS.c.customer_id.in_(_OWNERS),
    ORDERS.c.customer_id.in_(select(CUSTOMERS.c.id).where(CUSTOMERS.c.company_id.in_(_OWNERS))),
)

_OPEN = (
    select(ORDERS.c.shop, ORDERS.c.number)
    .where(_THEIRS, ORDERS.c.stage_kind == StageKind.OPEN, ORDERS.c.deleted_at.is_(None))
    .order_by(ORDERS.c.id)
)

_VERSIONS = PIPELINES.alias("versions")

_LATEST_VERSION = select(func.max(_VERSIONS.c.version)).where(_VERSIONS.c.name == ORDERS.c.pipeline).scalar_subquery()

_LATEST_CLOSED = (
    select(ORDERS.c.shop, ORDERS.c.number, PIPELINES.c.reopens)
    .select_from(
        ORDERS.join(PIPELINES, (PIPELINES.c.name == ORDERS.c.pipeline) & (PIPELINES.c.version == _LATEST_VERSION))
    )
    .where(_THEIRS, ORDERS.c.stage_kind != StageKind.OPEN, ORDERS.c.deleted_at.is_(None))
    .order_by(ORDERS.c.created_at.desc(), ORDERS.c.id.desc())
    .limit(1)
)


async def of(tx: Tx, arrival: Arrival) -> tuple[OrderKey, ...]:
    """List the orders an arrival goes to, sorted; raise NotFound for a named one that does not exist.

    A customer's event goes to all their open orders, and to the latest closed one if its pipeline may reopen by it.
    """
    if arrival.orders:
        return await _named(tx, arrival.orders)
    if arrival.customer is None:
        return ()
    owners = await customers.find(tx, ref=arrival.customer)
    if not owners:
        return ()
    rows: list[Row[Any]] = list(await tx.rows(_OPEN, {"owners": owners}))
    closed = await tx.first(_LATEST_CLOSED, {"owners": owners})
    if closed is not None and arrival.type in closed.reopens:
        rows.append(closed)
    keys = [OrderKey(shop=row.shop, number=row.number) for row in rows]
    return tuple(sorted((key for key in keys if arrival.shop in (None, key.shop)), key=str))


async def _named(tx: Tx, keys: Sequence[OrderKey]) -> tuple[OrderKey, ...]:
    wanted = {str(key): key for key in keys}
    found = [row.id for row in await tx.rows(_NAMED, {"ids": list(wanted)})]
    for id in wanted:
        if id not in found:
            raise NotFound("order", id)
    return tuple(wanted[id] for id in found)
