"""A customer who wants no more messages on a channel: at once, and as often as they say so (M63)."""

from datetime import datetime

from sqlalchemy import bindparam, select, update

from activities.store import suppressions
from activities.store.database import Tx
from activities.store.tables import CUSTOMERS

_LANGUAGE = select(CUSTOMERS.c.language).where(CUSTOMERS.c.id == bindparam("customer"))

_CONSENT = select(CUSTOMERS.c.consent).where(CUSTOMERS.c.id == bindparam("customer")).with_for_update()

_SET_CONSENT = (
    update(CUSTOMERS)
    .where(CUSTOMERS.c.id == bindparam("customer"))
    .values(consent=bindparam("given"), updated_at=bindparam("at"))
)


async def language_of(tx: Tx, *, customer: str) -> str:
    """Give a customer's language; empty where it, or the customer, is not known."""
    row = await tx.first(_LANGUAGE, {"customer": customer})
    return "" if row is None else str(row.language)


async def unsubscribe(tx: Tx, *, customer: str, channel: str, address_hash: str, now: datetime) -> None:
    """Block the address on the channel and take the customer's consent to it back; a customer who is gone, too."""
    await suppressions.suppress_hash(tx, channel=channel, address_hash=address_hash, reason="unsubscribed", now=now)
    row = await tx.first(_CONSENT, {"customer": customer})
    if row is not None and row.consent.get(channel, True):
        await tx.run(_SET_CONSENT, {"customer": customer, "given": {**row.consent, channel: False}, "at": now})
