"""A message that its provider took, and that never left it: sent anew, by a later attempt with a send id of its own.

In: `rule.undelivered`, journalled with the provider's word, in the order's turn. Out: the directive that carries the
rule out again, whose moment lies in the store; where none may follow, the responsible person is told.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError

from activities.accounts import twilio_codes
from activities.actions.protocol import attempt_id
from activities.case import Case, Effect
from activities.store import attempts, ledger, runs, undelivered, visits
from activities.store.database import Tx
from activities.store.history import LedgerRecord, LedgerState, RunRecord
from activities.store.undelivered import Undelivered
from workflows.contracts.ids import OrderKey, run_id
from workflows.contracts.reasons import EventReason, RunStatus
from workflows.pipeline.planning import EXPIRES

#: How long after each attempt that failed the next one follows; after the last of them a person is told.
PAUSES = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=45))

#: Which codes of a provider say that a message never left it.
_MENDED: Mapping[str, Callable[[int], bool]] = {"twilio": twilio_codes.may_be_repeated}


class _Told(BaseModel):
    """What the receipt journalled: the send, and why it did not arrive."""

    send: UUID
    code: str = ""
    words: str = ""


async def decide_on(tx: Tx, case: Case, *, data: dict[str, Any]) -> Effect:
    """Plan the next attempt of the rule whose message did not arrive, or have the responsible person told."""
    try:
        told = _Told.model_validate(data)
    except ValidationError:
        return Effect(EventReason.MALFORMED, "it names no message")
    row = await ledger.row(tx, send_id=told.send)
    if row is None or row.state is not LedgerState.FAILED or row.code != told.code:
        return Effect(EventReason.COMMAND_DONE, "it has arrived, or was sent anew already")
    if case.standing.held_at is not None:
        return Effect(EventReason.ON_HOLD, f"the message of rule {row.rule} did not arrive; that waits for the resume")
    key, run = case.request.key, await runs.run_of(tx, case.request.key, visit=row.visit, rule=row.rule)
    if run is not None and run.status is RunStatus.RUNNING and await _attempt_of(tx, row=row, run=run):
        return Effect(EventReason.COMMAND_DONE, f"the message of rule {row.rule} did not arrive: its end will tell")
    due = None if run is None else await _next(tx, case, row=row, run=run)
    if run is None or due is None:
        lost = _lost(row, told=told)
        await undelivered.tell_responsible(tx, key, lost=lost, responsible=case.standing.responsible, now=case.now)
        return Effect(EventReason.COMMAND_DONE, f"the message of rule {row.rule} did not arrive: a person is told")
    words = f"{told.words} ({told.code})"
    await attempts.end(tx, send_id=row.id, code=attempts.NOT_REACHED, words=words, at=case.now)
    await attempts.plan_anew(tx, run=run.id, due=due, words="next attempt")
    words = f"the message of rule {row.rule} did not arrive ({told.code}): it is sent anew"
    return Effect(EventReason.COMMAND_DONE, words, repeat=(row.rule,))


async def _next(tx: Tx, case: Case, *, row: LedgerRecord, run: RunRecord) -> datetime | None:
    """Return when a run's next attempt is due; None if none may follow."""
    if row.visit != case.standing.visit or run.status is not RunStatus.DONE or run.started_at is None:
        return None
    attempt = await _attempt_of(tx, row=row, run=run)
    if attempt is None or attempt > len(PAUSES):
        return None
    rule = case.current.rule(row.stage, row.rule)
    if rule is None:
        return None
    due = case.now + PAUSES[attempt - 1] / case.pace
    return due if due < run.started_at + (rule.expires or timedelta(seconds=EXPIRES)) else None


async def _attempt_of(tx: Tx, *, row: LedgerRecord, run: RunRecord) -> int | None:
    """Say which attempt of a run a send is, from 1; None if it is an earlier one, or one of several messages.

    Where a run writes to several employees, another attempt would write to all of them.
    """
    attempt = await attempts.current(tx, run=run.id)
    return attempt if row.id == attempt_id(run.id, attempt=attempt) else None


def may_follow(*, provider: str, provider_id: str | None, code: str) -> bool:
    """Say whether a message that failed was taken by its provider and never left it, so that it is sent anew."""
    mends = _MENDED.get(provider)
    return provider_id is not None and mends is not None and code.isdecimal() and mends(int(code))


async def overtaken(tx: Tx, *, send_id: UUID, now: datetime) -> None:
    """Take up what a receipt said of a send before its rule's end was recorded: that it did not arrive, after all."""
    row = await ledger.row(tx, send_id=send_id)
    if row is None or row.state is not LedgerState.FAILED:
        return
    key = OrderKey(shop=row.shop, number=row.number)
    lost = _lost(row, told=_Told(send=send_id, code=row.code, words=row.words))
    if may_follow(provider=row.provider, provider_id=row.provider_id, code=row.code):
        await undelivered.ask(tx, key, lost=lost, run=run_id(key, row.visit, row.rule), now=now, at_end=True)
        return
    standing = await visits.standing(tx, key)
    if standing is not None and not standing.is_deleted:
        await undelivered.tell_responsible(tx, key, lost=lost, responsible=standing.responsible, now=now)


def _lost(row: LedgerRecord, *, told: _Told) -> Undelivered:
    provider_id = row.provider_id or ""
    return Undelivered(row.id, row.rule, row.channel, row.provider, provider_id, told.code, told.words)
