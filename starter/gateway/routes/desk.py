"""The employees' desk: tasks, notices, and what the outbox took in place of a provider."""

from ipaddress import ip_address
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from activities.store import documents, notices, orders, outbox, tasks
from activities.store.history import NoticeRecord, OutboxRecord, TaskRecord
from activities.store.records import Page
from activities.store.values import Name
from starter.gateway import examples, outbox_page
from starter.gateway.access import Right, known_key, needs, refuse_without
from starter.gateway.openapi import answers
from starter.gateway.pages.documents import file_of
from starter.gateway.parts import Cursor, Gateway, Key, Limit, Parts, linked

router = APIRouter(tags=["desk"])
_READ = [Depends(needs(Right.ORDERS_READ))]

Employee = Annotated[Name, Query(description="An employee's id.", examples=["olga"])]


@router.get("/v1/orders/{number}/tasks", dependencies=_READ, responses=answers([examples.TASK_RECORD], refusals=(404,)))
async def list_tasks_of_order(gateway: Gateway, key: Key) -> list[TaskRecord]:
    """List an order's tasks, the oldest first."""
    async with gateway.store.read() as tx:
        await orders.get(tx, key)
        return await tasks.of_order(tx, key)


@router.get(
    "/v1/orders/{number}/notices", dependencies=_READ, responses=answers([examples.NOTICE_RECORD], refusals=(404,))
)
async def list_notices_of_order(gateway: Gateway, key: Key) -> list[NoticeRecord]:
    """List the notices about an order, the oldest first."""
    async with gateway.store.read() as tx:
        await orders.get(tx, key)
        return await notices.of_order(tx, key)


@router.get("/v1/tasks", dependencies=_READ, responses=answers(examples.page(examples.TASK_RECORD)))
async def list_tasks(
    request: Request, response: Response, gateway: Gateway, employee: Employee, cursor: Cursor = None, limit: Limit = 50
) -> Page[TaskRecord]:
    """List an employee's open tasks, the oldest first."""
    async with gateway.listing() as tx:
        page = await tasks.of_employee(tx, employee=employee, cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)


@router.get("/v1/notices", dependencies=_READ, responses=answers(examples.page(examples.NOTICE_RECORD)))
async def list_notices(
    request: Request, response: Response, gateway: Gateway, employee: Employee, cursor: Cursor = None, limit: Limit = 50
) -> Page[NoticeRecord]:
    """List an employee's notices, the newest first."""
    async with gateway.listing() as tx:
        page = await notices.of_employee(tx, employee=employee, cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)


@router.get(
    "/v1/outbox",
    dependencies=[Depends(needs(Right.CUSTOMERS_READ))],
    responses=answers(examples.page(examples.OUTBOX_RECORD)),
)
async def list_outbox(
    request: Request, response: Response, gateway: Gateway, cursor: Cursor = None, limit: Limit = 50
) -> Page[OutboxRecord]:
    """List what would have been sent, and what rules wrote into the web chat, the newest first.

    It holds addresses and texts of customers. What employees wrote or whispered is in the chats.
    """
    async with gateway.listing() as tx:
        page = await outbox.page(tx, cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)


@router.get("/outbox", response_class=HTMLResponse, include_in_schema=False)
async def show_outbox(request: Request, gateway: Gateway, cursor: Cursor = None) -> HTMLResponse:
    """Show what would have been sent as a page: to a browser on this machine, or with a key that has customers:read."""
    await _refuse_strangers(request, gateway)
    async with gateway.listing() as tx:
        page = await outbox.page(tx, cursor=cursor, limit=50)
    shown = outbox_page.page_of(page, channels=gateway.settings.channels())
    return HTMLResponse(shown, headers=outbox_page.HEADERS)


@router.get("/outbox/documents/{id}", include_in_schema=False)
async def show_outbox_document(request: Request, gateway: Gateway, id: UUID) -> Response:
    """Show a document that goes with a message of the outbox, to whom the outbox is shown; it counts as no viewing."""
    await _refuse_strangers(request, gateway)
    async with gateway.store.read() as tx:
        return file_of(await documents.get(tx, id=id))


async def _refuse_strangers(request: Request, gateway: Parts) -> None:
    if not _is_local(request):
        refuse_without(Right.CUSTOMERS_READ, key=await known_key(gateway.store, headers=request.headers))


_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def _is_local(request: Request) -> bool:
    """Say whether a browser of this machine asks, by this machine's own name.

    A proxy on the same machine also comes from loopback, so its headers rule it out; the Host header rules out a page
    of the internet whose name was made to point here.
    """
    if request.client is None or any(header in request.headers for header in _FORWARDED):
        return False
    return _is_loopback(request.client.host) and _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
