"""The runs of rules: how far each is, how it ended and why. Nothing leaves an end but a repeat by hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, case, func, or_, select, update

from activities.store.columns import Json
from activities.store.database import Tx
from activities.store.history import RunRecord
from activities.store.tables import LEDGER, RUNS, VISITS
from activities.store.visits import CLAIMED, OPEN_RUNS, RunEnd
from workflows.contracts.ids import OrderKey, run_id
from workflows.contracts.plans import Due, Plan, PlannedRun, StageCard
from workflows.contracts.reasons import RunReason, RunStatus

# A look-up costs a third of `RunStatus(value)`, and a visit's runs are read for each rule that is carried out.
_STATUSES = {status.value: status for status in RunStatus}
_REASONS = {reason.value: reason for reason in RunReason}

_OF_VISIT = and_(RUNS.c.order_id == bindparam("of_order"), RUNS.c.visit == bindparam("of_visit"))

_PLAN = (
    select(VISITS.c.card, RUNS.c.planned, RUNS.c.due, RUNS.c.status, RUNS.c.reason, RUNS.c.words)
    .select_from(
        VISITS.outerjoin(RUNS, and_(RUNS.c.order_id == VISITS.c.order_id, RUNS.c.visit == VISITS.c.visit)),
    )
    .where(VISITS.c.order_id == bindparam("order_id"), VISITS.c.visit == bindparam("of_visit"))
    .order_by(RUNS.c.position)
)

_COLUMNS = [column for column in RUNS.c if column.key not in ("order_id", "position")]

_ALL = select(*_COLUMNS).where(RUNS.c.order_id == bindparam("order_id")).order_by(RUNS.c.visit, RUNS.c.position)

_VISIT = select(*_COLUMNS).where(_OF_VISIT).order_by(RUNS.c.position)

_ONE = select(*_COLUMNS).where(RUNS.c.id == bindparam("run"))

#: Written out, as a list cannot be part of a statement that is run for many rows at once.
_IS_OPEN = or_(*(RUNS.c.status == status for status in OPEN_RUNS))

_FINISH = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run"), _IS_OPEN)
    .values(
        status=bindparam("to_status"),
        reason=bindparam("why"),
        words=bindparam("said"),
        results=bindparam("made"),
        compared=bindparam("saw"),
        ended_at=bindparam("at"),
    )
)

_CHOOSE = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run"), _IS_OPEN)
    .values(results=func.coalesce(RUNS.c.results, bindparam("chosen", type_=Json)))
    .returning(RUNS.c.results)
)

_DUE = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run"), _IS_OPEN)
    .values(
        due=bindparam("moment"),
        words=bindparam("said"),
        # Any other reason (quiet hours, a retry, a hold) stays what it waits for.
        reason=case((RUNS.c.reason == RunReason.AFTER_RULE, RunReason.WAITING), else_=RUNS.c.reason),
    )
)

_STATUS = (
    update(RUNS)
    .where(_OF_VISIT, RUNS.c.rule.in_(bindparam("rules", expanding=True)), RUNS.c.status.in_(OPEN_RUNS))
    .values(
        status=bindparam("to_status"), reason=bindparam("why"), words=bindparam("said"), ended_at=bindparam("ended")
    )
)

_REPEAT = (
    update(RUNS)
    .where(
        _OF_VISIT,
        RUNS.c.rule.in_(bindparam("rules", expanding=True)),
        RUNS.c.status.in_((RunStatus.FAILED, RunStatus.SKIPPED, RunStatus.STOPPED, RunStatus.HELD)),
    )
    .values(
        status=RunStatus.PLANNED,
        reason=None,
        words="",
        due=None,
        started_at=None,
        ended_at=None,
        results=None,
        compared=None,
    )
)

_DONE_RUN = (
    select(RUNS.c.id)
    .select_from(RUNS.outerjoin(LEDGER, LEDGER.c.run == RUNS.c.id))
    .where(
        RUNS.c.order_id == bindparam("order_id"),
        RUNS.c.visit < bindparam("before"),
        RUNS.c.stage == bindparam("in_stage"),
        RUNS.c.rule == bindparam("of_rule"),
        or_(RUNS.c.status == RunStatus.DONE, LEDGER.c.state.in_(CLAIMED)),
    )
    .limit(1)
)


async def plan_of(tx: Tx, key: OrderKey, *, visit: int) -> Plan | None:
    """Give a visit's plan with the present status and moments of its runs; None if there is no such visit."""
    rows = await tx.rows(_PLAN, {"order_id": str(key), "of_visit": visit})
    if not rows:
        return None
    runs = [_planned(row) for row in rows if row.planned is not None]
    return Plan(visit=visit, runs=runs, card=StageCard.model_validate(rows[0].card))


