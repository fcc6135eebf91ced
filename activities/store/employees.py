"""Employees and departments: who is responsible, who gets a task or a notice, who is away."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, Row, bindparam, delete, func, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.database import NotFound, Tx
from activities.store.records import Department, EmployeeRecord, NewEmployee, Page
from activities.store.tables import DEPARTMENTS, EMPLOYEE_ROLES, EMPLOYEES, ORDERS, ROTATIONS
from workflows.contracts.ids import OrderKey

_NEW = upsert(EMPLOYEES)
_PUT = _NEW.on_conflict_do_update(
    index_elements=["id"],
    set_={column.name: _NEW.excluded[column.name] for column in EMPLOYEES.c if column.name not in ("id", "created_at")},
)

_KNOWN = select(
    select(DEPARTMENTS.c.id)
    .where(DEPARTMENTS.c.id == bindparam("of_department"))
    .scalar_subquery()
    .label("department"),
    select(EMPLOYEES.c.id).where(EMPLOYEES.c.id == bindparam("of_head")).scalar_subquery().label("head"),
)

_DROP_ROLES = delete(EMPLOYEE_ROLES).where(EMPLOYEE_ROLES.c.employee == bindparam("of_employee"))

_ADD_ROLES = insert(EMPLOYEE_ROLES)

_GET = select(EMPLOYEES).where(EMPLOYEES.c.id == bindparam("employee"))

_PAGE = select(EMPLOYEES).where(EMPLOYEES.c.id > bindparam("after")).order_by(EMPLOYEES.c.id).limit(bindparam("most"))

_NEW_DEPARTMENT = upsert(DEPARTMENTS)
_PUT_DEPARTMENT = _NEW_DEPARTMENT.on_conflict_do_update(
    index_elements=["id"], set_={"title": _NEW_DEPARTMENT.excluded.title, "head": _NEW_DEPARTMENT.excluded.head}
)

_DEPARTMENTS = select(DEPARTMENTS).order_by(DEPARTMENTS.c.id)

_OF_DEPARTMENT = select(EMPLOYEES).where(EMPLOYEES.c.department == bindparam("of_department")).order_by(EMPLOYEES.c.id)

_WITH_ROLE = (
    select(EMPLOYEES)
    .join(EMPLOYEE_ROLES, EMPLOYEE_ROLES.c.employee == EMPLOYEES.c.id)
    .where(EMPLOYEE_ROLES.c.role == bindparam("of_role"))
    .order_by(EMPLOYEES.c.id)
)

_SELF = EMPLOYEES.alias("self")
_HEAD = select(EMPLOYEES).where(
    EMPLOYEES.c.id
    == select(func.coalesce(_SELF.c.head, func.nullif(DEPARTMENTS.c.head, _SELF.c.id)))
    .select_from(_SELF.outerjoin(DEPARTMENTS, DEPARTMENTS.c.id == _SELF.c.department))
    .where(_SELF.c.id == bindparam("employee"))
    .scalar_subquery()
)

_MAYBE_ABSENT = select(EMPLOYEES.c.id, EMPLOYEES.c.time_zone, EMPLOYEES.c.absences).where(
    EMPLOYEES.c.last_absence >= bindparam("since")
)

_NAMES: BindParameter[str] = bindparam("names", expanding=True)
_RESPONSIBLE = select(ORDERS.c.responsible).where(ORDERS.c.id == bindparam("order_id")).scalar_subquery()
_WITH_ROLES = select(EMPLOYEE_ROLES.c.employee).where(EMPLOYEE_ROLES.c.role.in_(bindparam("roles", expanding=True)))
_RESOLVE = (
    select(EMPLOYEES, _RESPONSIBLE.label("responsible"))
    .where(
        or_(
            EMPLOYEES.c.id.in_(_NAMES),
            EMPLOYEES.c.department.in_(_NAMES),
            EMPLOYEES.c.id.in_(_WITH_ROLES),
            EMPLOYEES.c.id == _RESPONSIBLE,
        )
    )
    .order_by(EMPLOYEES.c.id)
)

_TURN = (
    upsert(ROTATIONS)
    .on_conflict_do_update(index_elements=["pipeline", "stage", "rule"], set_={"turns": ROTATIONS.c.turns + 1})
    .returning(ROTATIONS.c.turns)
)


async def put(tx: Tx, new: NewEmployee, *, now: datetime) -> EmployeeRecord:
    """Store an employee, or replace the one with that id. Raise NotFound for an unknown department or head."""
    known = await tx.first(_KNOWN, {"of_department": new.department, "of_head": new.head})
    if new.department is not None and (known is None or known.department is None):
        raise NotFound("department", new.department)
    if new.head not in (None, new.id) and (known is None or known.head is None):
        raise NotFound("employee", str(new.head))
    await tx.run(_PUT, _values(new, now=now))
    await tx.run(_DROP_ROLES, {"of_employee": new.id})
    if new.roles:
        await tx.run(_ADD_ROLES, [{"role": role, "employee": new.id} for role in dict.fromkeys(new.roles)])
    return await get(tx, id=new.id)


async def get(tx: Tx, *, id: str) -> EmployeeRecord:
    """Read an employee; raise NotFound if there is none."""
    row = await tx.first(_GET, {"employee": id})
    if row is None:
        raise NotFound("employee", id)
    return _record(row)


async def page(tx: Tx, *, cursor: str | None = None, limit: int = 50) -> Page[EmployeeRecord]:
    """List employees by id."""
    records = [_record(row) for row in await tx.rows(_PAGE, {"after": cursor or "", "most": limit + 1})]
    more = len(records) > limit
    return Page(items=records[:limit], next_cursor=records[limit - 1].id if more else None)


async def put_department(tx: Tx, department: Department) -> Department:
    """Store a department, or replace the one with that id. Its head may be stored later."""
    await tx.run(_PUT_DEPARTMENT, department.model_dump())
    return department


async def departments(tx: Tx) -> list[Department]:
    """List the departments by id."""
    return [Department(id=row.id, title=row.title, head=row.head) for row in await tx.rows(_DEPARTMENTS)]


async def of_department(tx: Tx, *, department: str) -> list[EmployeeRecord]:
    """List a department's employees by id."""
    return [_record(row) for row in await tx.rows(_OF_DEPARTMENT, {"of_department": department})]


