"""`assign:` gives the order a new responsible person, chosen from a list."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from activities.actions.employees import staff
from activities.actions.protocol import Ended, RunContext, done, skipped
from activities.actions.settings import Recipients
from activities.store import employees
from activities.store.database import Tx
from activities.store.records import EmployeeRecord
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings


class Choice(StrEnum):
    """How one is chosen."""

    ROUND_ROBIN = "round_robin"
    FIRST_AVAILABLE = "first_available"
    RANDOM = "random"


class Candidates(BaseModel):
    """Who may become responsible, and how one is chosen."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    people: Recipients = Field(
        alias="from",
        min_length=1,
        description="Who may be chosen: ids, departments, `role:NAME`.",
        examples=[["olga", "marek"], "role:sales"],
    )
    by: Choice = Field(
        default=Choice.ROUND_ROBIN,
        description="`round_robin`: in turn; `first_available`: the first of the list who is not absent; `random`.",
        examples=["round_robin"],
    )
    skip_absent: bool = Field(
        default=False,
        description="Pass over those who are absent today.",
        examples=[True],
    )


class Assign(RuleSettings):
    """Make somebody responsible for the order."""

    assign: Candidates = Field(
        description="Whom to choose from, and how.",
        examples=[{"from": ["olga", "marek"], "by": "round_robin"}],
    )


def _title(settings: RuleSettings) -> str:
    return f"Assign: {settings.assign.by.replace('_', ' ')}" if isinstance(settings, Assign) else "Assign"


KIND = RuleKind(
    name="assign",
    settings=Assign,
    references={"assign.from": Reference.RECIPIENTS},
    results={"employee": str},
    title=_title,
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Choose; the event `responsible.changed` makes it so."""
    settings = context.settings(Assign).assign
    found = await staff(context, tx, recipients=settings.people)
    if isinstance(found, Ended):
        return found
    candidates = await _present(context, tx, found=found, settings=settings)
    if not candidates:
        words = f"All {len(found)} are absent: add others to from:, or correct the absences"
        return skipped(RunReason.NO_RECIPIENT, words)
    chosen = candidates[await _turn(context, tx, by=settings.by) % len(candidates)].id
    responsible = context.view.responsible
    if responsible is not None and responsible.id == chosen:
        return skipped(RunReason.ALREADY_SO, f"{chosen} is responsible already", results={"employee": chosen})
    results: dict[str, object] = {"employee": chosen}
    return done(f"{chosen} is responsible now", results=results, events=(("responsible.changed", results),))


async def _present(
    context: RunContext, tx: Tx, *, found: list[EmployeeRecord], settings: Candidates
) -> list[EmployeeRecord]:
    if not settings.skip_absent and settings.by is not Choice.FIRST_AVAILABLE:
        return found
    absent = await employees.absent(tx, now=context.now)
    return [employee for employee in found if employee.id not in absent]


async def _turn(context: RunContext, tx: Tx, *, by: Choice) -> int:
    if by is Choice.ROUND_ROBIN:
        return await employees.next_turn(tx, pipeline=context.pipeline.id, stage=context.stage, rule=context.rule.id)
    # The run's id is a hash: evenly spread over runs, and the same when a run is repeated.
    return context.run.int if by is Choice.RANDOM else 0
