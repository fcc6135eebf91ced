"""What happened to an order (timeline), and why it did or did not (M64)."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from activities.store import journal, orders, runs, timeline, visits
from activities.store.history import EventRecord, RunRecord, TimelineRecord, VisitRecord
from activities.store.records import Page
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.bodies import Why, WhyEvent, WhyRule, WhyTrigger, WhyVisit
from starter.gateway.openapi import answers
from starter.gateway.parts import Cursor, Gateway, Key, Limit, linked
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.pipeline.explaining import Explanation, explain_event, explain_run

router = APIRouter(prefix="/v1/orders/{number}", tags=["answers"], dependencies=[Depends(needs(Right.ORDERS_READ))])


@router.get("/timeline", responses=answers(examples.page(examples.TIMELINE_RECORD), refusals=(404,)))
async def show_timeline(
    request: Request, response: Response, gateway: Gateway, key: Key, cursor: Cursor = None, limit: Limit = 50
) -> Page[TimelineRecord]:
    """List what people read about an order, the newest first."""
    async with gateway.listing() as tx:
        await orders.get(tx, key)
        page = await timeline.page(tx, key, cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)


@router.get("/why", responses=answers(examples.WHY, refusals=(404,)))
async def explain(gateway: Gateway, key: Key, cursor: Cursor = None, limit: Limit = 100) -> Why:
    """Say for every rule of every visit why it ran or did not, and for every event why it moved the order or not.

    The values that conditions compared stand with each. Events come in pages, the oldest first.
    """
    async with gateway.listing() as tx:
        order = await orders.get(tx, key)
        stays = await visits.visits_of(tx, key)
        executed = await runs.runs_of(tx, key)
        events = await journal.events_of(tx, key, cursor=cursor, limit=limit)
    return Why(
        number=order.number,
        stage=order.stage,
        visits=_visits(stays, executed=executed),
        events=[_event(event) for event in events.items],
        next_cursor=events.next_cursor,
    )


def _visits(stays: Iterable[VisitRecord], *, executed: Iterable[RunRecord]) -> list[WhyVisit]:
    rules = {visit: list(group) for visit, group in groupby(executed, key=lambda run: run.visit)}
    return [
        WhyVisit(
            visit=stay.visit,
            stage=stay.stage,
            version=stay.version,
            entered_at=stay.entered_at,
            by=stay.by,
            cause=stay.cause_type,
            rules=[_rule(run) for run in rules.get(stay.visit, [])],
        )
        for stay in stays
    ]


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
        due=run.due,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )


#: What is true of a run that has no reason yet, by its status and whether it waits for another rule.
_UNTIL_THEN = {
    (RunStatus.PLANNED, False): RunReason.WAITING,
    (RunStatus.PLANNED, True): RunReason.AFTER_RULE,
    (RunStatus.HELD, False): RunReason.ON_HOLD,
    (RunStatus.HELD, True): RunReason.ON_HOLD,
}
_RUNNING = Explanation("It is being carried out")
_UNDECIDED = Explanation("It is journalled; the automation has not taken it up yet", "Is a worker running?")
_GIVEN_UP = Explanation("Temporal refused it ten times", "Correct the cause in the error, then deliver it again.")


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
