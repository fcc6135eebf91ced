"""Takes events in, whatever way they come: one transaction of the journal, and an answer: what became of the event."""

from datetime import datetime

from pydantic import Field

from activities.runtime import faults
from activities.runtime.faults import Step
from activities.store import journal
from activities.store.database import Conflict, Store, Tx
from activities.store.facts import Locked
from activities.store.journal import Arrival, Journalled
from activities.store.values import Boundary


class EventAnswer(Boundary):
    """An event is journalled. `duplicate`: it had been before, and nothing is done again."""

    id: str
    source: str
    type: str
    orders: list[str] = Field(description="Numbers of the orders it goes to.")
    duplicate: bool = False
    unmatched: bool = Field(default=False, description="No order was found; the event is kept and does nothing.")


class IdTaken(Conflict):
    """The event's id was used for another event."""


async def take_in(store: Store, arrival: Arrival, *, now: datetime) -> Journalled:
    """Journal an event once, in a transaction of its own; raise NotFound, BadEvent, IdTaken."""
    async with store.write() as tx:
        journalled = await note(tx, arrival, now=now)
    faults.reach(Step.JOURNALLED)
    return journalled


async def note(tx: Tx, arrival: Arrival, *, now: datetime, order: Locked | None = None) -> Journalled:
    """Journal an event once; `order` is the one it names, where it is locked.

    Raise NotFound, BadEvent, IdTaken: then nothing was written.
    """
    journalled = await journal.append(tx, arrival, now=now, order=order)
    await _refuse_other(tx, arrival, journalled=journalled)
    return journalled


def answer_of(arrival: Arrival, *, journalled: Journalled) -> EventAnswer:
    """Say what became of an event."""
    return EventAnswer(
        id=arrival.id,
        source=arrival.source,
        type=arrival.type,
        orders=[key.number for key in journalled.orders],
        duplicate=not journalled.is_new,
        unmatched=journalled.unmatched,
    )


async def _refuse_other(tx: Tx, arrival: Arrival, *, journalled: Journalled) -> None:
    """Raise IdTaken where the id was used for another event: answering "duplicate" would lose this one."""
    others = [key.number for key in journalled.orders if arrival.orders and key not in arrival.orders]
    if others:
        raise IdTaken(_used(arrival, where=f"order {others[0]}"))
    if journalled.is_new or not journalled.orders:
        return
    before = await journal.event_for(tx, journalled.orders[0], source=arrival.source, id=arrival.id)
    if before is not None and before.type != arrival.type:
        raise IdTaken(_used(arrival, where=f"an event {before.type}"))


def _used(arrival: Arrival, *, where: str) -> str:
    return f"The id '{arrival.id}' of source '{arrival.source}' was used for {where}; give each event an id of its own."
