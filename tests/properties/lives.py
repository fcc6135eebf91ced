"""Lives of one order's workflow on virtual time: as Temporal carries the automation, without Temporal.

A life decides, records and sends on the books; answers may come late, or be lost and asked for again. Sends are done
by the world outside: they go on whether the life that asked for them goes on or not.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tests.properties.books import KEY, Books, Row
from tests.properties.desk import Desk
from tests.properties.laws import Laws
from tests.properties.loops import Clock, Loop, later
from workflows import automation as engine
from workflows.contracts.carry import Carry
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.events import Event
from workflows.contracts.plans import PlannedRun
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunOutcome, RunsOutcome, RunsRequest

#: Between two attempts of one send; the lease of a claim is as long.
BACKOFF = timedelta(minutes=1)

NO_TIME = timedelta(0)


class SendEnd(StrEnum):
    """What becomes of a send."""

    DONE = "done"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    QUIET = "quiet"
    RETRIED = "retried"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Fate:
    """How the next send of a rule goes; what became of it is told to the workflow after `tells`."""

    end: SendEnd = SendEnd.DONE
    starts: timedelta = NO_TIME
    takes: timedelta = NO_TIME
    tells: timedelta = NO_TIME


@dataclass(frozen=True)
class Pace:
    """How late the answers of the store come, and whether the first one is lost and asked for again."""

    deciding: timedelta = NO_TIME
    decided: timedelta = NO_TIME
    recorded: timedelta = NO_TIME
    is_lost: bool = False


@dataclass
class World:
    """All there is besides the workflow: time, the books, the providers, and the laws that watch."""

    clock: Clock
    books: Books
    desk: Desk
    laws: Laws
    fates: dict[str, deque[Fate]] = field(default_factory=dict)
    pace: Pace = Pace()
    under_way: dict[int, "Attempt"] = field(default_factory=dict)
    renews: bool = False

    def fate_of(self, rule: str) -> Fate:
        """Take the next fate of a rule's sends."""
        waiting = self.fates.get(rule)
        return waiting.popleft() if waiting else Fate()


Told = RunOutcome | tuple[RunStatus, RunReason]


class Attempt:
    """One activity that sends; it lives on the server, not in the workflow."""

    def __init__(self, world: World, *, request: RunsRequest, answer: Callable[[Told], None]) -> None:
        self._world = world
        self._request = request
        self._answer = answer
        self._fate = world.fate_of(request.items[0].rule)
        self._is_cancelled = False
        self._is_over = False
        self._is_running = False
        self._after(self._fate.starts, self._begin)

    def cancel(self) -> None:
        """Ask to stop: what has not begun, or waits for its next attempt, ends; the rest goes on to its end."""
        self._is_cancelled = True
        if not self._is_running:
            self._tell((RunStatus.STOPPED, RunReason.STAGE_LEFT))

    def _after(self, span: timedelta, step: Callable[[], None]) -> None:
        if span == NO_TIME:
            step()
        else:
            clock = self._world.clock
            clock.at(clock.now + span, step)

    def _begin(self) -> None:
        if self._is_over:
            return
        world, fate = self._world, self._fate
        now = world.clock.now
        refused = (RunStatus.SKIPPED, RunReason.NO_ADDRESS) if fate.end is SendEnd.SKIPPED else None
        request = self._request.model_copy(update={"now": now})
        told = world.desk.begin(request, is_quiet=fate.end is SendEnd.QUIET, refused=refused)
        if isinstance(told, RunOutcome):
            self._tell(told)
        elif id(told) in world.under_way:
            self._after(BACKOFF, self._begin)  # another attempt holds the claim
        else:
            self._is_running = True
            world.under_way[id(told)] = self
            self._after(fate.takes, lambda: self._finish(told))

    def _finish(self, row: Row) -> None:
        world, now = self._world, self._world.clock.now
        del world.under_way[id(row)]
        self._is_running = False
        stay = world.books.stays[self._request.visit - 1]
        desk, end = world.desk, self._fate.end
        if end is SendEnd.UNKNOWN:
            self._tell(desk.hold_unknown(stay, row, now=now))
        elif end is SendEnd.REJECTED:
            self._tell(desk.finish(stay, row, (RunStatus.FAILED, RunReason.REJECTED), now=now))
        elif end in (SendEnd.RETRIED, SendEnd.EXPIRED):
            desk.release(stay, row, now=now)
            if self._is_cancelled:
                self._tell((RunStatus.STOPPED, RunReason.STAGE_LEFT))
            elif end is SendEnd.EXPIRED:
                self._tell((RunStatus.FAILED, RunReason.EXPIRED))
            else:
                self._fate = replace(self._fate, end=SendEnd.DONE)
                self._after(BACKOFF, self._begin)
        else:
            world.laws.sent(stay, row)
            self._tell(desk.finish(stay, row, (RunStatus.DONE, RunReason.DONE), now=now))

    def _tell(self, told: Told) -> None:
        if not self._is_over:
            self._is_over = True
            self._after(self._fate.tells, lambda: self._answer(told))


