"""Events: what happened to one order, or to a customer and so to every open order of theirs (M50, M51, M56).

Also those that Temporal refused until they were given up: listed, and delivered again once their cause is mended.
"""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Request, Response

from activities.store import relay
from activities.store.history import DeadRecord
from activities.store.journal import Arrival
from activities.store.records import Page
from activities.store.values import Boundary
from starter.arrivals import EventAnswer
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.arrivals import arrival_of, take, taken
from starter.gateway.bodies import NewCustomerEvent, NewEvent
from starter.gateway.openapi import answers, body
from starter.gateway.parts import Cursor, Gateway, Key, Limit, linked
from starter.gateway.strict import StrictRoute
from workflows.contracts.events import EVENT_TYPES

router = APIRouter(tags=["events"], route_class=StrictRoute)
_WRITE = [Depends(needs(Right.EVENTS_WRITE))]
_ADMIN = [Depends(needs(Right.ADMIN))]

_REPLAYED = examples.taken(examples.EVENT, type="payment.paid")


class EventTypeRecord(Boundary):
    """An event type of the catalogue. `webhook.CODE` may be sent, too; its codes are the shop's own."""

    name: str
    description: str
    to_customer_level: bool


@router.get(
    "/v1/event-types",
    dependencies=[Depends(needs(Right.ORDERS_READ))],
    responses=answers([examples.EVENT_TYPE]),
)
async def list_event_types() -> list[EventTypeRecord]:
    """List the event types that may be sent."""
    return [
        EventTypeRecord(name=known.name, description=known.description, to_customer_level=known.to_customer_level)
        for known in EVENT_TYPES.values()
        if known.name != "order.created"
    ]


@router.post(
    "/v1/orders/{number}/events",
    status_code=202,
    dependencies=_WRITE,
    responses=taken(examples.EVENT, type="payment.paid", refusals=(404, 409)),
)
async def send_event(
    request: Request,
    response: Response,
    gateway: Gateway,
    key: Key,
    event: Annotated[NewEvent, Body(openapi_examples=body(examples.EVENT, summary="The order is paid"))],
) -> EventAnswer:
    """Tell what happened to an order. The event is journalled before the answer and handled once by (source, id)."""
    fields = await arrival_of(event, type=event.type, data=event.data, request=request)
    return await take(gateway, arrival=Arrival(**fields, orders=(key,)), response=response)


@router.post(
    "/v1/events",
    status_code=202,
    dependencies=_WRITE,
    responses=taken(examples.CUSTOMER_EVENT, type="call.missed", refusals=(409,)),
)
async def send_customer_event(
    request: Request,
    response: Response,
    gateway: Gateway,
    event: Annotated[NewCustomerEvent, Body(openapi_examples=body(examples.CUSTOMER_EVENT, summary="A missed call"))],
) -> EventAnswer:
    """Tell what a customer did. It goes to every open order of theirs; without one it is kept and does nothing."""
    fields = await arrival_of(event, type=event.type, data=event.data, request=request)
    return await take(gateway, arrival=Arrival(**fields, customer=event.customer), response=response)


@router.get("/v1/events/dead", dependencies=_ADMIN, responses=answers(examples.page(examples.DEAD_RECORD)))
async def list_dead_events(
    request: Request, response: Response, gateway: Gateway, cursor: Cursor = None, limit: Limit = 50
) -> Page[DeadRecord]:
    """List the deliveries of events that were given up, the oldest first; `error` is what Temporal said last."""
    async with gateway.listing() as tx:
        page = await relay.dead(tx, cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)


@router.post(
    "/v1/events/dead/{id}/replay",
    status_code=202,
    dependencies=_ADMIN,
    responses=answers(_REPLAYED, status=202, refusals=(404,)),
)
async def replay_dead_event(
    gateway: Gateway, id: Annotated[int, Path(description="The delivery's id, from the list.", ge=1, lt=2**63)]
) -> EventAnswer:
    """Deliver an event again that was given up; it begins anew with all its tries."""
    async with gateway.store.write() as tx:
        delivery = await relay.replay(tx, id=id, now=gateway.now())
    gateway.relay.hand([delivery])
    event = delivery.event
    return EventAnswer(id=event.id, source=event.source, type=event.type, orders=[delivery.key.number])
