"""Codes of webhook triggers: random, kept as SHA-256, exchanged with an overlap, each with an optional secret."""

import secrets
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, bindparam, insert, or_, select, update

from activities.store.columns import cleaned
from activities.store.database import Tx
from activities.store.tables import HOOK_CODES


@dataclass(frozen=True)
class HookCode:
    """A code without itself: the webhook trigger it fires, and the secret that must sign its calls ("" for none)."""

    hash: str
    trigger: str
    secret: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


_ADD = insert(HOOK_CODES)

_VALID = select(HOOK_CODES).where(
    HOOK_CODES.c.hash == bindparam("digest"),
    or_(HOOK_CODES.c.expires_at.is_(None), HOOK_CODES.c.expires_at > bindparam("now")),
)

_ALL = select(HOOK_CODES).order_by(HOOK_CODES.c.trigger, HOOK_CODES.c.created_at.desc())

_END = (
    update(HOOK_CODES)
    .where(
        HOOK_CODES.c.trigger == bindparam("of_trigger"),
        or_(HOOK_CODES.c.expires_at.is_(None), HOOK_CODES.c.expires_at > bindparam("until")),
    )
    .values(expires_at=bindparam("until"))
)

_USED = update(HOOK_CODES).where(HOOK_CODES.c.hash == bindparam("digest")).values(last_used_at=bindparam("at"))


async def create(
    tx: Tx, *, trigger: str, now: datetime, overlap: timedelta, is_signed: bool = False
) -> tuple[HookCode, str]:
    """Make a code of 128 random bits; it is given only here. The codes before it end after the overlap."""
    await end(tx, trigger=trigger, at=now + overlap)
    code = secrets.token_urlsafe(16)
    secret = "whsec_" + b64encode(secrets.token_bytes(24)).decode() if is_signed else ""
    record = HookCode(_hash(code), trigger, secret, now, None, None)
    values = {"hash": record.hash, "trigger": trigger, "secret": secret, "created_at": now, "data": {}}
    await tx.run(_ADD, values)
    return record, code


async def end(tx: Tx, *, trigger: str, at: datetime) -> int:
    """Let every code of a trigger end at a moment; say how many would have been valid longer."""
    return (await tx.run(_END, {"of_trigger": trigger, "until": at})).rowcount


async def find(tx: Tx, *, code: str, now: datetime) -> HookCode | None:
    """Give a valid code; None if it is unknown or has ended."""
    row = await tx.first(_VALID, {"digest": _hash(code), "now": now})
    return None if row is None else _record(row)


async def used(tx: Tx, *, hash: str, now: datetime) -> None:
    """Note that a code was used."""
    await tx.run(_USED, {"digest": hash, "at": now})


async def all_codes(tx: Tx) -> list[HookCode]:
    """List the codes by trigger, the newest first."""
    return [_record(row) for row in await tx.rows(_ALL)]


def _hash(code: str) -> str:
    # A plain hash is enough: the code is 16 random bytes, not a password to be guessed.
    return sha256(cleaned(code).encode()).hexdigest()


def _record(row: Row[Any]) -> HookCode:
    return HookCode(
        hash=row.hash,
        trigger=row.trigger,
        secret=row.secret,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