async def with_role(tx: Tx, *, role: str) -> list[EmployeeRecord]:
    """List the employees with a role, by id."""
    return [_record(row) for row in await tx.rows(_WITH_ROLE, {"of_role": role})]


async def head_of(tx: Tx, *, id: str) -> EmployeeRecord | None:
    """Give an employee's head: their own, else their department's; None if there is none."""
    row = await tx.first(_HEAD, {"employee": id})
    return None if row is None else _record(row)


async def absent(tx: Tx, *, now: datetime) -> list[str]:
    """List the ids of employees who are away now, by the calendar day of their own time zone (UTC if unknown)."""
    since = (now - timedelta(days=1)).astimezone(UTC).date().isoformat()
    return sorted(row.id for row in await tx.rows(_MAYBE_ABSENT, {"since": since}) if _is_away(row, now=now))


async def resolve(tx: Tx, *, recipients: Sequence[str], key: OrderKey) -> list[EmployeeRecord]:
    """Turn recipients (ids, departments, `responsible`, `role:x`) into employees, each once, in the given order.

    Unknown recipients give nobody.
    """
    names = [name.removeprefix("department:") for name in recipients if not name.startswith("role:")]
    roles = [name.removeprefix("role:") for name in recipients if name.startswith("role:")]
    rows = await tx.rows(_RESOLVE, {"names": names, "roles": roles, "order_id": str(key)})
    found: dict[str, EmployeeRecord] = {}
    for recipient in recipients:
        found |= {row.id: _record(row) for row in rows if row.id not in found and _is_meant(row, recipient)}
    return list(found.values())


async def next_turn(tx: Tx, *, pipeline: str, stage: str, rule: str) -> int:
    """Give 0, 1, 2 ...: the next turn of a rule's round robin, kept in the store."""
    values = {"pipeline": pipeline, "stage": stage, "rule": rule, "turns": 0}
    return int((await tx.run(_TURN, values)).scalar_one())


def _is_meant(row: Row[Any], recipient: str) -> bool:
    if recipient == "responsible":
        return bool(row.id == row.responsible)
    if recipient.startswith("role:"):
        return recipient.removeprefix("role:") in row.roles
    return recipient.removeprefix("department:") in (row.id, row.department)


def _is_away(row: Row[Any], *, now: datetime) -> bool:
    day = now.astimezone(ZoneInfo(row.time_zone) if row.time_zone else UTC).date().isoformat()
    return any(absence["from"] <= day <= absence["to"] for absence in row.absences)


def _values(new: NewEmployee, *, now: datetime) -> dict[str, object]:
    absences = [absence.model_dump(mode="json", by_alias=True) for absence in new.absences]
    return {
        **new.model_dump(exclude={"absences"}),
        "absences": absences,
        "last_absence": max((absence["to"] for absence in absences), default=None),
        "created_at": now,
        "updated_at": now,
    }


def _record(row: Row[Any]) -> EmployeeRecord:
    names = EmployeeRecord.model_fields
    return EmployeeRecord.model_validate({name: getattr(row, name) for name in names})
