"""What the lab begins with: an order as POST /v1/orders takes it, and the shop's people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from activities.store.records import Department, NewEmployee, NewOrder
from starter.lab.reading import BAD_VALUE, UNKNOWN_NAME, Model, checked, is_text, plain, root_of
from workflows.pipeline.file.document import Block, Listing
from workflows.pipeline.file.reading import unknown_keys
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.mistakes import suggestion
from workflows.pipeline.model import Pipeline

#: The order's number, where the file gives none.
NUMBER = "1001"

_PEOPLE = ("employees", "departments")
_ORDER = '{"number": "1001", "total": "49.00", "customer": {"first_name": "Ada"}}'
_HIRED = "{employees: [{id: olga, roles: [sales]}]}"
_EXAMPLES = {"employee": _HIRED, "department": "{departments: [{id: sales}]}"}

Person = TypeVar("Person", NewEmployee, Department)


@dataclass(frozen=True)
class Opening:
    """An order, and who works in the shop."""

    order: NewOrder
    employees: tuple[NewEmployee, ...] = ()
    departments: tuple[Department, ...] = ()


@dataclass(frozen=True)
class Placed(Generic[Person]):
    """A record of a file, and where it stands."""

    record: Person
    spot: Spot
    report: Report


@dataclass(frozen=True)
class Staff:
    """Employees and departments, with their places."""

    employees: tuple[Placed[NewEmployee], ...] = ()
    departments: tuple[Placed[Department], ...] = ()


def read_order(text: str, *, report: Report, pipeline: Pipeline, staff: Staff | None = None) -> Opening | None:
    """Read an order's file; it may hold the employees, too. None, with problems, if it cannot be used.

    `staff` are people of another file, None if there is none.
    """
    root = _block(text, report=report, help=f"Write the order as JSON: {_ORDER}")
    if root is None:
        return None
    mine, others = read_staff(root, report=report), staff or Staff()
    staff = Staff((*others.employees, *mine.employees), (*others.departments, *mine.departments))
    _check_staff(staff)
    employees = tuple(one.record for one in staff.employees)
    values = {entry.name: plain(entry.node) for entry in root.entries() if entry.name not in _PEOPLE}
    given: Mapping[str, Any] = {"number": NUMBER, "pipeline": pipeline.id, **values}
    order = checked(NewOrder, given, at=root, report=report)
    _check_names(root, ids=[person.id for person in employees], report=report, pipeline=pipeline)
    departments = tuple(one.record for one in staff.departments)
    return Opening(order, employees, departments) if order is not None and not report.has_errors else None


def read_people(text: str, *, report: Report) -> Staff:
    """Read a file of employees and departments."""
    root = _block(text, report=report, help=f"Write {_HIRED}")
    if root is None:
        return Staff()
    unknown_keys(report, root, known=_PEOPLE)
    return read_staff(root, report=report)


def read_staff(root: Spot, *, report: Report) -> Staff:
    """Read the employees and departments of a block."""
    employees = _records(NewEmployee, root.get("employees"), report=report)
    return Staff(employees, _records(Department, root.get("departments"), report=report))


def _block(text: str, *, report: Report, help: str) -> Spot | None:
    root = root_of(text, report=report, help=help)
    if root is None:
        return None
    if not isinstance(root.node, Block):
        report.error(BAD_VALUE, "this is not a block of keys and values", at=root, help=help)
        return None
    return root


def _records(model: type[Person], spot: Spot | None, *, report: Report) -> tuple[Placed[Person], ...]:
    if spot is None:
        return ()
    if not isinstance(spot.node, Listing):
        report.error(BAD_VALUE, f"'{spot.name}' must be a list", at=spot, help=f"Write {_HIRED}")
        return ()
    items = spot.items()
    _check_twice(items, report=report)
    found = [(_record(model, item, report=report), item) for item in items]
    return tuple(Placed(one, item, report) for one, item in found if one is not None)


def _check_twice(items: list[Spot], *, report: Report) -> None:
    """Add a problem for each id that one before has."""
    ids = [item.get("id") if isinstance(item.node, Block) else None for item in items]
    texts = [id.text if id is not None and is_text(id) else None for id in ids]
    for place, id in enumerate(ids):
        if id is not None and texts[place] is not None and texts[place] in texts[:place]:
            report.error(
                BAD_VALUE, f"the id '{texts[place]}' is there twice", at=id, help="Give each an id of its own."
            )


def _record(model: type[Model], spot: Spot, *, report: Report) -> Model | None:
    values = plain(spot.node)
    if not isinstance(values, dict):
        report.error(BAD_VALUE, "this is not a block of keys and values", at=spot, help=f"Write {_HIRED}")
        return None
    return checked(model, values, at=spot, report=report)


def _check_staff(staff: Staff) -> None:
    """Add a problem for each id that two files give, at both places, and for each head or department nobody is."""
    _check_both(staff.employees)
    _check_both(staff.departments)
    people = [one.record.id for one in staff.employees]
    departments = [one.record.id for one in staff.departments]
    for person in staff.employees:
        _check_name(person, key="head", names=people, what="employee")
        _check_name(person, key="department", names=departments, what="department")
    for department in staff.departments:
        _check_name(department, key="head", names=people, what="employee")


def _check_both(found: Sequence[Placed[NewEmployee]] | Sequence[Placed[Department]]) -> None:
    for one in found:
        for other in found:
            if one.record.id == other.record.id and one.report is not other.report:
                words = f"the id '{one.record.id}' is in the other file, too"
                at = one.spot.get("id") or one.spot
                one.report.error(BAD_VALUE, words, at=at, help="Leave it out of one of the two.")


def _check_name(placed: Placed[NewEmployee] | Placed[Department], *, key: str, names: list[str], what: str) -> None:
    spot = placed.spot.get(key)
    if spot is not None and is_text(spot) and spot.text not in names:
        help = suggestion(spot.text, names, label="Known") or f"Give the {what}: {_EXAMPLES[what]}"
        placed.report.error(UNKNOWN_NAME, f"there is no {what} '{spot.text}'", at=spot, help=help)


def _check_names(root: Spot, *, ids: list[str], report: Report, pipeline: Pipeline) -> None:
    """Add a problem for each name the order uses that nothing has."""
    for key, names, what in (
        ("responsible", ids, "there is no employee"),
        ("pipeline", [pipeline.id], "the file holds another pipeline than"),
        ("stage", list(pipeline.stages), "the pipeline has no stage"),
    ):
        spot = root.get(key)
        if spot is not None and is_text(spot) and spot.text not in names:
            help = suggestion(spot.text, names, label="Known") or f"Give the people: {_HIRED}"
            report.error(UNKNOWN_NAME, f"{what} '{spot.text}'", at=spot, help=help)
    customer, fields = root.get("customer_id"), root.get("fields")
    if customer is not None:
        help = 'Write "customer": {"first_name": "Ada"} in its place.'
        report.error(BAD_VALUE, "the lab knows no customers", at=customer, help=help)
    for spot in fields.entries() if fields is not None else ():
        if spot.name not in pipeline.fields:
            help = suggestion(spot.name, list(pipeline.fields), label="Fields")
            report.error(UNKNOWN_NAME, f"the pipeline declares no field '{spot.name}'", at=spot.at_key(), help=help)
