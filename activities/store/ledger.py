"""The ledger: one row per intended message, claimed before it may leave, so that nothing is sent twice (M61).

planned -> dispatching -> accepted -> delivered
   ^           |  |  \\-> failed        (refused for good, or not delivered)
   |           |  \\---> unknown -> accepted | planned | held    (settled before anything is sent again)
   \\-----------/         held -> accepted | planned | failed    (by a person, or a late callback)
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, func, or_, select, text, update

from activities.store import answers, parcels, receipts, undelivered
from activities.store.attempts import FAILED_LATE
from activities.store.claims import Claim as Claim
from activities.store.claims import Claimed as Claimed
from activities.store.claims import Refused as Refused
from activities.store.claims import Unsettled as Unsettled
from activities.store.claims import claim as claim
from activities.store.database import NotFound, Tx
from activities.store.history import LedgerRecord, LedgerState
from activities.store.receipts import Callback as Callback
from activities.store.receipts import DuplicateSend as DuplicateSend
from activities.store.receipts import Folding
from activities.store.tables import LEDGER, ORDERS
from workflows.contracts.ids import OrderKey, run_id

#: States that a provider's late word may still settle.
_OPEN = (LedgerState.PLANNED, LedgerState.DISPATCHING, LedgerState.UNKNOWN, LedgerState.HELD, LedgerState.SKIPPED)

_ROW = (
    select(LEDGER, ORDERS.c.shop, ORDERS.c.number)
    .join(ORDERS, ORDERS.c.id == LEDGER.c.order_id)
    .where(LEDGER.c.id == bindparam("row"))
)

_LOCK_ROW = receipts.lock(LEDGER, key=LEDGER.c.id)

_ROWS = (
    select(LEDGER, ORDERS.c.shop, ORDERS.c.number)
    .join(ORDERS, ORDERS.c.id == LEDGER.c.order_id)
    .where(LEDGER.c.order_id == bindparam("order_id"))
    .order_by(LEDGER.c.visit, LEDGER.c.claimed_at)
)

_ACCEPT = (
    update(LEDGER)
    .where(
        LEDGER.c.id == bindparam("row"),
        or_(
            LEDGER.c.provider_id.is_(None),
            and_(LEDGER.c.provider_id == bindparam("their_id"), LEDGER.c.state.in_(_OPEN)),
        ),
    )
    .values(
        state=LedgerState.ACCEPTED,
        provider_id=bindparam("their_id"),
        accepted_at=bindparam("at"),
        lease_until=None,
        updated_at=bindparam("at"),
    )
)

_CHANGE = (
    update(LEDGER)
    .where(LEDGER.c.id == bindparam("row"), LEDGER.c.state.in_(bindparam("states", expanding=True)))
    .values(
        state=bindparam("to_state"),
        code=bindparam("their_code"),
        words=bindparam("said"),
        lease_until=None,
        updated_at=bindparam("at"),
    )
)

_CHANGE_OF_ATTEMPT = _CHANGE.where(LEDGER.c.attempt == bindparam("of_attempt"))

_FOLD = receipts.fold(
    LEDGER,
    accepted_at=func.coalesce(LEDGER.c.accepted_at, bindparam("at")),
    delivered_at=bindparam("reached_at"),
    words=bindparam("said"),
    lease_until=None,
)

_FOLDING = Folding(lock=_LOCK_ROW, fold=_FOLD)

_EXPIRED = (
    select(LEDGER.c.id)
    .where(LEDGER.c.state == text("'dispatching'"), LEDGER.c.lease_until <= bindparam("now"))
    .order_by(LEDGER.c.lease_until)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)

_TO_UNKNOWN = (
    update(LEDGER)
    .where(LEDGER.c.id.in_(bindparam("ids", expanding=True)))
    .values(state=LedgerState.UNKNOWN, lease_until=None, updated_at=bindparam("at"))
)

_SOME = (
    select(LEDGER, ORDERS.c.shop, ORDERS.c.number)
    .join(ORDERS, ORDERS.c.id == LEDGER.c.order_id)
    .where(LEDGER.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(LEDGER.c.claimed_at)
)

_TO_REOPEN = (
    select(LEDGER.c.id, LEDGER.c.provider_id, LEDGER.c.earlier)
    .where(
        LEDGER.c.run == bindparam("of_run"),
        LEDGER.c.state.in_((LedgerState.FAILED, LedgerState.SKIPPED, LedgerState.HELD)),
    )
    .with_for_update()
)

_REOPEN = (
    update(LEDGER)
    .where(LEDGER.c.id == bindparam("row"))
    .values(
        state=LedgerState.PLANNED,
        provider_id=None,
        provider_status="",
        rank=0,
        code="",
        words="",
        earlier=bindparam("known"),
        updated_at=bindparam("at"),
    )
)

_MAY_HAVE_LEFT = (LedgerState.DISPATCHING, LedgerState.UNKNOWN, LedgerState.ACCEPTED, LedgerState.DELIVERED)

_IS_CLAIMED = (
    select(LEDGER.c.id)
    .where(
        LEDGER.c.run == bindparam("of_run"),
        or_(LEDGER.c.state.in_(_MAY_HAVE_LEFT), FAILED_LATE),
    )
    .limit(1)
)


async def accepted(tx: Tx, *, send_id: UUID, provider_id: str, now: datetime) -> bool:
    """Record that the provider took the message; raise DuplicateSend for a second provider id.

    Say whether that is news: a receipt may have told it, and more, before.
    """
    if (await tx.run(_ACCEPT, {"row": send_id, "their_id": provider_id, "at": now})).rowcount > 0:
        return True
    found = await _locked(tx, send_id)
    receipts.check(found, send_id=send_id, provider_id=provider_id)
    return False


async def released(tx: Tx, *, send_id: UUID, error: str, now: datetime, attempt: int | None = None) -> bool:
    """Record that nothing left the house: dispatching -> planned; say if it changed.

    With an `attempt`, only while the claim is still that attempt's; so do `failed` and `unknown`.
    """
    states = (LedgerState.DISPATCHING,)
    return await _change(tx, send_id, states, LedgerState.PLANNED, now=now, words=error, attempt=attempt)


async def failed(tx: Tx, *, send_id: UUID, code: str, words: str, now: datetime, attempt: int | None = None) -> bool:
    """Record that the provider refused for good; say if it changed."""
    states = (LedgerState.DISPATCHING, LedgerState.UNKNOWN, LedgerState.HELD, LedgerState.PLANNED)
    return await _change(tx, send_id, states, LedgerState.FAILED, now=now, code=code, words=words, attempt=attempt)


async def unknown(tx: Tx, *, send_id: UUID, now: datetime, attempt: int | None = None) -> bool:
    """Record that the answer was lost after the request may have left: dispatching -> unknown; say if it changed."""
    return await _change(tx, send_id, (LedgerState.DISPATCHING,), LedgerState.UNKNOWN, now=now, attempt=attempt)


async def delivered(tx: Tx, *, send_id: UUID, provider_id: str, callback: Callback, now: datetime) -> bool:
    """Take a provider's callback: the higher rank wins; say whether it changed the row. It settles an unknown row.

    A callback for an attempt that a person had repeated is passed over. The responsible person is told of what was
    accepted and did not arrive. What is not in the ledger may be an employee's answer in a chat or a notice. Raise
    NotFound for neither, DuplicateSend for another provider id.
    """
    row = await tx.first(_LOCK_ROW, {"send": send_id})
    if row is not None:
        if provider_id in row.earlier:
            return False
        reached_at = now if callback.state is LedgerState.DELIVERED else row.delivered_at
        more = {"reached_at": reached_at, "said": callback.words}
        is_news = await receipts.take(
            tx, _FOLDING, row=row, send_id=send_id, provider_id=provider_id, callback=callback, now=now, more=more
        )
        if is_news and callback.state is LedgerState.FAILED and row.state == LedgerState.ACCEPTED:
            # Its run has ended well; one that has not fails with what the row says, or is told of at its end.
            await undelivered.tell(tx, row, provider_id=provider_id, callback=callback, now=now)
        return is_news
    for received in (answers.received, parcels.received):
        has_changed = await received(tx, send_id=send_id, provider_id=provider_id, callback=callback, now=now)
        if has_changed is not None:
            return has_changed
    raise NotFound("send", str(send_id))


async def settle(tx: Tx, *, send_id: UUID, to: LedgerState, now: datetime, provider_id: str | None = None) -> bool:
    """Settle an unknown or held row: to accepted (with its provider id), planned, held or failed; say if it changed."""
    if to is LedgerState.ACCEPTED:
        if provider_id is None:
            raise ValueError("a row is settled as accepted with its provider's id")
        found = await _locked(tx, send_id)
        if found.state not in (LedgerState.UNKNOWN, LedgerState.HELD):
            return False
        await accepted(tx, send_id=send_id, provider_id=provider_id, now=now)
        return True
    if to not in (LedgerState.PLANNED, LedgerState.HELD, LedgerState.FAILED):
        raise ValueError(f"a row cannot be settled as {to}")
    return await _change(tx, send_id, (LedgerState.UNKNOWN, LedgerState.HELD), to, now=now)


async def reopen(tx: Tx, key: OrderKey, *, visit: int, rule: str, now: datetime) -> int:
    """Let a run's failed, skipped or held messages be claimed anew (a person repeats the rule); give how many."""
    rows = await tx.rows(_TO_REOPEN, {"of_run": run_id(key, visit, rule)})
    if rows:
        await tx.run(_REOPEN, [{"row": row.id, "known": _known(row), "at": now} for row in rows])
    return len(rows)


