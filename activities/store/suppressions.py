"""Addresses that get no rule's message on a channel: unsubscribed, stopped, blocked, bounced. Only hashes are kept."""

from datetime import datetime
from hashlib import sha256

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.columns import cleaned
from activities.store.database import Tx
from activities.store.tables import SUPPRESSIONS

_THIS = (SUPPRESSIONS.c.channel == bindparam("on_channel"), SUPPRESSIONS.c.address_hash == bindparam("hash"))

#: What the shop has blocked itself; nothing that a person writes or a vendor tells takes its place.
_BY_THE_SHOP = "blocked"

_NEW = upsert(SUPPRESSIONS)
_PUT = _NEW.on_conflict_do_update(
    index_elements=["channel", "address_hash"],
    set_={"reason": _NEW.excluded.reason},
    where=SUPPRESSIONS.c.reason != _BY_THE_SHOP,
)

_FIND = select(SUPPRESSIONS.c.reason).where(*_THIS)

_DROP = delete(SUPPRESSIONS).where(*_THIS, SUPPRESSIONS.c.reason == bindparam("why"))


def fingerprint(address: str) -> str:
    """Hash an address (phone, mail, URL) so that it can be recognised, not read; capitals make no difference."""
    return sha256(cleaned(address).strip().lower().encode()).hexdigest()


async def suppress(tx: Tx, *, channel: str, address: str, reason: str, now: datetime) -> None:
    """Block an address for rules' messages (`unsubscribed`, `stop`, `blocked`, `bounced` ...). Its hash is kept.

    The latest reason stays, but for `blocked`, which is the shop's own.
    """
    await suppress_hash(tx, channel=channel, address_hash=fingerprint(address), reason=reason, now=now)


async def suppress_hash(tx: Tx, *, channel: str, address_hash: str, reason: str, now: datetime) -> None:
    """Block an address of which only the hash is known."""
    values = {"channel": channel, "address_hash": address_hash, "reason": reason, "created_at": now}
    await tx.run(_PUT, values)


async def unsuppress(tx: Tx, *, channel: str, address: str, reason: str) -> None:
    """Take the block of an address away that stands for this reason; one for another reason stays."""
    await tx.run(_DROP, {"on_channel": channel, "hash": fingerprint(address), "why": reason})


async def is_suppressed(tx: Tx, *, channel: str, address: str) -> bool:
    """Say whether an address is blocked."""
    return await why(tx, channel=channel, address=address) is not None


async def why(tx: Tx, *, channel: str, address: str) -> str | None:
    """Give the reason for which an address is blocked; None if it is not."""
    row = await tx.first(_FIND, {"on_channel": channel, "hash": fingerprint(address)})
    return None if row is None else row.reason
