"""Payments and shipments of an order: recorded as events, so that triggers see them, and listed as records."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response

from activities.store import orders
from activities.store.journal import Arrival
from activities.store.records import PaymentRecord, ShipmentRecord
from starter.arrivals import EventAnswer
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.arrivals import arrival_of, take, taken
from starter.gateway.bodies import NewPayment, NewShipment
from starter.gateway.openapi import answers, body
from starter.gateway.parts import Gateway, Key
from starter.gateway.strict import StrictRoute

router = APIRouter(tags=["facts"], route_class=StrictRoute)
_READ = [Depends(needs(Right.ORDERS_READ))]
_WRITE = [Depends(needs(Right.EVENTS_WRITE))]


@router.post(
    "/v1/orders/{number}/payments",
    status_code=202,
    dependencies=_WRITE,
    responses=taken(examples.PAYMENT, type="payment.received", refusals=(404, 409)),
)
async def record_payment(
    request: Request,
    response: Response,
    gateway: Gateway,
    key: Key,
    payment: Annotated[NewPayment, Body(openapi_examples=body(examples.PAYMENT, summary="Money arrived"))],
) -> EventAnswer:
    """Record a payment: the event `payment.{what}`. Payments that cover the total make the order paid."""
    data = _given(payment, names=("amount", "currency", "reference"))
    fields = await arrival_of(payment, type=f"payment.{payment.what}", data=data, request=request)
    return await take(gateway, arrival=Arrival(**fields, orders=(key,)), response=response)


@router.get(
    "/v1/orders/{number}/payments",
    dependencies=_READ,
    responses=answers([examples.PAYMENT_RECORD], refusals=(404,)),
)
async def list_payments(gateway: Gateway, key: Key) -> list[PaymentRecord]:
    """List an order's payments, the oldest first."""
    async with gateway.store.read() as tx:
        await orders.get(tx, key)
        return await orders.payments_of(tx, key)


@router.post(
    "/v1/orders/{number}/shipments",
    status_code=202,
    dependencies=_WRITE,
    responses=taken(examples.SHIPMENT, type="shipment.tracking_added", refusals=(404, 409)),
)
async def record_shipment(
    request: Request,
    response: Response,
    gateway: Gateway,
    key: Key,
    shipment: Annotated[NewShipment, Body(openapi_examples=body(examples.SHIPMENT, summary="A tracking number"))],
) -> EventAnswer:
    """Record what happened to a shipment: the event `shipment.{what}`."""
    data = _given(shipment, names=("shipment", "tracking_number", "tracking_url", "status"))
    fields = await arrival_of(shipment, type=f"shipment.{shipment.what}", data=data, request=request)
    return await take(gateway, arrival=Arrival(**fields, orders=(key,)), response=response)


@router.get(
    "/v1/orders/{number}/shipments",
    dependencies=_READ,
    responses=answers([examples.SHIPMENT_RECORD], refusals=(404,)),
)
async def list_shipments(gateway: Gateway, key: Key) -> list[ShipmentRecord]:
    """List an order's shipments."""
    async with gateway.store.read() as tx:
        await orders.get(tx, key)
        return await orders.shipments_of(tx, key)


def _given(fact: NewPayment | NewShipment, *, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the values that were given, as JSON; money stays text."""
    return fact.model_dump(mode="json", include=set(names), exclude_none=True)
