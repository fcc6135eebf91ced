"""The web chat for visitors: the widget, its sessions, and its messages over a WebSocket or by long polling.

In: messages with a ref made by the page, so that repeating one is safe. Out: what both sides wrote, by id, so that a
page which comes back asks for what follows the last one it has. Nothing here can read a whisper.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, WebSocket
from pydantic import Field

from activities.store import chats
from activities.store.values import Boundary
from starter.gateway.chat import visitors
from starter.gateway.chat.feeds import Feeds, Side
from starter.gateway.chat.saying import Line, Said, customer_behind
from starter.gateway.chat.sockets import FORBIDDEN, served
from starter.gateway.chat.visiting import PAGE, read, tell, visit
from starter.gateway.chat.visitors import Quotas, Visitor
from starter.gateway.parts import Gateway, Parts
from starter.gateway.problems import KNOWN, Problem, problem_of
from starter.gateway.strict import StrictRoute

WIDGET = Path(__file__).with_name("chat.js")

#: Longest a poll waits, in seconds; shorter than what a gateway that stops gives its requests.
_LONGEST_POLL = 8

_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


class CrossingRoute(StrictRoute):
    """A route that pages of the allowed sites may call; every answer says so, refusals too."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]  # same callable
        """Wrap the route's handler."""
        handler = super().get_route_handler()

        async def crossing(request: Request) -> Response:
            gateway: Parts = request.app.state.parts
            if not visitors.may_come_from(gateway, headers=request.headers):
                detail = "Pages of this site may not show the chat; add it to ORDERS_CHAT_ORIGINS."
                raise Problem(403, code="origin-refused", detail=detail)
            try:
                response = await handler(request)
            except KNOWN as error:
                response = problem_of(request, error).response()
            response.headers["Access-Control-Allow-Origin"] = request.headers.get("origin", "*")
            response.headers["Vary"] = "Origin"
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return crossing


router = APIRouter(prefix="/chat", include_in_schema=False, route_class=CrossingRoute)


async def _visitor(request: Request, gateway: Gateway) -> Visitor:
    return visitors.known(gateway, headers=request.headers)


async def _feeds(request: Request) -> Feeds:
    feeds: Feeds = request.app.state.chat
    return feeds


async def _quotas(request: Request) -> Quotas:
    quotas: Quotas = request.app.state.chat_quotas
    return quotas


Who = Annotated[Visitor, Depends(_visitor)]
Waiting = Annotated[Feeds, Depends(_feeds)]
Counting = Annotated[Quotas, Depends(_quotas)]


class Opening(Boundary):
    """What a page knows when it opens the chat.

    The token it had, the customer who signed in on the shop's site, and the token that the site's tracker keeps.
    """

    token: str = Field(default="", max_length=2_000)
    customer: str = Field(default="", max_length=2_000)
    visitor: str = Field(default="", max_length=2_000)


class Session(Boundary):
    """A session of a visitor. `seconds` is how long the token is good."""

    token: str
    seconds: int
    is_new: bool


class History(Boundary):
    """Messages, the oldest first. With `more`, ask again after the last one."""

    lines: list[Line]
    more: bool
    is_typing: bool


@router.get("/widget.js")
async def widget() -> Response:
    """Give the script that shows the chat on a page."""
    headers = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
    return Response(WIDGET.read_bytes(), media_type="text/javascript; charset=utf-8", headers=headers)


@router.options("/{path:path}")
async def preflight() -> Response:
    """Tell a browser what pages of the allowed sites may ask."""
    return Response(status_code=204, headers=_ALLOWED)


@router.post("/session")
async def open_session(request: Request, gateway: Gateway, quotas: Counting, opening: Opening) -> Session:
    """Start a session, or go on with the one whose token is given, while it is not older than a month."""
    quotas.session(request)
    before = visitors.visitor_of(gateway, token=opening.token, age=visitors.RENEWABLE) if opening.token else None
    customer = visitors.customer_of(gateway, token=opening.customer) if opening.customer else None
    visitor = await _going_on(gateway, before=before, customer=customer) if before else None
    is_new = visitor is None
    visitor = visitor or visitors.newcomer(customer=customer)
    tracked = visitors.tracked_of(gateway, token=opening.visitor)
    visitor = replace(visitor, tracked=tracked or visitor.tracked)
    token = visitors.signed(gateway, visitor=visitor)
    return Session(token=token, seconds=int(visitors.LIFETIME.total_seconds()), is_new=is_new)


@router.get("/messages")
async def read_messages(
    gateway: Gateway,
    feeds: Waiting,
    visitor: Who,
    after: Annotated[int | None, Query(ge=0, lt=2**62)] = None,
    wait: Annotated[float, Query(ge=0, le=_LONGEST_POLL)] = 0,
) -> History:
    """Read what follows a message, or the newest; with `wait`, stay so many seconds for something new."""
    ends = time.monotonic() + wait
    async with feeds.waiting(visitor.conversation, side=Side.CUSTOMER) as waiter:
        was_typing = feeds.is_typing(visitor.conversation, side=Side.SHOP)
        while True:
            found = await read(gateway, visitor=visitor, after=after)
            is_typing = feeds.is_typing(visitor.conversation, side=Side.SHOP)
            left = ends - time.monotonic()
            if found or is_typing is not was_typing or left <= 0:
                return History(lines=found, more=len(found) == PAGE and after is not None, is_typing=is_typing)
            await waiter.wait(left)


@router.post("/messages", status_code=201)
async def write_message(gateway: Gateway, feeds: Waiting, quotas: Counting, visitor: Who, said: Said) -> Line:
    """Say something. Sent again with its ref, it is taken once, and answered the same."""
    quotas.message(visitor)
    return await tell(gateway, feeds, visitor=visitor, said=said)


@router.post("/typing", status_code=204)
async def show_typing(feeds: Waiting, visitor: Who) -> None:
    """Tell the shop that the visitor types."""
    feeds.types(visitor.conversation, side=Side.CUSTOMER)


@router.websocket("/ws")
async def open_socket(websocket: WebSocket) -> None:
    """Chat over a WebSocket; what the first frame says, no address shows."""
    gateway: Parts = websocket.app.state.parts
    if not visitors.may_come_from(gateway, headers=websocket.headers):
        await websocket.close(FORBIDDEN)
        return
    await websocket.accept()
    feeds: Feeds = websocket.app.state.chat
    quotas: Quotas = websocket.app.state.chat_quotas
    await served(websocket, work=lambda: visit(websocket, gateway, feeds=feeds, quotas=quotas))


async def _going_on(gateway: Parts, *, before: Visitor, customer: str | None) -> Visitor | None:
    """Go on as the visitor from before; None where the conversation is somebody else's than who has signed in."""
    if customer is None:
        return before
    async with gateway.store.write() as tx:
        chat = await chats.of_address(tx, medium=chats.WEB, address=before.id)
        owner = before.customer if chat is None else chat.customer_id or before.customer
        if owner not in (None, customer):
            return None
        visitor = replace(before, customer=customer)
        known = await customer_behind(tx, visitor=visitor)
        if chat is not None and chat.customer_id is None and known is not None:
            await chats.link(tx, conversation=chat.id, customer=known)
    return visitor
