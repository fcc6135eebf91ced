"""Visits: an order enters a stage, and the runs of the stage it leaves stop. The line of M05 is drawn here."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, exists, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store import timeline
from activities.store.attempts import FAILED_LATE
from activities.store.columns import in_utc
from activities.store.database import Tx
from activities.store.history import LedgerState, NewEntry, TaskStatus, TimelineKind, VisitRecord
from activities.store.standing import Standing as Standing
from activities.store.standing import automatic_moves as automatic_moves
from activities.store.standing import hold as hold
from activities.store.standing import is_latest_open as is_latest_open
from activities.store.standing import lock as lock
from activities.store.standing import resume as resume
from activities.store.standing import set_attention as set_attention
from activities.store.standing import standing as standing
from activities.store.tables import LEDGER, ORDERS, RUNS, TASKS, VISITS
from workflows.contracts.ids import OrderKey, run_id
from workflows.contracts.plans import PlannedRun, StageCard
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.state import StageKind


@dataclass(frozen=True)
class Entry:
    """An order's entry into a stage. `by` is the employee in whose name it is recorded, empty for the automation."""

    visit: int
    stage: str
    stage_kind: StageKind
    version: int
    cause_source: str
    cause_id: str
    cause_type: str
    is_automatic: bool
    at: datetime
    by: str = ""
    words: str = ""
    runs: tuple[PlannedRun, ...] = ()
    card: StageCard = field(default_factory=StageCard)


@dataclass(frozen=True)
class RunEnd:
    """How a run ended, and when."""

    status: RunStatus
    reason: RunReason
    at: datetime
    words: str = ""
    results: dict[str, object] = field(default_factory=dict)
    compared: tuple[tuple[str, str], ...] = ()


#: Ledger states in which a message has left or may have: its run is not stopped when the stage is left (M05).
CLAIMED = (LedgerState.DISPATCHING, LedgerState.UNKNOWN, LedgerState.ACCEPTED, LedgerState.DELIVERED, LedgerState.HELD)

#: Statuses of runs that have not ended.
OPEN_RUNS = (RunStatus.PLANNED, RunStatus.RUNNING, RunStatus.HELD)

# What a left visit leaves behind comes with it: mostly nothing, and then no statement has to stop it.
_ADD_VISIT = (
    upsert(VISITS)
    .on_conflict_do_nothing(index_elements=["order_id", "visit"])
    .returning(
        exists()
        .where(
            RUNS.c.order_id == bindparam("of_order"),
            RUNS.c.visit < bindparam("new_visit"),
            RUNS.c.status.in_(OPEN_RUNS),
        )
        .correlate(None)
        .label("has_runs"),
        exists()
        .where(
            TASKS.c.order_id == bindparam("of_order"),
            TASKS.c.close_on_leave.is_(True),
            TASKS.c.status == TaskStatus.OPEN,
        )
        .correlate(None)
        .label("has_tasks"),
    )
)

_ADD_RUNS = insert(RUNS)

_STOP_RUNS = (
    update(RUNS)
    .where(
        RUNS.c.order_id == bindparam("order"),
        RUNS.c.visit < bindparam("new_visit"),
        RUNS.c.status.in_(OPEN_RUNS),
        ~exists().where(
            LEDGER.c.run == RUNS.c.id,
            or_(LEDGER.c.state.in_(CLAIMED), and_(RUNS.c.status == RunStatus.RUNNING, FAILED_LATE)),
        ),
    )
    .values(status=RunStatus.STOPPED, reason=RunReason.STAGE_LEFT, words="", ended_at=bindparam("at"))
)

_CLOSE_TASKS = (
    update(TASKS)
    .where(
        TASKS.c.order_id == bindparam("order"),
        TASKS.c.close_on_leave.is_(True),
        TASKS.c.status == TaskStatus.OPEN,
    )
    .values(status=TaskStatus.CLOSED, closed_at=bindparam("at"))
)

_STAND = (
    update(ORDERS)
    .where(ORDERS.c.id == bindparam("order_id"))
    .values(
        stage=bindparam("to_stage"),
        stage_kind=bindparam("to_kind"),
        visit=bindparam("to_visit"),
        version=bindparam("to_version"),
        entered_at=bindparam("at"),
        updated_at=bindparam("at"),
    )
)

