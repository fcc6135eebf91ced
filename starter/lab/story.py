"""The story of an order: all that happened to it and what waits, told from the store's records and what was sent.

The same function tells a life in the lab and one on a Temporal server: only the records differ in nothing but time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from activities.actions.protocol import send_id
from activities.providers.stand_in import Sent
from activities.store import journal, notices, orders, runs, tasks, timeline, visits
from activities.store.database import Tx
from activities.store.history import EventRecord, RunRecord, TaskRecord, TimelineRecord, VisitRecord
from activities.store.records import OrderRecord
from starter.lab.house import Stray
from starter.lab.runtime import Delay
from starter.lab.talking import whispered
from starter.lab.turns import Place, Turn, Turns, was_kept
from workflows.contracts.events import OPERATOR_PREFIX
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import EventReason, RunReason, RunStatus

#: Most lines of each list that are read of one order.
_MOST = 10_000

_ON_HOLD = str(EventReason.ON_HOLD)
_KEPT = "kept until the automation goes on"

Compared = tuple[tuple[str, str], ...]


class What(StrEnum):
    """What an entry tells of, in the order in which things of one moment are told."""

    EVENT = "event"
    STAGE = "stage"
    RULE = "rule"
    DELAY = "delay"


@dataclass(frozen=True)
class Said:
    """A text that a rule made: `how` it went (sms, email, log, whisper …), to whom, and what it says."""

    how: str
    to: str = ""
    text: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `name` is the event's type, the stage or the rule; `status` of a rule only.

    `due` is when a rule was to run; `until` and `tries` tell of a delay.
    """

    at: datetime
    what: What
    name: str
    visit: int = 0
    stage: str = ""
    kind: str = ""
    status: str = ""
    reason: str = ""
    words: str = ""
    due: datetime | None = None
    until: datetime | None = None
    tries: int = 0
    compared: Compared = ()
    said: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """A rule that waits at the end: for its moment, for the rule before it, or for a person."""

    rule: str
    kind: str
    reason: str
    due: datetime | None = None
    after: str = ""
    words: str = ""


@dataclass(frozen=True)
class Story:
    """An order's story: its entries by moment, what waits, and where it stands."""

    number: str
    entries: tuple[Entry, ...]
    waiting: tuple[Waiting, ...] = ()
    stage: str = ""
    attention: str = ""
    is_held: bool = False


@dataclass(frozen=True)
class Records:
    """What a story is told from."""

    order: OrderRecord
    visits: Sequence[VisitRecord]
    runs: Sequence[RunRecord]
    events: Sequence[EventRecord]
    lines: Sequence[TimelineRecord]
    tasks: Sequence[TaskRecord]
    notices: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    whispers: Mapping[UUID, str] = field(default_factory=dict)
    sent: Sequence[Sent] = ()
    delays: Sequence[Delay] = ()
    strays: Sequence[Stray] = ()


async def records_of(
    tx: Tx, key: OrderKey, *, sent: Iterable[Sent], delays: Iterable[Delay] = (), strays: Iterable[Stray] = ()
) -> Records:
    """Read what the store has of an order; `delays` and `strays` are what it does not keep."""
    ran = await runs.runs_of(tx, key)
    return Records(
        order=await orders.get(tx, key),
        visits=await visits.visits_of(tx, key),
        runs=ran,
        events=(await journal.events_of(tx, key, limit=_MOST)).items,
        lines=sorted((await timeline.page(tx, key, limit=_MOST)).items, key=lambda line: line.seq),
        tasks=await tasks.of_order(tx, key),
        notices=await notices.by_ref(tx, key),
        whispers=await whispered(tx, key, runs=ran),
        sent=tuple(sent),
        delays=tuple(delay for delay in delays if delay.number == key.number),
        strays=tuple(strays),
    )


def told(records: Records, *, since: datetime | None = None) -> Story:
    """Tell the story, from a moment on."""
    turns = Turns(records.events, runs=records.runs, visits=records.visits)
    entries = [
        *_events(records, turns=turns),
        *_stages(records),
        *_rules(records, turns=turns),
        *_delays(records, turns=turns),
        *_strays(records),
    ]
    kept = [(entry, place) for entry, place in entries if since is None or entry.at >= since]
    kept.sort(key=lambda pair: (pair[0].at, pair[1]))
    order = records.order
    return Story(
        number=order.number,
        entries=tuple(entry for entry, _ in kept),
        waiting=tuple(_waiting(run) for run in records.runs if run.visit == order.visit and not run.status.is_end),
        stage=order.stage,
        attention=order.attention,
        is_held=order.held_at is not None,
    )


def _events(records: Records, *, turns: Turns) -> list[tuple[Entry, Place]]:
    found = []
    for event in records.events:
        at, place = event.decided_at or event.received_at, turns.of_event(event)
        if was_kept(event):
            found.append((Entry(event.received_at, What.EVENT, event.type, reason=_ON_HOLD, words=_KEPT), place))
        found.append((_event(event, at=at), place))
    return found


