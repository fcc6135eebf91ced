"""Tasks for employees, made by rules and closed by people or by the order's leaving the stage."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.columns import Moment
from activities.store.cursors import after_moment, moment_cursor, page_of
from activities.store.database import NotFound, Tx
from activities.store.history import CheckItem, NewTask, TaskRecord, TaskStatus
from activities.store.records import Page
from activities.store.tables import ORDERS, TASK_ASSIGNEES, TASKS
from workflows.contracts.ids import OrderKey

_ADD = upsert(TASKS).on_conflict_do_nothing(index_elements=["id"])

_ASSIGN = insert(TASK_ASSIGNEES)

_TASK = select(TASKS, ORDERS.c.shop, ORDERS.c.number).join(ORDERS, ORDERS.c.id == TASKS.c.order_id)

_GET = _TASK.where(TASKS.c.id == bindparam("task"))

_OF_ORDER = _TASK.where(TASKS.c.order_id == bindparam("order_id")).order_by(TASKS.c.created_at, TASKS.c.id)

_OF_EMPLOYEE = (
    _TASK.join(TASK_ASSIGNEES, TASK_ASSIGNEES.c.task_id == TASKS.c.id)
    .where(TASK_ASSIGNEES.c.employee == bindparam("assignee"), TASKS.c.status == TaskStatus.OPEN)
    .order_by(TASKS.c.created_at, TASKS.c.id)
)

_COMPLETE = (
    update(TASKS)
    .where(TASKS.c.id == bindparam("task"), TASKS.c.status == TaskStatus.OPEN)
    .values(status=TaskStatus.DONE, closed_at=bindparam("at"))
)


async def add(tx: Tx, key: OrderKey, *, task: NewTask, now: datetime) -> None:
    """Store a task; the same id is written once."""
    values = {
        "id": task.id,
        "order_id": str(key),
        "kind": task.kind,
        "title": task.title,
        "description": task.description,
        "is_important": task.is_important,
        "place": task.place,
        "begins_at": task.begins_at,
        "assignees": task.assignees,
        "participants": task.participants,
        "checklist": [item.model_dump() for item in task.checklist],
        "due": task.due,
        "close_on_leave": task.close_on_leave,
        "visit": task.visit,
        "rule": task.rule,
        "status": TaskStatus.OPEN,
        "created_at": now,
    }
    is_new = (await tx.run(_ADD, values)).rowcount > 0
    if is_new and task.assignees:
        rows = [{"employee": employee, "task_id": task.id} for employee in dict.fromkeys(task.assignees)]
        await tx.run(_ASSIGN, rows)


async def get(tx: Tx, *, id: UUID) -> TaskRecord:
    """Read a task; raise NotFound if there is none."""
    row = await tx.first(_GET, {"task": id})
    if row is None:
        raise NotFound("task", str(id))
    return _record(row)


async def complete(tx: Tx, *, id: UUID, now: datetime) -> bool:
    """Mark a task as done; say whether it was open. Raise NotFound if there is none."""
    if (await tx.run(_COMPLETE, {"task": id, "at": now})).rowcount > 0:
        return True
    await get(tx, id=id)
    return False


async def of_order(tx: Tx, key: OrderKey) -> list[TaskRecord]:
    """List an order's tasks, the oldest first."""
    return [_record(row) for row in await tx.rows(_OF_ORDER, {"order_id": str(key)})]


async def of_employee(tx: Tx, *, employee: str, cursor: str | None = None, limit: int = 50) -> Page[TaskRecord]:
    """List the open tasks assigned to an employee, the oldest first; raise ValueError for a cursor of another list."""
    query = _OF_EMPLOYEE.limit(limit + 1)
    if cursor is not None:
        at, id = after_moment(cursor)
        query = query.where(tuple_(TASKS.c.created_at, TASKS.c.id) > tuple_(literal(at, Moment()), literal(UUID(id))))
    records = [_record(row) for row in await tx.rows(query, {"assignee": employee})]
    return page_of(records, limit=limit, cursor=lambda task: moment_cursor(task.created_at, id=str(task.id)))


def _record(row: Row[Any]) -> TaskRecord:
    return TaskRecord(
        id=row.id,
        shop=row.shop,
        number=row.number,
        kind=row.kind,
        title=row.title,
        description=row.description,
        is_important=row.is_important,
        place=row.place,
        begins_at=row.begins_at,
        assignees=row.assignees,
        participants=row.participants,
        checklist=[CheckItem.model_validate(item) for item in row.checklist],
        due=row.due,
        close_on_leave=row.close_on_leave,
        visit=row.visit,
        rule=row.rule,
        status=row.status,
        created_at=row.created_at,
        closed_at=row.closed_at,
    )
