"""Notices and employees' answers of which nobody can tell whether they left: listed, sent again, laid aside."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Request, Response
from pydantic import Field

from activities.store import held
from activities.store.held import HeldRecord
from activities.store.records import Page
from activities.store.values import Boundary
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.openapi import Answers, answers, body, changes
from starter.gateway.parts import Cursor, Gateway, Limit, linked
from starter.gateway.strict import StrictRoute

router = APIRouter(
    prefix="/v1/messages", tags=["desk"], route_class=StrictRoute, dependencies=[Depends(needs(Right.ADMIN))]
)

HELD_RECORD: dict[str, Any] = {
    "id": "0d5f2a34-1c0b-5f0e-9d63-6a8f5f0f2a11",
    "kind": "notice",
    "way": "email",
    "to": "olga",
    "shop": "shop",
    "number": examples.NUMBER,
    "provider": "smtp",
    "claimed_at": examples.AT,
    "held_at": examples.AT,
    "state": "held",
    "words": "Nobody can tell whether it was sent; it is not sent again",
}

_CHANGED: Answers = changes({**HELD_RECORD, "state": "planned", "words": ""}, refusals=(404, 409))

Id = Annotated[UUID, Path(description="The message's id, from the list.", examples=[HELD_RECORD["id"]])]


class Saying(Boundary):
    """Who decides, the key's name if not given."""

    by: str | None = Field(default=None, min_length=1, max_length=100)


Said = Annotated[Saying, Body(openapi_examples=body({"by": "olga"}, summary="Olga has looked"))]


@router.get("/held", responses=answers(examples.page(HELD_RECORD)))
async def list_held_messages(
    request: Request, response: Response, gateway: Gateway, cursor: Cursor = None, limit: Limit = 50
) -> Page[HeldRecord]:
    """List notices and answers that may have left, the longest held first. Those of rules wait with their order."""
    async with gateway.listing() as tx:
        page = await held.page(tx, cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)


@router.post("/{id}/repeat", responses=_CHANGED)
async def repeat_held_message(request: Request, gateway: Gateway, id: Id, said: Said = Saying()) -> HeldRecord:
    """Have a held message sent again: a person has looked, and it did not arrive. Said twice, it is sent once."""
    async with gateway.store.write() as tx:
        return await held.repeat(tx, id=id, by=_by(said, request), now=gateway.now(), ref=_ref(request))


@router.post("/{id}/dismiss", responses=_CHANGED)
async def dismiss_held_message(request: Request, gateway: Gateway, id: Id, said: Said = Saying()) -> HeldRecord:
    """Lay a held message aside: it arrived, or is of no use any more."""
    async with gateway.store.write() as tx:
        return await held.dismiss(tx, id=id, by=_by(said, request), now=gateway.now(), ref=_ref(request))


def _by(said: Saying, request: Request) -> str:
    return said.by or str(request.state.key.name)


def _ref(request: Request) -> str:
    """Return what tells a repetition of the request, as with every operator's command."""
    return request.headers.get("idempotency-key", "").strip()[:100]
