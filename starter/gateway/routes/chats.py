"""Chats as employees see them: the list, the messages with the whispers among them, answers, and who is typing.

An answer goes out in the medium the customer wrote in: in the web chat at once; into any other it is planned, and
brought by the couriers of the workers. How far it is stands with the message.
"""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response, WebSocket
from pydantic import Field

from activities.store import chats, customers
from activities.store.chats import ChatLine, ConversationRecord
from activities.store.database import Conflict, NotFound, StoreDown
from activities.store.records import Page
from activities.store.values import Boundary, Name, Number
from starter.gateway import examples
from starter.gateway.access import Right, known_key, needs, refuse_without
from starter.gateway.chat import visitors
from starter.gateway.chat.answering import Typed, answer, remark
from starter.gateway.chat.attending import Attendance, following
from starter.gateway.chat.feeds import Feeds, Side
from starter.gateway.chat.saying import Ref, Words
from starter.gateway.chat.sockets import Conversing, served
from starter.gateway.openapi import answers, body, changes
from starter.gateway.parts import Cursor, Gateway, Limit, Named, Parts, linked
from starter.gateway.problems import Problem
from starter.gateway.strict import StrictRoute

router = APIRouter(tags=["chats"], route_class=StrictRoute)
_READ = [Depends(needs(Right.CUSTOMERS_READ))]
_WRITE = [Depends(needs(Right.CUSTOMERS_WRITE))]

CHAT: dict[str, Any] = {
    "id": "7b1f3c1e-54a3-5be5-9a8c-2f6a8a3f3c10",
    "shop": "shop",
    "medium": "web",
    "address": "c-0f9a2b",
    "customer_id": "c-4711",
    "language": "pl",
    "is_open": True,
    "created_at": examples.AT,
    "last_at": examples.AT,
    "last_inbound_at": examples.AT,
}
LINE: dict[str, Any] = {
    "id": 812,
    "ref": "employee:3f0c2a9d51",
    "is_inbound": False,
    "is_whisper": False,
    "author": "olga",
    "text": "It leaves today.",
    "order_id": None,
    "at": examples.AT,
    "state": "planned",
    "code": "",
    "words": "",
}
WHISPER: dict[str, Any] = {**LINE, "is_whisper": True, "state": None}
NEW_LINE: dict[str, Any] = {"ref": "3f0c2a9d51", "text": "It leaves today.", "author": "olga"}
TALK: dict[str, Any] = {"items": [LINE], "after": "812.40", "is_typing": False}
TOKEN: dict[str, Any] = {"token": "ImMtNDcxMSI.aSCxLg.u3Vn0uD0", "seconds": 86_400}


class NewLine(Boundary):
    """An employee's message or whisper. Sent again under the same `ref`, it is kept once, and leaves once."""

    ref: Ref
    text: Words
    author: Name = Field(description="The employee's id.")
    order: Number | None = Field(default=None, description="The order it is about; it goes when the order is deleted.")


class ChatPatch(Boundary):
    """What may be changed about a chat; what is not given stays."""

    is_open: bool | None = None
    customer_id: Name | None = Field(default=None, description="Whose chat it is, where nobody knew.")


class Talk(Boundary):
    """Messages and whispers, the oldest first. Ask again with `after` for what follows."""

    items: list[ChatLine]
    after: str = Field(description="Where the next answer begins.")
    is_typing: bool = Field(description="The customer is typing.")


class ChatToken(Boundary):
    """What the shop's page gives the widget as `data-customer`. `seconds` is how long it is good."""

    token: str
    seconds: int


async def _feeds(request: Request) -> Feeds:
    feeds: Feeds = request.app.state.chat
    return feeds


Waiting = Annotated[Feeds, Depends(_feeds)]
ChatId = Annotated[UUID, Path(description="The chat's id.", examples=[CHAT["id"]])]


