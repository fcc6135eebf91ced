"""A stand-in of the store's bookkeeping, in memory: the journal and the decisions on events.

What an event does is asked of the product's own pure functions; what is kept, and the answers to an event that comes
twice, are written anew here, as small as can be. A test proves that the product on a real store answers the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from activities.case import Effect
from tests.properties import commanding
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.events import RULE_MOVE, Event, is_by_customer
from workflows.contracts.ids import OrderKey
from workflows.contracts.plans import Due, Plan, PlannedRun, StageCard
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.contracts.runs import RunOutcome
from workflows.contracts.state import OrderState, StageKind
from workflows.pipeline import planning
from workflows.pipeline.deciding import Situation, Verdict, judge
from workflows.pipeline.fields import OrderFields, OrderView
from workflows.pipeline.model import Pipeline, Rule
from workflows.pipeline.triggers import EventFact

KEY = OrderKey(shop="shop", number="1")
CREATED = f"{KEY}:created"

_KEPT = (EventReason.ON_HOLD, EventReason.LOOP)
_MOST_MOVES = 20


@dataclass
class Row:
    """A run as the store has it. `is_claimed`: a message of it may be out; `ends`: how often it ended."""

    planned: PlannedRun
    stage: str
    status: RunStatus
    due: datetime | None
    reason: RunReason | None = None
    ended_at: datetime | None = None
    is_claimed: bool = False
    is_sent: bool = False
    ends: int = 0
    events: list[Event] = field(default_factory=list)

    @property
    def rule(self) -> str:
        """The rule's id."""
        return self.planned.rule

    @property
    def stops_chain(self) -> bool:
        """Say whether the rules after it do not run (M11)."""
        if self.status is RunStatus.FAILED:
            return not self.planned.continues_on_failure
        return self.status is RunStatus.STOPPED


@dataclass
class Stay:
    """One visit."""

    number: int
    stage: str
    version: int
    entered_at: datetime
    is_automatic: bool
    rows: dict[str, Row]
    card: StageCard
    cause: tuple[str, str]


@dataclass
class Entry:
    """An event in the journal, and what was decided. `is_handed`: it is on its way to the workflow, or was there."""

    event: Event
    at: datetime
    is_handed: bool = True
    decision: Decision | None = None


