"""Rows outside of the ledger that leave the house: claimed by a courier, sent once, settled where an answer was lost.

A row's `state` is that of a send of the ledger. `next_at` is when it is due, in each state: planned to be sent,
dispatching to be lost (its claim ends), unknown to be looked up. What is claimed here has no visit and no rule.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Table, Update, bindparam, select, text, true, update

from activities.store import outbox, receipts
from activities.store.database import Tx
from activities.store.hashes import LOST
from activities.store.history import LedgerState
from activities.store.receipts import Callback, Folding
from activities.store.suppressions import fingerprint


@dataclass(frozen=True)
class Parcel:
    """A row that belongs to one courier until `until`: to be sent or, where its answer was lost, looked up.

    Without a `text` there is nothing to send any more: it was deleted meanwhile. `since` is from when it is tried: when
    it was written, or a person last had it sent again.
    """

    id: int | UUID
    send_id: UUID
    attempt: int
    is_lost: bool
    until: datetime
    address: str
    text: str
    provider: str
    since: datetime


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
class Given:
    """To which provider a claimed row is given, for which address, and the hash of what it says."""

    id: int | UUID
    provider: str
    address: str
    body_hash: str


@dataclass(frozen=True)
class End:
    """How a parcel went. `next_at` is when it is due again; `code` is why it failed, in the provider's or our words."""

    state: LedgerState
    next_at: datetime | None = None
    provider_id: str | None = None
    code: str = ""
    words: str = ""


@dataclass(frozen=True)
class Statements:
    """The statements on one table. `words` reads the text of a row, and waits for those who are deleting it."""

    due: Select[Any]
    claim: Update
    lost: Update
    look: Update
    by: Update
    tell: Update
    words: Select[Any]
    forget: Update
    receipts: Folding


def statements(
    table: Table,
    *columns: ColumnElement[Any],
    key: ColumnElement[UUID],
    words: Select[Any],
    only: ColumnElement[bool] | None = None,
) -> Statements:
    """Write the statements on a table whose sends have their id in `key`.

    What is due is found with these `columns` besides; with `only`, not all of it.
    """
    return Statements(
        due=_due(table, *columns, only=only),
        claim=_claim(table),
        lost=_lost(table),
        look=_look(table),
        by=_by(table),
        tell=_tell(table),
        words=words,
        forget=_forget(table),
        receipts=Folding(
            lock=receipts.lock(table, key=key), fold=receipts.fold(table, words=bindparam("said"), next_at=None)
        ),
    )


