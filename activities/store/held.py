"""Messages that may have left, and nobody can tell: notices to employees, and their answers into chats (M61).

They wait for a person, who has them sent again or lays them aside. Those of rules wait with their order.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement, Row, Select, Table, Update, bindparam, func, literal_column, select, text, update

from activities.store import timeline
from activities.store.arrivals import Arrival, add_event
from activities.store.cursors import after_moment, moment_cursor, page_of
from activities.store.database import Conflict, NotFound, Tx
from activities.store.history import LedgerState, NewEntry, TimelineKind
from activities.store.records import Page
from activities.store.tables import CHAT_ANSWERS, CONVERSATIONS, LEDGER, NOTICES, ORDERS
from activities.store.values import Boundary
from workflows.contracts.ids import OrderKey


class HeldKind(StrEnum):
    """What is held."""

    NOTICE = "notice"
    ANSWER = "answer"


class HeldRecord(Boundary):
    """A message whose outcome nobody can tell, without its text. `id` is that of its send."""

    id: UUID
    kind: HeldKind
    way: str = Field(description="How it was sent: `email`, `sms`, `chat`; of an answer the medium of its chat.")
    to: str = Field(description="The employee's id, `chat:ROOM`, or the id of the customer's chat.")
    shop: str | None
    number: str | None = Field(description="The order that a notice is about.")
    provider: str = Field(description="Who may have it: look there.")
    claimed_at: datetime | None = Field(description="When it may have left.")
    held_at: datetime
    state: LedgerState
    words: str


@dataclass(frozen=True)
class Counts:
    """How many messages are held: of rules, notices, answers."""

    sends: int
    notices: int
    answers: int

    @property
    def all(self) -> int:
        """Return how many there are."""
        return self.sends + self.notices + self.answers


@dataclass(frozen=True)
class Said:
    """What a person said of a message, and when; `ref` tells a repetition of the request, where its sender gave one."""

    what: str
    by: str
    at: datetime
    ref: str


#: The code of a message that a person has laid aside.
DISMISSED = "dismissed"

_NOTICE = select(
    NOTICES.c.id.label("row"),
    NOTICES.c.send_id.label("id"),
    literal_column("'notice'").label("kind"),
    NOTICES.c.way,
    func.coalesce(NOTICES.c.employee, "chat:" + NOTICES.c.room).label("to"),
    ORDERS.c.shop,
    ORDERS.c.number,
    NOTICES.c.provider,
    NOTICES.c.claimed_at,
    NOTICES.c.updated_at.label("held_at"),
    NOTICES.c.state,
    NOTICES.c.words,
    NOTICES.c.code,
    NOTICES.c.attempts,
    NOTICES.c.repeated_at,
).outerjoin(ORDERS, ORDERS.c.id == NOTICES.c.order_id)

_ANSWER = select(
    CHAT_ANSWERS.c.id.label("row"),
    CHAT_ANSWERS.c.id,
    literal_column("'answer'").label("kind"),
    CONVERSATIONS.c.medium.label("way"),
    CHAT_ANSWERS.c.conversation.label("to"),
    CONVERSATIONS.c.shop,
    literal_column("NULL").label("number"),
    CHAT_ANSWERS.c.provider,
    CHAT_ANSWERS.c.claimed_at,
    CHAT_ANSWERS.c.updated_at.label("held_at"),
    CHAT_ANSWERS.c.state,
    CHAT_ANSWERS.c.words,
    CHAT_ANSWERS.c.code,
    CHAT_ANSWERS.c.attempts,
    CHAT_ANSWERS.c.repeated_at,
).join(CONVERSATIONS, CONVERSATIONS.c.id == CHAT_ANSWERS.c.conversation)


# The states are written out, as only then the partial index is used.
def _page(query: Select[Any], table: Table, *, key: ColumnElement[UUID]) -> Select[Any]:
    at = bindparam("after_at", type_=table.c.updated_at.type)
    is_after = (table.c.updated_at > at) | ((table.c.updated_at == at) & (key > bindparam("after_id", type_=key.type)))
    return (
        query.where(text(f"{table.name}.state = 'held'"), is_after)
        .order_by(table.c.updated_at, key)
        .limit(bindparam("most"))
    )


def _count(table: Table) -> Select[Any]:
    return select(func.count().label("held")).select_from(table).where(text("state = 'held'"))


def _lock(query: Select[Any], table: Table, *, key: ColumnElement[UUID]) -> Select[Any]:
    return query.where(key == bindparam("send")).with_for_update(of=table)


def _repeat(table: Table) -> Update:
    return _settle(table).values(repeated_at=bindparam("at"))


def _settle(table: Table) -> Update:
    return (
        update(table)
        .where(table.c.id == bindparam("which"), table.c.state == LedgerState.HELD)
        .values(
            state=bindparam("to_state"),
            next_at=bindparam("then"),
            code=bindparam("why"),
            words=bindparam("said"),
            updated_at=bindparam("at"),
        )
    )


_PAGES = (
    _page(_NOTICE, NOTICES, key=NOTICES.c.send_id),
    _page(_ANSWER, CHAT_ANSWERS, key=CHAT_ANSWERS.c.id),
)
_HELD_NOTICES, _HELD_ANSWERS = _PAGES

_LOCK_NOTICE = _lock(_NOTICE, NOTICES, key=NOTICES.c.send_id)
_LOCK_ANSWER = _lock(_ANSWER, CHAT_ANSWERS, key=CHAT_ANSWERS.c.id)

_REPEAT_NOTICE, _DISMISS_NOTICE = _repeat(NOTICES), _settle(NOTICES)
_REPEAT_ANSWER, _DISMISS_ANSWER = _repeat(CHAT_ANSWERS), _settle(CHAT_ANSWERS)

_COUNT_SENDS, _COUNT_NOTICES, _COUNT_ANSWERS = _count(LEDGER), _count(NOTICES), _count(CHAT_ANSWERS)

_START = (datetime(2, 1, 1, tzinfo=UTC), UUID(int=0))


async def page(tx: Tx, *, cursor: str | None = None, limit: int = 50) -> Page[HeldRecord]:
    """List them, the longest held first; raise ValueError for a cursor of another list."""
    at, id = _START if cursor is None else _place(cursor)
    values = {"after_at": at, "after_id": id, "most": limit + 1}
    found = [_record(row) for query in _PAGES for row in await tx.rows(query, values)]
    found.sort(key=lambda record: (record.held_at, record.id))
    return page_of(
        found[: limit + 1], limit=limit, cursor=lambda record: moment_cursor(record.held_at, id=str(record.id))
    )


async def counts(tx: Tx) -> Counts:
    """Count what is held, the messages of rules included."""
    numbers = [await tx.first(query) for query in (_COUNT_SENDS, _COUNT_NOTICES, _COUNT_ANSWERS)]
    return Counts(*(int(row.held) if row else 0 for row in numbers))


async def repeat(tx: Tx, *, id: UUID, by: str, now: datetime, ref: str = "") -> HeldRecord:
    """Have a message sent again: a person has looked, and it did not arrive. Said again, it changes nothing.

    With a `ref` that holds even where it was sent and is held anew meanwhile. Raise NotFound for no notice or answer of
    that id, Conflict for one that is not held.
    """
    row = await _locked(tx, id)
    is_done = row.repeated_at is not None and row.code != DISMISSED
    if not await _is_news(tx, row, said=Said("repeat", by, now, ref), is_done=is_done):
        return _record(row)
    query = _REPEAT_NOTICE if row.kind == HeldKind.NOTICE else _REPEAT_ANSWER
    values = {"which": row.row, "to_state": LedgerState.PLANNED, "then": now, "why": "", "said": "", "at": now}
    await tx.run(query, values)
    await _note(tx, row, words="is sent again", by=by, now=now)
    return _record(await _locked(tx, id))


async def dismiss(tx: Tx, *, id: UUID, by: str, now: datetime, ref: str = "") -> HeldRecord:
    """Lay a message aside: it arrived, or is of no use any more. Said again, it changes nothing. Raises as `repeat`."""
    row = await _locked(tx, id)
    if not await _is_news(tx, row, said=Said("dismiss", by, now, ref), is_done=row.code == DISMISSED):
        return _record(row)
    query = _DISMISS_NOTICE if row.kind == HeldKind.NOTICE else _DISMISS_ANSWER
    values = {
        "which": row.row,
        "to_state": LedgerState.SKIPPED,
        "then": None,
        "why": DISMISSED,
        "said": f"laid aside by {by}",
        "at": now,
    }
    await tx.run(query, values)
    await _note(tx, row, words="is laid aside", by=by, now=now)
    return _record(await _locked(tx, id))


def _place(cursor: str) -> tuple[datetime, UUID]:
    at, id = after_moment(cursor)
    try:
        return at, UUID(id)
    except ValueError:
        raise ValueError("the cursor is not one that this list gave") from None


async def _locked(tx: Tx, id: UUID) -> Row[Any]:
    for query in (_LOCK_NOTICE, _LOCK_ANSWER):
        row = await tx.first(query, {"send": id})
        if row is not None:
            return row
    raise NotFound("notice or answer", str(id))


async def _is_news(tx: Tx, row: Row[Any], *, said: Said, is_done: bool) -> bool:
    """Journal what a person said of a held message, in their name; False where they said it before."""
    if row.state != LedgerState.HELD:
        if is_done:
            return False
        raise Conflict(f"The {row.kind} is not held: it is {row.state or 'for the inbox only'}")
    arrival = Arrival(
        source="operator",
        id=f"{row.id}:{said.what}:{said.ref or row.attempts}",
        type=f"operator.{said.what}_message",
        at=said.at,
        data={"send": str(row.id), "kind": row.kind, "by": said.by},
    )
    return await add_event(tx, arrival, now=said.at) is not None


async def _note(tx: Tx, row: Row[Any], *, words: str, by: str, now: datetime) -> None:
    """Write what was decided into the timeline of the order that a notice is about."""
    if row.number is not None:
        text = f"A notice to {row.to} of which nobody could tell whether it was sent {words}"
        entry = NewEntry(kind=TimelineKind.NOTICE, text=text, at=now, author=by)
        await timeline.add(tx, OrderKey(shop=row.shop, number=row.number), entry=entry)


def _record(row: Row[Any]) -> HeldRecord:
    return HeldRecord(
        id=row.id,
        kind=HeldKind(row.kind),
        way=row.way,
        to=str(row.to),
        shop=row.shop,
        number=row.number,
        provider=row.provider,
        claimed_at=row.claimed_at,
        held_at=row.held_at,
        state=LedgerState(row.state),
        words=row.words,
    )