class Books:
    """All that is kept of one order. `begin` carries out the first rules of a new visit, within its decision."""

    def __init__(self, pipeline: Pipeline, *, now: datetime) -> None:
        self.versions = [pipeline]
        self.facts = OrderFields(number=KEY.number, created_at=now, total=Decimal(100))
        self.journal: dict[tuple[str, str], Entry] = {}
        self.stays: list[Stay] = []
        self.held_at: datetime | None = None
        self.resumed_at: datetime | None = None
        self.attention = ""
        self.begin: Callable[[Plan, datetime], list[RunOutcome]] = lambda plan, now: []

    # --- what is known ---------------------------------------------------------------------------------------------

    @property
    def stay(self) -> Stay | None:
        """The present visit."""
        return self.stays[-1] if self.stays else None

    @property
    def visit(self) -> int:
        """The present visit's number."""
        return len(self.stays)

    @property
    def stage(self) -> str:
        """The present stage, empty before the creation."""
        return self.stays[-1].stage if self.stays else ""

    def kind(self) -> StageKind:
        """Return the kind of the present stage, as it was when it was entered."""
        stay = self.stay
        return self.of(stay).stages[stay.stage].kind if stay else StageKind.OPEN

    def of(self, stay: Stay) -> Pipeline:
        """Return the version that a visit was planned by (M71)."""
        return self.versions[stay.version - 1]

    def rule(self, stay: Stay, name: str) -> Rule:
        """Find a rule as the visit's version has it."""
        found = self.of(stay).rule(stay.stage, name)
        assert found is not None
        return found

    def view(self) -> OrderView:
        """Return the order as conditions and waits see it."""
        return OrderView(order=self.facts.model_copy(update={"stage": self.stage}))

    def state(self) -> OrderState:
        """Return the state that the workflow shows."""
        stay = self.stay
        return OrderState(
            shop=KEY.shop,
            number=KEY.number,
            stage=self.stage,
            stage_kind=self.kind(),
            pipeline=f"shop@{stay.version}" if stay else "",
            visit=self.visit,
            entered_at=stay.entered_at if stay else None,
            attention=self.attention,
            paid=self.facts.paid,
            held=self.held_at is not None,
        )

    # --- the journal -----------------------------------------------------------------------------------------------

    def keep(self, event: Event, *, now: datetime, is_handed: bool = True) -> bool:
        """Journal an event and make its facts so; say whether it is new (M50, M51)."""
        if (event.source, event.id) in self.journal:
            return False
        self.journal[event.source, event.id] = Entry(event, event.at or now, is_handed)
        if event.type == "order.edited":
            self.facts = self.facts.model_copy(update=_read(event.data["fields"]))
        elif event.type == "payment.paid":
            self.facts = self.facts.model_copy(update={"paid": True})
        return True

    def lost(self) -> list[Entry]:
        """List the events that were handed over and never decided."""
        return [entry for entry in self.journal.values() if entry.is_handed and entry.decision is None]

    # --- the decision ----------------------------------------------------------------------------------------------

    def decide(self, request: DecideRequest) -> Decision:
        """Decide on an event; asked again, answer the same, brought up to date."""
        event = request.event
        self.keep(event, now=request.now)
        entry = self.journal[event.source, event.id]
        if entry.decision is not None and entry.decision.reason not in _KEPT:
            return self._up_to_date(request, self._again(entry.decision), plan=None)
        created = None
        if not self.stays and event.type != "order.created":
            first = self.versions[-1].first_stage.id
            created = self.enter(request, first, Effect(EventReason.CREATED), is_automatic=True)
        visit = self.visit
        effect = self._effect(request, entry)
        if created is not None and effect.plan is None:
            effect = replace(effect, plan=created.plan)
        decision = _decision(request, effect, state=self.state().model_copy(update={"visit": visit}))
        outcomes = self.begin(effect.plan, request.now) if effect.plan is not None and self.held_at is None else []
        entry.decision, entry.is_handed = decision, True
        told = decision.model_copy(update={"outcomes": outcomes})
        return self._up_to_date(request, told, plan=effect.plan)

    def _again(self, decision: Decision) -> Decision:
        """What an event does to runs is done once; told again, only what is still so."""
        stay = self.stay
        nothing: dict[str, Any] = {"dues": [], "wake": [], "skip": [], "stop": [], "repeat": []}
        if stay is None or decision.state.visit != stay.number:
            return decision.model_copy(update=nothing)
        rows = [stay.rows[due.rule] for due in decision.dues]
        dues = [Due(rule=row.rule, at=row.due) for row in rows if row.due is not None and not row.status.is_end]
        return decision.model_copy(update={"dues": dues})

    def _up_to_date(self, request: DecideRequest, decision: Decision, *, plan: Plan | None) -> Decision:
        changes: dict[str, Any] = {"state": self.state(), "plan": plan}
        if plan is None and self.visit and (request.is_fresh or request.visit != self.visit):
            changes["plan"] = self.plan()
        return decision.model_copy(update=changes)

    def plan(self) -> Plan:
        """Return the present visit as it stands."""
        stay = self.stays[-1]
        runs = [
            row.planned.model_copy(update={"due": row.due, "status": row.status, "reason": row.reason})
            for row in stay.rows.values()
        ]
        return Plan(visit=stay.number, runs=runs, card=stay.card)

    def _effect(self, request: DecideRequest, entry: Entry) -> Effect:
        event = request.event
        data = entry.event.data
        if event.source == "operator":
            return commanding.COMMANDS[event.type](self, request, data)
        if event.type == "order.created" and self.stays:
            return Effect(EventReason.SAME_STAGE)
        situation = Situation(
            view=self.view(),
            stage=self.stage,
            is_held=self.held_at is not None,
            automatic_moves=self.automatic_moves(request.now),
        )
        if event.type == RULE_MOVE and event.source == "rule":
            verdict = self._moved_by_rule(data, situation)
        else:
            fact = EventFact(type=event.type, data=data, at=entry.at)
            verdict = judge(self.versions[-1], situation=situation, event=fact)
        if verdict.reason is EventReason.LOOP:
            self.held_at = self.held_at or request.now
            self.attention = "loop"
            return Effect(EventReason.LOOP)
        if verdict.stage is not None:
            return self.enter(request, verdict.stage, Effect(verdict.reason), is_automatic=True)
        dues = self._edited() if event.type == "order.edited" else ()
        wake = self._woken(request.now) if is_by_customer(event.type) and self.held_at is None else ()
        return Effect(verdict.reason, dues=dues, wake=wake)

    def automatic_moves(self, now: datetime) -> int:
        """Count the automatic stage changes since the resume, within the hour (M08)."""
        since = now - timedelta(hours=1)
        if self.resumed_at is not None:
            since = max(since, self.resumed_at)
        return sum(stay.is_automatic and stay.entered_at >= since for stay in self.stays[1:])

    def _moved_by_rule(self, data: dict[str, Any], situation: Situation) -> Verdict:
        stage = data["stage"]
        if data["visit"] != self.visit:
            return Verdict(EventReason.STAGE_LEFT, "")
        if situation.is_held:
            return Verdict(EventReason.ON_HOLD, "")
        if stage not in self.versions[-1].stages:
            return Verdict(EventReason.REFUSED, "")
        if situation.automatic_moves >= _MOST_MOVES:
            return Verdict(EventReason.LOOP, "")
        return Verdict(EventReason.MOVED_BY_RULE, "", stage=stage)

    def enter(self, request: DecideRequest, stage: str, effect: Effect, *, is_automatic: bool) -> Effect:
        """Enter a stage: the line of M05."""
        left, pipeline, now = self.stage, self.versions[-1], request.now
        for stay in self.stays:
            for row in stay.rows.values():
                if not row.status.is_end and not row.is_claimed:
                    self.end_row(row, RunStatus.STOPPED, RunReason.STAGE_LEFT, now=now)
        plan = planning.plan(pipeline, stage=stage, visit=self.visit + 1, view=self.view(), now=now)
        rows = {run.rule: Row(run, stage, run.status, run.due) for run in plan.runs}
        version = len(self.versions)
        is_created = effect.reason is EventReason.CREATED
        cause = ("orders", CREATED) if is_created else (request.event.source, request.event.id)
        self.stays.append(Stay(plan.visit, stage, version, now, is_automatic, rows, plan.card, cause))
        if self.held_at is None:
            self.attention = ""
        return replace(effect, plan=plan, left=left)

    def _edited(self) -> tuple[Due, ...]:
        stay = self.stays[-1]
        waiting = [
            row
            for row in stay.rows.values()
            if (row.status is RunStatus.PLANNED or row.reason is RunReason.ON_HOLD)
            and row.planned.has_wait
            and planning.wait_depends_on(self.of(stay), stage=stay.stage, rule=row.rule)
        ]
        return self.new_moments(stay, waiting)

    def new_moments(self, stay: Stay, rows: list[Row], *, anchor: datetime | None = None) -> tuple[Due, ...]:
        """Compute moments anew and keep them (M23)."""
        dues = []
        for row in rows:
            before = stay.rows.get(row.planned.after or "")
            start = anchor or (before.ended_at if before else stay.entered_at)
            if start is None:
                continue
            due = planning.moment(self.of(stay), stage=stay.stage, rule=row.rule, view=self.view(), anchor=start)
            dues.append(due)
            if not row.status.is_end:
                row.due = due.at
        return tuple(dues)

    def _woken(self, now: datetime) -> tuple[str, ...]:
        stay = self.stays[-1]
        kinds = self.of(stay).kinds
        woken = [
            row
            for row in stay.rows.values()
            if kinds[row.planned.kind].wakes_on_customer
            and row.status is RunStatus.PLANNED
            and (row.planned.after is None or stay.rows[row.planned.after].status.is_end)
        ]
        for row in woken:
            row.due = now
        return tuple(row.rule for row in woken)

    def end_row(self, row: Row, status: RunStatus, reason: RunReason, *, now: datetime) -> None:
        """End a run that has not ended."""
        assert not row.status.is_end, f"{row.rule} ends twice"
        row.status, row.reason, row.ended_at, row.ends = status, reason, now, row.ends + 1

    def chain_after(self, stay: Stay, rule: str) -> list[Row]:
        """List the runs that follow a rule, directly or not, in whatever order the file has them."""
        names, found = [rule], []
        while names:
            name = names.pop(0)
            for row in stay.rows.values():
                if row.planned.after == name:
                    names.append(row.rule)
                    found.append(row)
        return found


def _read(fields: dict[str, Any]) -> dict[str, Any]:
    changes = dict(fields)
    if changes.get("delivery_date"):
        changes["delivery_date"] = date.fromisoformat(changes["delivery_date"])
    return changes


def _decision(request: DecideRequest, effect: Effect, *, state: OrderState) -> Decision:
    return Decision(
        event=request.event.id,
        type=request.event.type,
        reason=effect.reason,
        state=state,
        left=effect.left,
        dues=list(effect.dues),
        wake=list(effect.wake),
        skip=list(effect.skip),
        stop=list(effect.stop),
        repeat=list(effect.repeat),
        requeue=list(effect.requeue),
    )
