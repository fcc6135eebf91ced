"""The workflow's input: the order's key, and what survives continue-as-new."""

from workflows.contracts.base import Contract
from workflows.contracts.commands import TimelineEntry
from workflows.contracts.ids import OrderKey
from workflows.contracts.plans import Plan
from workflows.contracts.state import OrderState


class Carry(Contract):
    """All that survives continue-as-new: the state, and the visit's runs with their absolute moments.

    `in_turn` says that local activities go one after the other; false where a run of an older version began.
    """

    state: OrderState
    plan: Plan | None = None
    timeline: list[TimelineEntry] = []
    runs_before: int = 0
    in_turn: bool = False


class OrderInput(Contract):
    """Start an order's workflow. `carry` is set by continue-as-new only.

    It continues as new at about `longest_history` events: a cold replay grows faster than the history. Part of the
    input, so that a replay knows it.
    """

    key: OrderKey
    carry: Carry | None = None
    longest_history: int = 1_000