_VISITS = select(VISITS).where(VISITS.c.order_id == bindparam("order_id")).order_by(VISITS.c.visit)

_VISIT = select(VISITS).where(VISITS.c.order_id == bindparam("order_id"), VISITS.c.visit == bindparam("of_visit"))


async def enter(tx: Tx, key: OrderKey, *, entry: Entry) -> None:
    """Enter a stage: the old visit's unclaimed runs stop, the new visit and its runs begin, all at once (M05).

    Idempotent by the visit's number. The order must be locked by this transaction.
    """
    order = str(key)
    await tx.flush()
    values = {**_visit_values(order, entry), "of_order": order, "new_visit": entry.visit}
    left = (await tx.run(_ADD_VISIT, values)).first()
    if left is None:
        return
    if left.has_runs:
        await tx.run(_STOP_RUNS, {"order": order, "new_visit": entry.visit, "at": entry.at})
    if left.has_tasks:
        await tx.run(_CLOSE_TASKS, {"order": order, "at": entry.at})
    if entry.runs:
        await tx.run(_ADD_RUNS, [_run_values(key, entry, run, n) for n, run in enumerate(entry.runs)])
    await _stand(tx, key, entry=entry)
    await timeline.add(tx, key, entry=_line(entry))


async def _stand(tx: Tx, key: OrderKey, *, entry: Entry) -> None:
    before = await lock(tx, key)
    assert before is not None  # its visit refers to it
    values = {
        "order_id": str(key),
        "to_stage": entry.stage,
        "to_kind": entry.stage_kind,
        "to_visit": entry.visit,
        "to_version": entry.version,
        "at": entry.at,
    }
    await tx.run(_STAND, values)
    stands = before._replace(
        stage=entry.stage,
        stage_kind=entry.stage_kind,
        visit=entry.visit,
        version=entry.version,
        entered_at=in_utc(entry.at),
    )
    tx.keep(ORDERS, str(key), stands)


async def visits_of(tx: Tx, key: OrderKey) -> list[VisitRecord]:
    """List an order's visits, the oldest first."""
    rows = await tx.rows(_VISITS, {"order_id": str(key)})
    return [_visit(row) for row in rows]


async def visit_of(tx: Tx, key: OrderKey, *, visit: int) -> VisitRecord | None:
    """Read one visit; None if there is no such one."""
    row = await tx.first(_VISIT, {"order_id": str(key), "of_visit": visit})
    return None if row is None else _visit(row)


def _visit(row: Row[Any]) -> VisitRecord:
    return VisitRecord(
        visit=row.visit,
        stage=row.stage,
        stage_kind=row.stage_kind,
        version=row.version,
        entered_at=row.entered_at,
        by=row.by,
        is_automatic=row.is_automatic,
        cause_source=row.cause_source,
        cause_id=row.cause_id,
        cause_type=row.cause_type,
    )


def _visit_values(order: str, entry: Entry) -> dict[str, object]:
    return {
        "order_id": order,
        "visit": entry.visit,
        "stage": entry.stage,
        "stage_kind": entry.stage_kind,
        "version": entry.version,
        "entered_at": entry.at,
        "by": entry.by,
        "is_automatic": entry.is_automatic,
        "cause_source": entry.cause_source,
        "cause_id": entry.cause_id,
        "cause_type": entry.cause_type,
        "card": entry.card,
    }


def _run_values(key: OrderKey, entry: Entry, run: PlannedRun, position: int) -> dict[str, object]:
    waits = RunReason.AFTER_RULE if run.after else RunReason.WAITING if run.due else None
    return {
        "id": run_id(key, entry.visit, run.rule),
        "order_id": str(key),
        "visit": entry.visit,
        "rule": run.rule,
        "stage": entry.stage,
        "position": position,
        "planned": run,
        "due": run.due,
        "status": run.status,
        "reason": run.reason or waits,
        "words": run.words,
        "ended_at": entry.at if run.status.is_end else None,
    }


def _line(entry: Entry) -> NewEntry:
    return NewEntry(
        kind=TimelineKind.STAGE,
        text=entry.words or entry.stage,
        at=entry.at,
        author=entry.by,
        visit=entry.visit,
        data={"stage": entry.stage, "cause": entry.cause_type},
        ref=f"visit:{entry.visit}",
    )
