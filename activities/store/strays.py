"""Events that went to no order: nobody was found, or they cannot be used. Whom they name is erased there, too.

Most name their person, so an index finds them. The rest is searched for what a person is known by. It is bounded, for
what stays a stray is blanked after a while.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, Row, bindparam, delete, func, select, tuple_, update

from activities.store import awaiting
from activities.store.database import Store, Tx
from activities.store.mentions import Mentions
from activities.store.tables import CUSTOMER_TERMS, CUSTOMERS, EVENTS, ORDERS, WAITING
from activities.store.traces import Traces

#: How many are looked at together, and about how many bytes of them.
_BATCH, _BATCH_BYTES = 500, 8 * 1024 * 1024

#: What another process is writing down meanwhile has an earlier moment.
_UNDER_WAY = timedelta(minutes=5)

#: A stray's place: when it came in, and its number.
_Place: TypeAlias = tuple[datetime, int]

_START = datetime(2, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sought:
    """Strays that mention a person, among those that came in before a moment."""

    events: tuple[int, ...] = ()
    until: datetime = _START


_IS_STRAY = EVENTS.c.whose.is_not(None)

_BLANK: dict[str, Any] = {"data": {}, "raw": None, "problem": "", "whose": None}

_SEQS: BindParameter[int] = bindparam("seqs", expanding=True)

_BLANK_NAMED = update(EVENTS).where(_IS_STRAY, EVENTS.c.whose.in_(bindparam("names", expanding=True))).values(**_BLANK)

_NAMED = select(EVENTS.c.seq).where(_IS_STRAY, EVENTS.c.whose.in_(bindparam("names", expanding=True)))

_END_NAMED = delete(WAITING).where(WAITING.c.event.in_(_NAMED))

_BLANK_THESE = update(EVENTS).where(_IS_STRAY, EVENTS.c.seq.in_(_SEQS)).values(**_BLANK)

_SIZES = (
    select(EVENTS.c.seq, EVENTS.c.received_at, func.coalesce(func.length(EVENTS.c.raw), 0).label("size"))
    .where(
        _IS_STRAY,
        tuple_(EVENTS.c.received_at, EVENTS.c.seq)
        > tuple_(bindparam("last_at", type_=EVENTS.c.received_at.type), bindparam("last_seq", type_=EVENTS.c.seq.type)),
    )
    .order_by(EVENTS.c.received_at, EVENTS.c.seq)
    .limit(bindparam("most"))
)

_BODIES = select(EVENTS.c.seq, EVENTS.c.data, EVENTS.c.raw).where(_IS_STRAY, EVENTS.c.seq.in_(_SEQS))

_NAMES = select(EVENTS.c.seq, EVENTS.c.whose).where(_IS_STRAY, EVENTS.c.seq.in_(_SEQS))

_KEPT_ORDER = select(ORDERS.c.id).where(ORDERS.c.id == bindparam("named"), ORDERS.c.deleted_at.is_(None))

_OTHER_CUSTOMER = select(CUSTOMERS.c.id).where(CUSTOMERS.c.id == bindparam("named"), CUSTOMERS.c.id != bindparam("who"))

_OTHERS_TERM = (
    select(CUSTOMER_TERMS.c.customer_id)
    .where(
        CUSTOMER_TERMS.c.kind == bindparam("by"),
        CUSTOMER_TERMS.c.value == bindparam("named"),
        CUSTOMER_TERMS.c.customer_id != bindparam("who"),
    )
    .limit(1)
)

_OLD = (
    select(EVENTS.c.seq)
    .where(_IS_STRAY, EVENTS.c.received_at < bindparam("before"))
    .order_by(EVENTS.c.received_at, EVENTS.c.seq)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


async def seek(store: Store, traces: Traces, *, now: datetime) -> Sought:
    """Look through all strays for a person, in small transactions; `erase` looks at those only that came since."""
    found: list[int] = []
    last: _Place | None = (_START, 0)
    while last is not None:
        async with store.read() as tx:
            seqs, last = await _mentioning(tx, traces.mentions, after=last)
        found += seqs
    return Sought(tuple(found), until=now)


async def erase(tx: Tx, traces: Traces, *, sought: Sought) -> None:
    """Blank the strays of a person whose orders are deleted already; those of others, who mention them, are theirs."""
    await blank_named(tx, traces.names)
    found = list(sought.events)
    last: _Place | None = (_START if sought.until == _START else sought.until - _UNDER_WAY, 0)
    while last is not None:
        seqs, last = await _mentioning(tx, traces.mentions, after=last)
        found += seqs
    for seqs in _portions(sorted(set(found))):
        rows = await tx.rows(_NAMES, {"seqs": seqs})
        theirs = [row.seq for row in rows if not await _is_of_another(tx, row.whose, customer=traces.customer)]
        if theirs:
            await _blank(tx, theirs)


async def blank_named(tx: Tx, names: Sequence[str]) -> None:
    """Blank the strays that name one of these, as events write their names."""
    for portion in _portions(sorted(names)):
        await tx.run(_END_NAMED, {"names": portion})
        await tx.run(_BLANK_NAMED, {"names": portion})


async def forget(tx: Tx, *, before: datetime, limit: int) -> int:
    """Blank the oldest strays that came in before a moment; return how many. That they came stays in the journal."""
    seqs = [row.seq for row in await tx.rows(_OLD, {"before": before, "most": limit})]
    if seqs:
        await _blank(tx, seqs)
    return len(seqs)


async def _blank(tx: Tx, seqs: Sequence[int]) -> None:
    await awaiting.end(tx, numbers=seqs)
    await tx.run(_BLANK_THESE, {"seqs": list(seqs)})


async def _mentioning(tx: Tx, mentions: Mentions, *, after: _Place) -> tuple[list[int], _Place | None]:
    """Look at strays that follow a place; give those that mention the person, and the next place, None at the end."""
    if not mentions:
        return [], None
    heads = await tx.rows(_SIZES, {"last_at": after[0], "last_seq": after[1], "most": _BATCH})
    found: list[int] = []
    for seqs in _loads(heads):
        rows = await tx.rows(_BODIES, {"seqs": seqs})
        found += await asyncio.to_thread(_holding, mentions, rows)  # one may be a large mail
    return found, (heads[-1].received_at, heads[-1].seq) if len(heads) == _BATCH else None


def _holding(mentions: Mentions, rows: Sequence[Row[Any]]) -> list[int]:
    return [row.seq for row in rows if mentions.are_in(row.raw, data=row.data)]


def _loads(heads: Sequence[Row[Any]]) -> Iterator[list[int]]:
    """Divide strays so that the bodies of each part fit into memory."""
    load, size = list[int](), 0
    for head in heads:
        if load and size + head.size > _BATCH_BYTES:
            yield load
            load, size = [], 0
        load.append(head.seq)
        size += head.size
    if load:
        yield load


async def _is_of_another(tx: Tx, whose: str, *, customer: str) -> bool:
    """Say whether an event names an order that is kept, or another customer."""
    kind, _, value = whose.partition(":")
    if kind == "order":
        return await tx.first(_KEPT_ORDER, {"named": value}) is not None
    if kind == "customer":
        return await tx.first(_OTHER_CUSTOMER, {"named": value, "who": customer}) is not None
    return await tx.first(_OTHERS_TERM, {"by": kind, "named": value, "who": customer}) is not None


def _portions(of: Sequence[Any]) -> Iterator[list[Any]]:
    for begin in range(0, len(of), _BATCH):
        yield list(of[begin : begin + _BATCH])
