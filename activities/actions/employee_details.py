"""`employee_details: responsible` reads fields of an employee into results for later rules."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from activities.actions.employees import staff
from activities.actions.protocol import Ended, RunContext, done
from activities.actions.settings import Listed
from activities.store.database import Tx
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings

#: What can be read, as texts and conditions name it.
EmployeeField = Literal[
    "id", "first_name", "last_name", "name", "email", "phone", "department", "head", "time_zone", "hours"
]


class EmployeeDetails(RuleSettings):
    """Read fields of an employee."""

    employee_details: str = Field(
        min_length=1,
        max_length=200,
        description="The employee: an id, `responsible`, or the first one of a department or `role:NAME`.",
        examples=["responsible", "role:director"],
    )
    fields: Annotated[tuple[EmployeeField, ...], Listed] = Field(
        default=("name", "email", "phone"),
        min_length=1,
        description="The fields: id, first_name, last_name, name, email, phone, department, head, time_zone, hours.",
        examples=[["name", "phone"]],
    )


def _title(settings: RuleSettings) -> str:
    who = settings.employee_details if isinstance(settings, EmployeeDetails) else "an employee"
    return f"Read the details of {who}"


def _results(settings: RuleSettings) -> Mapping[str, type]:
    return dict.fromkeys(settings.fields, str) if isinstance(settings, EmployeeDetails) else {}


KIND = RuleKind(
    name="employee_details",
    settings=EmployeeDetails,
    references={"employee_details": Reference.RECIPIENTS},
    results_of=_results,
    title=_title,
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Read the fields of the first employee meant; empty ones are results, too."""
    settings = context.settings(EmployeeDetails)
    found = await staff(context, tx, recipients=(settings.employee_details,))
    if isinstance(found, Ended):
        return found
    employee = found[0]
    results: dict[str, object] = {name: getattr(employee, name) or "" for name in settings.fields}
    return done(f"Read {', '.join(settings.fields)} of {employee.id}", results=results)
