"""What an event does to its order: the pipeline's pure functions are asked, and their verdict is carried out."""

from datetime import timedelta
from typing import Any

from activities import operators, resends
from activities.case import Case, Change, Effect, call, change_stage, new_moments
from activities.store import journal, notices, runs, visits
from activities.store.database import Tx
from activities.store.history import NewNotice
from activities.store.journal import JournalledEvent
from workflows.contracts.events import OPERATOR_PREFIX, RULE_MOVE, RULE_UNDELIVERED, is_by_customer
from workflows.contracts.plans import BY_CUSTOMER, Due
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.pipeline import planning
from workflows.pipeline.deciding import Situation, Verdict, judge
from workflows.pipeline.triggers import EventFact

#: The loop guard looks at the automatic stage changes of this time (M08) ...
LOOP_TIME = timedelta(hours=1)
#: ... and holds the automation at one more than this many.
LOOP_MOVES = 20


async def decide_on(tx: Tx, case: Case, *, known: JournalledEvent) -> Effect:
    event = case.request.event
    if event.type.startswith(OPERATOR_PREFIX) and event.source == "operator":
        return await operators.carry_out(tx, case, name=event.type.removeprefix(OPERATOR_PREFIX), data=known.data)
    if event.type == "order.created" and case.standing.stage:
        return Effect(EventReason.SAME_STAGE, "the order was created before")
    if event.type == RULE_UNDELIVERED and event.source == "rule":
        return await resends.decide_on(tx, case, data=known.data)
    situation = await _situation(tx, case)
    if event.type == RULE_MOVE and event.source == "rule":
        verdict = _moved_by_rule(case, situation=situation, data=known.data)
    else:
        verdict = judge(
            case.latest,
            situation=situation,
            event=EventFact(type=event.type, data=known.data, at=known.at),
        )
    kept = _verdict_json(verdict)
    if verdict.reason is EventReason.LOOP:
        return await _hold_loop(tx, case, words=verdict.words, verdict=kept)
    if verdict.stage is not None:
        change = Change(
            verdict.stage,
            verdict.reason,
            words=verdict.words,
            trigger=verdict.trigger,
            by=verdict.as_employee or "",
            verdict=kept,
        )
        return await change_stage(tx, case, change=change)
    dues = await _edited(tx, case) if event.type == "order.edited" else ()
    wake = await _woken(tx, case) if is_by_customer(event.type) and case.standing.held_at is None else ()
    return Effect(verdict.reason, verdict.words, dues=dues, wake=wake, verdict=kept)


async def create(tx: Tx, case: Case) -> Effect:
    """Enter the order's first stage, where another event came before the one of its creation."""
    key = case.request.key
    creation = await journal.event_for(tx, key, source="orders", id=f"{key}:created")
    wanted = str(creation.data.get("stage") or "") if creation else ""
    stage = wanted if wanted in case.latest.stages else case.latest.first_stage.id
    return await change_stage(tx, case, change=Change(stage, EventReason.CREATED, words="created"))


async def _situation(tx: Tx, case: Case) -> Situation:
    key, standing = case.request.key, case.standing
    since = case.now - LOOP_TIME
    if standing.resumed_at is not None:
        since = max(since, standing.resumed_at)
    moves = await visits.automatic_moves(tx, key, since=since) if standing.visit > LOOP_MOVES else 0
    is_latest = await visits.is_latest_open(tx, key) if _asks_for_latest(case) else True
    return Situation(
        view=case.view,
        stage=standing.stage,
        is_held=standing.held_at is not None,
        automatic_moves=moves,
        is_latest=is_latest,
    )


def _asks_for_latest(case: Case) -> bool:
    event_type = case.request.event.type
    return any(
        trigger.orders == "latest" and trigger.event_type == event_type
        for stage in case.latest.stages.values()
        for trigger in stage.triggers
    )


def _moved_by_rule(case: Case, *, situation: Situation, data: dict[str, Any]) -> Verdict:
    """Decide on the move that a rule of the present visit asked for (E10)."""
    stage, rule = str(data.get("stage", "")), str(data.get("rule", ""))
    if data.get("visit") != case.standing.visit:
        return Verdict(EventReason.STAGE_LEFT, f"rule {rule} asked to move, but its stage was left meanwhile")
    if situation.is_held:
        return Verdict(EventReason.ON_HOLD, "the automation is on hold; the move waits until it resumes")
    if stage not in case.latest.stages:
        return Verdict(EventReason.REFUSED, f"rule {rule} asked to move to '{stage}', which is no stage any more")
    if stage == case.standing.stage:
        return Verdict(EventReason.SAME_STAGE, f"the order is in stage '{stage}' already")
    if situation.automatic_moves >= LOOP_MOVES:
        return Verdict(EventReason.LOOP, f"{situation.automatic_moves} automatic stage changes within an hour")
    words = f"moved by rule {rule}"
    return Verdict(EventReason.MOVED_BY_RULE, words, stage=stage, trigger=f"rule {rule} → {stage}")


async def _hold_loop(tx: Tx, case: Case, *, words: str, verdict: dict[str, Any]) -> Effect:
    """Hold an order that runs in circles, and tell the responsible person (M08)."""
    key = case.request.key
    await visits.hold(tx, key, at=case.now, by="loop guard")
    await visits.set_attention(tx, key, text="loop")
    if case.standing.responsible:
        notice = NewNotice(
            employee=case.standing.responsible,
            text=f"Order {key.number}: its automation is on hold, {words}. Look at its triggers, then resume it.",
            ref=f"{key}:{case.standing.visit}:loop",
        )
        await notices.add(tx, notices=[notice], key=key, now=case.now)
    return Effect(EventReason.LOOP, words, verdict=verdict)


async def _edited(tx: Tx, case: Case) -> tuple[Due, ...]:
    """Compute the moments of the waiting rules whose wait reads a field of the order (M23)."""
    stage = case.current.stages.get(case.standing.stage)
    moved = [
        rule.id
        for rule in (stage.rules if stage else ())
        if planning.wait_depends_on(case.current, stage=case.standing.stage, rule=rule.id)
    ]
    if not moved:
        return ()
    waiting = [
        run
        for run in await runs.runs_of(tx, case.request.key, visit=case.standing.visit)
        if (run.status is RunStatus.PLANNED or run.reason is RunReason.ON_HOLD) and run.has_wait and run.rule in moved
    ]
    return await new_moments(tx, case, rules=waiting)


async def _woken(tx: Tx, case: Case) -> tuple[str, ...]:
    """Name the rules that wait for an activity of the customer (E23)."""
    stage = case.current.stages.get(case.standing.stage)
    kinds = case.current.kinds
    waiting = [rule.id for rule in stage.rules if kinds[rule.kind].wakes_on_customer] if stage else []
    if not waiting:
        return ()
    all_runs = {run.rule: run for run in await runs.runs_of(tx, case.request.key, visit=case.standing.visit)}
    woken = [
        rule
        for rule in waiting
        if (run := all_runs.get(rule)) is not None
        and run.status is RunStatus.PLANNED
        and (run.after is None or all_runs[run.after].status.is_end)
    ]
    await call(tx, case, rules=woken, words=BY_CUSTOMER)
    return tuple(woken)


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    considered = [vars(one) for one in verdict.considered]
    kept = {"compared": verdict.compared, "considered": considered}
    return {name: value for name, value in kept.items() if value}
