"""Orders: created, read, listed, changed. Creating and changing are events; the pipeline takes them up (M01, M23)."""

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from activities.store import journal, orders
from activities.store.database import NotFound
from activities.store.journal import Arrival, Delivery
from activities.store.records import NewOrder, OrderFilter, OrderPatch, OrderRecord, Page
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.bodies import OrderQuery
from starter.gateway.openapi import again, answers, body, changes
from starter.gateway.parts import Gateway, Key, linked
from starter.gateway.problems import Problem, at
from starter.gateway.strict import StrictRoute
from starter.placing import NoSuchStage, Placement, place
from starter.relay import GRACE

router = APIRouter(tags=["orders"], route_class=StrictRoute)
_READ = [Depends(needs(Right.ORDERS_READ))]
_WRITE = [Depends(needs(Right.ORDERS_WRITE))]

_RECORD = examples.ORDER_RECORD
_POINTERS = {
    "pipeline": "/pipeline",
    "customer": "/customer_id",
    "company": "/customer/company_id",
    "employee": "/responsible",
}


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
    placement = Placement(new, await request.body(), gateway.now(), grace=GRACE)
    try:
        placed = await place(gateway.store, placement, shelf=gateway.shelf)
    except NoSuchStage as error:
        raise at("/stage", detail=f"{error}; it has {', '.join(error.stages)}") from error
    except NotFound as error:
        raise _misnamed(error) from error
    gateway.relay.hand(placed.deliveries)
    response.status_code = 201 if placed.is_new else 200
    response.headers["Location"] = f"/v1/orders/{placed.record.number}"
    return placed.record


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


def _misnamed(error: NotFound) -> Problem:
    """Say at which place of the body something is named that does not exist."""
    hint = "; publish it with `orders pipeline publish`" if error.what == "pipeline" else ""
    return at(_POINTERS.get(error.what, ""), detail=f"{error}{hint}")


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
