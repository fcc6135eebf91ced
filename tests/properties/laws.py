"""The rules of the engine as laws over what is seen from outside: what is asked for, what is kept, what waits.

They are written from the catalogue, not from the engine, and say nothing of how it works.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.properties.books import Books, Row, Stay
from tests.properties.loops import Clock
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunOutcome

if TYPE_CHECKING:
    from tests.properties.lives import Life
    from workflows.automation import Automation
    from workflows.visit import Run, Visit


class Violation(AssertionError):
    """A law is broken."""


def require(holds: object, words: str) -> None:
    """Raise Violation unless it holds."""
    if not holds:
        raise Violation(words)


class Laws:
    """What must hold, whatever happens."""

    def __init__(self, books: Books, clock: Clock) -> None:
        self.books = books
        self.clock = clock
        self._called: set[tuple[int, str]] = set()
        self._engine_ends: dict[tuple[int, int, str], int] = {}
        self._sent: dict[tuple[int, str], int] = {}
        self._repeats: dict[tuple[int, str], int] = {}

    # --- while it happens --------------------------------------------------------------------------------------------

    def decided(self, request: DecideRequest, decision: Decision) -> None:
        """Note what a decision allows."""
        visit = self.books.visit
        for rule in (*decision.wake, *decision.repeat):
            self._called.add((visit, rule))
        for rule in decision.repeat:
            for name in (rule, *(row.rule for row in self.books.chain_after(self.books.stays[-1], rule))):
                self._repeats[visit, name] = self._repeats.get((visit, name), 0) + 1

    def asked(self, life: "Life", *, visit: int, rule: str, batch: list[RunItem]) -> None:
        """M05, M06, M10, M11, M20: what the engine may ask to be carried out."""
        automation, now = life.automation, self.clock.now
        where = f"run {rule} of visit {visit}"
        current = automation.visit
        is_current = current is not None and current.number == visit
        require(is_current, f"{where} starts although its stage was left")
        assert current is not None
        is_held_just_now = life.decided_at == now  # a request that was on its way: the store refuses it
        require(not automation.is_held or is_held_just_now, f"{where} starts while the automation is held")
        row = self.books.stays[visit - 1].rows[rule]
        if life.deciding or (visit, rule) in self._called:
            return
        require(not current.runs[rule].status.is_end, f"{where} starts although it has ended ({row.status})")
        before = self.books.stays[visit - 1].rows.get(row.planned.after or "")
        names = [item.rule for item in batch]
        if before is not None and before.rule in names[: names.index(rule)]:
            require(not row.planned.has_wait, f"{where} starts with the rule before it, but waits for a moment")
            return
        if before is not None and before.status.is_end:
            require(not before.stops_chain, f"{where} starts although {before.rule} ended {before.status}")
        if row.status.is_end:
            return  # it ended before the workflow that asks was started; the store tells how
        require(before is None or before.ends > 0, f"{where} starts before {row.planned.after} has ended")
        if row.planned.has_wait:
            require(row.due is not None and row.due <= now, f"{where} starts before its moment {row.due}")

    def sent(self, stay: Stay, row: Row) -> None:
        """M61: a message leaves once, or once more for every repeat by hand; and never one that was skipped."""
        name = (stay.number, row.rule)
        self._sent[name] = self._sent.get(name, 0) + 1
        require(self._sent[name] <= 1 + self._repeats.get(name, 0), f"{name} leaves twice")
        require(row.status is RunStatus.RUNNING, f"{name} leaves, but is {row.status} ({row.reason})")

    def engine_ended(self, automation: "Automation", run: "Run", outcome: RunOutcome) -> None:
        """A run ends once."""
        visit = automation.state.visit
        current = automation.visit
        is_current = current is not None and current.runs.get(run.rule) is run
        require(is_current, f"run {run.rule} of a left visit ends in the present one")
        if not outcome.status.is_end:
            return
        name = (id(automation), visit, run.rule)
        self._engine_ends[name] = self._engine_ends.get(name, 0) + 1
        allowed = 1 + self._repeats.get((visit, run.rule), 0)
        require(self._engine_ends[name] <= allowed, f"run {run.rule} of visit {visit} ends twice")

    def shown(self, life: "Life") -> None:
        """What people see is never older than what the workflow knows."""
        require(life.automation.state.visit == self._visit_of(life), "people are shown another visit")

    # --- when nothing happens ----------------------------------------------------------------------------------------

    def at_rest(self, life: "Life") -> None:
        """Check everything that must hold while only time could change anything."""
        require(life.failure is None, f"the workflow failed: {life.failure!r}")
        require(not life.loop.errors, f"errors of tasks: {life.loop.errors}")
        self._chains()
        self._loops()
        self._moves()
        self._left_visits()
        if life.is_over:
            self._over(life)
            return
        if life.deciding or life.recording or life.was_cancelled:
            return  # an answer is awaited, or the last sends drain
        self._inbox_is_empty(life)
        self._agreement(life)
        self._no_excuse(life)
        self._next_moment(life)
        self._no_leak(life)
        require(not self._may_be_over(life), "the final stage's rules have ended, but the automation goes on (M07)")

    def nothing_lost(self, life: "Life") -> None:
        """M07: what the relay told again is decided."""
        if not (life.deciding or life.recording or life.sending or life.was_cancelled):
            lost = [entry.event for entry in self.books.lost()]
            require(not lost, f"events were handed over and never handled: {lost}")

    def round_trip(self, before: Any, after: Any) -> None:
        """Continue-as-new changes nothing."""
        require(before == after, f"continue-as-new changed {before} to {after}")

    def _visit_of(self, life: "Life") -> int:
        visit = life.automation.visit
        return visit.number if visit else life.automation.state.visit

    def _chains(self) -> None:
        for stay in self.books.stays[-1:]:
            for row in stay.rows.values():
                before = stay.rows.get(row.planned.after or "")
                is_stuck = before is not None and before.stops_chain and not row.status.is_end and not row.is_claimed
                is_called = (stay.number, row.rule) in self._called
                require(not is_stuck or is_called, f"{row.rule} waits for {row.planned.after}, which stopped its chain")

    def _loops(self) -> None:
        moves = [stay.entered_at for stay in self.books.stays[1:] if stay.is_automatic][-22:]
        since = self.books.resumed_at
        recent = [at for at in moves if (self.clock.now - at).total_seconds() <= 3600 and (not since or at > since)]
        require(len(recent) <= 20, "more than 20 automatic moves within an hour (M08)")

    def _moves(self) -> None:
        causes = [stay.cause for stay in self.books.stays]
        require(len(causes) == len(set(causes)), f"an event moved the order twice: {causes} (M50)")

    def _left_visits(self) -> None:
        for stay in self.books.stays[:-1]:
            for row in stay.rows.values():
                require(row.status.is_end or row.is_claimed, f"{row.rule} of left visit {stay.number} is {row.status}")
                require(row.reason is not None or not row.status.is_end, f"{row.rule} has no reason (M64)")

    def _over(self, life: "Life") -> None:
        if life.carried is not None:
            require(not life.sending, f"sends are under way while it continues as new: {life.sending}")
            return
        require(not life.sleepers_left(), "a timer is left after the end")
        require(not life.loop.pending(), f"tasks are left after the end: {life.loop.pending()}")
        require(not life.sending, f"sends are left after the end: {life.sending}")
        if not life.was_cancelled:
            require(self.books.kind().is_final, "the automation is over in an open stage")
            require(self.books.held_at is None, "the automation is over although it is held")
            rows = self.books.stays[-1].rows.values()
            open_rows = [row.rule for row in rows if not row.status.is_end]
            require(not open_rows, f"the automation is over although {open_rows} have not ended")

    def _inbox_is_empty(self, life: "Life") -> None:
        require(not life.automation.has_events, "events wait although nothing happens")

    def _agreement(self, life: "Life") -> None:
        visit = life.automation.visit
        stay = self.books.stay
        require(visit is not None and stay is not None, "a workflow without a visit")
        assert visit is not None
        assert stay is not None
        require(visit.number == stay.number, f"visit {visit.number} is carried out, {stay.number} is kept")
        require(life.automation.is_held == (self.books.held_at is not None), "held in one place only")
        unsure = self._unsure(stay, visit)
        for name, run in visit.runs.items():
            row = stay.rows[name]
            if name in unsure:
                continue
            same = run.status == row.status or not (run.status.is_end or row.status.is_end)
            require(same, f"{name} is {run.status} ({run.reason}), but {row.status} ({row.reason}) is kept")
            if run.status.is_end:
                require(run.reason == row.reason, f"{name} ended {run.reason}, but {row.reason} is kept")
            elif (stay.number, name) not in self._called:
                require(run.due == _due(row, run), f"{name} waits until {run.due}, but {row.due} is kept")

    def _unsure(self, stay: Stay, visit: "Visit") -> set[str]:
        """Name the runs that are being carried out, and those after them: the answer may be on its way.

        So are sends that were out when the workflow was started, until it may ask for them: a held one asks nothing.
        """
        is_held = self.books.held_at is not None
        executing = [
            name
            for name, run in visit.runs.items()
            if run.is_executing or (is_held and run.status is RunStatus.RUNNING)
        ]
        return {*executing, *(row.rule for name in executing for row in self.books.chain_after(stay, name))}

    def _no_excuse(self, life: "Life") -> None:
        """Every run that has not ended waits for something that is still to come."""
        stay, visit = self.books.stays[-1], life.automation.visit
        assert visit is not None
        asleep = [task for _, task in life.sleepers_left()]
        for name, row in stay.rows.items():
            before = stay.rows.get(row.planned.after or "")
            waits = (
                row.status.is_end
                or (stay.number, name) in life.sending
                or (row.status is RunStatus.HELD and row.reason is RunReason.OUTCOME_UNKNOWN)
                or (before is not None and not before.status.is_end)
                or (before is not None and (stay.number, before.rule) in life.sending)
                or self.books.held_at is not None
                or visit.runs[name].task in asleep
            )
            require(waits, f"{name} is {row.status} ({row.reason}), due {row.due}, and waits for nothing")

    def _next_moment(self, life: "Life") -> None:
        visit = life.automation.visit
        assert visit is not None
        stay = self.books.stays[-1]
        if self._unsure(stay, visit):
            return
        kept = [_due(row, visit.runs[name]) for name, row in stay.rows.items() if not row.status.is_end]
        dues = [due for due in kept if due]
        is_called = any(number == stay.number for number, _ in self._called)
        require(is_called or life.automation.next_at() == min(dues, default=None), "next_at is another moment")

    def _no_leak(self, life: "Life") -> None:
        visit = life.automation.visit
        assert visit is not None
        own = {id(run.task) for run in visit.runs.values() if run.task and not run.status.is_end}
        for _, task in life.sleepers_left():
            require(id(task) in own, "a task of a left or ended run still sleeps")
        busy = len(life.sending)
        waiting = sum(not run.status.is_end for run in visit.runs.values())
        require(len(life.loop.pending()) <= 1 + busy + waiting, f"tasks leak: {life.loop.pending()}")

    def _may_be_over(self, life: "Life") -> bool:
        if not self.books.kind().is_final or self.books.held_at is not None or life.sending:
            return False
        return all(row.status.is_end for row in self.books.stays[-1].rows.values())


def _due(row: Row, run: "Run") -> datetime | None:
    """Return the moment kept; that of the workflow where it knows of quiet hours: asked before, it would be put off."""
    if row.reason is RunReason.QUIET_HOURS and row.due and run.due:
        return max(row.due, run.due)
    return row.due
