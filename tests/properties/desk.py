"""A stand-in of what carries rules out, on the books in memory: record-only rules, and the sends' claims and ends."""

from datetime import datetime, timedelta
from typing import Any

from tests.properties.books import KEY, Books, Row, Stay
from workflows.contracts.events import RULE_MOVE, Event
from workflows.contracts.ids import run_id
from workflows.contracts.plans import Due, Plan
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunOutcome, RunsOutcome, RunsRequest
from workflows.pipeline import planning
from workflows.pipeline.conditions import holds
from workflows.pipeline.model import Rule

#: How long the quiet hours of these customers last.
QUIET = timedelta(hours=8)

_Ended = tuple[RunStatus, RunReason]
_Caused = list[tuple[str, dict[str, Any]]]

_DONE = (RunStatus.DONE, RunReason.DONE)
_SO_ALREADY = (RunStatus.SKIPPED, RunReason.ALREADY_SO)


class Desk:
    """Carry rules out on the books; every public function is one transaction."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self._put_off: set[str] = set()
        books.begin = self._begin_visit

    def _begin_visit(self, plan: Plan, now: datetime) -> list[RunOutcome]:
        """Carry out what runs at once and leaves no trace outside, in the transaction of the decision."""
        stay, names, outcomes = self.books.stays[-1], [], []
        self._put_off = set()
        for run in plan.runs:
            is_next = run.after is None or (run.after in names and not run.has_wait)
            if run.is_record and is_next and (run.due is None or run.due <= now):
                names.append(run.rule)
                outcomes.append(self._record(stay, RunItem(rule=run.rule, kind=run.kind), now=now))
        return outcomes

    def record(self, request: RunsRequest) -> RunsOutcome:
        """Carry out, or conclude, the runs of a request in their order."""
        stay = self.books.stays[request.visit - 1]
        self._put_off = set()
        return RunsOutcome(outcomes=[self._record(stay, item, now=request.now) for item in request.items])

    def begin(self, request: RunsRequest, *, is_quiet: bool = False, refused: _Ended | None = None) -> RunOutcome | Row:
        """Claim a send: the row if it may leave now, or why it may not."""
        now, stay = request.now, self.books.stays[request.visit - 1]
        self._put_off = set()
        row = stay.rows[request.items[0].rule]
        if row.status.is_end:
            return self.outcome_of(stay, row)
        if row.status is RunStatus.RUNNING:
            return row  # claimed before: it is settled, not checked again
        rule = self.books.rule(stay, row.rule)
        ended = self._check(stay, row, rule, now=now) or self._condition(stay, rule) or refused
        if ended is not None:
            return self.end(stay, row, ended, now=now)
        if row.is_claimed:
            return self.hold_unknown(stay, row, now=now)
        if is_quiet:
            row.due = now + QUIET
            row.status, row.reason = RunStatus.PLANNED, RunReason.QUIET_HOURS
            return RunOutcome(rule=row.rule, status=row.status, reason=row.reason, at=row.due)
        row.status, row.reason, row.is_claimed = RunStatus.RUNNING, None, True
        return row

    def release(self, stay: Stay, row: Row, *, now: datetime) -> None:
        """Note that nothing left: the run waits again, or ends with its stage."""
        row.is_claimed = False
        if stay.number != self.books.visit:
            self.end(stay, row, (RunStatus.STOPPED, RunReason.STAGE_LEFT), now=now)
        else:
            row.status, row.reason = RunStatus.PLANNED, RunReason.RETRYING

    def finish(self, stay: Stay, row: Row, ended: _Ended, *, now: datetime) -> RunOutcome:
        """Record how a send ended, whatever its stage is now."""
        return self.outcome_of(stay, row) if row.status.is_end else self.end(stay, row, ended, now=now)

    def hold_unknown(self, stay: Stay, row: Row, *, now: datetime) -> RunOutcome:
        """Leave a send whose outcome nobody can tell to a person (M61)."""
        self.books.attention = "outcome-unknown"
        outcome = self.end(stay, row, (RunStatus.HELD, RunReason.OUTCOME_UNKNOWN), now=now)
        return outcome.model_copy(update={"attention": self.books.attention})

    def outcome_of(self, stay: Stay, row: Row) -> RunOutcome:
        """Answer for a run that ended before, with all that its end told."""
        assert row.reason is not None
        dues = [] if row.stops_chain else self._moments_after(stay, row, anchor=row.ended_at)
        events = [one for one in row.events if self.books.journal[one.source, one.id].decision is None]
        attention = "rule-failed" if row.status is RunStatus.FAILED else None
        return RunOutcome(
            rule=row.rule,
            status=row.status,
            reason=row.reason,
            at=row.ended_at,
            dues=dues,
            events=events,
            attention=attention,
        )

    def end(self, stay: Stay, row: Row, ended: _Ended, *, now: datetime, caused: _Caused = ()) -> RunOutcome:  # type: ignore[assignment]
        """End a run, with its events, its chain, and the moments of those that wait after it."""
        books, (status, reason) = self.books, ended
        if not status.is_end:
            row.status, row.reason = status, reason
            self._put_off.add(row.rule)
            until = row.due if status is RunStatus.PLANNED else None
            return RunOutcome(rule=row.rule, status=status, reason=reason, at=until)
        run = run_id(KEY, stay.number, row.rule)
        row.events = []
        for place, (event_type, data) in enumerate(caused):
            event = Event(id=f"{run}:{place}", type=event_type, at=now, source="rule", data=data)
            books.keep(event, now=now)
            row.events.append(event.model_copy(update={"data": {}}))
        books.end_row(row, status, reason, now=now)
        attention = None
        if status is RunStatus.FAILED:
            attention = books.attention = "rule-failed"
            for one in books.chain_after(stay, row.rule) if row.stops_chain else ():
                if not one.status.is_end and not one.is_claimed:
                    books.end_row(one, RunStatus.STOPPED, RunReason.PREVIOUS_FAILED, now=now)
        dues = [] if row.stops_chain else self._moments_after(stay, row, anchor=now)
        for due in dues:
            if not stay.rows[due.rule].status.is_end:
                stay.rows[due.rule].due = due.at
        return RunOutcome(
            rule=row.rule, status=status, reason=reason, at=now, dues=dues, events=row.events, attention=attention
        )

    def _moments_after(self, stay: Stay, row: Row, *, anchor: datetime | None) -> list[Due]:
        """Give the moments of the runs that wait after this one; those told before stay."""
        dues, pipeline = [], self.books.of(stay)
        for one in stay.rows.values():
            if one.planned.after == row.rule and one.planned.has_wait:
                assert anchor is not None
                view, at = self.books.view(), one.due
                if at is None:
                    at = planning.moment(pipeline, stage=stay.stage, rule=one.rule, view=view, anchor=anchor).at
                dues.append(Due(rule=one.rule, at=at))
        return dues

    def _record(self, stay: Stay, item: RunItem, *, now: datetime) -> RunOutcome:
        row = stay.rows[item.rule]
        if row.status.is_end:
            return self.outcome_of(stay, row)
        if item.verdict is not None:
            if item.verdict is RunStatus.STOPPED and row.is_claimed:
                return RunOutcome(rule=item.rule, status=RunStatus.RUNNING, reason=RunReason.RETRYING)
            return self.end(stay, row, (item.verdict, item.reason or RunReason.INTERNAL), now=now)
        rule = self.books.rule(stay, row.rule)
        ended = self._check(stay, row, rule, now=now) or self._condition(stay, rule)
        caused: _Caused = []
        if ended is None:
            ended, caused = self._act(stay, rule)
        return self.end(stay, row, ended, now=now, caused=caused)

    def _check(self, stay: Stay, row: Row, rule: Rule, *, now: datetime) -> _Ended | None:
        books = self.books
        if stay.number != books.visit:
            return RunStatus.STOPPED, RunReason.STAGE_LEFT
        if books.held_at is not None:
            return RunStatus.HELD, RunReason.ON_HOLD
        before = stay.rows.get(rule.after or "")
        if before is not None and before.stops_chain:
            return RunStatus.STOPPED, RunReason.PREVIOUS_FAILED
        if rule.after in self._put_off:
            return RunStatus.PLANNED, RunReason.AFTER_RULE
        if row.due is not None and row.due > now:
            return RunStatus.PLANNED, RunReason.WAITING
        earlier = (one.rows.get(rule.id) for one in books.stays[: stay.number - 1] if one.stage == stay.stage)
        if rule.once and any(one and (one.status is RunStatus.DONE or one.is_claimed) for one in earlier):
            return RunStatus.SKIPPED, RunReason.ONCE_DONE
        return None

    def _condition(self, stay: Stay, rule: Rule) -> _Ended | None:
        if rule.when is None or holds(rule.when, pipeline=self.books.of(stay), view=self.books.view()).holds:
            return None
        return RunStatus.SKIPPED, RunReason.CONDITION_FALSE

    def _act(self, stay: Stay, rule: Rule) -> tuple[_Ended, _Caused]:
        facts, settings = self.books.facts, rule.settings.model_dump(by_alias=True)
        value = settings.get(rule.kind)
        if rule.kind == "log":
            is_empty = "order.note" in str(value) and not facts.note
            return ((RunStatus.FAILED, RunReason.EMPTY_VALUE) if is_empty else _DONE), []
        if rule.kind == "move":
            data = {"stage": value, "visit": stay.number, "rule": rule.id, "reason": ""}
            return (_SO_ALREADY, []) if value == stay.stage else (_DONE, [(RULE_MOVE, data)])
        if rule.kind == "set":
            return (_SO_ALREADY, []) if facts.note == "x" else (_DONE, [("order.edited", {"fields": {"note": "x"}})])
        if rule.kind == "mark_paid":
            return (_SO_ALREADY, []) if facts.paid else (_DONE, [("payment.paid", {"reference": f"rule {rule.id}"})])
        return _DONE, []
