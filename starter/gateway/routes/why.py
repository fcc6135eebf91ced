"""What happened to an order (timeline), and why it did or did not (M64)."""

from fastapi import APIRouter, Depends, Request, Response

from activities.store import journal, orders, runs, timeline, visits
from activities.store.history import TimelineRecord
from activities.store.records import Page
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.openapi import answers
from starter.gateway.parts import Cursor, Gateway, Key, Limit, linked
from starter.reasons import Why, why_of

router = APIRouter(prefix="/v1/orders/{number}", tags=["answers"], dependencies=[Depends(needs(Right.ORDERS_READ))])


@router.get("/timeline", responses=answers(examples.page(examples.TIMELINE_RECORD), refusals=(404,)))
async def show_timeline(
    request: Request, response: Response, gateway: Gateway, key: Key, cursor: Cursor = None, limit: Limit = 50
) -> Page[TimelineRecord]:
    """List what people read about an order, the newest first."""
    async with gateway.listing() as tx:
        await orders.get(tx, key)
        page = await timeline.page(tx, key, cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)


@router.get("/why", responses=answers(examples.WHY, refusals=(404,)))
async def explain(gateway: Gateway, key: Key, cursor: Cursor = None, limit: Limit = 100) -> Why:
    """Say for every rule of every visit why it ran or did not, and for every event why it moved the order or not.

    The values that conditions compared stand with each. Events come in pages, the oldest first.
    """
    async with gateway.listing() as tx:
        order = await orders.get(tx, key)
        stays = await visits.visits_of(tx, key)
        executed = await runs.runs_of(tx, key)
        events = await journal.events_of(tx, key, cursor=cursor, limit=limit)
    return why_of(order, visits=stays, runs=executed, events=events)
