"""`delete: true` deletes the order's record when the rules of its visit have ended; its history stays, anonymised."""

from dataclasses import replace
from typing import Literal

from pydantic import Field

from activities.actions.protocol import Ended, RunContext, done
from activities.store.database import Tx
from workflows.pipeline.kinds import RuleKind, RuleSettings


class Delete(RuleSettings):
    """Delete the order's record."""

    delete: Literal[True] = Field(description="Write `true`.", examples=[True])


KIND = RuleKind(name="delete", settings=Delete, title=lambda settings: "Delete the order")


async def record(context: RunContext, tx: Tx) -> Ended:
    """Ask for the deletion; the end of the visit's last rule carries it out."""
    return replace(done("The order is deleted when its rules have ended"), deletes_order=True)
