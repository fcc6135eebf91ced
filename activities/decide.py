"""The decision activity: one event of one order in, what is to be done out. Idempotent by (order, event).

One transaction journals the event if it is new, asks the pipeline's pure functions, and commits the decision together
with the stage, the visit and its planned runs.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio import activity

from activities import operators
from activities.case import Case, Change, Effect, call, change_stage, load, new_moments, state_of
from activities.records import Records
from activities.runtime import faults, metrics
from activities.runtime.faults import Step
from activities.runtime.logs import log
from activities.shelf import Shelf
from activities.store import erasing, facts, journal, notices, runs, visits
from activities.store.database import NotFound, Store, StoreDown, Tx
from activities.store.facts import BadEvent
from activities.store.history import NewNotice
from activities.store.journal import Arrival, JournalledEvent
from activities.store.visits import Standing
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.events import OPERATOR_PREFIX, RULE_MOVE, is_by_customer, is_known
from workflows.contracts.inbox import MALFORMED
from workflows.contracts.plans import BY_CUSTOMER, Due, Plan
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.contracts.runs import RunOutcome
from workflows.contracts.state import OrderState
from workflows.pipeline import planning
from workflows.pipeline.deciding import Situation, Verdict, judge
from workflows.pipeline.triggers import EventFact

#: The loop guard looks at the automatic stage changes of this time (M08) ...
LOOP_TIME = timedelta(hours=1)
#: ... and holds the automation at one more than this many.
LOOP_MOVES = 20

#: Reasons with which an event was only kept for later; asked again after the resume, it is decided anew.
_KEPT = (EventReason.ON_HOLD, EventReason.LOOP)


class Decisions:
    """Decide on events and commit the decisions. `pace` divides every wait.

    The rules of a new visit that only touch our own records and run at once are carried out in the transaction of the
    decision: one commit and one activity for both.
    """

    def __init__(self, store: Store, *, shelf: Shelf, records: Records, pace: float = 1.0) -> None:
        self._store = store
        self._records = records
        self._shelf = shelf
        self._pace = pace
        self._log = log("decide")

    @activity.defn(name="decide")
    async def decide(self, request: DecideRequest) -> Decision:
        """Commit the decision on one event and return it; asked again, return the same."""
        decision = await self._committed(request)
        faults.reach(Step.DECIDED)
        if decision.plan is not None and decision.left != decision.state.stage:
            moved = {"stage": decision.state.stage, "left": decision.left, "because": request.event.type}
            self._log.info("Order moved", order=str(request.key), **moved)
        return decision

    async def _committed(self, request: DecideRequest) -> Decision:
        try:
            async with self._store.write() as tx:
                return await self._decide(tx, request, records=self._records)
        except StoreDown:
            raise  # the local activity is tried again
        except Exception as error:
            if isinstance(error, NotFound) and error.what == "pipeline":
                raise  # it is not published yet: tried again until it is
            metrics.BUGS.labels(part="decide").inc()
            self._log.exception("A decision failed; it is made again without its rules", order=str(request.key))
        async with self._store.write() as tx:
            return await self._decide(tx, request, records=None)

    async def _decide(self, tx: Tx, request: DecideRequest, *, records: Records | None) -> Decision:
        key, event = request.key, request.event
        standing = await visits.lock(tx, key)
        if standing is None or standing.is_deleted:
            if event.source == "orders" and standing is not None:
                return _unknown_order(request)  # the deletion itself, told to the workflow
            self._log.warning("An event came for an order that does not exist", order=str(key), type=event.type)
            await _keep_unmatched(tx, request)
            return _unknown_order(request)
        known, problem = await _journalled(tx, request)
        if known.decision is not None and known.decision.reason not in _KEPT:
            again = await _again(tx, standing, decided=known.decision)
            return await _up_to_date(tx, request, decided=again, plan=None)
        case = await load(tx, self._shelf, request=request, standing=standing, pace=self._pace)
        effect = await self._effect(tx, case, known=known, problem=problem)
        outcomes: list[RunOutcome] = []
        if records is not None and effect.plan is not None and effect.bench is not None and not standing.held_at:
            outcomes = await records.begin(tx, effect.bench, plan=effect.plan)
        decided = _decision(request, effect=effect, state=state_of(standing))
        metrics.DECISIONS.labels(reason=effect.reason.value).inc()
        verdict = {"words": effect.words, "trigger": effect.trigger, **effect.verdict}
        await journal.decided(
            tx, key, source=event.source, id=event.id, decision=decided, verdict=verdict, now=request.now
        )
        is_deleted = await _deleted(tx, case, effect=effect)
        told = decided.model_copy(update={"outcomes": outcomes, "ended": is_deleted})
        return await _up_to_date(tx, request, decided=told, plan=effect.plan)

    async def _effect(self, tx: Tx, case: Case, *, known: JournalledEvent, problem: str) -> Effect:
        event = case.request.event
        if problem:
            return Effect(EventReason.MALFORMED, problem)
        created = None
        if not case.standing.stage and event.type != "order.created":
            created = await _create(tx, case)
            standing = await visits.lock(tx, case.request.key)
            assert standing is not None  # it was locked a moment ago
            case = await load(tx, self._shelf, request=case.request, standing=standing, pace=self._pace)
        effect = await _decide_on(tx, case, known=known)
        if created is not None and effect.plan is None:
            return replace(effect, plan=created.plan, bench=created.bench)
        return effect


async def _deleted(tx: Tx, case: Case, *, effect: Effect) -> bool:
    """Delete the order where a rule asked for it and no rule is left (E15); what the decision wrote goes, too."""
    standing = effect.bench.standing if effect.bench else case.standing
    if not standing.is_to_be_deleted:
        return False
    if not await erasing.is_due(tx, case.request.key, visit=standing.visit):
        return False
    await erasing.order(tx, case.request.key, now=case.now)
    return True


async def _decide_on(tx: Tx, case: Case, *, known: JournalledEvent) -> Effect:
    event = case.request.event
    if event.type.startswith(OPERATOR_PREFIX) and event.source == "operator":
        return await operators.carry_out(tx, case, name=event.type.removeprefix(OPERATOR_PREFIX), data=known.data)
    if event.type == "order.created" and case.standing.stage:
        return Effect(EventReason.SAME_STAGE, "the order was created before")
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


async def _journalled(tx: Tx, request: DecideRequest) -> tuple[JournalledEvent, str]:
    """Return the event as it stands in the journal, and why it cannot be used ("" if it can).

    An event that an outsider signalled is journalled now, with its facts.
    """
    key, event = request.key, request.event
    known = await journal.event_for(tx, key, source=event.source, id=event.id)
    if known is not None:
        return known, str(known.data.get("problem", "")) if event.source == MALFORMED else ""
    arrival = Arrival(
        source=event.source, id=event.id, type=event.type, at=event.at or request.now, data=event.data, orders=(key,)
    )
    problem = str(event.data.get("problem", "")) if event.source == MALFORMED else ""
    has_facts = not problem and is_known(event.type)
    if event.type not in facts.TYPES:  # nothing is added to its data, so it need not be read back
        await journal.append(tx, arrival, now=request.now, with_facts=has_facts, are_known=True)
        return JournalledEvent(type=event.type, at=arrival.at, data=arrival.data, decision=None, state="new"), problem
    try:
        await journal.append(tx, arrival, now=request.now, with_facts=has_facts, are_known=True)
    except BadEvent as bad:
        problem = bad.words
        await journal.append(tx, arrival, now=request.now, with_facts=False, are_known=True)
    known = await journal.event_for(tx, key, source=event.source, id=event.id)
    assert known is not None  # it was journalled a line above
    return known, problem


async def _create(tx: Tx, case: Case) -> Effect:
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
    waiting = [
        run
        for run in await runs.runs_of(tx, case.request.key, visit=case.standing.visit)
        if (run.status is RunStatus.PLANNED or run.reason is RunReason.ON_HOLD)
        and run.has_wait
        and planning.wait_depends_on(case.current, stage=case.standing.stage, rule=run.rule)
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


async def _up_to_date(tx: Tx, request: DecideRequest, *, decided: Decision, plan: Plan | None) -> Decision:
    """Return a decision with the order's present state, and with a plan where the workflow does not carry it out yet.

    `plan` is the one that was just made, if any; else the store tells how far the visit is.
    """
    standing = await visits.standing(tx, request.key)
    assert standing is not None  # it is locked
    if plan is None and standing.visit and (request.is_fresh or request.visit != standing.visit):
        plan = await runs.plan_of(tx, request.key, visit=standing.visit)
    return decided.model_copy(update={"state": state_of(standing), "plan": plan})


async def _again(tx: Tx, standing: Standing, *, decided: Decision) -> Decision:
    """Return a decision whose event was told again (M50): what it did to runs, as far as that is still so.

    The first answer may have been lost; or the event came twice, and its visit was left or its moments changed since.
    """
    if max(decided.state.visit, 1) != standing.visit:  # an event that creates the order acts on its first visit
        return decided.model_copy(update={"dues": [], "wake": [], "skip": [], "stop": [], "repeat": []})
    if not decided.dues:
        return decided
    rows = {run.rule: run for run in await runs.runs_of(tx, standing.key, visit=standing.visit)}
    told = [rows[due.rule] for due in decided.dues]
    dues = [Due(rule=run.rule, at=run.due, words=run.words) for run in told if run.due and not run.status.is_end]
    return decided.model_copy(update={"dues": dues})


async def _keep_unmatched(tx: Tx, request: DecideRequest) -> None:
    """Journal an event that names an order which does not exist, so that it can be found."""
    event = request.event
    if event.source != "orders":  # the start of a workflow by hand is no event
        at = event.at or request.now
        arrival = Arrival(source=event.source, id=event.id, type=event.type, at=at, data=event.data)
        await journal.append(tx, arrival, now=request.now, with_facts=False)


def _decision(request: DecideRequest, *, effect: Effect, state: OrderState) -> Decision:
    return Decision(
        event=request.event.id,
        type=request.event.type,
        reason=effect.reason,
        words=effect.words,
        state=state,
        left=effect.left,
        trigger=effect.trigger,
        dues=list(effect.dues),
        wake=list(effect.wake),
        skip=list(effect.skip),
        stop=list(effect.stop),
        repeat=list(effect.repeat),
        requeue=list(effect.requeue),
    )


def _unknown_order(request: DecideRequest) -> Decision:
    return Decision(
        event=request.event.id,
        type=request.event.type,
        reason=EventReason.UNKNOWN_ORDER,
        words=f"there is no order {request.key.number} in shop {request.key.shop}",
        state=OrderState(shop=request.key.shop, number=request.key.number),
        ended=True,
    )


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    considered = [vars(one) for one in verdict.considered]
    kept = {"compared": verdict.compared, "considered": considered}
    return {name: value for name, value in kept.items() if value}
