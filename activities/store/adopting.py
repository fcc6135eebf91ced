"""Which of a provider's ids belong to a send already: a lost answer is settled with one that no other send owns.

And which send must end first: where only a list of equal messages tells them apart, two must not be lost at once. Sends
are in three tables: the ledger, employees' answers, notices.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Select, Table, bindparam, func, or_, select, text

from activities.store.database import Tx
from activities.store.suppressions import fingerprint
from activities.store.tables import CHAT_ANSWERS, LEDGER, NOTICES


@dataclass(frozen=True)
class Likeness:
    """By what a provider's list tells a send: the list holds these channels; any text where it does not show the text.

    `body_hash` is that of `hash_of`.
    """

    provider: str
    channels: Sequence[str]
    address: str
    body_hash: str
    is_any_text: bool


@dataclass(frozen=True)
class Rivals:
    """How many other sends are not settled that could be taken for one; when the first of them was claimed, and when
    the latest.
    """

    count: int
    first_at: datetime
    claimed_at: datetime


def _owned(table: Table, *, key: ColumnElement[UUID]) -> Select[Any]:
    return select(table.c.provider_id).where(
        table.c.provider == bindparam("of_provider"),
        table.c.provider_id.in_(bindparam("ids", expanding=True)),
        key != bindparam("row"),
    )


_OWNED_BY_SENDS = _owned(LEDGER, key=LEDGER.c.id)
_OWNED_BY_ANSWERS = _owned(CHAT_ANSWERS, key=CHAT_ANSWERS.c.id)
_OWNED_BY_NOTICES = _owned(NOTICES, key=NOTICES.c.send_id)

_EARLIER = select(LEDGER.c.earlier).where(LEDGER.c.id == bindparam("row"))


# The states are written out, as only then the partial index is used.
def _rivals(table: Table, *, key: ColumnElement[UUID]) -> Select[int, Any, Any]:
    latest, first = func.max(table.c.claimed_at).label("latest"), func.min(table.c.claimed_at).label("first")
    return select(func.count().label("unsettled"), latest, first).where(
        table.c.address_hash == bindparam("whither"),
        text(f"{table.name}.state IN ('dispatching', 'unknown')"),
        key != bindparam("row"),
        table.c.provider == bindparam("of_provider"),
        or_(table.c.body_hash == bindparam("what"), bindparam("any_text", type_=Boolean)),
        table.c.updated_at > bindparam("since"),
    )


_RIVAL_SENDS = _rivals(LEDGER, key=LEDGER.c.id).where(LEDGER.c.channel.in_(bindparam("channels", expanding=True)))
_RIVAL_ANSWERS = _rivals(CHAT_ANSWERS, key=CHAT_ANSWERS.c.id)
_RIVAL_NOTICES = _rivals(NOTICES, key=NOTICES.c.send_id)

#: Where sends of a channel are besides the ledger.
_ELSEWHERE = {"chat": _RIVAL_ANSWERS, "sms": _RIVAL_NOTICES}

_CLAIMED_SEND = select(LEDGER.c.claimed_at).where(LEDGER.c.id == bindparam("row"))
_CLAIMED_ANSWER = select(CHAT_ANSWERS.c.claimed_at).where(CHAT_ANSWERS.c.id == bindparam("row"))
_CLAIMED_NOTICE = select(NOTICES.c.claimed_at).where(NOTICES.c.send_id == bindparam("row"))


#: Control characters, marks that turn the direction of writing, and halves of characters.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def hash_of(*, subject: str, body: str) -> str:
    """Hash what a message says, so that it can be recognised, not read."""
    return sha256(f"{subject}\n{writable(body).strip()}".encode(errors="surrogatepass")).hexdigest()


def writable(text: str) -> str:
    """Return a text without what no message can hold, as lists of messages show it."""
    return _UNWRITABLE.sub("", text)


async def owned(tx: Tx, *, send_id: UUID, provider: str, provider_ids: Iterable[str]) -> frozenset[str]:
    """Return those ids that are another send's, or this one's from before a person repeated it."""
    ids = sorted(set(provider_ids))
    if not ids:
        return frozenset()
    values = {"of_provider": provider, "ids": ids, "row": send_id}
    owners = (_OWNED_BY_SENDS, _OWNED_BY_ANSWERS, _OWNED_BY_NOTICES)
    others = {row.provider_id for owner in owners for row in await tx.rows(owner, values)}
    own = await tx.first(_EARLIER, {"row": send_id})
    return frozenset(others) | frozenset(own.earlier if own else ()).intersection(ids)


async def rivals(tx: Tx, *, send_id: UUID, like: Likeness, since: datetime) -> Rivals | None:
    """Tell of other sends that are not settled and could be taken for this one; None if there are none.

    Asked by each send after its claim was committed, so that of two at most one goes on. What nothing happened to
    `since` then does not count any more.
    """
    values = {
        "row": send_id,
        "whither": fingerprint(like.address),
        "of_provider": like.provider,
        "channels": list(like.channels),
        "what": like.body_hash,
        "any_text": like.is_any_text,
        "since": since,
    }
    asked = (_RIVAL_SENDS, *(_ELSEWHERE[channel] for channel in like.channels if channel in _ELSEWHERE))
    found = [row for query in asked for row in await tx.rows(query, values) if row.latest is not None]
    if not found:
        return None
    return Rivals(
        sum(row.unsettled for row in found),
        first_at=min(row.first for row in found),
        claimed_at=max(row.latest for row in found),
    )


async def claimed_at(tx: Tx, *, send_id: UUID) -> datetime | None:
    """Say when a send was last claimed; None for one that is in no table."""
    for query in (_CLAIMED_SEND, _CLAIMED_ANSWER, _CLAIMED_NOTICE):
        row = await tx.first(query, {"row": send_id})
        if row is not None:
            found: datetime | None = row.claimed_at
            return found
    return None
