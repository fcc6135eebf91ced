"""Operators' commands as decisions: move, hold, resume, stop waiting, run now, skip, repeat; and Temporal's cancel."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from activities.case import Case, Change, Effect, call, change_stage, new_moments
from activities.frame import chain_after
from activities.store import journal, ledger, runs, visits
from activities.store.database import Tx
from activities.store.history import RunRecord
from workflows.contracts.commands import Deadlines, Move, OneRule, Resume
from workflows.contracts.plans import Due
from workflows.contracts.reasons import EventReason, RunReason, RunStatus

#: What an order shows after its workflow was cancelled in Temporal.
STOPPED = "automation-stopped"


async def carry_out(tx: Tx, case: Case, *, name: str, data: dict[str, Any]) -> Effect:
    """Carry out one command on a locked order; a command that cannot be carried out is refused with words."""
    handler = _HANDLERS.get(name)
    if handler is None:
        return _refused(f"there is no command '{name}'; there are {', '.join(sorted(_HANDLERS))}")
    effect = await handler(tx, case, data)
    return replace(effect, verdict={"by": data.get("by", ""), **effect.verdict})


async def _move(tx: Tx, case: Case, data: dict[str, Any]) -> Effect:
    stage = Move.model_validate(data).stage
    stages = list(case.latest.stages)
    if stage not in stages:
        near = get_close_matches(stage, stages, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return _refused(f"no stage '{stage}'.{hint} Stages: {', '.join(stages)}")
    if stage == case.standing.stage:
        return _refused(f"the order is in stage '{stage}' already")
    words = f"moved by {data.get('by', 'operator')}"
    change = Change(stage, EventReason.MOVED_BY_HAND, words=words, by=str(data.get("by", "")), is_automatic=False)
    return await change_stage(tx, case, change=change)


async def _hold(tx: Tx, case: Case, data: dict[str, Any]) -> Effect:
    is_new = await visits.hold(tx, case.request.key, at=case.now, by=str(data.get("by", "")))
    return Effect(EventReason.COMMAND_DONE, "on hold" if is_new else "was on hold already")


async def _resume(tx: Tx, case: Case, data: dict[str, Any]) -> Effect:
    pause = await visits.resume(tx, case.request.key, at=case.now, by=str(data.get("by", "")))
    if pause is None:
        return Effect(EventReason.COMMAND_DONE, "was not on hold")
    if case.standing.attention:
        await visits.set_attention(tx, case.request.key, text="")
    kept = tuple(await journal.held_back(tx, case.request.key))
    words = f"resumed; {len(kept)} kept events are handled now" if kept else "resumed"
    held = [run.rule for run in await _waiting(tx, case) if run.reason is RunReason.ON_HOLD]
    await _set(tx, case, held, status=RunStatus.PLANNED, reason=RunReason.WAITING)
    if Resume.model_validate(data).deadlines is Deadlines.KEEP:
        return Effect(EventReason.COMMAND_DONE, words, requeue=kept)
    waiting = [run for run in await _waiting(tx, case) if run.due is not None]
    dues = [Due(rule=run.rule, at=run.due + pause, words="shifted by the pause") for run in waiting if run.due]
    await runs.set_dues(tx, case.request.key, visit=case.standing.visit, dues=dues)
    return Effect(EventReason.COMMAND_DONE, words, dues=tuple(dues), requeue=kept)


async def _stop_waiting(tx: Tx, case: Case, data: dict[str, Any]) -> Effect:
    reason = RunReason.STOPPED_BY_OPERATOR
    rules = [run.rule for run in await _waiting(tx, case)]
    await _set(tx, case, rules, status=RunStatus.STOPPED, reason=reason)
    return Effect(EventReason.COMMAND_DONE, f"{len(rules)} waiting rules stopped", stop=tuple(rules))


async def _cancel(tx: Tx, case: Case, data: dict[str, Any]) -> Effect:
    """Temporal's cancel stops the automation, not the order: later events are kept until a person resumes it."""
    await visits.hold(tx, case.request.key, at=case.now, by=str(data.get("by", "")))
    await visits.set_attention(tx, case.request.key, text=STOPPED)
    rules = [run.rule for run in await _waiting(tx, case)]
    await _set(tx, case, rules, status=RunStatus.STOPPED, reason=RunReason.AUTOMATION_STOPPED)
    return Effect(EventReason.COMMAND_DONE, "the automation was stopped", stop=tuple(rules))


