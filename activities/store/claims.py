"""The claim of a send: the one transaction that draws the line between "may leave" and "must not" (M05, M61, M63).

Comes in: what a run wants to send. Goes out: the claim, the refusal with its reason, or what an earlier attempt left.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store import runs, visits
from activities.store.customers import fingerprint
from activities.store.database import NotFound, Tx
from activities.store.history import LedgerState
from activities.store.tables import CUSTOMERS, LEDGER, RUNS, SUPPRESSIONS
from workflows.contracts.ids import OrderKey, run_id
from workflows.contracts.reasons import RunReason, RunStatus


@dataclass(frozen=True)
class Claim:
    """Ask to send. `customer` is whose consent counts, None for employees and machines.

    `send_id` is the message's own id where a run sends several; else it is the run's. `over` is why nothing may leave
    any more: an earlier attempt is settled only.
    """

    key: OrderKey
    visit: int
    rule: str
    stage: str
    channel: str
    provider: str
    address: str
    body_hash: str
    now: datetime
    lease: timedelta
    send_id: UUID | None = None
    customer: str | None = None
    is_transactional: bool = False
    once: bool = False
    over: RunReason | None = None


@dataclass(frozen=True)
class Claimed:
    """The message may leave now, once, until the lease ends."""

    send_id: UUID
    attempt: int
    until: datetime


@dataclass(frozen=True)
class Refused:
    """The message must not leave; the reason says why."""

    reason: RunReason
    words: str = ""


@dataclass(frozen=True)
class Unsettled:
    """The message may have left already: its row is not `planned`.

    `dispatching`: another attempt is under way until `lease_until`; `unknown`, `held`: to be settled first;
    `accepted`, `delivered`, `failed`: over, only the run's end was not recorded. `since` is the last moment at which
    it may have left.
    """

    send_id: UUID
    state: LedgerState
    since: datetime
    provider: str
    provider_id: str | None = None
    lease_until: datetime | None = None
    code: str = ""
    words: str = ""


#: What a channel needs the customer's consent to.
_CONSENT = {"sms": "sms", "email": "email", "robocall": "call", "voice": "call", "call": "call", "chat": "chat"}

_SKIPS = (RunReason.UNSUBSCRIBED, RunReason.BLOCKED, RunReason.ONCE_DONE)

_CASE = (
    select(
        RUNS.c.status.label("run_status"),
        RUNS.c.reason.label("run_reason"),
        LEDGER.c.state,
        LEDGER.c.claimed_at,
        LEDGER.c.updated_at,
        LEDGER.c.provider,
        LEDGER.c.provider_id,
        LEDGER.c.lease_until,
        LEDGER.c.code,
        LEDGER.c.words,
        CUSTOMERS.c.consent,
        SUPPRESSIONS.c.reason.label("block"),
    )
    .select_from(
        RUNS.outerjoin(LEDGER, LEDGER.c.id == bindparam("row"))
        .outerjoin(CUSTOMERS, CUSTOMERS.c.id == bindparam("customer"))
        .outerjoin(
            SUPPRESSIONS,
            and_(SUPPRESSIONS.c.channel == bindparam("on_channel"), SUPPRESSIONS.c.address_hash == bindparam("hash")),
        )
    )
    .where(RUNS.c.id == bindparam("run"))
)

_NEW_ROW = upsert(LEDGER)
_WRITE = _NEW_ROW.on_conflict_do_update(
    index_elements=["id"],
    set_={
        "state": _NEW_ROW.excluded.state,
        "attempt": LEDGER.c.attempt + _NEW_ROW.excluded.attempt,
        "channel": _NEW_ROW.excluded.channel,
        "provider": _NEW_ROW.excluded.provider,
        "address_hash": _NEW_ROW.excluded.address_hash,
        "body_hash": _NEW_ROW.excluded.body_hash,
        "words": _NEW_ROW.excluded.words,
        "code": _NEW_ROW.excluded.code,
        "claimed_at": _NEW_ROW.excluded.claimed_at,
        "lease_until": _NEW_ROW.excluded.lease_until,
        "updated_at": _NEW_ROW.excluded.updated_at,
    },
).returning(LEDGER.c.attempt)

_RUNNING = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run"))
    .values(
        status=RunStatus.RUNNING, reason=None, words="", started_at=func.coalesce(RUNS.c.started_at, bindparam("at"))
    )
)

_LOST = (
    update(LEDGER)
    .where(LEDGER.c.id == bindparam("row"), LEDGER.c.state == "dispatching")
    .values(state=LedgerState.UNKNOWN, lease_until=None, updated_at=LEDGER.c.lease_until)
)


async def claim(tx: Tx, *, claim: Claim, order: visits.Standing | None = None) -> Claimed | Refused | Unsettled:
    """Draw the line: lock the order, check visit, hold, consent, suppression and `once`, move planned -> dispatching.

    `order` is where it stands, if this transaction has locked it. Raise NotFound if there is no such order.
    """
    order = order or await visits.lock(tx, claim.key)
    if order is None:
        raise NotFound("order", str(claim.key))
    run = run_id(claim.key, claim.visit, claim.rule)
    send_id = claim.send_id or run
    case = await tx.first(
        _CASE,
        {
            "run": run,
            "row": send_id,
            "customer": claim.customer,
            "on_channel": claim.channel,
            "hash": fingerprint(claim.address),
        },
    )
    if case is None:
        return Refused(RunReason.INTERNAL, f"Visit {claim.visit} has no rule '{claim.rule}'")
    unsettled = await _unsettled(tx, claim, row=send_id, case=case)
    if unsettled is not None:
        return unsettled
    refused = _too_late(claim, order=order, case=case) or _no_consent(claim, case=case) or await _done_once(tx, claim)
    if refused is not None:
        if refused.reason in _SKIPS:
            await tx.run(_WRITE, _row_values(claim, row=send_id, run=run, refused=refused))
        return refused
    attempt = (await tx.run(_WRITE, _row_values(claim, row=send_id, run=run))).scalar_one()
    await tx.run(_RUNNING, {"run": run, "at": claim.now})
    return Claimed(send_id=send_id, attempt=attempt, until=claim.now + claim.lease)


async def _unsettled(tx: Tx, claim: Claim, *, row: UUID, case: Row[Any]) -> Unsettled | None:
    if case.state in (None, LedgerState.PLANNED, LedgerState.SKIPPED):
        return None
    state = LedgerState(case.state)
    since = case.updated_at if state is LedgerState.UNKNOWN else case.claimed_at or case.updated_at
    if state is LedgerState.DISPATCHING and case.lease_until <= claim.now:
        await tx.run(_LOST, {"row": row})
        state, since = LedgerState.UNKNOWN, case.lease_until
    return Unsettled(
        send_id=row,
        state=state,
        since=since,
        provider=case.provider,
        provider_id=case.provider_id,
        lease_until=case.lease_until if state is LedgerState.DISPATCHING else None,
        code=case.code,
        words=case.words,
    )


def _too_late(claim: Claim, *, order: visits.Standing, case: Row[Any]) -> Refused | None:
    if RunStatus(case.run_status).is_end:
        return Refused(RunReason(case.run_reason or RunReason.INTERNAL), "The run has ended")
    if order.visit != claim.visit:
        return Refused(RunReason.STAGE_LEFT, "The order has left the stage")
    if order.is_deleted:
        return Refused(RunReason.AUTOMATION_STOPPED, "The order is deleted")
    if claim.over is not None:
        return Refused(claim.over, "It could not be done in time")
    if order.held_at is not None:
        return Refused(RunReason.ON_HOLD, "The order's automation is on hold")
    return None


def _no_consent(claim: Claim, *, case: Row[Any]) -> Refused | None:
    if claim.is_transactional:
        return None
    if case.block is not None:
        reason = RunReason.UNSUBSCRIBED if case.block in ("unsubscribed", "stop") else RunReason.BLOCKED
        return Refused(reason, f"The address gets no {claim.channel}: {case.block}")
    purpose = _CONSENT.get(claim.channel)
    if claim.customer is not None and purpose and case.consent is not None and not case.consent.get(purpose, True):
        return Refused(RunReason.UNSUBSCRIBED, f"The customer does not want {claim.channel}")
    return None


async def _done_once(tx: Tx, claim: Claim) -> Refused | None:
    if not claim.once:
        return None
    was_done = await runs.was_done_before(tx, claim.key, rule=claim.rule, stage=claim.stage, before_visit=claim.visit)
    return Refused(RunReason.ONCE_DONE, "It was done in an earlier visit") if was_done else None


def _row_values(claim: Claim, *, row: UUID, run: UUID, refused: Refused | None = None) -> dict[str, object]:
    is_claimed = refused is None
    return {
        "id": row,
        "run": run,
        "order_id": str(claim.key),
        "visit": claim.visit,
        "stage": claim.stage,
        "rule": claim.rule,
        "channel": claim.channel,
        "provider": claim.provider,
        "address_hash": fingerprint(claim.address),
        "body_hash": claim.body_hash,
        "state": LedgerState.DISPATCHING if is_claimed else LedgerState.SKIPPED,
        "attempt": 1 if is_claimed else 0,
        "provider_status": "",
        "rank": 0,
        "code": "" if refused is None else refused.reason,
        "words": "" if refused is None else refused.words,
        "earlier": [],
        "claimed_at": claim.now if is_claimed else None,
        "lease_until": claim.now + claim.lease if is_claimed else None,
        "updated_at": claim.now,
    }