@router.get("/v1/chats", dependencies=_READ, responses=answers(examples.page(CHAT)))
async def list_chats(
    request: Request,
    response: Response,
    gateway: Gateway,
    is_open: Annotated[bool | None, Query(description="Only open ones, or only closed ones.")] = None,
    customer: Annotated[Name | None, Query(description="Only this customer's.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ConversationRecord]:
    """List chats, the last touched first."""
    async with gateway.listing() as tx:
        page = await chats.page(tx, is_open=is_open, customer=customer, cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)


@router.get("/v1/chats/{id}", dependencies=_READ, responses=answers(CHAT, refusals=(404,)))
async def get_chat(gateway: Gateway, id: ChatId) -> ConversationRecord:
    """Read a chat."""
    async with gateway.store.read() as tx:
        return await chats.get(tx, id=id)


@router.patch("/v1/chats/{id}", dependencies=_WRITE, responses=changes(CHAT, refusals=(404, 409)))
async def change_chat(
    gateway: Gateway,
    id: ChatId,
    patch: Annotated[ChatPatch, Body(openapi_examples=body({"is_open": False}, summary="It is over"))],
) -> ConversationRecord:
    """Close a chat that is over or open it again, or say whose it is. The customer's next message opens it anyway."""
    async with gateway.store.write() as tx:
        chat = await chats.get(tx, id=id)
        if patch.customer_id is not None and patch.customer_id != chat.customer_id:
            if chat.customer_id is not None:
                raise Conflict("The chat belongs to another customer")
            await customers.get(tx, id=patch.customer_id)
            await chats.link(tx, conversation=id, customer=patch.customer_id)
        if patch.is_open is not None:
            await chats.set_open(tx, conversation=id, is_open=patch.is_open)
        return await chats.get(tx, id=id)


@router.get("/v1/chats/{id}/messages", dependencies=_READ, responses=answers(TALK, refusals=(404,)))
async def list_chat_messages(
    gateway: Gateway,
    feeds: Waiting,
    id: ChatId,
    after: Annotated[
        str, Query(pattern=r"^\d{1,18}\.\d{1,18}$", description="`after` of the answer before.", examples=["812.40"])
    ] = "0.0",
) -> Talk:
    """Read a chat's messages, and the whispers among them."""
    async with gateway.store.read() as tx:
        await chats.get(tx, id=id)
        found, place = await following(tx, chat=id, after=after)
    return Talk(items=found, after=place, is_typing=feeds.is_typing(id, side=Side.CUSTOMER))


@router.get("/v1/chats/{id}/messages/{message}", dependencies=_READ, responses=answers(LINE, refusals=(404,)))
async def get_chat_message(
    gateway: Gateway,
    id: ChatId,
    message: Annotated[int, Path(ge=1, lt=2**62, description="The message's id.", examples=[LINE["id"]])],
) -> ChatLine:
    """Read a message; of an employee's answer, how far it is on its way."""
    async with gateway.store.read() as tx:
        await chats.get(tx, id=id)
        found = await chats.these(tx, conversation=id, ids=[message])
    if not found:
        raise NotFound("message", str(message))
    return found[0]


@router.post(
    "/v1/chats/{id}/messages",
    status_code=201,
    dependencies=_WRITE,
    responses=changes(LINE, status=201, refusals=(404, 409)),
)
async def answer_chat(
    gateway: Gateway,
    feeds: Waiting,
    id: ChatId,
    new: Annotated[NewLine, Body(openapi_examples=body(NEW_LINE, summary="An answer"))],
) -> ChatLine:
    """Answer the customer in the medium they wrote in.

    In the web chat it is there at once. Into WhatsApp, Messenger and SMS it is `planned` and sent soon after, once: ask
    for the message again to see its `state`. A chat that takes no free text now, or a customer who wants none, is 409.
    """
    async with gateway.store.write() as tx:
        line = await answer(tx, chat=id, new=_typed(new), now=gateway.now())
    feeds.stopped_typing(id, side=Side.SHOP)
    feeds.wrote(id)
    return line


@router.post(
    "/v1/chats/{id}/whispers",
    status_code=201,
    dependencies=_WRITE,
    responses=changes(WHISPER, status=201, refusals=(404,)),
)
async def whisper_in_chat(
    gateway: Gateway,
    feeds: Waiting,
    id: ChatId,
    new: Annotated[NewLine, Body(openapi_examples=body(NEW_LINE, summary="A remark for employees"))],
) -> ChatLine:
    """Write a remark for the other employees. No customer and no provider ever gets it."""
    async with gateway.store.write() as tx:
        line = await remark(tx, chat=id, new=_typed(new), now=gateway.now())
    feeds.wrote(id)
    return line


@router.post(
    "/v1/chats/{id}/typing", status_code=202, dependencies=_WRITE, responses=answers(CHAT, status=202, refusals=(404,))
)
async def show_employee_typing(gateway: Gateway, feeds: Waiting, id: ChatId) -> ConversationRecord:
    """Show the customer that somebody is typing, for five seconds. Seen where this gateway serves the customer too."""
    async with gateway.store.read() as tx:
        chat = await chats.get(tx, id=id)
    feeds.types(id, side=Side.SHOP)
    return chat


@router.post("/v1/customers/{id}/chat-token", dependencies=_WRITE, responses=answers(TOKEN, refusals=(404,)))
async def make_chat_token(gateway: Gateway, id: Named) -> ChatToken:
    """Make the token by which the shop's page tells the chat which customer has signed in there."""
    tokens = visitors.tokens_of(gateway)
    async with gateway.store.read() as tx:
        await customers.get(tx, id=id)
    seconds = int(visitors.CUSTOMER_LIFETIME.total_seconds())
    return ChatToken(token=tokens.sign(id, purpose=visitors.CUSTOMER), seconds=seconds)


@router.websocket("/v1/chats/{id}/ws")
async def attend_chat(websocket: WebSocket, id: UUID, after: str = "0.0") -> None:
    """Follow a chat as an employee: messages, how answers go on, whispers, who types. Any frame says that one types."""
    gateway: Parts = websocket.app.state.parts
    feeds: Feeds = websocket.app.state.chat
    try:
        refuse_without(Right.CUSTOMERS_READ, key=await known_key(gateway.store, headers=websocket.headers))
        if not _PLACE.fullmatch(after):
            raise Problem(422, code="invalid-request", detail="query/after: give `after` of an answer, like 812.40")
        async with gateway.store.read() as tx:
            await chats.get(tx, id=id)
    except Problem as refusal:
        await websocket.send_denial_response(refusal.response())
        return
    except NotFound as error:
        await websocket.send_denial_response(Problem(404, code="not-found", detail=f"{error}.").response())
        return
    except StoreDown:
        await websocket.send_denial_response(Problem(503, code="store-down", detail="Come back later.").response())
        return
    await websocket.accept()
    attendance = Attendance(gateway.store, feeds=feeds, chat=id, after=after)
    socket = Conversing(websocket, feeds=feeds, conversation=id, side=Side.SHOP)
    await served(websocket, work=lambda: socket.run(news=attendance.news, hear=attendance.hear))


_PLACE = re.compile(r"[0-9]{1,18}\.[0-9]{1,18}")


def _typed(new: NewLine) -> Typed:
    return Typed(ref=new.ref, text=new.text, author=new.author, order=new.order)
