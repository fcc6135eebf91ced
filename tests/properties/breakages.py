"""The engine broken on purpose, one way each: what the laws are there to find."""

from collections.abc import Callable, Iterable
from typing import Any

from workflows import automation, visit
from workflows.contracts.carry import Carry
from workflows.contracts.plans import Due, Plan, PlannedRun
from workflows.contracts.runs import RunOutcome
from workflows.visit import Host, Run, Visit

#: Something to be replaced: the owner, the name, the replacement.
Breakage = tuple[object, str, object]


class _TurnlessRun(Run):
    """A run whose turn never changes: a replaced task goes on."""

    turn = property(lambda self: 0, lambda self, value: None)  # type: ignore[assignment]


class _NeverHeld:
    """A host that knows of no hold."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def __getattr__(self, name: str) -> Any:
        return False if name == "is_held" else getattr(self._host, name)


class _HoldlessVisit(Visit):
    """A visit that does not look whether the automation is held."""

    def __init__(self, plan: Plan, *, clock: visit.Clock, host: Host) -> None:
        super().__init__(plan, clock=clock, host=_NeverHeld(host))  # type: ignore[arg-type]


class _StayingVisit(Visit):
    """A visit whose tasks go on when it is left."""

    def leave(self) -> None:
        """Leave nothing."""


class _DoublingVisit(Visit):
    """A visit that starts what follows a rule twice."""

    def start(self, outcomes: Iterable[RunOutcome] = ()) -> None:
        super().start(outcomes)
        for run in self.runs.values():
            if run.planned.after and not run.status.is_end:
                self._start(run)


class _StubbornVisit(Visit):
    """A visit that keeps the moments it began with."""

    def retime(self, dues: Iterable[Due]) -> None:
        """Change nothing."""


class _Reckless(Run):
    """A run whose chain goes on whatever became of it."""

    @property
    def stops_chain(self) -> bool:
        return False


class _DeafVisit(Visit):
    """A visit that ends skipped and stopped runs in name only."""

    def _stop(self, run: Run) -> None:
        """Stop nothing."""


def _as_made(run: Run) -> PlannedRun:
    """Carry a run over as it was planned, not as it stands."""
    return run.planned


def _forgetful(found: automation.Automation) -> Carry:
    """Continue as new with the plan as it was made."""
    return Carry(state=found.state, plan=None, timeline=[])


def _hasty(found: automation.Automation) -> bool:
    """End with the final stage's entry."""
    return not found._inbox and found.visit is not None and found.state.stage_kind.is_final


_next_at: Callable[[Visit], object] = lambda found: None  # noqa: E731

#: By name: what is broken, and how.
BREAKAGES: dict[str, Breakage] = {
    "no turn guard": (visit, "Run", _TurnlessRun),
    "no hold check": (automation, "Visit", _HoldlessVisit),
    "a left visit goes on": (automation, "Visit", _StayingVisit),
    "followers are started twice": (automation, "Visit", _DoublingVisit),
    "moments do not move": (automation, "Visit", _StubbornVisit),
    "a failure stops no chain": (visit, "Run", _Reckless),
    "skipped runs go on": (automation, "Visit", _DeafVisit),
    "runs are carried over as planned": (Run, "as_planned", _as_made),
    "the plan is not carried over": (automation.Automation, "carry", _forgetful),
    "a final stage ends at once": (automation.Automation, "_is_over", _hasty),
    "no next moment is shown": (Visit, "next_at", _next_at),
}
