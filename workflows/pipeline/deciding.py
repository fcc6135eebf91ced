"""What an event does to an order (M52-M57, M08): which trigger wins, and why the others do not."""

from dataclasses import dataclass

from workflows.contracts.events import is_known
from workflows.contracts.reasons import EventReason
from workflows.pipeline.conditions import holds
from workflows.pipeline.fields import OrderView
from workflows.pipeline.model import Pipeline, Stage, Trigger
from workflows.pipeline.triggers import EventFact, happening_of, misfit

CREATED = "order.created"

#: Automatic stage changes within an hour; one more holds the order's automation (M08).
MOST_AUTOMATIC_MOVES = 20

Compared = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Situation:
    """Where the order stands. `stage` is empty before creation; `automatic_moves` counts those of the last hour."""

    view: OrderView
    stage: str = ""
    is_held: bool = False
    automatic_moves: int = 0
    is_latest: bool = True


@dataclass(frozen=True)
class Considered:
    """A trigger that listens to the event, and what became of it. `words` hold no person's data; `compared` may."""

    trigger: str
    stage: str
    reason: EventReason
    words: str
    compared: Compared = ()


@dataclass(frozen=True)
class Verdict:
    """The decision on an event. `stage` is the target when the order moves; `trigger` names the winner for people."""

    reason: EventReason
    words: str
    stage: str | None = None
    trigger: str = ""
    compared: Compared = ()
    considered: tuple[Considered, ...] = ()
    as_employee: str | None = None


#: Of several triggers that did not move the order, the one that came nearest gives the reason.
_NEAREST = (
    EventReason.CONDITION_FALSE,
    EventReason.WOULD_MOVE_BACK,
    EventReason.FINAL_STAGE,
    EventReason.NOT_FROM_HERE,
    EventReason.SAME_STAGE,
    EventReason.NOT_LATEST_ORDER,
    EventReason.SETTINGS_DIFFER,
)


def judge(pipeline: Pipeline, *, situation: Situation, event: EventFact) -> Verdict:
    """Decide what an event from outside does to an order; pure, the same answer to the same question."""
    if not is_known(event.type):
        return Verdict(EventReason.UNKNOWN_TYPE, f"no event is called '{event.type}'")
    if event.type == CREATED:
        return _created(pipeline, situation=situation, event=event)
    listening = [
        (stage, trigger)
        for stage in pipeline.stages.values()
        for trigger in stage.triggers
        if trigger.event_type == event.type
    ]
    if not listening:
        return Verdict(EventReason.NO_TRIGGER, f"no trigger listens to {event.type}")
    if situation.is_held:
        return Verdict(EventReason.ON_HOLD, "the order's automation is on hold; the event is kept until it is resumed")
    considered = [
        _consider(pipeline, stage=stage, trigger=trigger, situation=situation, event=event)
        for stage, trigger in listening
    ]
    winner = next((place for place, one in enumerate(considered) if one.reason is EventReason.MOVED), None)
    if winner is None:
        return _unmoved(considered)
    return _moved(considered, winner=winner, trigger=listening[winner][1], situation=situation)


def trigger_words(trigger: Trigger, *, stage: str) -> str:
    """Name a trigger for people: `payment.paid -> preparing`, with its title if it has one."""
    words = f"{trigger.event_type} -> {stage}"
    return f"{words} ({trigger.title})" if trigger.title else words


def _created(pipeline: Pipeline, *, situation: Situation, event: EventFact) -> Verdict:
    if situation.stage:
        return Verdict(EventReason.SAME_STAGE, f"the order was created before and is in '{situation.stage}'")
    wanted = event.data.get("stage") or pipeline.first_stage.id
    if not isinstance(wanted, str) or wanted not in pipeline.stages:
        known = ", ".join(pipeline.stages)
        return Verdict(EventReason.MALFORMED, f"the order names a stage that does not exist. Stages: {known}")
    title = pipeline.stages[wanted].title
    return Verdict(EventReason.CREATED, f"a new order begins in '{title}'", stage=wanted, trigger=CREATED)


def _consider(
    pipeline: Pipeline, *, stage: Stage, trigger: Trigger, situation: Situation, event: EventFact
) -> Considered:
    reason, words, compared = _outcome(pipeline, stage=stage, trigger=trigger, situation=situation, event=event)
    return Considered(trigger_words(trigger, stage=stage.id), stage.id, reason, words, compared)


def _outcome(
    pipeline: Pipeline, *, stage: Stage, trigger: Trigger, situation: Situation, event: EventFact
) -> tuple[EventReason, str, Compared]:
    here = situation.stage
    happening = happening_of(trigger.event_type)
    unfit = misfit(happening, settings=trigger.settings, event=event) if happening else None
    if unfit is not None:
        return EventReason.SETTINGS_DIFFER, unfit.words, unfit.compared
    if trigger.orders == "latest" and not situation.is_latest:
        return EventReason.NOT_LATEST_ORDER, "the trigger takes the customer's latest open order only", ()
    if stage.id == here:
        return EventReason.SAME_STAGE, f"the order is in '{here}' already", ()
    if trigger.sources and here not in trigger.sources:
        return EventReason.NOT_FROM_HERE, f"it moves orders from {', '.join(trigger.sources)}, not from '{here}'", ()
    if not trigger.back:
        if here in pipeline.stages and pipeline.stages[here].kind.is_final:
            return EventReason.FINAL_STAGE, f"'{here}' is final, and the trigger has no 'back: true'", ()
        if pipeline.position(stage.id) < pipeline.position(here):
            return EventReason.WOULD_MOVE_BACK, f"'{stage.id}' is before '{here}', and it has no 'back: true'", ()
    if trigger.when is None:
        return EventReason.MOVED, f"moves the order to '{stage.title}'", ()
    check = holds(trigger.when, pipeline=pipeline, view=situation.view, event=event)
    if check.holds:
        return EventReason.MOVED, f"moves the order to '{stage.title}', as {trigger.when}", check.compared
    words = f"the condition {check.error}" if check.error else f"its condition does not hold: {trigger.when}"
    return EventReason.CONDITION_FALSE, words, check.compared


def _unmoved(considered: list[Considered]) -> Verdict:
    best = min(considered, key=lambda one: _NEAREST.index(one.reason))
    return Verdict(best.reason, best.words, compared=best.compared, considered=tuple(considered))


def _moved(considered: list[Considered], *, winner: int, trigger: Trigger, situation: Situation) -> Verdict:
    won = considered[winner]
    told = tuple(
        Considered(one.trigger, one.stage, EventReason.BEATEN, f"beaten by {won.trigger}", one.compared)
        if one.reason is EventReason.MOVED and place != winner
        else one
        for place, one in enumerate(considered)
    )
    if situation.automatic_moves >= MOST_AUTOMATIC_MOVES:
        words = f"{situation.automatic_moves} automatic moves within an hour: the automation is held"
        return Verdict(EventReason.LOOP, words, trigger=won.trigger, compared=won.compared, considered=told)
    return Verdict(
        EventReason.MOVED,
        won.words,
        stage=won.stage,
        trigger=won.trigger,
        compared=won.compared,
        considered=told,
        as_employee=trigger.as_employee,
    )
