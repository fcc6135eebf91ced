"""One open WebSocket of a chat, of either side: tells what is new, hears what is said, and closes with a reason.

Close codes: 4400 a frame that is none of ours, 4401 the session is over, 4403 a page that may not, 4408 no greeting,
4429 too many frames or sockets, 1013 the store is down: come back later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from activities.store.database import StoreError
from starter.gateway.access import Rates
from starter.gateway.chat.feeds import TYPING, Feeds, Side, Waiter
from starter.gateway.problems import Problem

#: Longest frame of a visitor or an employee, in characters.
LONGEST = 16_000

_FRAMES_PER_MINUTE = 600

#: How long to wait for news before looking anyway, in seconds.
_PATIENCE = 60.0

BAD_FRAME, NO_SESSION, FORBIDDEN, NO_GREETING, TOO_MANY, LATER = 4400, 4401, 4403, 4408, 4429, 1013

_OTHER = {Side.CUSTOMER: Side.SHOP, Side.SHOP: Side.CUSTOMER}

Frame = Mapping[str, Any]


class Closing(Exception):
    """The socket is to be closed, with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Conversing:
    """A socket in a conversation. `news` gives the frames since it was asked last, `hear` answers a frame."""

    def __init__(self, websocket: WebSocket, *, feeds: Feeds, conversation: UUID, side: Side) -> None:
        self._websocket = websocket
        self._feeds = feeds
        self._conversation = conversation
        self._side = side
        self._rates = Rates(_FRAMES_PER_MINUTE)
        self._shows_typing = False

    async def run(
        self, *, news: Callable[[], Awaitable[Sequence[Frame]]], hear: Callable[[str], Awaitable[Frame | None]]
    ) -> None:
        """Serve until either side goes."""
        async with self._feeds.waiting(self._conversation, side=self._side) as waiter:
            tasks = [asyncio.create_task(self._tell(waiter, news)), asyncio.create_task(self._listen(hear))]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _tell(self, waiter: Waiter, news: Callable[[], Awaitable[Sequence[Frame]]]) -> None:
        while True:
            for frame in await news():
                await self._websocket.send_json(frame)
            await self._tell_typing()
            await waiter.wait(TYPING if self._shows_typing else _PATIENCE)

    async def _tell_typing(self) -> None:
        is_typing = self._feeds.is_typing(self._conversation, side=_OTHER[self._side])
        if is_typing is not self._shows_typing:
            self._shows_typing = is_typing
            await self._websocket.send_json({"type": "typing", "is_typing": is_typing})

    async def _listen(self, hear: Callable[[str], Awaitable[Frame | None]]) -> None:
        while True:
            text = await text_of(self._websocket)
            try:
                self._rates.take("frames")
            except Problem:
                raise Closing(TOO_MANY) from None
            answer = await hear(text)
            if answer is not None:
                await self._websocket.send_json(answer)


async def text_of(websocket: WebSocket) -> str:
    """Wait for a frame; raise WebSocketDisconnect, or Closing for one that is no text or too long."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text = message.get("text")
    if text is None or len(text) > LONGEST:
        raise Closing(BAD_FRAME)
    return str(text)


async def served(websocket: WebSocket, *, work: Callable[[], Awaitable[None]]) -> None:
    """Serve an accepted socket, and close it with the code that says why."""
    code = 1000
    try:
        await work()
    except WebSocketDisconnect:
        return
    except Closing as closing:
        code = closing.code
    except StoreError:
        code = LATER
    if websocket.application_state is WebSocketState.CONNECTED:
        with suppress(RuntimeError, WebSocketDisconnect):  # the other side was quicker
            await websocket.close(code)