# The states are written out, as only then the partial index is used.
def _due(table: Table, *columns: ColumnElement[Any], only: ColumnElement[bool] | None) -> Select[Any]:
    is_open = text(f"{table.name}.state IN ('planned', 'dispatching', 'unknown')")
    return (
        select(table.c.id, table.c.state, *columns)
        .where(is_open, table.c.next_at <= bindparam("now"), true() if only is None else only)
        .order_by(table.c.next_at, table.c.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )


def _claim(table: Table) -> Update:
    return (
        update(table)
        .where(table.c.id.in_(bindparam("ids", expanding=True)))
        .values(
            state=LedgerState.DISPATCHING,
            attempts=table.c.attempts + 1,
            next_at=bindparam("until"),
            claimed_at=bindparam("at"),
            updated_at=bindparam("at"),
        )
    )


def _lost(table: Table) -> Update:
    return (
        update(table)
        .where(table.c.id == bindparam("row"))
        .values(state=LedgerState.UNKNOWN, next_at=bindparam("then"), updated_at=bindparam("at"))
    )


def _look(table: Table) -> Update:
    return update(table).where(table.c.id.in_(bindparam("ids", expanding=True))).values(next_at=bindparam("until"))


def _by(table: Table) -> Update:
    return (
        update(table)
        .where(table.c.id == bindparam("row"))
        .values(provider=bindparam("name"), address_hash=bindparam("whither"), body_hash=bindparam("what"))
    )


# What is lost keeps what it is told by.
def _forget(table: Table) -> Update:
    return (
        update(table)
        .where(table.c.id == bindparam("row"), table.c.state.not_in(LOST))
        .values(address_hash="", body_hash="")
    )


# Only the attempt that holds the claim, or that settles what was lost, may tell how it went.
def _tell(table: Table) -> Update:
    return (
        update(table)
        .where(
            table.c.id == bindparam("row"),
            table.c.attempts == bindparam("attempt"),
            table.c.state.in_(LOST),
        )
        .values(
            state=bindparam("to_state"),
            provider_id=bindparam("their_id"),
            code=bindparam("their_code"),
            words=bindparam("said"),
            next_at=bindparam("then"),
            updated_at=bindparam("at"),
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
) -> Claimed:
    """Take what is due for the time of the lease.

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
        await tx.run(statements.lost, [{"row": row.id, "then": now + grace(row), "at": now} for row in gone])
    if taken.unknown:
        await tx.run(statements.look, {"ids": taken.unknown, "until": taken.until})
    if taken.planned:
        await tx.run(statements.claim, {"ids": taken.planned, "until": taken.until, "at": now})
    return taken


async def carried_by(tx: Tx, statements: Statements, *, given: Sequence[Given]) -> None:
    """Note which provider each claimed row is given to, which is the one to be asked about it, and what it looks like.

    Only by that is one told from others with which it could be confused.
    """
    rows = [
        {"row": one.id, "name": one.provider, "whither": fingerprint(one.address), "what": one.body_hash}
        for one in given
    ]
    if rows:
        await tx.run(statements.by, rows)


async def is_blank(tx: Tx, statements: Statements, *, id: int | UUID) -> bool:
    """Say whether a row's text was deleted meanwhile; what is being deleted now is waited for."""
    row = await tx.first(statements.words, {"row": id})
    return row is None or not row.text


async def ended(tx: Tx, statements: Statements, parcel: Parcel, *, end: End, now: datetime) -> bool:
    """Record how a parcel went; say whether it was still this courier's to tell. Raise DuplicateSend.

    A callback may have told before: then its word stays. Of what was deleted meanwhile neither the outbox keeps words
    nor its row a hash.
    """
    values = {
        "row": parcel.id,
        "attempt": parcel.attempt,
        "to_state": end.state,
        "their_id": end.provider_id,
        "their_code": end.code,
        "said": end.words,
        "then": end.next_at,
        "at": now,
    }
    is_ours = (await tx.run(statements.tell, values)).rowcount > 0
    if await is_blank(tx, statements, id=parcel.id):
        await outbox.blank(tx, send_id=parcel.send_id)
        await tx.run(statements.forget, {"row": parcel.id})
    if not is_ours:
        row = await tx.first(statements.receipts.lock, {"send": parcel.send_id})
        if row is not None:
            receipts.check(row, send_id=parcel.send_id, provider_id=end.provider_id)
    return is_ours


async def received(
    tx: Tx,
    statements: Statements,
    *,
    send_id: UUID,
    provider_id: str,
    callback: Callback,
    failure: str,
    now: datetime,
) -> bool | None:
    """Take a provider's callback; say whether it changed anything, None if the send is not of this table.

    `failure` are the words for one that did not arrive. Raise DuplicateSend for another provider id.
    """
    row = await tx.first(statements.receipts.lock, {"send": send_id})
    if row is None:
        return None
    more = {"said": failure if callback.state is LedgerState.FAILED else ""}
    has_changed = await receipts.take(
        tx,
        statements.receipts,
        row=row,
        send_id=send_id,
        provider_id=provider_id,
        callback=callback,
        now=now,
        more=more,
    )
    if has_changed and await is_blank(tx, statements, id=row.id):
        await tx.run(statements.forget, {"row": row.id})
    return has_changed