def _event(event: EventRecord, *, at: datetime) -> Entry:
    verdict = event.verdict or {}
    compared = [*verdict.get("compared", ())]
    words = event.words
    beaten = [one for one in verdict.get("considered", ()) if one.get("words") and one["reason"] != str(event.reason)]
    if beaten and event.reason is not EventReason.MOVED:
        words = "; ".join([words, *(f"{one['stage']}: {one['words']}" for one in beaten)]).strip("; ")
    is_command = event.type.startswith(OPERATOR_PREFIX) and event.source == "operator"
    return Entry(
        at=at,
        what=What.EVENT,
        name=event.type,
        kind="command" if is_command else event.source,
        reason=str(event.reason or ""),
        words=words,
        compared=tuple((path, value) for path, value in compared),
    )


def _stages(records: Records) -> list[tuple[Entry, Place]]:
    words = {line.visit: line.text for line in records.lines if line.kind == "stage"}
    return [
        (
            Entry(
                at=visit.entered_at,
                what=What.STAGE,
                name=visit.stage,
                visit=visit.visit,
                stage=visit.stage,
                kind=visit.cause_type,
                words=words.get(visit.visit, ""),
            ),
            (visit.visit, Turn.STAGE, 0),
        )
        for visit in records.visits
    ]


def _rules(records: Records, *, turns: Turns) -> list[tuple[Entry, Place]]:
    return [
        (_rule(run, records=records), turns.of_run(run, place=place))
        for place, run in enumerate(records.runs)
        if run.status.is_end and run.ended_at is not None
    ]


def _rule(run: RunRecord, *, records: Records) -> Entry:
    assert run.ended_at is not None  # it has ended
    return Entry(
        at=run.ended_at,
        what=What.RULE,
        name=run.rule,
        visit=run.visit,
        stage=run.stage,
        kind=run.kind,
        status=str(run.status),
        reason=str(run.reason or ""),
        words=run.words,
        due=run.due,
        compared=tuple(run.compared),
        said=tuple(_said(run, records=records)),
    )


def _said(run: RunRecord, *, records: Records) -> list[Said]:
    found = [
        Said(one.message.channel, one.message.address, one.message.body, one.message.subject)
        for one in records.sent
        if one.send_id == send_id(run.id, message=one.message)
    ]
    found += [
        Said(str(line.kind), "", line.text)
        for line in records.lines
        if line.visit == run.visit and line.rule == run.rule and line.kind in ("log", "comment")
    ]
    found += [
        Said("task", ", ".join(task.assignees), task.description, task.title)
        for task in records.tasks
        if task.id == run.id
    ]
    found += [Said("whisper", "", records.whispers[run.id])] if run.id in records.whispers else []
    for ref in (str(run.id), f"{run.id}:failed"):
        found += [Said("notice", employee, text) for employee, text in records.notices.get(ref, ())]
    return found


def _delays(records: Records, *, turns: Turns) -> list[tuple[Entry, Place]]:
    found: dict[tuple[object, ...], tuple[Entry, Place]] = {}
    runs_by_name = {(run.visit, run.rule): run for run in records.runs}
    for place, delay in enumerate(records.delays):
        is_retry = delay.reason is RunReason.RETRYING
        name = (delay.visit, delay.rule, delay.words) if is_retry else (place,)
        before = found.get(name)
        if before is not None:  # one of many tries: told once, with the moment of the last
            entry, its_place = before
            found[name] = replace(entry, until=delay.until, tries=entry.tries + 1), its_place
            continue
        run = runs_by_name.get((delay.visit, delay.rule))
        entry = Entry(
            at=delay.at,
            what=What.DELAY,
            name=delay.rule,
            visit=delay.visit,
            stage=run.stage if run else "",
            kind=run.kind if run else "",
            reason=str(delay.reason),
            words=delay.words,
            until=delay.until,
            tries=1 if is_retry else 0,
        )
        found[name] = entry, turns.of_delay(delay.visit, at=delay.at, place=place)
    return list(found.values())


def _strays(records: Records) -> list[tuple[Entry, Place]]:
    words = "it names a customer whom nobody knows: it goes to no order"
    return [
        (Entry(stray.at, What.EVENT, stray.type, reason=journal.UNMATCHED, words=words), (0, Turn.EVENT, place))
        for place, stray in enumerate(records.strays)
    ]


def _waiting(run: RunRecord) -> Waiting:
    is_first = run.after is None or run.due is not None
    natural = RunReason.WAITING if is_first else RunReason.AFTER_RULE
    if run.status is RunStatus.HELD:
        natural = RunReason.ON_HOLD
    return Waiting(
        rule=run.rule,
        kind=run.kind,
        reason=str(natural if run.reason in (None, RunReason.AFTER_RULE) else run.reason),
        due=run.due,
        after="" if is_first else run.after or "",
        words=run.words,
    )
