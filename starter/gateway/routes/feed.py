"""The employees' feed, and the shop's lists: what rules write there."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from activities.store import lists, posts
from activities.store.history import ListItemRecord, PostRecord
from activities.store.records import Page
from activities.store.values import Name
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.openapi import answers
from starter.gateway.parts import Cursor, Gateway, Limit, linked

router = APIRouter(tags=["desk"])

_POST = {
    "id": 3,
    "shop": "shop",
    "number": examples.NUMBER,
    "title": "A great order",
    "text": "Olga sold 49.00 EUR!",
    "sender": "Sales",
    "readers": ["olga"],
    "created_at": examples.AT,
}

_ITEM = {
    "id": "2f1c6a3e-7d19-5b0e-8c55-3a1f0e9d7b11",
    "list": "to-reorder",
    "shop": "shop",
    "number": examples.NUMBER,
    "fields": {"sku": "MUG-1"},
    "created_at": examples.AT,
}


@router.get("/v1/feed", dependencies=[Depends(needs(Right.ORDERS_READ))], responses=answers(examples.page(_POST)))
async def list_feed(
    request: Request,
    response: Response,
    gateway: Gateway,
    employee: Annotated[Name, Query(description="Who reads: an employee's id.", examples=["olga"])],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PostRecord]:
    """List what an employee sees in the feed, the newest first."""
    async with gateway.listing() as tx:
        page = await posts.of_employee(tx, employee=employee, cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)


@router.get(
    "/v1/lists/{list}",
    dependencies=[Depends(needs(Right.CUSTOMERS_READ))],
    responses=answers(examples.page(_ITEM)),
)
async def list_entries(
    request: Request,
    response: Response,
    gateway: Gateway,
    name: Annotated[Name, Path(alias="list", description="The list's name.", examples=["to-reorder"])],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ListItemRecord]:
    """List a list's entries, the oldest first. They may hold what customers said; an unknown list is empty."""
    async with gateway.listing() as tx:
        page = await lists.page(tx, name=name, cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)