async def _run_now(tx: Tx, case: Case, data: dict[str, Any]) -> Effect:
    run, refusal = await _one(tx, case, data)
    if run is None:
        return _refused(refusal)
    if case.standing.held_at is not None:
        return _refused("the automation is on hold: resume it first")
    await call(tx, case, rules=[run.rule], words="run by hand")
    return Effect(EventReason.COMMAND_DONE, f"{run.rule} runs now", wake=(run.rule,))


async def _skip(tx: Tx, case: Case, data: dict[str, Any]) -> Effect:
    run, refusal = await _one(tx, case, data)
    if run is None:
        return _refused(refusal)
    await _set(tx, case, [run.rule], status=RunStatus.SKIPPED, reason=RunReason.SKIPPED_BY_OPERATOR)
    all_runs = await runs.runs_of(tx, case.request.key, visit=case.standing.visit)
    followers = [other for other in all_runs if other.after == run.rule and other.has_wait]
    dues = await new_moments(tx, case, rules=followers, anchor=case.now)
    return Effect(EventReason.COMMAND_DONE, f"{run.rule} is skipped", skip=(run.rule,), dues=dues)


async def _repeat(tx: Tx, case: Case, data: dict[str, Any]) -> Effect:
    rule = OneRule.model_validate(data).rule
    run = await runs.run_of(tx, case.request.key, visit=case.standing.visit, rule=rule)
    if run is None:
        return _refused(f"no rule '{rule}' in stage '{case.standing.stage}'")
    is_unknown = run.status is RunStatus.HELD and run.reason is RunReason.OUTCOME_UNKNOWN
    if run.status is not RunStatus.FAILED and not is_unknown:
        return _refused(f"rule '{rule}' has not failed: it is {run.status}")
    if case.standing.held_at is not None:
        return _refused("the automation is on hold: resume it first")
    chain = chain_after(await runs.runs_of(tx, case.request.key, visit=case.standing.visit), rule=rule)
    revived = [rule, *(other.rule for other in chain if other.reason is RunReason.PREVIOUS_FAILED)]
    await runs.repeat(tx, case.request.key, visit=case.standing.visit, rules=revived, at=case.now)
    await ledger.reopen(tx, case.request.key, visit=case.standing.visit, rule=rule, now=case.now)
    if case.standing.attention:
        await visits.set_attention(tx, case.request.key, text="")
    return Effect(EventReason.COMMAND_DONE, f"{rule} is repeated", repeat=(rule,))


async def _one(tx: Tx, case: Case, data: dict[str, Any]) -> tuple[RunRecord | None, str]:
    """Find the waiting run that a command names, or say why there is none."""
    rule = OneRule.model_validate(data).rule
    run = await runs.run_of(tx, case.request.key, visit=case.standing.visit, rule=rule)
    if run is None:
        return None, f"no rule '{rule}' in stage '{case.standing.stage}'"
    if run.status not in (RunStatus.PLANNED, RunStatus.HELD):
        return None, f"rule '{rule}' does not wait: it is {run.status}"
    return run, ""


async def _waiting(tx: Tx, case: Case) -> list[RunRecord]:
    all_runs = await runs.runs_of(tx, case.request.key, visit=case.standing.visit)
    return [run for run in all_runs if run.status in (RunStatus.PLANNED, RunStatus.HELD)]


async def _set(tx: Tx, case: Case, rules: list[str], *, status: RunStatus, reason: RunReason) -> None:
    if rules:
        visit = case.standing.visit
        await runs.set_status(tx, case.request.key, visit=visit, rules=rules, status=status, reason=reason, at=case.now)


def _refused(words: str) -> Effect:
    return Effect(EventReason.REFUSED, words)


_Handler = Callable[[Tx, Case, dict[str, Any]], Awaitable[Effect]]

_HANDLERS: dict[str, _Handler] = {
    "move": _move,
    "hold": _hold,
    "resume": _resume,
    "stop_waiting": _stop_waiting,
    "run_now": _run_now,
    "skip": _skip,
    "repeat": _repeat,
    "cancel": _cancel,
}
