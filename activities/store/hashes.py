"""Hashes of deleted orders' sends: a plain hash of a phone number is as good as the number, so it goes with the order.

Only a send whose answer was lost keeps them until it has settled: it may still be taken for another one's message.
"""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update

from activities.store.database import Tx
from activities.store.history import LedgerState
from activities.store.tables import LEDGER, ORDERS

#: States in which nobody knows yet what became of a send.
LOST = (LedgerState.DISPATCHING, LedgerState.UNKNOWN)

#: A lost send is settled, or left to a person, within a day.
_UNTIL_SETTLED = timedelta(days=7)

_SETTLED = (
    select(LEDGER.c.id)
    .join(ORDERS, ORDERS.c.id == LEDGER.c.order_id)
    .where(
        ORDERS.c.deleted_at.is_not(None),
        ORDERS.c.deleted_at > bindparam("since"),
        LEDGER.c.address_hash != "",
        LEDGER.c.state.not_in(LOST),
    )
    .limit(bindparam("most"))
)

_FORGET = update(LEDGER).where(LEDGER.c.id.in_(bindparam("ids", expanding=True))).values(address_hash="", body_hash="")


async def forget_settled(tx: Tx, *, now: datetime, limit: int) -> int:
    """Let those go whose sends have settled since their order was deleted; return how many sends those were."""
    rows = await tx.rows(_SETTLED, {"since": now - _UNTIL_SETTLED, "most": limit})
    if rows:
        await tx.run(_FORGET, {"ids": [row.id for row in rows]})
    return len(rows)
