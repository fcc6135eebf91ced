"""What every run goes through, whatever its kind: checked, and ended with all that follows from its end."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from activities.actions.protocol import Ended, failed
from activities.bench import Bench
from activities.runtime import metrics
from activities.store import erasing, facts, journal, ledger, notices, runs, visits
from activities.store.database import Tx
from activities.store.facts import BadEvent
from activities.store.history import NewNotice, RunRecord
from activities.store.visits import RunEnd
from workflows.contracts.events import Event
from workflows.contracts.ids import run_id
from workflows.contracts.plans import Due
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunOutcome
from workflows.pipeline import planning
from workflows.pipeline.conditions import holds
from workflows.pipeline.model import Rule

#: What an order shows when one of its rules failed for good, or its outcome is unknown.
RULE_FAILED = "rule-failed"
OUTCOME_UNKNOWN = "outcome-unknown"

#: Verdicts that say nothing of a message which was claimed before.
_LEAVES_CLAIMS = (RunReason.STAGE_LEFT, RunReason.EXPIRED)


#: The counter of the runs that ended so; finding it among the labels costs more than counting.
_ended = lru_cache(maxsize=1_000)(metrics.RUNS.labels)

#: A moment that is later by less has come: the clocks of two machines differ.
_CLOCKS_DIFFER = timedelta(seconds=1)


async def check(tx: Tx, bench: Bench, *, rule: Rule) -> Ended | None:
    """Say why a run must not be carried out now; None if it may."""
    if bench.standing.visit != bench.visit:
        return Ended(RunStatus.STOPPED, RunReason.STAGE_LEFT)
    if bench.standing.is_deleted:
        return Ended(RunStatus.STOPPED, RunReason.AUTOMATION_STOPPED, "the order is deleted")
    if bench.standing.held_at is not None:
        return Ended(RunStatus.HELD, RunReason.ON_HOLD)
    before = bench.rows.get(rule.after or "")
    if before is not None and _stops_chain(bench, before):
        return Ended(RunStatus.STOPPED, RunReason.PREVIOUS_FAILED)
    if rule.after in bench.put_off:
        return Ended(RunStatus.PLANNED, RunReason.AFTER_RULE)
    row = bench.rows[rule.id]
    if row.due is not None and row.due > bench.now + _CLOCKS_DIFFER:
        # It was moved after it had come, while the send was repeated (M23).
        return Ended(RunStatus.PLANNED, RunReason.WAITING, row.words)
    if rule.once and await runs.was_done_before(
        tx, bench.key, rule=rule.id, stage=bench.stage, before_visit=bench.visit
    ):
        return Ended(RunStatus.SKIPPED, RunReason.ONCE_DONE)
    return None


def condition(bench: Bench, *, rule: Rule) -> tuple[Ended | None, tuple[tuple[str, str], ...]]:
    """Check `when:`; return the end of a run whose condition is false, and the values compared."""
    if rule.when is None:
        return None, ()
    checked = holds(rule.when, pipeline=bench.pipeline, view=bench.view)
    if checked.error is not None:
        return Ended(RunStatus.FAILED, RunReason.INTERNAL, checked.error), checked.compared
    if checked.holds:
        return None, checked.compared
    return Ended(RunStatus.SKIPPED, RunReason.CONDITION_FALSE), checked.compared


async def outcome_of(tx: Tx, bench: Bench, *, rule: str) -> RunOutcome:
    """Return the outcome of a run that ended before, as the answer that was lost told it: its events, its chain."""
    row = bench.rows[rule]
    await _look_for_moments(tx, bench, rule=rule)
    return RunOutcome(
        rule=rule,
        status=row.status,
        reason=row.reason or RunReason.DONE,
        words=row.words,
        at=row.ended_at,
        dues=_moments_after(bench, rule=rule, anchor=row.ended_at or bench.now),
        events=[*await journal.untaken_of_run(tx, bench.key, run=row.id), *_deletion(bench)],
        attention=RULE_FAILED if row.status is RunStatus.FAILED else None,
    )


async def end(
    tx: Tx, bench: Bench, *, rule: str, ended: Ended, compared: tuple[tuple[str, str], ...] = ()
) -> RunOutcome:
    """Record a run's end with all that follows: its events, its chain, the notice of a failure (M11, M62).

    A run that is held or waits again has not ended; `at` of its outcome is until when it waits.
    """
    row = bench.rows[rule]
    if not ended.status.is_end:
        bench.put_off.add(rule)
        await runs.set_status(
            tx,
            bench.key,
            visit=bench.visit,
            rules=[rule],
            status=ended.status,
            reason=ended.reason,
            at=bench.now,
            words=ended.words,
        )
        until = row.due if ended.status is RunStatus.PLANNED else None
        return RunOutcome(rule=rule, status=ended.status, reason=ended.reason, words=ended.words, at=until)
    events: list[Event] = []
    try:
        events = await _journal(tx, bench, run=row.id, ended=ended)
    except BadEvent as error:
        ended = failed(RunReason.MISCONFIGURED, error.words)
    status, reason = ended.status, ended.reason
    run_end = RunEnd(status, reason, bench.now, words=ended.words, results=ended.results, compared=compared)
    runs.finish_later(tx, bench.key, visit=bench.visit, rule=rule, end=run_end)
    _ended(row.kind, status.value, reason.value).inc()
    bench.rows[rule] = row._replace(status=status, reason=reason, ended_at=bench.now, results=ended.results)
    if ended.results and bench.seen is not None:
        results = {**bench.seen.results, rule.replace("-", "_"): ended.results}
        bench.seen = bench.seen.model_copy(update={"results": results})
    attention = await _fail(tx, bench, rule=rule, ended=ended) if status is RunStatus.FAILED else None
    dues = await _tell_successors(tx, bench, rule=rule)
    events += await _delete(tx, bench, asked=ended.deletes_order)
    return RunOutcome(
        rule=rule,
        status=status,
        reason=reason,
        words=ended.words,
        at=bench.now,
        dues=dues,
        events=events,
        attention=attention,
    )


async def conclude(tx: Tx, bench: Bench, *, item: RunItem) -> RunOutcome:
    """End a run with a verdict that the workflow reached: out of time, a bug, or its stage was left.

    A message that was claimed before its stage was left, or before it was too late, has left or may have: the outcome
    is `running`, to be settled.
    """
    row = bench.rows[item.rule]
    if row.status.is_end:
        return await outcome_of(tx, bench, rule=item.rule)
    if item.reason in _LEAVES_CLAIMS and await ledger.is_claimed(tx, run=row.id):
        return RunOutcome(rule=item.rule, status=RunStatus.RUNNING, reason=RunReason.RETRYING)
    reason = item.reason or RunReason.INTERNAL
    return await end(tx, bench, rule=item.rule, ended=Ended(item.verdict or RunStatus.FAILED, reason, item.words))


async def tell_responsible(tx: Tx, bench: Bench, *, text: str, ref: str) -> None:
    """Put a notice into the responsible person's inbox; without one, the order's attention mark has to do."""
    if bench.standing.responsible:
        notice = NewNotice(employee=bench.standing.responsible, text=text, ref=ref)
        await notices.add(tx, notices=[notice], key=bench.key, now=bench.now)


def _stops_chain(bench: Bench, before: RunRecord) -> bool:
    if before.status is RunStatus.FAILED:
        rule = bench.pipeline.rule(before.stage, before.rule)
        return rule is None or not rule.continues_on_failure
    return before.status is RunStatus.STOPPED


async def _journal(tx: Tx, bench: Bench, *, run: UUID, ended: Ended) -> list[Event]:
    found: list[Event] = []
    for place, (event_type, data) in enumerate(ended.events):
        event = Event(id=f"{run}:{place}", type=event_type, at=bench.now, source="rule", data=data)
        found += await journal.append_from_rule(tx, bench.key, event=event, now=bench.now)
    if any(event.type in facts.TYPES for event in found):
        bench.seen = None  # the order has changed that later rules of this moment see
    return [event.model_copy(update={"data": {}}) for event in found]


async def _fail(tx: Tx, bench: Bench, *, rule: str, ended: Ended) -> str:
    chain = chain_after(bench.rows.values(), rule=rule) if _stops_chain(bench, bench.rows[rule]) else []
    # A run that was called by hand does not wait for the rule before it: its message may be out already.
    stopped = [row.rule for row in chain if not row.status.is_end and row.status is not RunStatus.RUNNING]
    if stopped:
        await runs.set_status(
            tx,
            bench.key,
            visit=bench.visit,
            rules=stopped,
            status=RunStatus.STOPPED,
            reason=RunReason.PREVIOUS_FAILED,
            at=bench.now,
        )
        for name in stopped:
            bench.rows[name] = bench.rows[name]._replace(
                status=RunStatus.STOPPED, reason=RunReason.PREVIOUS_FAILED, ended_at=bench.now
            )
    text = f"Order {bench.key.number}: rule {rule} of stage {bench.stage} failed ({ended.reason}). {ended.words}"
    await tell_responsible(tx, bench, text=text, ref=f"{run_id(bench.key, bench.visit, rule)}:failed")
    await visits.set_attention(tx, bench.key, text=RULE_FAILED)
    return RULE_FAILED


def chain_after(rows: Iterable[RunRecord], *, rule: str) -> list[RunRecord]:
    """List the runs that follow a rule, directly or through others, in whatever order the file has them."""
    all_rows, names, found = list(rows), [rule], []
    while names:
        name = names.pop(0)
        followers = [row for row in all_rows if row.after == name]
        names += [row.rule for row in followers]
        found += followers
    return found


async def _delete(tx: Tx, bench: Bench, *, asked: bool) -> list[Event]:
    """Delete the order where a rule asked for it and this was the last rule of its visit (E15).

    The event is for the workflow alone, which ends by it.
    """
    if asked:
        await erasing.ask(tx, bench.key)
        bench.standing = bench.standing._replace(is_to_be_deleted=True)
    if not bench.standing.is_to_be_deleted or bench.standing.visit != bench.visit:
        return []
    if not await erasing.is_due(tx, bench.key, visit=bench.visit):
        return []
    await erasing.order(tx, bench.key, now=bench.now)
    bench.standing = bench.standing._replace(is_deleted=True)
    return _deletion(bench)


def _deletion(bench: Bench) -> list[Event]:
    if not bench.standing.is_deleted:
        return []
    return [Event(id=f"{bench.key}:deleted", type="order.deleted", at=bench.now, source="orders")]


async def _tell_successors(tx: Tx, bench: Bench, *, rule: str) -> list[Due]:
    """Give the rules that wait after this one their moments, from its end on."""
    await _look_for_moments(tx, bench, rule=rule)
    dues = _moments_after(bench, rule=rule, anchor=bench.now)
    if dues:
        await runs.set_dues(tx, bench.key, visit=bench.visit, dues=dues)
        for due in dues:
            bench.rows[due.rule] = bench.rows[due.rule]._replace(due=due.at)
    return dues


async def _look_for_moments(tx: Tx, bench: Bench, *, rule: str) -> None:
    """Read the fields that waits may count from, if a rule waits after this one whose moment was not told."""
    if any(row.after == rule and row.has_wait and row.due is None for row in bench.rows.values()):
        await bench.look(tx)


def _moments_after(bench: Bench, *, rule: str, anchor: datetime) -> list[Due]:
    """Give the moments of the rules that wait after this one: those told before, else counted from its end.

    Of rules that have ended too: where the stage was left and the workflow does not know it yet, it waits for them.
    """
    if _stops_chain(bench, bench.rows[rule]):
        return []
    return [
        Due(rule=row.rule, at=row.due, words=row.words)
        if row.due is not None
        else planning.moment(
            bench.pipeline, stage=bench.stage, rule=row.rule, view=bench.view, anchor=anchor, pace=bench.pace
        )
        for row in bench.rows.values()
        if row.after == rule and row.has_wait
    ]
