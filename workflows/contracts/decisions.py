"""The decision on one event: asked by the workflow, committed by the decision activity, recorded in the history."""

from datetime import datetime

from pydantic import Field

from workflows.contracts.base import Contract
from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey
from workflows.contracts.plans import Due, Plan
from workflows.contracts.reasons import EventReason
from workflows.contracts.runs import RunOutcome
from workflows.contracts.state import OrderState


class DecideRequest(Contract):
    """Ask for the decision on one event.

    `now` is the workflow's clock. `visit` is the visit the workflow carries out; `is_fresh` says that it carries out
    none yet (a new run of the workflow), so the answer must bring the plan of the current visit along.
    """

    key: OrderKey
    event: Event
    now: datetime
    visit: int = 0
    is_fresh: bool = False


class Decision(Contract):
    """What is to be done about one event. Idempotent by (order, event): asked again, the same answer.

    `plan` is set when a new visit begins or a fresh workflow takes the current one up; `outcomes` are those of its
    rules that were carried out in the decision's transaction. The lists name rules of the current visit: `dues` have a
    new moment, `wake` end their wait now, `skip` and `stop` end unrun, `repeat` run anew. `requeue` are events that a
    hold kept back. `ended` says the order has no workflow to run (unknown order). `at` is when it was decided.
    """

    event: str
    at: datetime | None = None
    type: str
    reason: EventReason
    words: str = ""
    state: OrderState
    plan: Plan | None = None
    left: str = ""
    trigger: str = ""
    outcomes: list[RunOutcome] = Field(default_factory=list)
    dues: list[Due] = Field(default_factory=list)
    wake: list[str] = Field(default_factory=list)
    skip: list[str] = Field(default_factory=list)
    stop: list[str] = Field(default_factory=list)
    repeat: list[str] = Field(default_factory=list)
    requeue: list[Event] = Field(default_factory=list)
    ended: bool = False
