"""Which of a provider's ids belong to a send already: a lost answer is settled with one that no other send owns.

And which send must end first: where only a list of equal messages tells them apart, two must not be lost at once.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, bindparam, or_, select, text

from activities.store.database import Tx
from activities.store.tables import CHAT_ANSWERS, LEDGER

_OWNED = select(LEDGER.c.provider_id).where(
    LEDGER.c.provider == bindparam("of_provider"),
    LEDGER.c.provider_id.in_(bindparam("ids", expanding=True)),
    LEDGER.c.id != bindparam("row"),
)

_OWNED_BY_ANSWERS = select(CHAT_ANSWERS.c.provider_id).where(
    CHAT_ANSWERS.c.provider == bindparam("of_provider"),
    CHAT_ANSWERS.c.provider_id.in_(bindparam("ids", expanding=True)),
    CHAT_ANSWERS.c.id != bindparam("row"),
)

_RIVALS = LEDGER.alias("rivals")
_RIVAL = (
    select(_RIVALS.c.claimed_at)
    .join(LEDGER, LEDGER.c.address_hash == _RIVALS.c.address_hash)
    .where(
        LEDGER.c.id == bindparam("row"),
        _RIVALS.c.id != LEDGER.c.id,
        _RIVALS.c.provider == LEDGER.c.provider,
        text("rivals.state IN ('dispatching', 'unknown')"),
        _RIVALS.c.channel.in_(bindparam("channels", expanding=True)),
        or_(_RIVALS.c.body_hash == LEDGER.c.body_hash, bindparam("any_text", type_=Boolean)),
        _RIVALS.c.updated_at > bindparam("since"),
    )
    .order_by(_RIVALS.c.claimed_at.desc())
    .limit(1)
)

_EARLIER = select(LEDGER.c.earlier).where(LEDGER.c.id == bindparam("row"))


async def owned(tx: Tx, *, send_id: UUID, provider: str, provider_ids: Iterable[str]) -> frozenset[str]:
    """Return those ids that are another send's, or this one's from before a person repeated it."""
    ids = sorted(set(provider_ids))
    if not ids:
        return frozenset()
    values = {"of_provider": provider, "ids": ids, "row": send_id}
    others = {row.provider_id for owned in (_OWNED, _OWNED_BY_ANSWERS) for row in await tx.rows(owned, values)}
    own = await tx.first(_EARLIER, {"row": send_id})
    return frozenset(others) | frozenset(own.earlier if own else ()).intersection(ids)


async def rival(
    tx: Tx, *, send_id: UUID, channels: Sequence[str], is_any_text: bool, since: datetime
) -> datetime | None:
    """Say when another send to the same address was claimed that is not settled and could be taken for this one.

    Only the same text counts unless it is `is_any_text`; what nothing happened to `since` then does not count any more.
    """
    values = {"row": send_id, "channels": list(channels), "any_text": is_any_text, "since": since}
    found = await tx.first(_RIVAL, values)
    return None if found is None else found.claimed_at
