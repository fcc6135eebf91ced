"""The answers of one run of the lab, noted so that the engine can live the same lives again with nothing else to do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from activities.rehearsal import Rehearsal
from starter.lab.clock import Clock
from starter.lab.runtime import Delay, LabRuntime
from workflows.automation import Automation
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey
from workflows.contracts.plans import PlannedRun
from workflows.contracts.runs import RunOutcome, RunsOutcome, RunsRequest


@dataclass(frozen=True)
class Life:
    """What one order's automation was told: by the id of the event, or by the visit and its first rule."""

    key: OrderKey
    from_outside: list[Event] = field(default_factory=list)
    decisions: dict[str, Decision] = field(default_factory=dict)
    records: dict[tuple[int, str], RunsOutcome] = field(default_factory=dict)
    sends: dict[tuple[int, str], RunOutcome] = field(default_factory=dict)


class Answers:
    """What was answered to every order."""

    def __init__(self) -> None:
        self.lives: dict[str, Life] = {}

    def of(self, key: OrderKey) -> Life:
        """Give an order's life, begun where it is new."""
        return self.lives.setdefault(str(key), Life(key))


class Noting(LabRuntime):
    """Carry an order out as the lab does, and note what it is answered."""

    def __init__(self, rehearsal: Rehearsal, *, clock: Clock, tell: Callable[[Delay], None], answers: Answers) -> None:
        super().__init__(rehearsal, clock=clock, tell=tell)
        self._answers = answers

    async def decide(self, request: DecideRequest) -> Decision:
        """Commit the decision on one event."""
        decision = await super().decide(request)
        life = self._answers.of(request.key)
        life.decisions[request.event.id] = decision
        if request.event.source != "rule":
            life.from_outside.append(request.event)
        return decision

    async def record(self, request: RunsRequest) -> RunsOutcome:
        """Carry out rules on our own records."""
        answer = await super().record(request)
        self._answers.of(request.key).records[request.visit, request.items[0].rule] = answer
        return answer

    async def send(self, request: RunsRequest, *, run: PlannedRun) -> RunOutcome:
        """Carry out one rule that leaves the house."""
        answer = await super().send(request, run=run)
        self._answers.of(request.key).sends[request.visit, run.rule] = answer
        return answer


class Prepared:
    """A runtime that has every answer ready."""

    def __init__(self, life: Life, *, clock: Clock) -> None:
        self._life = life
        self._clock = clock

    def now(self) -> datetime:
        """Return the clock's present moment."""
        return self._clock.now()

    async def sleep_until(self, moment: datetime, *, words: str) -> None:
        """Sleep until the moment."""
        await self._clock.until(moment)

    async def decide(self, request: DecideRequest) -> Decision:
        """Answer as it was decided."""
        return self._life.decisions[request.event.id]

    async def record(self, request: RunsRequest) -> RunsOutcome:
        """Answer as the rules ended."""
        return self._life.records[request.visit, request.items[0].rule]

    async def send(self, request: RunsRequest, *, run: PlannedRun) -> RunOutcome:
        """Answer as the rule ended."""
        return self._life.sends[request.visit, run.rule]

    def knows(self, change: str) -> bool:
        """No history began before a change."""
        return True

    def should_renew(self) -> bool:
        """No history grows here."""
        return False

    def publish(self, automation: Automation) -> None:
        """Nobody looks at it while it runs."""
