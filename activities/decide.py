"""The decision activity: one event of one order in, what is to be done out. Idempotent by (order, event).

One transaction journals the event if it is new, asks the pipeline's pure functions, and commits the decision together
with the stage, the visit and its planned runs.
"""

from dataclasses import replace
from functools import lru_cache

from temporalio import activity

from activities import judging
from activities.case import Case, Cases, Effect, state_of
from activities.records import Records
from activities.runtime import faults, metrics
from activities.runtime.faults import Step
from activities.runtime.logs import log
from activities.shelf import Shelf
from activities.store import erasing, facts, journal, runs, views, visits
from activities.store.database import NotFound, Store, StoreDown, Tx, Unreadable
from activities.store.facts import BadEvent
from activities.store.journal import Arrival, JournalledEvent
from activities.store.visits import Standing
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.events import is_known
from workflows.contracts.inbox import MALFORMED
from workflows.contracts.plans import Due, Plan
from workflows.contracts.reasons import EventReason
from workflows.contracts.runs import RunOutcome
from workflows.contracts.state import OrderState

#: Reasons with which an event was only kept for later; asked again after the resume, it is decided anew.
_KEPT = (EventReason.ON_HOLD, EventReason.LOOP)


#: The counter of decisions for a reason; finding it among the labels costs more than counting.
_counted = lru_cache(maxsize=100)(metrics.DECISIONS.labels)


class Decisions:
    """Decide on events and commit the decisions. `pace` divides every wait.

    The rules of a new visit that only touch our own records and run at once are carried out in the transaction of the
    decision: one commit and one activity for both.
    """

    def __init__(self, store: Store, *, shelf: Shelf, records: Records, pace: float = 1.0) -> None:
        self._store = store
        self._records = records
        self._cases = Cases(shelf, pace)
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
        except Unreadable as error:
            self._log.error(
                "A published version cannot be read by this release; its orders wait: publish a corrected one, or run "
                "the worker with the release before",
                order=str(request.key),
                pipeline=error.pipeline,
                version=error.version,
                problems=error.problems,
            )
            raise  # it is tried again, until a worker reads it
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
        seen, told = await views.seen_at(tx, key, source=event.source, id=event.id)
        known, problem = await _journalled(tx, request, told=told)
        if known.decision is not None and known.decision.reason not in _KEPT:
            again = await _again(tx, standing, decided=known.decision)
            return again.model_copy(update=await _present(tx, request, plan=None))
        # An event that was journalled just now may have changed what was seen.
        case = await self._cases.of(tx, request, standing=standing, seen=seen if told else None)
        effect = await self._effect(tx, case, known=known, problem=problem)
        outcomes: list[RunOutcome] = []
        if records is not None and effect.plan is not None and effect.bench is not None and not standing.held_at:
            outcomes = await records.begin(tx, effect.bench, plan=effect.plan)
        decided = _decision(request, effect=effect, state=state_of(standing))
        _counted(effect.reason.value).inc()
        verdict = {"words": effect.words, "trigger": effect.trigger, **effect.verdict}
        await journal.decided(tx, known, decision=decided, verdict=verdict, now=request.now)
        is_deleted = await _deleted(tx, case, effect=effect)
        present = await _present(tx, request, plan=effect.plan)
        return decided.model_copy(update={**present, "outcomes": outcomes, "ended": is_deleted})

    async def _effect(self, tx: Tx, case: Case, *, known: JournalledEvent, problem: str) -> Effect:
        event = case.request.event
        if problem:
            return Effect(EventReason.MALFORMED, problem)
        created = None
        if not case.standing.stage and event.type != "order.created":
            created = await judging.create(tx, case)
            standing = await visits.lock(tx, case.request.key)
            assert standing is not None  # it was locked a moment ago
            case = await self._cases.of(tx, case.request, standing=standing)
        effect = await judging.decide_on(tx, case, known=known)
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


async def _journalled(tx: Tx, request: DecideRequest, *, told: JournalledEvent | None) -> tuple[JournalledEvent, str]:
    """Return the event as it stands in the journal, and why it cannot be used ("" if it can).

    An event that an outsider signalled is not told there yet: it is journalled now, with its facts.
    """
    key, event = request.key, request.event
    if told is not None:
        return told, str(told.data.get("problem", "")) if event.source == MALFORMED else ""
    arrival = Arrival(
        source=event.source, id=event.id, type=event.type, at=event.at or request.now, data=event.data, orders=(key,)
    )
    problem = str(event.data.get("problem", "")) if event.source == MALFORMED else ""
    has_facts = not problem and is_known(event.type)
    try:
        taken = await journal.append(tx, arrival, now=request.now, with_facts=has_facts, are_known=True)
    except BadEvent as bad:
        problem = bad.words
        taken = await journal.append(tx, arrival, now=request.now, with_facts=False, are_known=True)
    if taken.is_new and event.type not in facts.TYPES:  # nothing was added to its data, so it need not be read back
        number = taken.deliveries[0].id
        return JournalledEvent(number, event.type, arrival.at, arrival.data, decision=None, state="new"), problem
    known = await journal.event_for(tx, key, source=event.source, id=event.id)
    assert known is not None  # it was journalled a line above
    return known, problem


async def _present(tx: Tx, request: DecideRequest, *, plan: Plan | None) -> dict[str, object]:
    """Return a decision's state, the order's present one, and its plan where the workflow does not carry it out yet.

    `plan` is the one that was just made, if any; else the store tells how far the visit is.
    """
    standing = await visits.standing(tx, request.key)
    assert standing is not None  # it is locked
    if plan is None and standing.visit and (request.is_fresh or request.visit != standing.visit):
        plan = await runs.plan_of(tx, request.key, visit=standing.visit)
    return {"state": state_of(standing), "plan": plan}


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
        at=request.now,
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
        at=request.now,
        type=request.event.type,
        reason=EventReason.UNKNOWN_ORDER,
        words=f"there is no order {request.key.number} in shop {request.key.shop}",
        state=OrderState(shop=request.key.shop, number=request.key.number),
        ended=True,
    )
