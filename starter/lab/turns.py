"""Whose turn it is among the things of one moment: a cause is told before what it caused.

The store keeps moments, not turns, and in the lab whole days of an order are a few moments. So the turn is taken from
what caused what: events lead to visits, visits begin with their rules, rules cause events.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum

from activities.store.history import EventRecord, RunRecord, VisitRecord
from workflows.contracts.reasons import RunReason

#: Where an entry stands among those of its moment: the visit, the turn in it, the place among those of this turn.
Place = tuple[int, int, int]

#: An event that was decided this much later than it came was kept back meanwhile.
_AT_ONCE = timedelta(seconds=30)

#: The source of events that rules cause; their ids begin with the run's.
_OF_RULES = "rule"


class Turn(IntEnum):
    """Who is first at one moment of a visit."""

    STAGE = 0
    BEGINNING = 1  # rules that run as the stage is entered
    EVENT = 2  # what happens outside, before the rules that are due at the same moment
    DUE = 3
    CAUSED = 4  # what rules caused
    LEFT = 5  # what ended with the visit


class Turns:
    """The turns of one order's life."""

    def __init__(
        self, events: Sequence[EventRecord], *, runs: Sequence[RunRecord], visits: Sequence[VisitRecord]
    ) -> None:
        self._events = sorted(events, key=_turn_of)
        self._entered = {visit.visit: visit.entered_at for visit in visits}
        self._causes = {(visit.cause_source, visit.cause_id): visit.visit for visit in visits}
        self._visits_of_runs = {str(run.id): run.visit for run in runs}
        self._places = self._placed()

    def of_event(self, event: EventRecord) -> Place:
        """Return the place of an event that was decided."""
        return self._places[event.source, event.id]

    def of_run(self, run: RunRecord, *, place: int) -> Place:
        """Return the place of a rule's end."""
        if run.reason is RunReason.STAGE_LEFT:
            return run.visit, Turn.LEFT, place
        return self.of_delay(run.visit, at=run.ended_at, place=place)

    def of_delay(self, visit: int, *, at: datetime | None, place: int) -> Place:
        """Return the place of what a rule of a visit did at a moment."""
        return visit, Turn.BEGINNING if at == self._entered.get(visit) else Turn.DUE, place

    def _placed(self) -> dict[tuple[str, str], Place]:
        """Give each event the visit in which it was decided: the one before that to which it led, else the latest."""
        places: dict[tuple[str, str], Place] = {}
        latest = 0
        for place, event in enumerate(self._events):
            name = event.source, event.id
            of_run = self._visits_of_runs.get(event.id.partition(":")[0], 0) if event.source == _OF_RULES else 0
            led_to = self._causes.get(name)
            visit = max(latest, of_run) if led_to is None else led_to - 1
            places[name] = visit, Turn.CAUSED if event.source == _OF_RULES else Turn.EVENT, place
            latest = max(latest, led_to or 0)
        return places


def was_kept(event: EventRecord) -> bool:
    """Say whether an event was kept back for a time, as the automation was on hold."""
    return event.decided_at is not None and event.decided_at - event.received_at > _AT_ONCE


def _turn_of(event: EventRecord) -> tuple[datetime, bool, int]:
    """Sort events by their moment; of those of one moment the ones that were kept come last."""
    return event.decided_at or event.received_at, was_kept(event), event.seq
