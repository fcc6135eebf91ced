"""The engine's runtime in the lab: virtual time, and the product's own decisions and rules called directly."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio.exceptions import ApplicationError

from activities.rehearsal import Rehearsal
from starter.lab.clock import Clock
from workflows.automation import Automation
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.plans import PlannedRun
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunOutcome, RunsOutcome, RunsRequest

#: The pauses between the tries of a send, as the workflow's retry policy has them.
_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True)
class Delay:
    """A run that did not end when it was carried out: it is put off, tried again, or held."""

    at: datetime
    number: str
    visit: int
    rule: str
    reason: RunReason
    words: str = ""
    until: datetime | None = None


class LabRuntime:
    """Carry one order's automation out on a virtual clock. `tell` hears of delays, which the store does not keep."""

    def __init__(self, rehearsal: Rehearsal, *, clock: Clock, tell: Callable[[Delay], None]) -> None:
        self._rehearsal = rehearsal
        self._clock = clock
        self._tell = tell
        self._begun: dict[tuple[int, str], datetime] = {}

    def take_up(self, begun: Mapping[tuple[int, str], datetime]) -> None:
        """Go on with sends that were tried before, by visit and rule: their pauses and `expires` count from then."""
        self._begun.update(begun)

    def now(self) -> datetime:
        """Return the clock's present moment."""
        return self._clock.now()

    async def sleep_until(self, moment: datetime, *, words: str) -> None:
        """Sleep until the moment."""
        await self._clock.until(moment)

    async def decide(self, request: DecideRequest) -> Decision:
        """Commit the decision on one event."""
        return await self._rehearsal.decisions.decide(request)

    async def record(self, request: RunsRequest) -> RunsOutcome:
        """Carry out rules on our own records."""
        return await self._rehearsal.records.record(request)

    async def send(self, request: RunsRequest, *, run: PlannedRun) -> RunOutcome:
        """Carry out one rule that leaves the house; what was claimed is settled even when its stage is left."""
        while True:
            try:
                outcome = await self._tried(request, run=run)
            except asyncio.CancelledError:
                outcome = await self._conclude(
                    request, run=run, verdict=RunStatus.STOPPED, reason=RunReason.STAGE_LEFT, words=""
                )
            if outcome.status is not RunStatus.RUNNING:
                return outcome

    def knows(self, change: str) -> bool:
        """No history began before a change."""
        return True

    def should_renew(self) -> bool:
        """No history grows here."""
        return False

    def publish(self, automation: Automation) -> None:
        """Nobody looks at it while it runs."""

    async def _tried(self, request: RunsRequest, *, run: PlannedRun) -> RunOutcome:
        """Try a send with growing pauses until it has an outcome or expires."""
        begun = self._begun.pop((request.visit, run.rule), None)
        end, pause = (begun or self.now()) + timedelta(seconds=run.expires), _FIRST_PAUSE
        if begun is not None:
            again, pause = _next_try(begun, now=self.now())
            expired = await self._put_off(request, run=run, again=again, end=end, words=run.words)
            if expired is not None:
                return expired
        while True:
            try:
                outcome = (await self._rehearsal.sends.send(request)).outcomes[0]
            except ApplicationError as error:
                if error.non_retryable:
                    return RunOutcome.model_validate(error.details[0])
                delay, words = error.next_retry_delay, error.message
            else:
                if not outcome.status.is_end:
                    self._delayed(request, run=run, reason=outcome.reason, words=outcome.words, until=outcome.at)
                return outcome
            again = self.now() + (pause if delay is None else delay)
            expired = await self._put_off(request, run=run, again=again, end=end, words=words)
            if expired is not None:
                return expired
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _put_off(
        self, request: RunsRequest, *, run: PlannedRun, again: datetime, end: datetime, words: str
    ) -> RunOutcome | None:
        """Wait for the next try; give the run's end where its time is over by then."""
        self._delayed(request, run=run, reason=RunReason.RETRYING, words=words, until=min(again, end))
        await self._clock.until(min(again, end))
        if again < end:
            return None
        late = "it could not be done in time"
        return await self._conclude(request, run=run, verdict=RunStatus.FAILED, reason=RunReason.EXPIRED, words=late)

    async def _conclude(
        self, request: RunsRequest, *, run: PlannedRun, verdict: RunStatus, reason: RunReason, words: str
    ) -> RunOutcome:
        item = RunItem(rule=run.rule, kind=run.kind, verdict=verdict, reason=reason, words=words)
        answer = await self.record(request.model_copy(update={"now": self.now(), "items": [item]}))
        return answer.outcomes[0]

    def _delayed(
        self, request: RunsRequest, *, run: PlannedRun, reason: RunReason, words: str, until: datetime | None
    ) -> None:
        number = request.key.number
        self._tell(Delay(self.now(), number, request.visit, run.rule, reason, words=words, until=until))


def _next_try(begun: datetime, *, now: datetime) -> tuple[datetime, timedelta]:
    """Return when a send that was first tried at `begun` is tried after now, and the pause after that."""
    again, pause = begun, _FIRST_PAUSE
    while again <= now:
        again, pause = again + pause, min(pause * 2, _LONGEST_PAUSE)
    return again, pause
