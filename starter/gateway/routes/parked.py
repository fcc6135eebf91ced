"""Events that wait for a person: listed, given to an order, or dismissed."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Request, Response
from pydantic import Field

from activities.store import parked
from activities.store.parked import ParkedRecord
from activities.store.records import Page
from activities.store.values import Boundary, Number, Shop
from starter.arrivals import EventAnswer
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.openapi import answers, body, changes
from starter.gateway.parts import Cursor, Gateway, Limit, linked
from starter.gateway.strict import StrictRoute
from workflows.contracts.ids import OrderKey

router = APIRouter(prefix="/v1/events/parked", tags=["events"], route_class=StrictRoute)
_ADMIN = [Depends(needs(Right.ADMIN))]

Id = Annotated[int, Path(description="The event's id, from the list.", ge=1, lt=2**63)]


class Giving(Boundary):
    """The order an event is given to."""

    order: Number
    shop: Shop | None = Field(default=None, description="The gateway's own if not given.")


@router.get("", dependencies=_ADMIN, responses=answers(examples.page(examples.PARKED_RECORD)))
async def list_parked_events(
    request: Request, response: Response, gateway: Gateway, cursor: Cursor = None, limit: Limit = 50
) -> Page[ParkedRecord]:
    """List the events that wait for a person, the oldest first; `problem` says why."""
    async with gateway.listing() as tx:
        page = await parked.page(tx, now=gateway.now(), cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)


@router.post(
    "/{id}/give",
    status_code=202,
    dependencies=_ADMIN,
    responses=changes(examples.taken(examples.PAYMENT, type="payment.received"), status=202, refusals=(404, 409)),
)
async def give_parked_event(
    gateway: Gateway,
    id: Id,
    giving: Annotated[Giving, Body(openapi_examples=body({"order": examples.NUMBER}, summary="Its order"))],
) -> EventAnswer:
    """Give an event to an order: a person has looked, and it is to count."""
    key = OrderKey(shop=giving.shop or gateway.settings.shop, number=giving.order)
    async with gateway.store.write() as tx:
        event, deliveries = await parked.give(tx, id=id, key=key, now=gateway.now())
    gateway.relay.hand(deliveries)
    return EventAnswer(id=event.event, source=event.source, type=event.type, orders=[key.number])


@router.post("/{id}/dismiss", dependencies=_ADMIN, responses=answers(examples.PARKED_RECORD, refusals=(404,)))
async def dismiss_parked_event(gateway: Gateway, id: Id) -> ParkedRecord:
    """Lay an event aside: it stays in the journal and does nothing."""
    async with gateway.store.write() as tx:
        return await parked.dismiss(tx, id=id)
