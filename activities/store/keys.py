"""API keys: made once, kept as SHA-256, with scopes, an end and the time of their last use."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, bindparam, insert, or_, select, update

from activities.store.columns import cleaned
from activities.store.database import NotFound, Tx
from activities.store.tables import API_KEYS


@dataclass(frozen=True)
class KeyRecord:
    """An API key without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


_ADD = insert(API_KEYS)

_VALID = select(API_KEYS).where(
    API_KEYS.c.hash == bindparam("digest"),
    API_KEYS.c.revoked_at.is_(None),
    or_(API_KEYS.c.expires_at.is_(None), API_KEYS.c.expires_at > bindparam("now")),
)

_ALL = select(API_KEYS).order_by(API_KEYS.c.created_at.desc(), API_KEYS.c.id)

_GET = select(API_KEYS).where(API_KEYS.c.id == bindparam("key_id"))

_USED = update(API_KEYS).where(API_KEYS.c.id == bindparam("key_id")).values(last_used_at=bindparam("at"))

_REVOKE = (
    update(API_KEYS)
    .where(API_KEYS.c.id == bindparam("key_id"), API_KEYS.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)


async def create(
    tx: Tx, *, name: str, scopes: Sequence[str], now: datetime, expires_at: datetime | None = None
) -> tuple[KeyRecord, str]:
    """Make a key; the secret is given only here."""
    id = secrets.token_hex(6)
    secret = f"oa_{id}_{secrets.token_urlsafe(32)}"
    record = KeyRecord(id, name, tuple(scopes), now, expires_at, None, None)
    values = {
        "id": id,
        "name": name,
        "hash": _hash(secret),
        "scopes": list(scopes),
        "created_at": now,
        "expires_at": expires_at,
    }
    await tx.run(_ADD, values)
    return record, secret


async def verify(tx: Tx, *, secret: str, now: datetime) -> KeyRecord | None:
    """Give the key a secret belongs to; None if it is unknown, revoked or past its end. Only reads."""
    row = await tx.first(_VALID, {"digest": _hash(secret), "now": now})
    return None if row is None else _record(row)


async def used(tx: Tx, *, id: str, now: datetime) -> None:
    """Note that a key was used."""
    await tx.run(_USED, {"key_id": id, "at": now})


async def all_keys(tx: Tx) -> list[KeyRecord]:
    """List the keys, the newest first."""
    return [_record(row) for row in await tx.rows(_ALL)]


async def revoke(tx: Tx, *, id: str, now: datetime) -> bool:
    """Revoke a key; say whether it was valid until now. Raise NotFound if there is none."""
    if (await tx.run(_REVOKE, {"key_id": id, "at": now})).rowcount > 0:
        return True
    if await tx.first(_GET, {"key_id": id}) is None:
        raise NotFound("key", id)
    return False


def _hash(secret: str) -> str:
    # A plain hash is enough: the secret is 32 random bytes, not a password to be guessed.
    return sha256(cleaned(secret).encode()).hexdigest()


def _record(row: Row[Any]) -> KeyRecord:
    return KeyRecord(
        id=row.id,
        name=row.name,
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
