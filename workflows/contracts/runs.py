"""Carrying rules out: the request of one or several runs, and how each ended."""

from datetime import datetime

from pydantic import Field

from workflows.contracts.base import Contract
from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey
from workflows.contracts.plans import Due
from workflows.contracts.reasons import RunReason, RunStatus


class RunItem(Contract):
    """One run to carry out; with a `verdict` it is only concluded (`failed` or `skipped`), nothing is done."""

    rule: str
    kind: str
    verdict: RunStatus | None = None
    reason: RunReason | None = None
    words: str = ""


class RunsRequest(Contract):
    """Carry out runs of one visit, in this order. Each is idempotent by its run id. `now`: the workflow's."""

    key: OrderKey
    visit: int
    now: datetime
    items: list[RunItem]


class RunOutcome(Contract):
    """How a run ended, or that it is `held`.

    `dues` are the moments of the rules that wait after this one; `events` are those the run journalled for its own
    order, to be taken in their turn. `words` carry no person's data. `at` is when it ended.
    """

    rule: str
    status: RunStatus
    reason: RunReason
    words: str = ""
    at: datetime | None = None
    dues: list[Due] = Field(default_factory=list)
    events: list[Event] = Field(default_factory=list)
    attention: str | None = None


class RunsOutcome(Contract):
    """The outcomes of a request's items, in their order."""

    outcomes: list[RunOutcome] = Field(default_factory=list)
