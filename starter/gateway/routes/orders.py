"""Orders: created, read, listed, changed. Creating and changing are events; the pipeline takes them up (M01, M23)."""

import hashlib
import json
from datetime import datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from activities.runtime import faults
from activities.runtime.faults import Step
from activities.store import journal, orders
from activities.store.database import Conflict, NotFound, Store, Tx
from activities.store.journal import Arrival, Delivery
from activities.store.records import NewOrder, OrderFilter, OrderPatch, OrderRecord, Page
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.bodies import OrderQuery
from starter.gateway.openapi import again, answers, body, changes
from starter.gateway.parts import Gateway, Key, Parts, linked
from starter.gateway.problems import at
from starter.gateway.strict import StrictRoute
from starter.relay import GRACE
from workflows.contracts.ids import OrderKey

router = APIRouter(tags=["orders"], route_class=StrictRoute)
_READ = [Depends(needs(Right.ORDERS_READ))]
_WRITE = [Depends(needs(Right.ORDERS_WRITE))]

_RECORD = examples.ORDER_RECORD
_POINTERS = {"customer": "/customer_id", "company": "/customer/company_id", "employee": "/responsible"}

#: Under this source the parts of the product journal what happens to an order's record.
SOURCE = "orders"


@router.post(
    "/v1/orders",
    status_code=201,
    dependencies=_WRITE,
    responses=changes(_RECORD, status=201, also=again(_RECORD, model=OrderRecord), refusals=(409,)),
)
async def create_order(
    request: Request,
    response: Response,
    gateway: Gateway,
    new: Annotated[NewOrder, Body(openapi_examples=body(examples.ORDER, summary="An order of a new customer"))],
) -> OrderRecord:
    """Create an order; its automation starts. Give it a number: then the same request may be sent again safely."""
    if "shop" not in new.model_fields_set:
        new = new.model_copy(update={"shop": gateway.settings.shop})
    try:
        record = await _created(gateway, new=new, raw=await request.body())
        response.status_code = 201
    except NotFound as error:
        raise at(_POINTERS.get(error.what, ""), detail=str(error)) from error
    except Conflict:
        record = await _created_before(gateway.store, new=new)
        response.status_code = 200
    response.headers["Location"] = f"/v1/orders/{record.number}"
    return record


@router.get("/v1/orders", dependencies=_READ, responses=answers(examples.page(examples.ORDER_RECORD)))
async def list_orders(
    request: Request,
    response: Response,
    gateway: Gateway,
    query: Annotated[OrderQuery, Query()],
) -> Page[OrderRecord]:
    """List orders, the newest first."""
    given = query.model_dump(exclude={"cursor", "limit"})
    wanted = OrderFilter(**given | {"shop": query.shop or gateway.settings.shop})
    async with gateway.listing() as tx:
        page = await orders.page(tx, filter=wanted, cursor=query.cursor, limit=query.limit)
    return linked(page, request=request, response=response)


@router.get("/v1/orders/{number}", dependencies=_READ, responses=answers(examples.ORDER_RECORD, refusals=(404,)))
async def get_order(gateway: Gateway, key: Key) -> OrderRecord:
    """Read an order."""
    async with gateway.store.read() as tx:
        return await orders.get(tx, key)


@router.patch(
    "/v1/orders/{number}",
    dependencies=_WRITE,
    responses=changes(examples.ORDER_RECORD, refusals=(404, 409)),
)
async def change_order(
    request: Request,
    gateway: Gateway,
    key: Key,
    patch: Annotated[OrderPatch, Body(openapi_examples=body(examples.ORDER_PATCH, summary="A later delivery"))],
) -> OrderRecord:
    """Change fields of an order; those not given stay. Waiting rules that depend on them are timed anew."""
    id = request.headers.get("idempotency-key", "").strip()[:150] or str(uuid4())
    changes_made = _events_of(patch)
    if not changes_made:
        raise at("", detail="there is nothing to change; give at least one field")
    now = gateway.now()
    deliveries: list[Delivery] = []
    async with gateway.store.write() as tx:
        for type, data in changes_made:  # two at most
            arrival = Arrival(source="api", id=f"{id}:{type}", type=type, at=now, data=data, orders=(key,), grace=GRACE)
            deliveries += (await journal.append(tx, arrival, now=now)).deliveries
        record = await orders.get(tx, key)
    gateway.relay.hand(deliveries)
    return record


async def _created(gateway: Parts, *, new: NewOrder, raw: bytes) -> OrderRecord:
    """Store an order and journal its creation in one transaction."""
    now = gateway.now()
    async with gateway.store.write() as tx:
        await _check_stage(tx, gateway, new=new)
        record = await orders.create(tx, new, now=now)
        journalled = await journal.append(tx, _creation(record, new=new, raw=raw, now=now), now=now)
    faults.reach(Step.JOURNALLED)
    gateway.relay.hand(journalled.deliveries)
    return record


async def _check_stage(tx: Tx, gateway: Parts, *, new: NewOrder) -> None:
    """Raise Problem (422) for a pipeline or a stage that does not exist: the order could never move."""
    try:
        pipeline, _ = await gateway.shelf.latest(tx, name=new.pipeline)
    except NotFound as error:
        raise at("/pipeline", detail=f"{error}; publish it with `orders pipeline publish`") from error
    if new.stage and new.stage not in pipeline.stages:
        known = ", ".join(pipeline.stages)
        raise at("/stage", detail=f"pipeline '{new.pipeline}' has no stage '{new.stage}'; it has {known}")


def _creation(record: OrderRecord, *, new: NewOrder, raw: bytes, now: datetime) -> Arrival:
    data = {"request": _digest(new)} | ({"stage": new.stage} if new.stage else {})
    return Arrival(
        source=SOURCE,
        id=_created_id(record.key),
        type="order.created",
        at=now,
        data=data,
        raw=raw,
        orders=(record.key,),
        grace=GRACE,
    )


async def _created_before(store: Store, *, new: NewOrder) -> OrderRecord:
    """Return the order a repeated request made before; raise Conflict if it was another one's number or token."""
    async with store.read() as tx:
        key = OrderKey(shop=new.shop, number=new.number or "")
        record = await _found(tx, key)
        before = record and await journal.event_for(tx, key, source=SOURCE, id=_created_id(key))
    if record is None:
        raise Conflict(f"The token '{new.token}' belongs to another order; give this one another token or none.")
    if not before or before.data.get("request") != _digest(new):
        raise Conflict(f"Order {new.number} exists with other content; change it with PATCH /v1/orders/{new.number}.")
    return record


async def _found(tx: Tx, key: OrderKey) -> OrderRecord | None:
    try:
        return await orders.get(tx, key)
    except NotFound:
        return None


def _created_id(key: OrderKey) -> str:
    return f"{key}:created"


def _digest(new: NewOrder) -> str:
    """Return the fingerprint of a request's content, by which its repetition is known.

    The order of keys does not count, nor do defaults: a later version may have more of them.
    """
    text = json.dumps(new.model_dump(mode="json", exclude_defaults=True), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _events_of(patch: OrderPatch) -> list[tuple[str, dict[str, object]]]:
    """Return the events a change consists of."""
    given = patch.model_dump(mode="json", include=set(patch.model_fields_set))
    responsible = given.pop("responsible", None)
    fields = (given.pop("fields", None) or {}) | given
    events: list[tuple[str, dict[str, object]]] = []
    if fields:
        events.append(("order.edited", {"fields": fields}))
    if responsible:
        events.append(("responsible.changed", {"employee": responsible}))
    return events
