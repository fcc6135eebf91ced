"""Calls that rules make, by the id of their send: what is heard, which call may speak it, and how it went.

The words are fetched by the call itself. The first call that asks for them is the one that speaks; another call for
the same send, which a lost answer may have caused, is told to hang up.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.database import Tx
from activities.store.history import LedgerState
from activities.store.tables import CALLS, LEDGER, RUNS
from activities.store.values import Boundary
from workflows.contracts.ids import OrderKey

#: How far a call is, in the words of the telephone network; a status never goes back to one of a lower rank.
RANKS = {
    "queued": 0,
    "initiated": 0,
    "ringing": 1,
    "in-progress": 2,
    "completed": 3,
    "busy": 3,
    "no-answer": 3,
    "failed": 3,
    "canceled": 3,
}

_FINAL = max(RANKS.values())


@dataclass(frozen=True)
class NewCall:
    """A call that a rule is about to make: its words, or `audio` (a public https address) in their place.

    `language` is a BCP 47 tag; `rate` is in per cent of the voice's own, `volume` in decibels.
    """

    send_id: UUID
    key: OrderKey
    text: str
    language: str = ""
    voice: str = ""
    rate: int = 100
    volume: int = 0
    audio: str = ""


class CallRecord(Boundary):
    """A call: what is heard, the provider's id of the one call that may speak, and how far it is.

    `status` is "" until the provider told one, then one of `RANKS`.
    """

    send_id: UUID
    order_id: str
    text: str
    language: str
    voice: str
    rate: int
    volume: int
    audio: str
    call_id: str | None
    status: str
    answered_by: str
    created_at: datetime
    fetched_at: datetime | None
    ended_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Say whether the call has ended, however it went."""
        return self.ended_at is not None


_PUT = upsert(CALLS).on_conflict_do_nothing(index_elements=["send_id"])

#: A send of this id that was claimed: its words may be spoken this very moment.
_IS_CLAIMED = exists(
    select(LEDGER.c.id).where(
        LEDGER.c.id == CALLS.c.send_id, LEDGER.c.state.not_in((LedgerState.PLANNED, LedgerState.SKIPPED))
    )
)

_REWORD = (
    update(CALLS)
    .where(CALLS.c.send_id == bindparam("send"), ~_IS_CLAIMED)
    .values(
        text=bindparam("new_text"),
        language=bindparam("new_language"),
        voice=bindparam("new_voice"),
        rate=bindparam("new_rate"),
        volume=bindparam("new_volume"),
        audio=bindparam("new_audio"),
    )
)

#: A run that a person repeats has not started again yet: only then may another call speak.
_REPEATED = exists(
    select(LEDGER.c.id)
    .join(RUNS, RUNS.c.id == LEDGER.c.run)
    .where(LEDGER.c.id == CALLS.c.send_id, LEDGER.c.state == LedgerState.PLANNED, RUNS.c.started_at.is_(None))
)

_RENEW = (
    update(CALLS)
    .where(CALLS.c.send_id == bindparam("send"), _REPEATED)
    .values(call_id=None, status="", answered_by="", fetched_at=None, ended_at=None)
)

_GET = select(CALLS).where(CALLS.c.send_id == bindparam("send"))

_LOCKED = _GET.with_for_update()

_SPEAK = (
    update(CALLS)
    .where(
        CALLS.c.send_id == bindparam("send"),
        or_(CALLS.c.call_id.is_(None), CALLS.c.call_id == bindparam("their_id")),
    )
    .values(call_id=bindparam("their_id"), fetched_at=func.coalesce(CALLS.c.fetched_at, bindparam("at")))
)

_TELL = (
    update(CALLS)
    .where(CALLS.c.send_id == bindparam("send"))
    .values(
        call_id=bindparam("their_id"),
        status=bindparam("their_status"),
        answered_by=bindparam("who"),
        ended_at=bindparam("ended"),
    )
)


async def put(tx: Tx, *, call: NewCall, now: datetime) -> None:
    """Store what a call will say, once by its send; its words may change until the send is claimed.

    Where a person repeats the rule, another call may speak them.
    """
    words = {
        "text": call.text,
        "language": call.language,
        "voice": call.voice,
        "rate": call.rate,
        "volume": call.volume,
        "audio": call.audio,
    }
    new = {"send_id": call.send_id, "order_id": str(call.key), **words, "created_at": now}
    if (await tx.run(_PUT, {**new, "status": "", "answered_by": ""})).rowcount > 0:
        return
    await tx.run(_REWORD, {"send": call.send_id, **{f"new_{name}": value for name, value in words.items()}})
    await tx.run(_RENEW, {"send": call.send_id})


async def get(tx: Tx, *, send_id: UUID) -> CallRecord | None:
    """Read a call; None if there is none."""
    row = await tx.first(_GET, {"send": send_id})
    return None if row is None else _record(row)


async def speak(tx: Tx, *, send_id: UUID, call_id: str, now: datetime) -> CallRecord | None:
    """Let the first call that asks speak, as often as it asks; None for every other one, which must hang up."""
    if (await tx.run(_SPEAK, {"send": send_id, "their_id": call_id, "at": now})).rowcount == 0:
        return None
    return await get(tx, send_id=send_id)


async def tell(tx: Tx, *, send_id: UUID, call_id: str, status: str, answered_by: str, now: datetime) -> bool:
    """Take the provider's word on a call; say whether it changed anything.

    A status never goes back, and a final one never changes; who answered may come later. The word on a call other
    than the one that speaks is passed over; an unknown status is too.
    """
    row = await tx.first(_LOCKED, {"send": send_id})
    if row is None or status not in RANKS or row.call_id not in (None, call_id):
        return False
    rank, known = RANKS[status], RANKS.get(row.status, -1)
    is_news = rank > known
    who = answered_by or row.answered_by
    if not is_news and who == row.answered_by:
        return False
    ended = now if is_news and rank == _FINAL else row.ended_at
    values = {"their_id": call_id, "their_status": status if is_news else row.status, "who": who, "ended": ended}
    await tx.run(_TELL, {"send": send_id, **values})
    return True


def _record(row: Row[Any]) -> CallRecord:
    return CallRecord.model_validate({name: getattr(row, name) for name in CallRecord.model_fields})
