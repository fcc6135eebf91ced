"""One event of one order as the decision sees it, and what comes of it: what the decision's parts share."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from activities.bench import Bench, planned_row
from activities.shelf import Shelf
from activities.store import runs, views, visits
from activities.store.database import NotFound, Tx
from activities.store.history import RunRecord
from activities.store.views import Seen
from activities.store.visits import Entry, Standing
from workflows.contracts.decisions import DecideRequest
from workflows.contracts.events import Event
from workflows.contracts.plans import Due, Plan
from workflows.contracts.reasons import EventReason
from workflows.contracts.state import OrderState
from workflows.pipeline import planning
from workflows.pipeline.fields import OrderView
from workflows.pipeline.model import Pipeline


@dataclass(frozen=True)
class Case:
    """The order locked, its fields, its pipeline's latest version, and the one its visit was planned by.

    `view` is without the results of the visit's rules.
    """

    request: DecideRequest
    standing: Standing
    view: OrderView
    latest: Pipeline
    version: int
    current: Pipeline
    pace: float

    @property
    def now(self) -> datetime:
        """The workflow's present moment."""
        return self.request.now


@dataclass(frozen=True)
class Effect:
    """What comes of an event: the reason, and the directives of a Decision.

    `bench` is the new visit of `plan`, ready for its first rules. `verdict` is kept for `why`.
    """

    reason: EventReason
    words: str = ""
    plan: Plan | None = None
    bench: Bench | None = None
    left: str = ""
    trigger: str = ""
    dues: tuple[Due, ...] = ()
    wake: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    repeat: tuple[str, ...] = ()
    requeue: tuple[Event, ...] = ()
    verdict: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """A stage change to be made. `by` is the employee in whose name it is recorded."""

    stage: str
    reason: EventReason
    words: str = ""
    trigger: str = ""
    by: str = ""
    is_automatic: bool = True
    verdict: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cases:
    """Make cases of events. `pace` divides every wait."""

    shelf: Shelf
    pace: float

    async def of(self, tx: Tx, request: DecideRequest, *, standing: Standing, seen: Seen | None = None) -> Case:
        """Read what the decision needs of a locked order, unless it was `seen` as it is now.

        It is seen without results: neither a trigger's condition nor a wait reads what earlier rules gave.
        """
        seen = seen or await views.seen(tx, request.key, results={})
        version = seen.latest
        if version is None:
            raise NotFound("pipeline", standing.pipeline)
        latest = await self.shelf.get(tx, name=standing.pipeline, version=version)
        current = latest
        if standing.stage and standing.version != version:
            current = await self.shelf.get(tx, name=standing.pipeline, version=standing.version)
        return Case(request, standing, seen.view, latest, version, current, self.pace)


async def change_stage(tx: Tx, case: Case, *, change: Change) -> Effect:
    """Enter a stage: the old visit's rules stop, the new visit's are planned, in this transaction (M05)."""
    stage = case.latest.stages[change.stage]
    visit = case.standing.visit + 1
    order = case.view.order.model_copy(update={"stage": stage.id})
    view = case.view.model_copy(update={"order": order, "results": {}})
    plan = planning.plan(case.latest, stage=stage.id, visit=visit, view=view, now=case.now, pace=case.pace)
    event = case.request.event
    entry = Entry(
        visit=visit,
        stage=stage.id,
        stage_kind=stage.kind,
        version=case.version,
        cause_source=event.source,
        cause_id=event.id,
        cause_type=event.type,
        is_automatic=change.is_automatic,
        at=case.now,
        by=change.by or case.standing.responsible,
        words=change.words,
        runs=tuple(plan.runs),
        card=plan.card,
    )
    await visits.enter(tx, case.request.key, entry=entry)
    if case.standing.attention and case.standing.held_at is None:
        await visits.set_attention(tx, case.request.key, text="")
    standing = await visits.lock(tx, case.request.key)
    assert standing is not None  # it is locked
    rows = {run.rule: planned_row(case.request.key, visit=visit, stage=stage.id, run=run) for run in plan.runs}
    return Effect(
        change.reason,
        change.words,
        plan=plan,
        bench=Bench(case.request.key, visit, case.now, standing, case.latest, rows, case.pace, seen=view),
        left=case.standing.stage,
        trigger=change.trigger,
        verdict=change.verdict,
    )


async def new_moments(tx: Tx, case: Case, *, rules: list[RunRecord], anchor: datetime | None = None) -> tuple[Due, ...]:
    """Compute the moments of waiting runs anew and keep them.

    They are counted from `anchor`; without one, from the stage's entry or the end of the rule before (M23), which is
    not known any more while that is being repeated: then from now.
    """
    if not rules:
        return ()
    all_runs = {run.rule: run for run in await runs.runs_of(tx, case.request.key, visit=case.standing.visit)}
    dues = []
    for run in rules:
        before = all_runs.get(run.after or "")
        start = anchor or (before.ended_at if before else case.standing.entered_at)
        if start is None and run.due is None:
            continue  # the rule before it has not ended: its outcome will tell the moment
        dues.append(
            planning.moment(
                case.current,
                stage=case.standing.stage,
                rule=run.rule,
                view=case.view,
                anchor=start or case.now,
                pace=case.pace,
            )
        )
    await runs.set_dues(tx, case.request.key, visit=case.standing.visit, dues=dues)
    return tuple(dues)


async def call(tx: Tx, case: Case, *, rules: list[str], words: str) -> None:
    """Make the present the moment of runs that are called: another workflow of the order does not wait for them."""
    dues = [Due(rule=rule, at=case.now, words=words) for rule in rules]
    await runs.set_dues(tx, case.request.key, visit=case.standing.visit, dues=dues)


def state_of(standing: Standing) -> OrderState:
    """Return the state that the workflow shows: ids and figures, no person."""
    return OrderState(
        shop=standing.key.shop,
        number=standing.key.number,
        stage=standing.stage,
        stage_kind=standing.stage_kind,
        pipeline=f"{standing.pipeline}@{standing.version}" if standing.stage else "",
        visit=standing.visit,
        entered_at=standing.entered_at,
        attention=standing.attention,
        responsible=standing.responsible,
        total=float(standing.total),
        currency=standing.currency,
        paid=standing.paid,
        tags=list(standing.tags),
        held=standing.held_at is not None,
    )
