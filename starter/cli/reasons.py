"""Turns the records of an order into the answer of `why`: every rule and every event with its reason in words (M64)."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from activities.store.history import EventRecord, RunRecord, VisitRecord
from activities.store.records import OrderRecord
from starter.gateway.bodies import Why, WhyEvent, WhyRule, WhyTrigger, WhyVisit
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.pipeline.explaining import Explanation, explain_event, explain_run

_RUNNING = Explanation("It is being carried out")
_UNDECIDED = Explanation("It is journalled; the automation has not taken it up yet", "Is a worker running?")
_GIVEN_UP = Explanation("Temporal refused it ten times", "Correct the cause in the error, then deliver it again.")

#: What is true of a run that has no reason yet, by its status and whether it waits for another rule.
_UNTIL_THEN = {
    (RunStatus.PLANNED, False): RunReason.WAITING,
    (RunStatus.PLANNED, True): RunReason.AFTER_RULE,
    (RunStatus.HELD, False): RunReason.ON_HOLD,
    (RunStatus.HELD, True): RunReason.ON_HOLD,
}


def why_of(
    order: OrderRecord, *, visits: Iterable[VisitRecord], runs: Iterable[RunRecord], events: Iterable[EventRecord]
) -> Why:
    """Return the reasons of an order's rules, visit by visit, and of its events. `runs` come in the order of visits."""
    rules = {visit: [_rule(run) for run in group] for visit, group in groupby(runs, key=lambda run: run.visit)}
    return Why(
        number=order.number,
        stage=order.stage,
        visits=[_visit(visit, rules=rules.get(visit.visit, [])) for visit in visits],
        events=[_event(event) for event in events],
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
    if reason is RunReason.AFTER_RULE and run.due is not None:
        reason = RunReason.WAITING  # the rule before it has ended and told the moment
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
