"""What the lab begins with: an order as POST /v1/orders takes it, and the shop's people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

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


@dataclass(frozen=True)
class Opening:
    """An order, and who works in the shop."""

    order: NewOrder
    employees: tuple[NewEmployee, ...] = ()
    departments: tuple[Department, ...] = ()


#: Employees and departments.
Staff: TypeAlias = tuple[tuple[NewEmployee, ...], tuple[Department, ...]]


def read_order(text: str, *, report: Report, pipeline: Pipeline, staff: Staff | None = None) -> Opening | None:
    """Read an order's file; it may hold the employees, too. None, with problems, if it cannot be used.

    `staff` are people of another file, None if there is none.
    """
    root = _block(text, report=report, help=f"Write the order as JSON: {_ORDER}")
    if root is None:
        return None
    employees, departments = read_staff(root, report=report)
    if staff is not None:
        employees, departments = (*staff[0], *employees), (*staff[1], *departments)
    values = {entry.name: plain(entry.node) for entry in root.entries() if entry.name not in _PEOPLE}
    given: Mapping[str, Any] = {"number": NUMBER, "pipeline": pipeline.id, **values}
    order = checked(NewOrder, given, at=root, report=report)
    _check_names(root, ids=[person.id for person in employees], report=report, pipeline=pipeline)
    return Opening(order, employees, departments) if order is not None and not report.has_errors else None


def read_people(text: str, *, report: Report) -> Staff:
    """Read a file of employees and departments."""
    root = _block(text, report=report, help=f"Write {_HIRED}")
    if root is None:
        return (), ()
    unknown_keys(report, root, known=_PEOPLE)
    return read_staff(root, report=report)


def read_staff(root: Spot, *, report: Report) -> Staff:
    """Read the employees and departments of a block."""
    employees = _records(NewEmployee, root.get("employees"), report=report)
    return employees, _records(Department, root.get("departments"), report=report)


def _block(text: str, *, report: Report, help: str) -> Spot | None:
    root = root_of(text, report=report, help=help)
    if root is None:
        return None
    if not isinstance(root.node, Block):
        report.error(BAD_VALUE, "this is not a block of keys and values", at=root, help=help)
        return None
    return root


def _records(model: type[Model], spot: Spot | None, *, report: Report) -> tuple[Model, ...]:
    if spot is None:
        return ()
    if not isinstance(spot.node, Listing):
        report.error(BAD_VALUE, f"'{spot.name}' must be a list", at=spot, help=f"Write {_HIRED}")
        return ()
    items = spot.items()
    _check_twice(items, report=report)
    found = [_record(model, item, report=report) for item in items]
    return tuple(one for one in found if one is not None)


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
