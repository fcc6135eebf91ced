"""The plan of a visit (M10, M20, M21): which rules run, after which, when. Carried out by the visit engine."""

import json
from datetime import datetime
from typing import cast

from workflows.contracts.plans import Due, Plan, PlannedRun, StageCard
from workflows.contracts.state import StageKind
from workflows.pipeline.durations import WaitAnchor
from workflows.pipeline.fields import OrderView
from workflows.pipeline.model import Pipeline, Rule, Stage, Trigger
from workflows.pipeline.moments import has_moment, moment_of

#: How long transient errors are repeated where a rule does not say, in seconds (M60).
EXPIRES = 86_400

#: Limits of a title: characters, and bytes as Temporal stores it, in ASCII-escaped JSON.
_TITLE_CHARACTERS = 80
_TITLE_BYTES = 400


def plan(pipeline: Pipeline, *, stage: str, visit: int, view: OrderView, now: datetime, pace: float = 1.0) -> Plan:
    """Plan the visit of a stage that an order enters at `now`; `pace` divides every wait."""
    runs = []
    for rule in pipeline.stages[stage].rules:
        waits = has_moment(pipeline, rule=rule)
        due = None
        if waits and rule.after is None:
            due = moment(pipeline, stage=stage, rule=rule.id, view=view, anchor=now, pace=pace)
        planned = _planned(pipeline, stage=stage, rule=rule, waits=waits)
        runs.append(planned if due is None else planned.model_copy(update={"due": due.at, "words": due.words}))
    return Plan(visit=visit, runs=runs, card=card(pipeline, stage=stage))


def moment(pipeline: Pipeline, *, stage: str, rule: str, view: OrderView, anchor: datetime, pace: float = 1.0) -> Due:
    """Return a rule's moment, counted from its stage's entry or from the end of the rule before it.

    `pace` divides the wait: at 24, a day takes an hour. A moment already past is the anchor.
    """
    found = _rule(pipeline, stage=stage, rule=rule)
    natural = moment_of(pipeline, rule=found, view=view, anchor=anchor)
    at = anchor + (natural.at - anchor) / pace if pace != 1.0 and natural.is_known else natural.at
    return Due(rule=rule, at=at, words=_since(found, words=natural.words))


def wait_depends_on(pipeline: Pipeline, *, stage: str, rule: str) -> frozenset[str]:
    """Return the names of the order's fields that a rule's wait reads (M23), as `order.edited` names them."""
    wait = _rule(pipeline, stage=stage, rule=rule).wait
    if wait is None or wait.anchor is WaitAnchor.START:
        return frozenset()
    return frozenset({wait.field.rpartition(".")[2]})


def successors(pipeline: Pipeline, *, stage: str, rule: str) -> tuple[Rule, ...]:
    """Return the rules that start when this one has ended, in the order of the file."""
    return tuple(one for one in pipeline.stages[stage].rules if one.after == rule)


def title_of(pipeline: Pipeline, *, rule: Rule) -> str:
    """Return what people read of a rule, within the limits of a Temporal summary; no person's data."""
    kind = pipeline.kinds[rule.kind]
    words = rule.title or (kind.title(rule.settings) if kind.title else "") or f"{rule.kind}: {rule.id}"
    return _cut(" ".join(words.split()))


def card(pipeline: Pipeline, *, stage: str) -> StageCard:
    """Return what the details page shows of a stage; failed ends stand on the path only while an order is there."""
    key = ("card", stage)
    if key not in pipeline.compiled:
        pipeline.compiled[key] = _card(pipeline, here=pipeline.stages[stage])
    return cast("StageCard", pipeline.compiled[key])


def _card(pipeline: Pipeline, *, here: Stage) -> StageCard:
    path = [one for one in pipeline.stages.values() if one.kind is not StageKind.FAILURE or one is here]
    return StageCard(
        title=here.title,
        position=path.index(here) + 1,
        path=[one.title for one in path],
        exits=list(_exits(pipeline, here=here)),
        zone=pipeline.timezone,
    )


def may_move(pipeline: Pipeline, *, trigger: Trigger, target: Stage, here: Stage) -> bool:
    """Say whether a trigger could ever move an order from one stage to another, events and conditions aside."""
    if target.id == here.id or (trigger.sources and here.id not in trigger.sources):
        return False
    return trigger.back or (not here.kind.is_final and pipeline.position(target.id) > pipeline.position(here.id))


def _exits(pipeline: Pipeline, *, here: Stage) -> dict[str, None]:
    return {
        f"`{trigger.title or trigger.event_type.partition('.')[2]}` → {target.title}": None
        for target in pipeline.stages.values()
        for trigger in target.triggers
        if may_move(pipeline, trigger=trigger, target=target, here=here)
    }


def _planned(pipeline: Pipeline, *, stage: str, rule: Rule, waits: bool) -> PlannedRun:
    """Return a rule's run without its moment: the same for every order."""
    key = ("run", f"{stage} {rule.id}")
    if key in pipeline.compiled:
        return cast("PlannedRun", pipeline.compiled[key])
    kind = pipeline.kinds[rule.kind]
    pipeline.compiled[key] = planned = PlannedRun(
        rule=rule.id,
        kind=rule.kind,
        title=title_of(pipeline, rule=rule),
        after=rule.after,
        has_wait=waits,
        is_record=kind.is_record,
        queue=kind.queue,
        continues_on_failure=rule.continues_on_failure,
        wakes_on_customer=kind.wakes_on_customer,
        seconds=kind.seconds,
        expires=int(rule.expires.total_seconds()) if rule.expires else EXPIRES,
    )
    return planned


def _since(rule: Rule, *, words: str) -> str:
    if rule.wait is None or rule.wait.anchor is not WaitAnchor.START or words.startswith("at "):
        return words
    # "1 day at 10:00, hours: office" becomes "1 day after the stage at 10:00, hours: office".
    length = words.partition(" at ")[0].partition(",")[0]
    return f"{length} after {rule.after or 'the stage'}{words.removeprefix(length)}"


def _rule(pipeline: Pipeline, *, stage: str, rule: str) -> Rule:
    found = pipeline.rule(stage, rule)
    if found is None:
        raise KeyError(f"no rule '{rule}' in stage '{stage}' of pipeline '{pipeline.id}'")
    return found


def _cut(words: str) -> str:
    kept = words[:_TITLE_CHARACTERS]
    while len(json.dumps(kept)) > _TITLE_BYTES:
        kept = kept[:-1]
    return kept if kept == words else f"{kept[:-1].rstrip()}…"
