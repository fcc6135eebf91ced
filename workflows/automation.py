"""Run one order's automation on any clock: events in, a decision asked for each, its visit carried out.

Plain asyncio against the protocol `Runtime`: durable under Temporal, virtual time in the lab. The line between "left"
and "may still send" is drawn by the store.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from workflows.contracts.carry import Carry
from workflows.contracts.commands import TimelineEntry
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey
from workflows.contracts.plans import Plan
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunOutcome
from workflows.contracts.state import OrderState
from workflows.run import Clock, Run
from workflows.visit import Visit

#: Entries of the `timeline` query kept in the workflow; the whole story is in the store.
TIMELINE_LENGTH = 40


class Runtime(Clock, Protocol):
    """What a clock offers besides: the decision, and what people see."""

    async def decide(self, request: DecideRequest) -> Decision:
        """Commit the decision on one event and return it."""
        ...

    def should_renew(self) -> bool:
        """Say whether the history has grown so long that the workflow should continue as new."""
        ...

    def publish(self, automation: "Automation") -> None:
        """Show the state to people: search attributes where they changed, current details."""
        ...


class Automation:
    """The automation of one order: an inbox of events, and the visit that is carried out."""

    def __init__(self, runtime: Runtime, *, key: OrderKey, carry: Carry | None = None) -> None:
        self.key = key
        self.state = carry.state if carry else OrderState(shop=key.shop, number=key.number)
        self.visit: Visit | None = None
        self.timeline: deque[TimelineEntry] = deque(carry.timeline if carry else (), maxlen=TIMELINE_LENGTH)
        self.resumed = asyncio.Event()
        self._runtime = runtime
        self._inbox: deque[Event] = deque()
        self._answers: dict[str, asyncio.Future[Decision]] = {}
        self._wake = asyncio.Event()
        self._left: list[Visit] = []
        self._catching_up: list[str] = []
        self._is_ended = False
        self._is_stopping = False
        self._failure: BaseException | None = None
        self._carried = carry.plan if carry else None

    # --- what comes in -------------------------------------------------------------------------------------------

    @property
    def has_events(self) -> bool:
        """Say whether events wait in the inbox."""
        return bool(self._inbox)

    @property
    def is_held(self) -> bool:
        """Say whether rules must wait: for a resume, for the events a hold kept, or for the workflow's next run."""
        return self.state.held or bool(self._catching_up) or self._is_stopping

    def take(self, event: Event) -> None:
        """Append an event to the inbox; it is handled in its turn."""
        self._inbox.append(event)
        self._wake.set()

    def take_all(self, events: Iterable[Event]) -> None:
        """Append the events that a run caused."""
        for event in events:
            self.take(event)

    async def answer(self, event: Event) -> Decision:
        """Append an event and wait for the decision on it; the same id twice is taken once."""
        waiting = self._answers.get(event.id)
        if waiting is None:
            waiting = self._answers[event.id] = asyncio.get_running_loop().create_future()
            self.take(event)
        return await asyncio.shield(waiting)

    # --- the life ------------------------------------------------------------------------------------------------

    async def serve(self) -> Carry | None:
        """Handle events and carry rules out until the order's automation is over (None) or should continue as new."""
        if self._carried is not None:
            self._enter(self._carried)
            self._carried = None
        while True:
            if self._failure is not None:
                raise self._failure
            if self._inbox:
                await self._handle_next()
                continue
            self._left = [visit for visit in self._left if visit.is_busy]
            if self.visit is None or not self.visit.is_recording:
                self._runtime.publish(self)
            if self._is_over():
                return None
            if not self._is_busy() and self._runtime.should_renew():
                return self.carry()
            self._wake.clear()
            await self._wake.wait()  # signals, ended runs and resumes interleave here

    async def stop(self, event: Event) -> None:
        """Stop the automation on request: that event first, then all that is in the inbox; claimed sends drain.

        No rule begins any more: what a person resumes meanwhile is for the next run of the workflow.
        """
        self._is_stopping = self._runtime.knows("stop-starts-no-rules")
        if self._is_stopping:
            self.resumed.clear()
        self._inbox.appendleft(event)
        while self._inbox:  # commands and events come while sends drain, and wait for their answer
            await self._handle_next()
            if self._inbox:
                continue
            if self.visit is not None:
                self.visit.leave()
                self._left.append(self.visit)
            for visit in self._left:
                await visit.drain()
        self._is_stopping = False
        self._runtime.publish(self)

    def carry(self) -> Carry:
        """Return all that survives continue-as-new."""
        return Carry(state=self.state, plan=self.plan(), timeline=list(self.timeline))

    def plan(self) -> Plan | None:
        """Return the current visit's runs as they stand."""
        if self.visit is None:
            return self._carried
        runs = [run.as_planned() for run in self.visit.runs.values()]
        return Plan(visit=self.visit.number, runs=runs, card=self.visit.card)

    def next_at(self) -> datetime | None:
        """Return the moment of the rule that runs next, None where nothing waits for a moment."""
        return self.visit.next_at() if self.visit else None

    # --- events --------------------------------------------------------------------------------------------------

    async def _handle_next(self) -> None:
        event = self._inbox[0]
        number = self.visit.number if self.visit else 0
        request = DecideRequest(
            key=self.key, event=event, now=self._runtime.now(), visit=number, is_fresh=self.visit is None
        )
        decision = await self._runtime.decide(request)  # signals may append to the inbox meanwhile
        self._inbox.popleft()
        self._apply(decision)
        waiting = self._answers.pop(event.id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(decision)
        await asyncio.sleep(0)  # lets the new visit's runs come to their first wait before the state is shown

    def _apply(self, decision: Decision) -> None:
        was_held = self.state.held
        self.state = decision.state
        self._is_ended = decision.ended
        self._note(_told(decision))
        if decision.plan is not None:
            self._enter(decision.plan, outcomes=decision.outcomes)
        if self.visit is not None:
            self._direct(self.visit, decision)
        if self.state.held:
            self.resumed.clear()
        elif was_held or decision.requeue:  # a workflow that was started by the resume itself knows of no hold
            self._catching_up = [event.id for event in decision.requeue]
            self._inbox.extendleft(reversed(decision.requeue))
            if self._catching_up:
                self.resumed.clear()
        if decision.event in self._catching_up:
            self._catching_up.remove(decision.event)
        if not self.is_held and not self.resumed.is_set():
            self._release()

    def _release(self) -> None:
        """Let the rules run again, once what happened during the hold is decided: it may have moved the order on."""
        self.resumed.set()
        if self.visit is not None:
            self.visit.resume()

    def _direct(self, visit: Visit, decision: Decision) -> None:
        visit.end(decision.skip, status=RunStatus.SKIPPED, reason=RunReason.SKIPPED_BY_OPERATOR)
        visit.end(decision.stop, status=RunStatus.STOPPED, reason=RunReason.STOPPED_BY_OPERATOR)
        visit.retime(decision.dues)
        visit.call(decision.wake)
        visit.repeat(decision.repeat)

    def _enter(self, plan: Plan, *, outcomes: Iterable[RunOutcome] = ()) -> None:
        if self.visit is not None:
            self.visit.leave()
            self._left.append(self.visit)
        self.visit = Visit(plan, clock=self._runtime, host=self)
        self.visit.start(outcomes)

    # --- what visits tell ------------------------------------------------------------------------------------------

    def run_ended(self, run: Run, outcome: RunOutcome) -> None:
        """Take over how a run of the current visit ended."""
        if outcome.attention is not None:
            self.state = self.state.model_copy(update={"attention": outcome.attention})
        self._note(f"{run.planned.title or run.rule}: {outcome.status} ({outcome.reason})")

    def task_ended(self, failure: BaseException | None) -> None:
        """Look after the state again; a bug in a run stops the whole order visibly instead of losing the run."""
        if failure is not None:
            self._failure = failure
        self._wake.set()

    def _note(self, what: str) -> None:
        self.timeline.append(TimelineEntry(at=self._runtime.now(), what=what))

    # --- the end -------------------------------------------------------------------------------------------------

    def _is_busy(self) -> bool:
        is_running = self.visit is not None and self.visit.is_busy
        return bool(self._inbox or self._answers or self._left or is_running)

    def _is_over(self) -> bool:
        if self._is_busy():
            return False
        if self._is_ended:
            return True
        if self.visit is None or self.state.held or not self.state.stage_kind.is_final:
            return False
        return all(run.status.is_end for run in self.visit.runs.values())


def _told(decision: Decision) -> str:
    words = f": {decision.words}" if decision.words else ""
    if decision.plan is not None and decision.left:
        return f"{decision.left} → {decision.state.stage} ({decision.type}{words})"
    return f"{decision.type}: {decision.reason}{words}"
