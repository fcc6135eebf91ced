"""Takes an event in: one transaction of the journal, then a kick for the relay. Nothing else happens in the request."""

from typing import Any

from fastapi import Request, Response

from activities.runtime import faults
from activities.runtime.faults import Step
from activities.store import journal
from activities.store.database import Conflict, Tx
from activities.store.journal import Arrival, Journalled
from starter.gateway.bodies import EventAnswer, Happening
from starter.gateway.parts import Parts
from starter.gateway.problems import at
from starter.relay import GRACE


async def arrival_of(happening: Happening, *, type: str, data: dict[str, Any], request: Request) -> dict[str, Any]:
    """Return the fields of an arrival that every request gives; raise Problem (422) without an event id."""
    parts: Parts = request.app.state.parts
    return {
        "source": happening.source,
        "id": _event_id(happening, request=request),
        "type": type,
        "at": happening.at or parts.now(),
        "data": data,
        "raw": await request.body(),
        "grace": GRACE,
    }


async def take(gateway: Parts, *, arrival: Arrival, response: Response) -> EventAnswer:
    """Journal an event; answer 202, or 200 where it had been taken before."""
    async with gateway.store.write() as tx:
        journalled = await journal.append(tx, arrival, now=gateway.now())
        await _refuse_other(tx, arrival, journalled=journalled)
    faults.reach(Step.JOURNALLED)
    gateway.relay.hand(journalled.deliveries)
    response.status_code = 202 if journalled.is_new else 200
    return EventAnswer(
        id=arrival.id,
        source=arrival.source,
        type=arrival.type,
        orders=[key.number for key in journalled.orders],
        duplicate=not journalled.is_new,
        unmatched=journalled.unmatched,
    )


def _event_id(happening: Happening, *, request: Request) -> str:
    given = happening.id or request.headers.get("idempotency-key", "").strip()
    if not given or len(given) > 200:
        raise at("/id", detail="an event needs an id of at most 200 characters, in the body or as Idempotency-Key")
    return given


async def _refuse_other(tx: Tx, arrival: Arrival, *, journalled: Journalled) -> None:
    """Raise Conflict where the id was used for another event: answering "duplicate" would lose this one."""
    others = [key.number for key in journalled.orders if arrival.orders and key not in arrival.orders]
    if others:
        raise Conflict(_used(arrival, where=f"order {others[0]}"))
    if journalled.is_new or not journalled.orders:
        return
    before = await journal.event_for(tx, journalled.orders[0], source=arrival.source, id=arrival.id)
    if before is not None and before.type != arrival.type:
        raise Conflict(_used(arrival, where=f"an event {before.type}"))


def _used(arrival: Arrival, *, where: str) -> str:
    return f"The id '{arrival.id}' of source '{arrival.source}' was used for {where}; give each event an id of its own."