class Watched(engine.Automation):
    """The automation, with the laws listening to its ends."""

    laws: Laws

    def run_ended(self, run: engine.Run, outcome: RunOutcome) -> None:
        self.laws.engine_ended(self, run, outcome)
        super().run_ended(run, outcome)


class Life:
    """One run of the workflow: it serves until its order is over, it is dropped, or it continues as new."""

    def __init__(self, world: World, *, carry: Carry | None = None, events: tuple[Event, ...] = ()) -> None:
        self.world = world
        self.loop = Loop()
        self.sleepers: list[tuple[asyncio.Future[None], asyncio.Task[None] | None]] = []
        self.sending: list[tuple[int, str]] = []
        self.deciding = 0
        self.decided_at: datetime | None = None
        self.recording = 0
        self.carried: Carry | None = None
        self.is_over = False
        self.was_cancelled = False
        self.failure: BaseException | None = None
        asyncio._set_running_loop(self.loop)
        try:
            self.automation = Watched(self, key=KEY, carry=carry)
            self.automation.laws = world.laws
            for event in events:
                self.automation.take(event)
            self.serving = self.loop.create_task(self._run())
        finally:
            asyncio._set_running_loop(None)

    def command(self, event: Event) -> "asyncio.Task[Decision]":
        """Give a command as an update does."""
        return self.loop.create_task(self.automation.answer(event))

    async def _run(self) -> None:
        try:
            self.carried = await self.automation.serve()
        except asyncio.CancelledError:
            self.was_cancelled = True
            name = f"cancel{len(self.world.books.journal)}"
            await self.automation.stop(Event(id=name, type="operator.cancel", source="operator"))
        except BaseException as error:
            self.failure = error
            raise
        self.is_over = True

    def sleepers_left(self) -> list[tuple["asyncio.Future[None]", "asyncio.Task[None] | None"]]:
        """List the timers that have not ended, with the tasks that wait for them."""
        self.sleepers = [one for one in self.sleepers if not one[0].done()]
        return self.sleepers

    # --- the automation's clock ------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return self.world.clock.now

    async def sleep_until(self, moment: datetime, *, words: str) -> None:
        waiting = later(self.world.clock, self.loop, span=moment - self.now())
        self.sleepers.append((waiting, asyncio.current_task(self.loop)))
        await waiting

    async def decide(self, request: DecideRequest) -> Decision:
        self.deciding += 1
        try:
            pace, books = self.world.pace, self.world.books
            await self._pause(pace.deciding)
            decision = books.decide(request)
            self.world.laws.decided(request, decision)
            if pace.is_lost:
                decision = books.decide(request)
            await self._pause(pace.decided)
            return decision
        finally:
            self.deciding -= 1
            self.decided_at = self.now()

    async def record(self, request: RunsRequest) -> RunsOutcome:
        for item in request.items:
            if item.verdict is None:
                self.world.laws.asked(self, visit=request.visit, rule=item.rule, batch=request.items)
        return await self._record(request)

    async def _record(self, request: RunsRequest) -> RunsOutcome:
        self.recording += 1
        try:
            pace, desk = self.world.pace, self.world.desk
            answer = desk.record(request)
            if pace.is_lost:
                answer = desk.record(request)
            await self._pause(pace.recorded)
            return answer
        finally:
            self.recording -= 1

    async def send(self, request: RunsRequest, *, run: PlannedRun) -> RunOutcome:
        self.world.laws.asked(self, visit=request.visit, rule=run.rule, batch=request.items)
        name = (request.visit, run.rule)
        assert name not in self.sending, f"two activities {name} at once"
        self.sending.append(name)
        try:
            while True:
                told = await self._activity(request)
                if isinstance(told, RunOutcome):
                    return told
                item = RunItem(rule=run.rule, kind=run.kind, verdict=told[0], reason=told[1])
                answer = await self._record(request.model_copy(update={"now": self.now(), "items": [item]}))
                if answer.outcomes[0].status is not RunStatus.RUNNING:
                    return answer.outcomes[0]
        finally:
            self.sending.remove(name)

    async def _activity(self, request: RunsRequest) -> Told:
        answer: asyncio.Future[Told] = self.loop.create_future()
        attempt = Attempt(self.world, request=request, answer=answer.set_result)
        while True:
            try:
                return await asyncio.shield(answer)
            except asyncio.CancelledError:
                attempt.cancel()  # what was claimed completes

    def knows(self, change: str) -> bool:
        return True

    def should_renew(self) -> bool:
        return self.world.renews

    def publish(self, automation: engine.Automation) -> None:
        self.world.laws.shown(self)

    async def _pause(self, span: timedelta) -> None:
        if span != NO_TIME:
            await later(self.world.clock, self.loop, span=span)
