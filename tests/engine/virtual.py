"""A virtual clock for the visit engine: time passes only when the test says so; decisions and outcomes are scripted."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from workflows.automation import Automation
from workflows.contracts.carry import Carry
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey
from workflows.contracts.plans import Plan, PlannedRun
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.contracts.runs import RunOutcome, RunsOutcome, RunsRequest
from workflows.contracts.state import OrderState, StageKind

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
KEY = OrderKey(shop="shop", number="1")

Decide = Callable[[DecideRequest], Decision]
CarryOut = Callable[[str], RunOutcome | Awaitable[RunOutcome]]


def done(rule: str) -> RunOutcome:
    """A run that went well."""
    return RunOutcome(rule=rule, status=RunStatus.DONE, reason=RunReason.DONE)


def failed(rule: str) -> RunOutcome:
    """A run that failed for good."""
    return RunOutcome(rule=rule, status=RunStatus.FAILED, reason=RunReason.REJECTED)


class VirtualClock:
    """A runtime whose stages are scripted: `plans` by the event type that enters them."""

    def __init__(self, plans: dict[str, list[PlannedRun]], *, final: str = "") -> None:
        self.plans = plans
        self.final = final
        self.requests: list[list[str]] = []
        self.sent: list[str] = []
        self.outcomes: dict[str, CarryOut] = {}
        self.answers: dict[str, Decide] = {}
        self.renews = False
        self._now = START
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._count = 0
        self._stage = ""
        self._visit = 0

    def now(self) -> datetime:
        return self._now

    async def sleep_until(self, moment: datetime, *, words: str) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (moment, self._count, waiting))
        await waiting

    async def decide(self, request: DecideRequest) -> Decision:
        answer = self.answers.get(request.event.type)
        if answer is not None:
            return answer(request)
        plan = None
        left = self._stage
        if request.event.type in self.plans:
            self._visit += 1
            self._stage = request.event.type
            plan = Plan(visit=self._visit, runs=self.plans[request.event.type])
        reason = EventReason.MOVED if plan else EventReason.NO_TRIGGER
        return Decision(
            event=request.event.id,
            type=request.event.type,
            reason=reason,
            state=self.state(),
            plan=plan,
            left=left,
        )

    def state(self, *, held: bool = False) -> OrderState:
        kind = StageKind.SUCCESS if self._stage == self.final else StageKind.OPEN
        return OrderState(shop="shop", number="1", stage=self._stage, stage_kind=kind, visit=self._visit, held=held)

    async def record(self, request: RunsRequest) -> RunsOutcome:
        self.requests.append([item.rule for item in request.items])
        return RunsOutcome(outcomes=[await self._outcome(item.rule) for item in request.items])

    async def send(self, request: RunsRequest, *, run: PlannedRun) -> RunOutcome:
        outcome = await self._outcome(run.rule)
        self.sent.append(run.rule)
        return outcome

    def knows(self, change: str) -> bool:
        return True

    def should_renew(self) -> bool:
        return self.renews

    def publish(self, automation: Automation) -> None:
        pass

    async def pass_time(self, span: timedelta) -> None:
        """Let time pass; whoever slept until a moment in it wakes in the order of the moments."""
        until = self._now + span
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            moment, _, waiting = heapq.heappop(self._sleepers)
            if waiting.done():
                continue
            self._now = max(self._now, moment)
            waiting.set_result(None)
            await settle()
        self._now = until
        await settle()

    async def _outcome(self, rule: str) -> RunOutcome:
        told = self.outcomes.get(rule, done)(rule)
        return told if isinstance(told, RunOutcome) else await told


async def settle() -> None:
    """Let every task run until it waits for time or for an event."""
    for _ in range(60):
        await asyncio.sleep(0)


class Life:
    """One order on a virtual clock."""

    def __init__(self, clock: VirtualClock, *, carry: Carry | None = None) -> None:
        self.clock = clock
        self.automation = Automation(clock, key=KEY, carry=carry)
        self.serving = asyncio.create_task(self.automation.serve())
        self._count = 0

    async def event(self, event_type: str) -> None:
        self._count += 1
        self.automation.take(Event(id=str(self._count), type=event_type))
        await settle()

    def status(self, rule: str) -> RunStatus:
        assert self.automation.visit is not None
        return self.automation.visit.runs[rule].status