async def runs_of(tx: Tx, key: OrderKey, *, visit: int | None = None) -> list[RunRecord]:
    """List the runs of one visit, or of all (one query), in the order of visits and of the file."""
    if visit is None:
        rows = await tx.rows(_ALL, {"order_id": str(key)})
    else:
        rows = await tx.rows(_VISIT, {"of_order": str(key), "of_visit": visit})
    return [_record(row) for row in rows]


async def run_of(tx: Tx, key: OrderKey, *, visit: int, rule: str) -> RunRecord | None:
    """Read one run; None if the visit has no such rule."""
    row = await tx.first(_ONE, {"run": run_id(key, visit, rule)})
    return None if row is None else _record(row)


async def finish(tx: Tx, key: OrderKey, *, visit: int, rule: str, end: RunEnd) -> bool:
    """End a run unless it has ended already; say whether it did."""
    return (await tx.run(_FINISH, _end_values(key, visit=visit, rule=rule, end=end))).rowcount > 0


def finish_later(tx: Tx, key: OrderKey, *, visit: int, rule: str, end: RunEnd) -> None:
    """End a run unless it has ended already, together with others of this transaction."""
    tx.later(_FINISH, _end_values(key, visit=visit, rule=rule, end=end))


async def keep_choice(tx: Tx, *, run: UUID, choice: dict[str, object]) -> dict[str, object]:
    """Keep what a run chose when it was first composed, and give what is kept: a retry meets the first choice.

    A run's end replaces it by the results; a repeat by hand chooses anew.
    """
    await tx.flush()
    row = (await tx.run(_CHOOSE, {"run": run, "chosen": choice})).first()
    return choice if row is None else dict(row.results)


async def set_dues(tx: Tx, key: OrderKey, *, visit: int, dues: Sequence[Due]) -> None:
    """Give waiting runs their newly computed moments; those after a rule now wait for theirs."""
    if dues:
        await tx.flush()
        values = [{"run": run_id(key, visit, due.rule), "moment": due.at, "said": due.words} for due in dues]
        await tx.run(_DUE, values)


async def set_status(
    tx: Tx,
    key: OrderKey,
    *,
    visit: int,
    rules: Sequence[str],
    status: RunStatus,
    reason: RunReason | None,
    at: datetime,
    words: str = "",
) -> int:
    """Change the status of runs that have not ended; give how many."""
    if not rules:
        return 0
    values = {
        "of_order": str(key),
        "of_visit": visit,
        "rules": list(rules),
        "to_status": status,
        "why": reason,
        "said": words,
        "ended": at if status.is_end else None,
    }
    await tx.flush()
    return (await tx.run(_STATUS, values)).rowcount


async def repeat(tx: Tx, key: OrderKey, *, visit: int, rules: Sequence[str], at: datetime) -> int:
    """Plan runs anew that failed, were skipped or stopped, or are held (by hand); give how many.

    Their rows of the ledger are not touched: `ledger.reopen` does that.
    """
    if not rules:
        return 0
    return (await tx.run(_REPEAT, {"of_order": str(key), "of_visit": visit, "rules": list(rules)})).rowcount


async def was_done_before(tx: Tx, key: OrderKey, *, rule: str, stage: str, before_visit: int) -> bool:
    """Say whether a rule of a stage was carried out in an earlier visit (`once`, M04)."""
    values = {"order_id": str(key), "before": before_visit, "in_stage": stage, "of_rule": rule}
    return await tx.first(_DONE_RUN, values) is not None


def _end_values(key: OrderKey, *, visit: int, rule: str, end: RunEnd) -> dict[str, object]:
    return {
        "run": run_id(key, visit, rule),
        "to_status": end.status,
        "why": end.reason,
        "said": end.words,
        "made": end.results,
        "saw": [list(pair) for pair in end.compared],
        "at": end.at,
    }


def _planned(row: Row[Any]) -> PlannedRun:
    return PlannedRun.model_validate(
        {**row.planned, "due": row.due, "status": row.status, "reason": row.reason, "words": row.words}
    )


def _record(row: Row[Any]) -> RunRecord:
    planned = row.planned
    return RunRecord(
        id=row.id,
        visit=row.visit,
        stage=row.stage,
        rule=row.rule,
        kind=planned["kind"],
        title=planned["title"],
        after=planned["after"],
        due=row.due,
        has_wait=planned["has_wait"],
        status=_STATUSES[row.status],
        reason=None if row.reason is None else _REASONS[row.reason],
        words=row.words,
        started_at=row.started_at,
        ended_at=row.ended_at,
        results=row.results or {},
        compared=[(path, value) for path, value in row.compared or []],
    )