async def expired_leases(tx: Tx, *, now: datetime, limit: int = 100) -> list[LedgerRecord]:
    """Turn rows whose lease ran out to unknown and list them."""
    ids = [row.id for row in await tx.rows(_EXPIRED, {"now": now, "most": limit})]
    if not ids:
        return []
    await tx.run(_TO_UNKNOWN, {"ids": ids, "at": now})
    return [_record(row) for row in await tx.rows(_SOME, {"ids": ids})]


async def is_claimed(tx: Tx, *, run: UUID) -> bool:
    """Say whether a message of a run was claimed and its run's end is still to be recorded."""
    return await tx.first(_IS_CLAIMED, {"of_run": run}) is not None


async def row(tx: Tx, *, send_id: UUID) -> LedgerRecord | None:
    """Read one row."""
    found = await tx.first(_ROW, {"row": send_id})
    return None if found is None else _record(found)


async def rows_of(tx: Tx, key: OrderKey) -> list[LedgerRecord]:
    """List an order's rows, the oldest visit first."""
    return [_record(row) for row in await tx.rows(_ROWS, {"order_id": str(key)})]


def _known(row: Row[Any]) -> list[str]:
    return [*row.earlier, row.provider_id] if row.provider_id else list(row.earlier)


async def _locked(tx: Tx, send_id: UUID) -> Row[Any]:
    found = await tx.first(_LOCK_ROW, {"send": send_id})
    if found is None:
        raise NotFound("send", str(send_id))
    return found


async def _change(
    tx: Tx,
    send_id: UUID,
    states: tuple[LedgerState, ...],
    to: LedgerState,
    *,
    now: datetime,
    code: str = "",
    words: str = "",
    attempt: int | None = None,
) -> bool:
    values = {"row": send_id, "states": states, "to_state": to, "their_code": code, "said": words, "at": now}
    if attempt is None:
        return (await tx.run(_CHANGE, values)).rowcount > 0
    return (await tx.run(_CHANGE_OF_ATTEMPT, {**values, "of_attempt": attempt})).rowcount > 0


def _record(row: Row[Any]) -> LedgerRecord:
    return LedgerRecord(
        id=row.id,
        shop=row.shop,
        number=row.number,
        visit=row.visit,
        stage=row.stage,
        rule=row.rule,
        channel=row.channel,
        provider=row.provider,
        state=row.state,
        attempt=row.attempt,
        provider_id=row.provider_id,
        provider_status=row.provider_status,
        code=row.code,
        words=row.words,
        claimed_at=row.claimed_at,
        lease_until=row.lease_until,
        accepted_at=row.accepted_at,
        delivered_at=row.delivered_at,
        updated_at=row.updated_at,
    )
