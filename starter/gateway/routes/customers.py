"""Customers: contacts and companies, found by phone or mail address, created, changed, erased."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from activities.store import customers, erasing
from activities.store.database import Conflict, NotFound
from activities.store.records import CustomerPatch, CustomerRecord, NewCustomer, Page
from activities.store.values import Boundary, MailAddress, PhoneNumber
from starter.client import OrdersError
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.openapi import again, answers, body, changes
from starter.gateway.parts import Cursor, Gateway, Limit, Named, linked
from starter.gateway.problems import at
from starter.gateway.strict import StrictRoute
from workflows.contracts.events import Event

router = APIRouter(prefix="/v1/customers", tags=["people"], route_class=StrictRoute)
_READ = [Depends(needs(Right.CUSTOMERS_READ))]
_WRITE = [Depends(needs(Right.CUSTOMERS_WRITE))]
_RECORD = examples.CUSTOMER_RECORD


class Erased(Boundary):
    """What went with an erased customer: the numbers of their orders."""

    orders: list[str]


@router.post(
    "",
    status_code=201,
    dependencies=_WRITE,
    responses=changes(_RECORD, status=201, also=again(_RECORD, model=CustomerRecord), refusals=(409,)),
)
async def create_customer(
    response: Response,
    gateway: Gateway,
    new: Annotated[NewCustomer, Body(openapi_examples=body(examples.CUSTOMER, summary="A contact"))],
) -> CustomerRecord:
    """Create a customer. With an id of your own the same request may be sent again safely."""
    now = gateway.now()
    try:
        async with gateway.store.write() as tx:
            record = await customers.create(tx, new, now=now)
    except NotFound as error:
        raise at("/company_id", detail=str(error)) from error
    if record.created_at != now:
        _refuse_other(new, record=record)
        response.status_code = 200
    response.headers["Location"] = f"/v1/customers/{record.id}"
    return record


@router.get("", dependencies=_READ, responses=answers(examples.page(_RECORD)))
async def list_customers(
    request: Request,
    response: Response,
    gateway: Gateway,
    phone: Annotated[PhoneNumber | None, Query(description="A phone, with + and the country's code.")] = None,
    email: Annotated[MailAddress | None, Query(description="A mail address.")] = None,
    q: Annotated[str | None, Query(max_length=200, description="Beginning of a name, or a whole address.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CustomerRecord]:
    """List customers, or find them by exactly one of phone, email, q."""
    given = [value for value in (phone, email, q) if value]
    if len(given) > 1:
        raise at("", detail="give only one of phone, email, q")
    async with gateway.listing() as tx:
        page = await customers.page(tx, q=given[0] if given else None, cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)


@router.get("/{id}", dependencies=_READ, responses=answers(_RECORD, refusals=(404,)))
async def get_customer(gateway: Gateway, id: Named) -> CustomerRecord:
    """Read a customer."""
    async with gateway.store.read() as tx:
        return await customers.get(tx, id=id)


@router.patch("/{id}", dependencies=_WRITE, responses=changes(_RECORD, refusals=(404,)))
async def change_customer(
    gateway: Gateway,
    id: Named,
    patch: Annotated[CustomerPatch, Body(openapi_examples=body(examples.CUSTOMER_PATCH, summary="Another language"))],
) -> CustomerRecord:
    """Change fields of a customer; those not given stay."""
    try:
        async with gateway.store.write() as tx:
            return await customers.patch(tx, id=id, patch=patch, now=gateway.now())
    except ValueError as error:
        raise at("/phones", detail=str(error)) from error


@router.delete("/{id}", dependencies=_WRITE, responses=changes({"orders": [examples.NUMBER]}, refusals=(404,)))
async def erase_customer(gateway: Gateway, id: Named) -> Erased:
    """Delete a customer with all their orders, for good. What happened stays, anonymised; blocked addresses stay so."""
    now = gateway.now()
    sought = await erasing.seek(gateway.store, id=id, now=now)
    async with gateway.store.write() as tx:
        erased = await erasing.customer(tx, id=id, now=now, sought=sought)
    with suppress(OrdersError):  # where Temporal is down, a workflow ends with its next event
        for key in erased.open:
            event = Event(id=f"{key}:deleted", type="order.deleted", at=gateway.now(), source="orders")
            await gateway.orders.signal(key, event=event)
    return Erased(orders=[key.number for key in erased.orders])


def _refuse_other(new: NewCustomer, *, record: CustomerRecord) -> None:
    """Raise Conflict where the id belongs to a customer with other content."""
    if new.model_dump() != record.model_dump(include=set(NewCustomer.model_fields)):
        raise Conflict(f"Customer '{record.id}' exists with other content; change it with PATCH.")
