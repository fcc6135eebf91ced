"""`mark_paid: true` makes the order paid."""

from typing import Literal

from pydantic import Field

from activities.actions.protocol import Ended, RunContext, done, skipped
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import RuleKind, RuleSettings


class MarkPaid(RuleSettings):
    """Mark the order as paid."""

    mark_paid: Literal[True] = Field(description="Write `true`.", examples=[True])


KIND = RuleKind(name="mark_paid", settings=MarkPaid, title=lambda settings: "Mark as paid")


async def record(context: RunContext, tx: Tx) -> Ended:
    """Mark it; the event `payment.paid` makes it so."""
    if context.view.order.paid:
        return skipped(RunReason.ALREADY_SO, "The order is paid already")
    return done("Marked as paid", events=(("payment.paid", {"reference": f"rule {context.rule.id}"}),))
