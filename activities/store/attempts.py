"""Attempts of a message that reached nobody: each has a ledger row of its own. A late word never reopens one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select, update

from activities.store.database import Tx
from activities.store.history import LedgerState
from activities.store.tables import LEDGER, RUNS
from workflows.contracts.reasons import RunReason, RunStatus

#: The code of an attempt that reached nobody, where another one follows.
NOT_REACHED = "not_reached"

#: An attempt that its provider took, and that failed afterwards: a run that has not ended is to tell of it.
FAILED_LATE = and_(
    LEDGER.c.state == LedgerState.FAILED, LEDGER.c.provider_id.is_not(None), LEDGER.c.code != NOT_REACHED
)

#: A run's attempts that are over. A person's repeat clears the code, and the count begins anew.
_MISSED = (
    select(func.count())
    .select_from(LEDGER)
    .where(
        LEDGER.c.run == bindparam("of_run"), LEDGER.c.state == LedgerState.FAILED, LEDGER.c.code == bindparam("missed")
    )
)

_LOCK = select(LEDGER.c.provider_id, LEDGER.c.earlier).where(LEDGER.c.id == bindparam("row")).with_for_update()

_END = (
    update(LEDGER)
    .where(
        LEDGER.c.id == bindparam("row"),
        LEDGER.c.state.in_((LedgerState.ACCEPTED, LedgerState.DELIVERED, LedgerState.FAILED)),
    )
    .values(
        state=LedgerState.FAILED,
        code=bindparam("why"),
        words=bindparam("said"),
        earlier=bindparam("known"),
        updated_at=bindparam("at"),
    )
)

# When the first attempt was claimed stays: the rule's `expires` counts from then. So do its results, which rules after
# it may have read.
_PLAN_ANEW = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run"), RUNS.c.status == RunStatus.DONE)
    .values(
        status=RunStatus.PLANNED,
        reason=RunReason.RETRYING,
        due=bindparam("moment"),
        words=bindparam("said"),
        ended_at=None,
    )
)


async def current(tx: Tx, *, run: UUID) -> int:
    """Return the number of a run's present attempt, from 1."""
    found = await tx.first(_MISSED, {"of_run": run, "missed": NOT_REACHED})
    return 1 + int(found[0] if found else 0)


async def end(tx: Tx, *, send_id: UUID, code: str, words: str, at: datetime) -> None:
    """End an accepted attempt that failed or reached nobody; what the provider says of it later is passed over."""
    row = await tx.first(_LOCK, {"row": send_id})
    if row is None:
        return
    known = [*row.earlier, row.provider_id] if row.provider_id and row.provider_id not in row.earlier else row.earlier
    values = {"row": send_id, "why": code, "said": words, "known": list(known), "at": at}
    await tx.run(_END, values)


async def plan_anew(tx: Tx, *, run: UUID, due: datetime, words: str) -> None:
    """Let a run that was done wait for another attempt, as its message did not arrive. The order must be locked."""
    await tx.run(_PLAN_ANEW, {"run": run, "moment": due, "said": words})
