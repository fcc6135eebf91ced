"""Carry out rules that only touch our own records: a local activity, one transaction, idempotent by run id.

Several rules of one moment come in one request; each sees what the ones before it did.
"""

from collections.abc import Mapping

from activities import frame
from activities.actions.protocol import Action, Ended
from activities.bench import Bench
from activities.runtime import faults, metrics
from activities.runtime.faults import Step
from activities.runtime.logs import log
from activities.shelf import Shelf
from activities.store.database import Store, StoreDown, Tx, Unreadable
from workflows.contracts.plans import Plan
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunOutcome, RunsOutcome, RunsRequest


class Records:
    """Carry out record-only rules. `pace` divides the waits of the rules after them."""

    def __init__(self, store: Store, *, shelf: Shelf, actions: Mapping[str, Action], pace: float = 1.0) -> None:
        self._store = store
        self._shelf = shelf
        self._actions = actions
        self._pace = pace
        self._log = log("records")

    async def record(self, request: RunsRequest) -> RunsOutcome:
        """Carry out a request's runs in their order, in one transaction; a rule with a bug fails alone."""
        try:
            async with self._store.write() as tx:
                bench = await self._load(tx, request)
                outcomes = [await self._run(tx, bench, item=item) for item in request.items]
            faults.reach(Step.RECORDED)
            return RunsOutcome(outcomes=outcomes)
        except (StoreDown, Unreadable):
            raise  # the local activity is tried again
        except Exception:
            metrics.BUGS.labels(part="records").inc()
            self._log.exception("A rule failed on our side", order=str(request.key), visit=request.visit)
        return RunsOutcome(outcomes=[await self._run_alone(request, item=item) for item in request.items])

    async def begin(self, tx: Tx, bench: Bench, *, plan: Plan) -> list[RunOutcome]:
        """Carry out the rules of a new visit that run at once, in the transaction of the decision."""
        items: list[RunItem] = []
        names: list[str] = []
        for run in plan.runs:
            is_due = run.due is None or run.due <= bench.now
            is_next = run.after is None or (run.after in names and not run.has_wait)
            if run.is_record and is_due and is_next:
                items.append(RunItem(rule=run.rule, kind=run.kind))
                names.append(run.rule)
        return [await self._run(tx, bench, item=item) for item in items]

    async def _run_alone(self, request: RunsRequest, *, item: RunItem) -> RunOutcome:
        try:
            async with self._store.write() as tx:
                return await self._run(tx, await self._load(tx, request), item=item)
        except (StoreDown, Unreadable):
            raise
        except Exception as error:
            words = f"it failed on our side ({type(error).__name__}); the worker's log says why"
        async with self._store.write() as tx:
            bench = await self._load(tx, request)
            verdict = item.model_copy(
                update={"verdict": RunStatus.FAILED, "reason": RunReason.INTERNAL, "words": words}
            )
            return await frame.conclude(tx, bench, item=verdict)

    async def _load(self, tx: Tx, request: RunsRequest) -> Bench:
        return await Bench.load(tx, self._shelf, key=request.key, visit=request.visit, now=request.now, pace=self._pace)

    async def _run(self, tx: Tx, bench: Bench, *, item: RunItem) -> RunOutcome:
        row = bench.rows[item.rule]
        if row.status.is_end:
            return await frame.outcome_of(tx, bench, rule=item.rule)
        if item.verdict is not None:
            return await frame.conclude(tx, bench, item=item)
        rule = bench.pipeline.rule(row.stage, item.rule)
        action = self._actions.get(item.kind)
        if rule is None or action is None or action.record is None:
            words = f"this worker does not know rule kind '{item.kind}': update it"
            return await frame.end(
                tx, bench, rule=item.rule, ended=Ended(RunStatus.FAILED, RunReason.MISCONFIGURED, words)
            )
        refused = await frame.check(tx, bench, rule=rule)
        if refused is not None:
            return await frame.end(tx, bench, rule=rule.id, ended=refused)
        await bench.look(tx)
        unmet, compared = frame.condition(bench, rule=rule)
        ended = unmet or await action.record(bench.context(rule), tx)
        return await frame.end(tx, bench, rule=rule.id, ended=ended, compared=compared)
