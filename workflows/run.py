"""One rule of a visit, as it stands, and what its visit needs of the world: a clock, and the order it belongs to."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey
from workflows.contracts.plans import Due, PlannedRun
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunOutcome, RunsOutcome, RunsRequest


@dataclass(eq=False)
class Run:
    """One rule of the visit, as it stands."""

    planned: PlannedRun
    due: datetime | None
    words: str
    status: RunStatus
    reason: RunReason | None
    turn: int = 0
    is_executing: bool = False
    is_repeated: bool = False
    was_called: bool = False
    is_past_chain: bool = False
    moved: Due | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    @property
    def rule(self) -> str:
        """The rule's id."""
        return self.planned.rule

    @property
    def stops_chain(self) -> bool:
        """Say whether the rules after it do not run (M11)."""
        if self.status is RunStatus.FAILED:
            return not self.planned.continues_on_failure
        return self.status is RunStatus.STOPPED

    def as_planned(self) -> PlannedRun:
        """Return the run as it stands, for continue-as-new and queries."""
        changes = {"due": self.due, "status": self.status, "reason": self.reason, "words": self.words}
        return self.planned.model_copy(update=changes | {"is_past_chain": self.is_past_chain})


class Clock(Protocol):
    """Time, the two ways to carry rules out, and whether a change of the engine applies."""

    def now(self) -> datetime:
        """Return the present moment of this clock (UTC)."""
        ...

    async def sleep_until(self, moment: datetime, *, words: str) -> None:
        """Sleep until the moment; `words` say until when, why, then what."""
        ...

    async def record(self, request: RunsRequest) -> RunsOutcome:
        """Carry out rules that only touch our own records."""
        ...

    async def send(self, request: RunsRequest, *, run: PlannedRun) -> RunOutcome:
        """Carry out one rule that leaves the house, with its retries; never raises for a failed rule."""
        ...

    def knows(self, change: str) -> bool:
        """Say whether the commands may be those of a change: what was recorded before it replays as it was."""
        ...


class Host(Protocol):
    """What a visit needs of the order's automation."""

    key: OrderKey
    resumed: asyncio.Event

    @property
    def is_held(self) -> bool:
        """Say whether the automation is on hold."""
        ...

    def take_all(self, events: Iterable[Event]) -> None:
        """Take the events that a run caused, whether its visit was left or not: they happened."""
        ...

    def run_ended(self, run: Run, outcome: RunOutcome) -> None:
        """Hear that a run ended (or is held)."""
        ...

    def task_ended(self, failure: BaseException | None) -> None:
        """Hear that one of the visit's tasks is over; a failure is a bug, and stops the order visibly."""
        ...
