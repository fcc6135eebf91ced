"""Rows outside of the ledger that leave the house: claimed by a courier, sent once, settled where an answer was lost.

A row's `state` is that of a send of the ledger. `next_at` is when it is due, in each state: planned to be sent,
dispatching to be lost (its claim ends), unknown to be looked up. What is claimed here has no visit and no rule.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Table, Update, bindparam, select, text, true, update

from activities.store.database import Tx
from activities.store.history import LedgerState


@dataclass(frozen=True)
class Parcel:
    """A row that belongs to one courier until `until`: to be sent or, where its answer was lost, looked up.

    Without a `text` there is nothing to send any more: it was deleted meanwhile.
    """

    id: int | UUID
    send_id: UUID
    attempt: int
    is_lost: bool
    until: datetime
    address: str
    text: str
    provider: str
    created_at: datetime


@dataclass(frozen=True)
class Claimed:
    """What a courier took: rows to be sent, and rows to be looked up, each until the lease ends."""

    planned: list[Any]
    unknown: list[Any]
    until: datetime

    @property
    def ids(self) -> list[Any]:
        """Return all of them."""
        return [*self.planned, *self.unknown]


@dataclass(frozen=True)
class Statements:
    """The statements on one table, each made by the function of its name; the table's module keeps them."""

    due: Select[Any]
    claim: Update
    lost: Update
    look: Update
    by: Update
    tell: Update


# The states are written out, as only then the partial index is used.
def due(table: Table, *columns: ColumnElement[Any], only: ColumnElement[bool] | None = None) -> Select[Any]:
    """Find what is due, with these columns besides; other couriers pass it by. With `only`, not all of it."""
    is_open = text(f"{table.name}.state IN ('planned', 'dispatching', 'unknown')")
    return (
        select(table.c.id, table.c.state, *columns)
        .where(is_open, table.c.next_at <= bindparam("now"), true() if only is None else only)
        .order_by(table.c.next_at)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )


def claim(table: Table, **more: object) -> Update:
    """Give planned rows to a courier. `more` are columns that only this table has, in every statement."""
    return (
        update(table)
        .where(table.c.id.in_(bindparam("ids", expanding=True)))
        .values(state=LedgerState.DISPATCHING, attempts=table.c.attempts + 1, next_at=bindparam("until"), **more)
    )


def lost(table: Table, **more: object) -> Update:
    """Mark a row as unknown whose courier died: it may have left."""
    return (
        update(table)
        .where(table.c.id == bindparam("row"))
        .values(state=LedgerState.UNKNOWN, next_at=bindparam("then"), **more)
    )


def look(table: Table) -> Update:
    """Give rows whose outcome is unknown to a courier that asks."""
    return update(table).where(table.c.id.in_(bindparam("ids", expanding=True))).values(next_at=bindparam("until"))


def by(table: Table) -> Update:
    """Note which provider a row is given to."""
    return update(table).where(table.c.id == bindparam("row")).values(provider=bindparam("name"))


# Only the attempt that holds the claim, or that settles what was lost, may tell how it went.
def tell(table: Table, **more: object) -> Update:
    """Record how a row went."""
    return (
        update(table)
        .where(
            table.c.id == bindparam("row"),
            table.c.attempts == bindparam("attempt"),
            table.c.state.in_((LedgerState.DISPATCHING, LedgerState.UNKNOWN)),
        )
        .values(
            state=bindparam("to_state"),
            provider_id=bindparam("their_id"),
            words=bindparam("said"),
            next_at=bindparam("then"),
            **more,
        )
    )


async def take(
    tx: Tx,
    statements: Statements,
    *,
    now: datetime,
    limit: int,
    lease: timedelta,
    grace: Callable[[Row[Any]], timedelta],
    more: Mapping[str, object] = MappingProxyType({}),
) -> Claimed:
    """Take what is due for the time of the lease. `more` are the values of the table's own columns.

    What a courier that died had claimed may have left: it becomes unknown, and is looked up after its `grace`, when
    its provider can know.
    """
    found = await tx.rows(statements.due, {"now": now, "most": limit})
    taken = Claimed(
        planned=[row.id for row in found if row.state == LedgerState.PLANNED],
        unknown=[row.id for row in found if row.state == LedgerState.UNKNOWN],
        until=now + lease,
    )
    gone = [row for row in found if row.state == LedgerState.DISPATCHING]
    if gone:
        await tx.run(statements.lost, [{"row": row.id, "then": now + grace(row), **more} for row in gone])
    if taken.unknown:
        await tx.run(statements.look, {"ids": taken.unknown, "until": taken.until})
    if taken.planned:
        await tx.run(statements.claim, {"ids": taken.planned, "until": taken.until, **more})
    return taken


async def carried_by(tx: Tx, statements: Statements, *, providers: Sequence[tuple[int | UUID, str]]) -> None:
    """Note which provider each claimed row is given to: it is the one to be asked about it."""
    if providers:
        await tx.run(statements.by, [{"row": id, "name": name} for id, name in providers])


@dataclass(frozen=True)
class End:
    """How a parcel went. `next_at` is when it is due again; `code` is why it failed, in the provider's or our words."""

    state: LedgerState
    next_at: datetime | None = None
    provider_id: str | None = None
    code: str = ""
    words: str = ""


async def ended(
    tx: Tx, statements: Statements, parcel: Parcel, *, end: End, more: Mapping[str, object] = MappingProxyType({})
) -> bool:
    """Record how a parcel went; say whether it was still this courier's to tell."""
    values = {
        "row": parcel.id,
        "attempt": parcel.attempt,
        "to_state": end.state,
        "their_id": end.provider_id,
        "said": end.words,
        "then": end.next_at,
        **more,
    }
    return (await tx.run(statements.tell, values)).rowcount > 0
