"""The plan of a visit: which rules run, in which order, when. Made by the decision, carried out by the visit engine."""

from datetime import datetime

from pydantic import Field

from workflows.contracts.base import Contract
from workflows.contracts.reasons import RunReason, RunStatus


class PlannedRun(Contract):
    """One rule of one visit, as the engine needs it.

    `due` is absolute (UTC); None means at once when it has no `after`, else "told by the outcome of that rule".
    `has_wait` says that a successor's moment must be known before it starts. `seconds` bounds one attempt,
    `expires` all attempts together (both in seconds). `is_past_chain`: it waits for no end of `after` any more, be that
    rule repeated. `title` and `words` carry no person's data.
    """

    rule: str
    kind: str
    title: str = ""
    after: str | None = None
    due: datetime | None = None
    has_wait: bool = False
    words: str = ""
    is_record: bool = True
    queue: str = ""
    continues_on_failure: bool = False
    wakes_on_customer: bool = False
    seconds: int = 30
    expires: int = 86_400
    status: RunStatus = RunStatus.PLANNED
    reason: RunReason | None = None
    is_past_chain: bool = False


class StageCard(Contract):
    """What the details page of the Temporal UI shows of a stage: titles only."""

    title: str = ""
    position: int = 0
    path: list[str] = Field(default_factory=list)
    exits: list[str] = Field(default_factory=list)
    zone: str = "UTC"


class Plan(Contract):
    """The rules of one visit, in the order of the file."""

    visit: int
    runs: list[PlannedRun] = Field(default_factory=list)
    card: StageCard = StageCard()


#: The words of a moment that an activity of the customer brought forward: how a `wait_for` knows who ended it.
BY_CUSTOMER = "the customer was active"


class Due(Contract):
    """A rule's moment, newly computed. `words` say why (without a person's data)."""

    rule: str
    at: datetime
    words: str = ""
