"""An event over HTTP: journalled, then handed to the relay. Nothing else happens in the request."""

from collections.abc import Iterable
from typing import Any

from fastapi import Request, Response

from activities.runtime import faults
from activities.runtime.faults import Step
from activities.store.database import NotFound, StoreError, Tx
from activities.store.facts import BadEvent, Locked
from activities.store.journal import Arrival, Journalled
from starter.arrivals import EventAnswer, IdTaken, answer_of, note
from starter.gateway import examples
from starter.gateway.bodies import Happening
from starter.gateway.openapi import Answers, again, changes
from starter.gateway.parts import Parts
from starter.gateway.problems import at
from starter.relay import GRACE


def taken(example: dict[str, Any], *, type: str, refusals: Iterable[int]) -> Answers:
    """Describe a route that takes an event, by an example of one."""
    first, second = (examples.taken(example, type=type, is_duplicate=is_again) for is_again in (False, True))
    return changes(first, status=202, also=again(second, model=EventAnswer), refusals=refusals)


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
    """Journal an event; answer 202, or 200 where it had been taken before. Raise NotFound, BadEvent, IdTaken."""
    now = gateway.now()

    async def noted(tx: Tx, order: Locked | None) -> Journalled | StoreError:
        try:
            return await note(tx, arrival, now=now, order=order)
        except (NotFound, BadEvent, IdTaken) as error:  # nothing was written: others may share the commit all the same
            return error

    key = str(arrival.orders[0]) if len(arrival.orders) == 1 else ""
    journalled = await gateway.commits.run(noted, order=key, event=f"{arrival.source}/{arrival.id}")
    if isinstance(journalled, StoreError):
        raise journalled
    faults.reach(Step.JOURNALLED)
    gateway.relay.hand(journalled.deliveries)
    response.status_code = 202 if journalled.is_new else 200
    return answer_of(arrival, journalled=journalled)


def _event_id(happening: Happening, *, request: Request) -> str:
    given = happening.id or request.headers.get("idempotency-key", "").strip()
    if not given or len(given) > 200:
        raise at("/id", detail="an event needs an id of at most 200 characters, in the body or as Idempotency-Key")
    return given
