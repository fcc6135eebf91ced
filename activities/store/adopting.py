"""Which of a provider's ids belong to a send already: a lost answer is settled with one that no other send owns."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import bindparam, select

from activities.store.database import Tx
from activities.store.tables import LEDGER

_OWNED = select(LEDGER.c.provider_id).where(
    LEDGER.c.provider == bindparam("of_provider"),
    LEDGER.c.provider_id.in_(bindparam("ids", expanding=True)),
    LEDGER.c.id != bindparam("row"),
)

_EARLIER = select(LEDGER.c.earlier).where(LEDGER.c.id == bindparam("row"))


async def owned(tx: Tx, *, send_id: UUID, provider: str, provider_ids: Iterable[str]) -> frozenset[str]:
    """Return those ids that are another send's, or this one's from before a person repeated it."""
    ids = sorted(set(provider_ids))
    if not ids:
        return frozenset()
    others = {row.provider_id for row in await tx.rows(_OWNED, {"of_provider": provider, "ids": ids, "row": send_id})}
    own = await tx.first(_EARLIER, {"row": send_id})
    return frozenset(others) | frozenset(own.earlier if own else ()).intersection(ids)
