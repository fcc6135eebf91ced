"""A visitor on a WebSocket: greets with the token, then speaks, types, and is told what is new and nothing twice."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError
from starlette.websockets import WebSocket

from activities.store.database import StoreDown
from activities.store.values import Boundary, Language
from starter.gateway.chat import visitors
from starter.gateway.chat.feeds import Feeds, Side
from starter.gateway.chat.saying import Line, Ref, Said, Words, lines, say
from starter.gateway.chat.sockets import (
    BAD_FRAME,
    NO_GREETING,
    NO_SESSION,
    TOO_MANY,
    Closing,
    Conversing,
    Frame,
    text_of,
)
from starter.gateway.chat.visitors import Quotas, Visitor
from starter.gateway.parts import Parts
from starter.gateway.problems import Problem

#: Most messages of one answer.
PAGE = 100

_SECONDS_TO_GREET = 10

#: How often an open page gets a fresh token, in seconds.
_RENEWAL = visitors.LIFETIME.total_seconds() / 2

#: Most sockets of one visitor, and of one process.
_SOCKETS, _ALL_SOCKETS = 8, 5_000


class Hello(Boundary):
    """The first frame: who speaks, and which message they have last."""

    type: Literal["hello"]
    token: str = Field(max_length=2_000)
    after: int | None = Field(default=None, ge=0, lt=2**62)


class Say(Boundary):
    """A message."""

    type: Literal["say"]
    ref: Ref
    text: Words
    language: Language = ""


class Typing(Boundary):
    """The visitor types."""

    type: Literal["typing"]


_Frame: TypeAlias = Annotated[Hello | Say | Typing, Field(discriminator="type")]
_FRAMES: TypeAdapter[Hello | Say | Typing] = TypeAdapter(_Frame)
_REFS: TypeAdapter[str] = TypeAdapter(Ref)


async def visit(websocket: WebSocket, gateway: Parts, *, feeds: Feeds, quotas: Quotas) -> None:
    """Serve an accepted socket; raise Closing, StoreDown."""
    hello, visitor = await _greeted(gateway, websocket)
    if feeds.count(visitor.conversation, side=Side.CUSTOMER) >= _SOCKETS or len(feeds) >= _ALL_SOCKETS:
        raise Closing(TOO_MANY)
    talk = _Talk(gateway, feeds, quotas=quotas, visitor=visitor, after=hello.after)
    socket = Conversing(websocket, feeds=feeds, conversation=visitor.conversation, side=Side.CUSTOMER)
    await socket.run(news=talk.news, hear=talk.hear)


async def _greeted(gateway: Parts, websocket: WebSocket) -> tuple[Hello, Visitor]:
    try:
        async with asyncio.timeout(_SECONDS_TO_GREET):
            text = await text_of(websocket)
    except TimeoutError:
        raise Closing(NO_GREETING) from None
    hello = _frame(text)
    if not isinstance(hello, Hello):
        raise Closing(BAD_FRAME)
    try:
        visitor = visitors.visitor_of(gateway, token=hello.token)
    except Problem:  # the chat is off
        visitor = None
    if visitor is None:
        raise Closing(NO_SESSION)
    return hello, visitor


class _Talk:
    """What one socket of a visitor has been told, and what it says."""

    def __init__(self, gateway: Parts, feeds: Feeds, *, quotas: Quotas, visitor: Visitor, after: int | None) -> None:
        self._gateway = gateway
        self._feeds = feeds
        self._quotas = quotas
        self._visitor = visitor
        self._after = after
        self._has_begun = False
        self._renewed_at = time.monotonic()

    async def news(self) -> Sequence[Frame]:
        frames: list[Frame] = []
        while found := await read(self._gateway, visitor=self._visitor, after=self._after):
            frames.append({"type": "lines", "lines": [line.model_dump(mode="json") for line in found]})
            self._after = found[-1].id
        if not self._has_begun:
            # The page shows itself as connected once it has all there was.
            self._has_begun, self._after = True, self._after or 0
            frames.append({"type": "ready"})
        if time.monotonic() - self._renewed_at > _RENEWAL:
            self._renewed_at = time.monotonic()
            frames.append({"type": "token", "token": visitors.signed(self._gateway, visitor=self._visitor)})
        return frames

    async def hear(self, text: str) -> Frame | None:
        try:
            frame = _frame(text)
        except Closing:
            ref = _ref_of(text)
            if ref is None:
                raise
            # A page says again what was not answered: closing the socket would let it do so for ever.
            return {"type": "refused", "ref": ref, "code": "invalid-request"}
        if isinstance(frame, Typing):
            self._feeds.types(self._visitor.conversation, side=Side.CUSTOMER)
            return None
        if not isinstance(frame, Say):
            raise Closing(BAD_FRAME)
        said = Said(ref=frame.ref, text=frame.text, language=frame.language)
        try:
            self._quotas.message(self._visitor)
            line = await tell(self._gateway, self._feeds, visitor=self._visitor, said=said)
        except (Problem, StoreDown) as refusal:
            code = refusal.code if isinstance(refusal, Problem) else "store-down"
            return {"type": "refused", "ref": said.ref, "code": code}
        return {"type": "taken", "line": line.model_dump(mode="json")}


def _frame(text: str) -> Hello | Say | Typing:
    try:
        return _FRAMES.validate_json(text)
    except (ValidationError, ValueError):
        raise Closing(BAD_FRAME) from None


def _ref_of(text: str) -> str | None:
    """Return the ref of a message whose words cannot be taken; None for what is no message at all."""
    try:
        frame = json.loads(text)
        return _REFS.validate_python(frame["ref"]) if frame["type"] == "say" else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


async def tell(gateway: Parts, feeds: Feeds, *, visitor: Visitor, said: Said) -> Line:
    """Take a message, wake who waits for it, and give it as the visitor reads it."""
    received = await say(gateway, visitor=visitor, said=said)
    feeds.stopped_typing(visitor.conversation, side=Side.CUSTOMER)
    feeds.wrote(visitor.conversation)
    async with gateway.store.read() as tx:
        (line,) = await lines(tx, conversation=visitor.conversation, after=received.message - 1, limit=1)
    return line


async def read(gateway: Parts, *, visitor: Visitor, after: int | None) -> list[Line]:
    """Read what follows a message, or the newest."""
    async with gateway.store.read() as tx:
        return await lines(tx, conversation=visitor.conversation, after=after, limit=PAGE)
