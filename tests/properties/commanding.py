"""Operators' commands on the books in memory (M06): what each does to the order and to its runs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from activities.case import Effect
from workflows.contracts.decisions import DecideRequest
from workflows.contracts.plans import Due
from workflows.contracts.reasons import EventReason, RunReason, RunStatus

if TYPE_CHECKING:
    from tests.properties.books import Books, Row


#: Reasons with which an event is only kept for later.
_KEPT = (EventReason.ON_HOLD, EventReason.LOOP)


def _waiting(books: "Books") -> list["Row"]:
    rows = books.stays[-1].rows.values() if books.stays else ()
    return [row for row in rows if row.status in (RunStatus.PLANNED, RunStatus.HELD)]


def _move(books: "Books", request: DecideRequest, data: dict[str, Any]) -> Effect:
    if data["stage"] not in books.versions[-1].stages or data["stage"] == books.stage:
        return Effect(EventReason.REFUSED)
    return books.enter(request, data["stage"], Effect(EventReason.MOVED_BY_HAND), is_automatic=False)


def _hold(books: "Books", request: DecideRequest, data: dict[str, Any]) -> Effect:
    books.held_at = books.held_at or request.now
    return Effect(EventReason.COMMAND_DONE)


def _resume(books: "Books", request: DecideRequest, data: dict[str, Any]) -> Effect:
    if books.held_at is None:
        return Effect(EventReason.COMMAND_DONE)
    pause, books.held_at, books.resumed_at, books.attention = request.now - books.held_at, None, request.now, ""
    kept = tuple(
        entry.event.model_copy(update={"data": {}, "at": entry.at})
        for entry in books.journal.values()
        if entry.decision is not None and entry.decision.reason in _KEPT
    )
    for row in _waiting(books):
        if row.reason is RunReason.ON_HOLD:
            row.status, row.reason = RunStatus.PLANNED, RunReason.WAITING
    dues = []
    for row in _waiting(books) if data.get("deadlines") == "shift" else ():
        if row.due is not None:
            row.due += pause
            dues.append(Due(rule=row.rule, at=row.due))
    return Effect(EventReason.COMMAND_DONE, dues=tuple(dues), requeue=kept)


def _stop_waiting(books: "Books", request: DecideRequest, data: dict[str, Any]) -> Effect:
    return _stopped(books, request, RunReason.STOPPED_BY_OPERATOR)


def _cancel(books: "Books", request: DecideRequest, data: dict[str, Any]) -> Effect:
    books.held_at = books.held_at or request.now
    books.attention = "automation-stopped"
    return _stopped(books, request, RunReason.AUTOMATION_STOPPED)


def _stopped(books: "Books", request: DecideRequest, reason: RunReason) -> Effect:
    rows = _waiting(books)
    for row in rows:
        books.end_row(row, RunStatus.STOPPED, reason, now=request.now)
    return Effect(EventReason.COMMAND_DONE, stop=tuple(row.rule for row in rows))


def _run_now(books: "Books", request: DecideRequest, data: dict[str, Any]) -> Effect:
    waits = any(row.rule == data["rule"] for row in _waiting(books))
    if not waits or books.held_at is not None:
        return Effect(EventReason.REFUSED)
    books.stays[-1].rows[data["rule"]].due = request.now
    return Effect(EventReason.COMMAND_DONE, wake=(data["rule"],))


def _skip(books: "Books", request: DecideRequest, data: dict[str, Any]) -> Effect:
    row = next((row for row in _waiting(books) if row.rule == data["rule"]), None)
    if row is None:
        return Effect(EventReason.REFUSED)
    books.end_row(row, RunStatus.SKIPPED, RunReason.SKIPPED_BY_OPERATOR, now=request.now)
    stay = books.stays[-1]
    followers = [one for one in stay.rows.values() if one.planned.after == row.rule and one.planned.has_wait]
    dues = books.new_moments(stay, followers, anchor=request.now)
    return Effect(EventReason.COMMAND_DONE, skip=(row.rule,), dues=dues)


def _repeat(books: "Books", request: DecideRequest, data: dict[str, Any]) -> Effect:
    stay = books.stay
    row = stay.rows.get(data["rule"]) if stay else None
    if stay is None or row is None or books.held_at is not None:
        return Effect(EventReason.REFUSED)
    is_unknown = row.status is RunStatus.HELD and row.reason is RunReason.OUTCOME_UNKNOWN
    if row.status is not RunStatus.FAILED and not is_unknown:
        return Effect(EventReason.REFUSED)
    for one in (row, *books.chain_after(stay, row.rule)):
        if one is row or one.reason is RunReason.PREVIOUS_FAILED:
            one.status, one.reason, one.due, one.ended_at = RunStatus.PLANNED, None, None, None
            one.is_claimed = False
    books.attention = ""
    return Effect(EventReason.COMMAND_DONE, repeat=(row.rule,))


_Command = Callable[["Books", DecideRequest, dict[str, Any]], Effect]

#: Commands by their event type.
COMMANDS: dict[str, _Command] = {
    "operator.move": _move,
    "operator.hold": _hold,
    "operator.resume": _resume,
    "operator.stop_waiting": _stop_waiting,
    "operator.cancel": _cancel,
    "operator.run_now": _run_now,
    "operator.skip": _skip,
    "operator.repeat": _repeat,
}
