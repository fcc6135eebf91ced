"""A provider's word on a message of ours, which comes in any order and more than once: the higher rank stays.

One machinery for the three tables whose rows leave the house: the ledger, employees' answers, notices.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Table, Update, bindparam, select, update

from activities.store.database import StoreError, Tx
from activities.store.history import LedgerState
from activities.store.tables import CHAT_ANSWERS, LEDGER, NOTICES


class DuplicateSend(StoreError):
    """A provider reported a second id for one intended message: it may have left twice."""

    def __init__(self, send_id: UUID, *, provider: str) -> None:
        super().__init__(f"{provider} gave a second id for send {send_id}: it may have been sent twice")
        self.send_id = send_id
        self.provider = provider


@dataclass(frozen=True)
class Callback:
    """A provider's word on a message: its status, the rank of it, and what it means (accepted, delivered, failed).

    `words` tell people why it did not arrive, where the provider's `code` says so. `may_be_repeated` says of one that
    failed that it has never left the provider.
    """

    status: str
    rank: int
    state: LedgerState
    code: str = ""
    words: str = ""
    may_be_repeated: bool = False


@dataclass(frozen=True)
class Folding:
    """The statements by which a table takes a provider's word, each made by the function of its name."""

    lock: Select[Any]
    fold: Update


def lock(table: Table, *, key: ColumnElement[UUID]) -> Select[Any]:
    """Find the row of a send, whose id is in the column `key`, and lock it."""
    return select(table).where(key == bindparam("send")).with_for_update()


def fold(table: Table, **more: object) -> Update:
    """Write a provider's word into a row. `more` are columns that only this table has."""
    return (
        update(table)
        .where(table.c.id == bindparam("row"))
        .values(
            state=bindparam("to_state"),
            provider_id=bindparam("their_id"),
            provider_status=bindparam("their_status"),
            rank=bindparam("their_rank"),
            code=bindparam("their_code"),
            updated_at=bindparam("at"),
            **more,
        )
    )


def let_go(table: Table) -> Update:
    """Take a provider's id from the row of this table that holds it."""
    return (
        update(table)
        .where(table.c.provider == bindparam("at_provider"), table.c.provider_id == bindparam("their_id"))
        .values(provider_id=None)
    )


_LET_GO_OF_SEND = let_go(LEDGER)
_LET_GO_OF_ANSWER = let_go(CHAT_ANSWERS)
_LET_GO_OF_NOTICE = let_go(NOTICES)


async def take(
    tx: Tx,
    folding: Folding,
    *,
    row: Row[Any],
    send_id: UUID,
    provider_id: str,
    callback: Callback,
    now: datetime,
    more: Mapping[str, object] = MappingProxyType({}),
) -> bool:
    """Take a provider's word on a row that is locked; say whether it changed anything. It settles a lost send.

    `more` are the values of the table's own columns. Raise DuplicateSend for another provider id.
    """
    check(row, send_id=send_id, provider_id=provider_id)
    if row.provider_id is not None and callback.rank <= row.rank:
        return False
    if row.provider_id is None:
        # Of two messages with the same text to one number, listing may have given this one's id to the other.
        for letting_go in (_LET_GO_OF_SEND, _LET_GO_OF_ANSWER, _LET_GO_OF_NOTICE):
            await tx.run(letting_go, {"at_provider": row.provider, "their_id": provider_id})
    values = {
        "row": row.id,
        "to_state": callback.state,
        "their_id": provider_id,
        "their_status": callback.status,
        "their_rank": callback.rank,
        "their_code": callback.code,
        "at": now,
        **more,
    }
    await tx.run(folding.fold, values)
    return True


def check(row: Row[Any], *, send_id: UUID, provider_id: str | None) -> None:
    """Raise DuplicateSend if the provider has given the row another id before."""
    if None not in (row.provider_id, provider_id) and row.provider_id != provider_id:
        raise DuplicateSend(send_id, provider=row.provider)
