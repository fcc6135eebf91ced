"""Why every rule and every event of an order did what it did (M64): its records turned into one answer in words."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from pydantic import Field

from activities.store.history import EventRecord, RunRecord, VisitRecord
from activities.store.records import OrderRecord, Page
from activities.store.values import Boundary
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.pipeline.explaining import Explanation, explain_event, explain_run


class WhyRule(Boundary):
    """Why a rule ran or did not. `compared` holds the values its condition saw, `results` what later rules see."""

    rule: str
    kind: str
    title: str
    status: RunStatus
    reason: RunReason | None
    words: str
    advice: str = Field(default="", description="What a person can do; empty where nothing is wrong.")
    compared: list[tuple[str, str]]
    results: dict[str, Any] = Field(default_factory=dict, description="How a call went, segments of a text message …")
    due: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


class WhyVisit(Boundary):
    """A stay in a stage, what caused it, and each of its rules."""

    visit: int
    stage: str
    version: int
    entered_at: datetime
    by: str
    cause: str
    rules: list[WhyRule]


class WhyTrigger(Boundary):
    """Why a trigger that listens to the event moved the order or did not."""

    trigger: str
    stage: str
    reason: EventReason
    words: str
    compared: list[tuple[str, str]]


class WhyEvent(Boundary):
    """Why an event moved the order or did not; `reason` is empty until it is decided."""

    id: str
    source: str
    type: str
    at: datetime
    reason: EventReason | None
    words: str
    advice: str = Field(default="", description="What a person can do; empty where nothing is wrong.")
    compared: list[tuple[str, str]]
    triggers: list[WhyTrigger]


class Why(Boundary):
    """Every rule of every visit and every event of an order, each with its reason; the newest first."""

    number: str
    stage: str
    visits: list[WhyVisit]
    events: list[WhyEvent]
    next_cursor: str | None = Field(default=None, description="Of the events' next page.")


_RUNNING = Explanation("It is being carried out")
_UNDECIDED = Explanation("It is journalled; the automation has not taken it up yet", "Is a worker running?")
_GIVEN_UP = Explanation("Temporal refused it ten times", "Correct the cause: orders events dead, replay.")

#: What is true of a run that has no reason yet, by its status and whether it waits for another rule.
_UNTIL_THEN = {
    (RunStatus.PLANNED, False): RunReason.WAITING,
    (RunStatus.PLANNED, True): RunReason.AFTER_RULE,
    (RunStatus.HELD, False): RunReason.ON_HOLD,
    (RunStatus.HELD, True): RunReason.ON_HOLD,
}


def why_of(
    order: OrderRecord, *, visits: Iterable[VisitRecord], runs: Iterable[RunRecord], events: Page[EventRecord]
) -> Why:
    """Return the reasons of an order's rules, visit by visit, and of its events. `runs` come in the order of visits."""
    rules = {visit: [_rule(run) for run in group] for visit, group in groupby(runs, key=lambda run: run.visit)}
    return Why(
        number=order.number,
        stage=order.stage,
        visits=[_visit(visit, rules=rules.get(visit.visit, [])) for visit in visits],
        events=[_event(event) for event in events.items],
        next_cursor=events.next_cursor,
    )


def _visit(visit: VisitRecord, *, rules: list[WhyRule]) -> WhyVisit:
    return WhyVisit(
        visit=visit.visit,
        stage=visit.stage,
        version=visit.version,
        entered_at=visit.entered_at,
        by=visit.by,
        cause=visit.cause_type,
        rules=rules,
    )


def _rule(run: RunRecord) -> WhyRule:
    reason = run.reason or _UNTIL_THEN.get((run.status, run.after is not None and run.due is None))
    means = explain_run(reason) if reason else _RUNNING
    return WhyRule(
        rule=run.rule,
        kind=run.kind,
        title=run.title,
        status=run.status,
        reason=reason,
        words=run.words or f"{means.words}.",
        advice=means.advice,
        compared=run.compared,
        results=run.results,
        due=run.due,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )


def _event(event: EventRecord) -> WhyEvent:
    verdict = event.verdict or {}
    means = explain_event(event.reason) if event.reason else _GIVEN_UP if event.state == "dead" else _UNDECIDED
    return WhyEvent(
        id=event.id,
        source=event.source,
        type=event.type,
        at=event.at,
        reason=event.reason,
        words=event.words or event.error or f"{means.words}.",
        advice=means.advice,
        compared=verdict.get("compared", []),
        triggers=[_trigger(raw) for raw in verdict.get("considered", [])],
    )


def _trigger(raw: dict[str, Any]) -> WhyTrigger:
    return WhyTrigger(
        trigger=raw["trigger"],
        stage=raw["stage"],
        reason=EventReason(raw["reason"]),
        words=raw["words"],
        compared=raw.get("compared", []),
    )
