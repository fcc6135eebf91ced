"""Events: what happened to one order, or to a customer and so to every open order of theirs (M50, M51, M56)."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response

from activities.store.journal import Arrival
from activities.store.values import Boundary
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.arrivals import arrival_of, take
from starter.gateway.bodies import EventAnswer, NewCustomerEvent, NewEvent
from starter.gateway.openapi import again, answers, body, changes
from starter.gateway.parts import Gateway, Key
from starter.gateway.strict import StrictRoute
from workflows.contracts.events import EVENT_TYPES

router = APIRouter(tags=["events"], route_class=StrictRoute)
_WRITE = [Depends(needs(Right.EVENTS_WRITE))]

_TAKEN = examples.taken(examples.EVENT, type="payment.paid")
_TAKEN_BEFORE = examples.taken(examples.EVENT, type="payment.paid", is_duplicate=True)
_MISSED = examples.taken(examples.CUSTOMER_EVENT, type="call.missed")
_MISSED_BEFORE = examples.taken(examples.CUSTOMER_EVENT, type="call.missed", is_duplicate=True)


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
    responses=changes(_TAKEN, status=202, also=again(_TAKEN_BEFORE, model=EventAnswer), refusals=(404, 409)),
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
    responses=changes(_MISSED, status=202, also=again(_MISSED_BEFORE, model=EventAnswer), refusals=(409,)),
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
