"""A call of an outside vendor, once its signature was verified: what it tells is journalled, in one transaction.

In: what a source parsed (events, receipts of messages, entries for a person). Out: nothing but the commit; the
relay hands the events on. A source is one file in `sources/`: it verifies, parses, and calls `take`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any
from uuid import UUID

from activities.runtime import metrics
from activities.runtime.logs import log
from activities.store import journal, ledger, parked, payments
from activities.store.arrivals import stem
from activities.store.awaiting import Awaited
from activities.store.database import NotFound, Tx
from activities.store.facts import BadEvent, Locked
from activities.store.journal import Arrival, Journalled
from activities.store.ledger import Callback, DuplicateSend
from activities.store.records import CustomerRef
from starter.gateway.parts import Parts
from starter.relay import GRACE
from workflows.contracts.ids import OrderKey

_log = log("hooks")

#: Bytes of a body that the journal keeps: of a larger mail its headers and its text, which precede what is attached.
MOST_KEPT = 1024 * 1024

#: Words for a person who sees it when its patience is over.
_TOO_EARLY = "the payment that it takes back has not come: find out why, then give it to its order"

#: What the journal and the workflow take for an event's id.
_LONGEST_ID = 200


@dataclass(frozen=True)
class Happened:
    """Something that happened outside. It names its orders, or the customer whose orders it concerns.

    `raw` is its part of a call that tells of several people; without it, the whole call is kept with it. `awaited` is
    the event that it cannot come before: it waits for that one, and takes its orders where it names none.
    """

    id: str
    type: str
    at: datetime
    data: dict[str, Any] = field(default_factory=dict)
    orders: tuple[OrderKey, ...] = ()
    customer: CustomerRef | None = None
    raw: bytes | None = None
    awaited: Awaited | None = None


@dataclass(frozen=True)
class Receipt:
    """A provider's word on a message of ours: by our id of the send, and theirs."""

    send_id: UUID
    provider_id: str
    callback: Callback


@dataclass(frozen=True)
class Parked:
    """An entry of a verified call that only a person can deal with. `problem` says why, without a person's data.

    `raw` is its part of the call; without it, the whole call is kept with it.
    """

    id: str
    type: str
    problem: str
    data: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass(frozen=True)
class Told:
    """What one call of a vendor tells."""

    happened: Sequence[Happened] = ()
    receipts: Sequence[Receipt] = ()
    parked: Sequence[Parked] = ()


def unreadable(raw: bytes, *, source: str) -> Parked:
    """Keep a verified call that cannot be read, under an id of its own: the same for the same bytes."""
    return Parked(f"unreadable:{sha256(raw).hexdigest()[:32]}", f"{source}.unknown", "the call cannot be read")


#: What a source writes into its own records in the same transaction; what happened by it is journalled, too.
Also = Callable[[Tx], Awaitable[Sequence[Happened]]]


async def take(gateway: Parts, *, source: str, told: Told, raw: bytes, also: Also | None = None) -> None:
    """Journal all of it in one transaction; what had been journalled before changes nothing. Raise StoreDown."""
    now, raw = gateway.now(), raw[:MOST_KEPT]

    async def journalled(tx: Tx, order: Locked | None) -> list[journal.Delivery]:
        deliveries: list[journal.Delivery] = []
        more = await also(tx) if also is not None else ()
        for happened in (*told.happened, *more):
            arrival = await _placed(tx, _arrival(happened, source=source, raw=raw), awaited=happened.awaited, now=now)
            if arrival is not None:
                deliveries += (await _journalled(tx, arrival, order=order, now=now)).deliveries
        for receipt in told.receipts:
            await _received(tx, source=source, receipt=receipt, now=now)
        for entry in told.parked:
            id = _id(entry.id, raw=raw)
            kept = raw if entry.raw is None else entry.raw
            arrival = Arrival(source=source, id=id, type=entry.type, at=now, data=entry.data, raw=kept)
            await journal.park(tx, arrival, problem=entry.problem, now=now)
        return deliveries

    order = event = ""
    if also is None and (only := _only(told)) is not None:
        order, event = str(only.orders[0]), f"{source}/{only.id}"
    gateway.relay.hand(await gateway.commits.run(journalled, order=order, event=event))


def _only(told: Told) -> Happened | None:
    """Return the event that a call tells, if that is all, and it is about one order and no other event."""
    if len(told.happened) != 1 or told.receipts or told.parked:
        return None
    [only] = told.happened
    return only if len(only.orders) == 1 and only.awaited is None else None


def _arrival(happened: Happened, *, source: str, raw: bytes) -> Arrival:
    return Arrival(
        source=source,
        id=_id(happened.id, raw=raw),
        type=happened.type,
        at=happened.at,
        data=happened.data,
        raw=raw if happened.raw is None else happened.raw,
        orders=happened.orders,
        customer=happened.customer,
        grace=GRACE,
        problem="" if happened.id else "it has no id, by which its repetitions could be told",
    )


async def _placed(tx: Tx, arrival: Arrival, *, awaited: Awaited | None, now: datetime) -> Arrival | None:
    """Give an event with the orders of the one it comes behind; None where it was parked, to wait for that one."""
    if awaited is None or arrival.problem:
        return arrival
    named = replace(awaited, id=_id(awaited.id, raw=b""))
    return await parked.until_it_comes(tx, arrival, awaited=named, problem=_TOO_EARLY, now=now)


async def _journalled(tx: Tx, arrival: Arrival, *, order: Locked | None, now: datetime) -> Journalled:
    problem = arrival.problem or await _doubt(tx, arrival)
    if problem:
        await journal.park(tx, arrival, problem=problem, now=now)
        return Journalled(is_new=False, orders=(), unmatched=True)
    try:
        return await journal.append(tx, arrival, now=now, order=order)
    except NotFound:
        problem = "it names an order that does not exist"
    except BadEvent as error:
        problem = str(error)
    await journal.park(tx, arrival, problem=problem, now=now)
    return Journalled(is_new=False, orders=(), unmatched=True)


def _id(given: str, *, raw: bytes) -> str:
    """Return an id that the journal can hold: the sender's own, shortened where it must be; else one of the bytes."""
    if not given:
        return f"nameless:{sha256(raw).hexdigest()[:32]}"
    return given if len(given) <= _LONGEST_ID else stem(given)


async def _doubt(tx: Tx, arrival: Arrival) -> str:
    """Say why a vendor's payment needs a person; "" if it fits, or was journalled before."""
    if arrival.type != "payment.received" or len(arrival.orders) != 1:
        return ""
    amount = arrival.data.get("amount")
    if not isinstance(amount, str):
        return ""  # the journal says what is wrong with it
    try:
        return await payments.doubt(tx, arrival.orders[0], amount=Decimal(amount), at=arrival.at)
    except InvalidOperation:
        return ""


async def _received(tx: Tx, *, source: str, receipt: Receipt, now: datetime) -> None:
    try:
        await ledger.delivered(
            tx, send_id=receipt.send_id, provider_id=receipt.provider_id, callback=receipt.callback, now=now
        )
    except NotFound:
        _log.warning("A receipt names a send that is not ours", source=source, send=str(receipt.send_id))
    except DuplicateSend:
        metrics.DUPLICATE_SENDS.labels(provider=source).inc()
        _log.error("A message may have been sent twice", source=source, send=str(receipt.send_id))
