"""`move:` takes the order to another stage."""

from pydantic import Field, field_validator

from activities.actions.protocol import Ended, RunContext, done, skipped
from activities.store.database import Tx
from workflows.contracts.events import RULE_MOVE
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings


class Move(RuleSettings):
    """Move the order to a stage."""

    move: str = Field(min_length=1, description="The id of the stage.", examples=["lost"])
    reason: str = Field(
        default="",
        max_length=200,
        description="Why, shown in the history and in the Temporal UI. Plain words, without values of the order.",
        examples=["No payment in 5 days"],
    )

    @field_validator("reason")
    @classmethod
    def _plain(cls, value: str) -> str:
        if "{{" in value or "{%" in value:
            raise ValueError("the reason is plain words, without values")
        return value


def _title(settings: RuleSettings) -> str:
    return f"Move to {settings.move}" if isinstance(settings, Move) else "Move"


KIND = RuleKind(name="move", settings=Move, references={"move": Reference.STAGE}, title=_title)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Ask for the move by an event; it counts only as long as the order is still in this visit."""
    settings = context.settings(Move)
    if settings.move == context.stage:
        return skipped(RunReason.ALREADY_SO, f"The order is in {settings.move} already")
    data: dict[str, object] = {
        "stage": settings.move,
        "visit": context.visit,
        "rule": context.rule.id,
        "reason": settings.reason,
    }
    return done(f"Moves the order to {settings.move}", events=((RULE_MOVE, data),))
