"""Both sides of the web chat: visitors over HTTP and as the widget speaks, employees with their key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import aiohttp

from activities.runtime.tokens import Tokens
from starter.gateway.parts import Parts
from tests.gateway.calling import Answer, Caller

KEY = "k" * 32

#: A site whose pages may show the chat.
SHOP = "https://shop.example"


def with_chat(parts: Parts) -> Parts:
    """A gateway whose chat is on."""
    settings = parts.settings.model_copy(update={"chat_origins": f"{SHOP}, https://www.shop.example/"})
    return replace(parts, tokens=Tokens([KEY]), settings=settings)


class Guest(Caller):
    """A visitor with a session."""

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, *, token: str = "", customer: str = "", visitor: str = "") -> AsyncIterator["Guest"]:
        """Open the chat, with what the page knows."""
        async with Caller(url, secret=None) as page:
            answer = await page.post("/chat/session", {"token": token, "customer": customer, "visitor": visitor})
            assert answer.status == 200, answer
        async with cls(url, secret=answer.body["token"]) as guest:
            yield guest

    async def say(self, text: str, *, ref: str = "", **given: Any) -> Answer:
        """Say something over HTTP."""
        return await self.post("/chat/messages", {"ref": ref or uuid4().hex, "text": text}, **given)

    async def read(self, **query: Any) -> list[dict[str, Any]]:
        """Read over HTTP."""
        answer = await self.get("/chat/messages", params=query)
        assert answer.status == 200, answer
        lines: list[dict[str, Any]] = answer.body["lines"]
        return lines

    @asynccontextmanager
    async def socket(self, *, after: int | None = None, token: str | None = None) -> AsyncIterator["Line"]:
        """Open a WebSocket and greet."""
        assert self._session is not None
        async with self._session.ws_connect("/chat/ws", headers={"Authorization": ""}) as websocket:
            line = Line(websocket)
            await line.send(type="hello", token=self.secret if token is None else token, after=after)
            yield line


class Line:
    """One open socket, of either side."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self.websocket = websocket
        self.frames: list[dict[str, Any]] = []

    async def send(self, **frame: Any) -> None:
        """Send a frame."""
        await self.websocket.send_json(frame)

    async def until(self, type: str, **fields: Any) -> dict[str, Any]:
        """Take frames until one is of the type and has the fields."""
        while True:
            frame: dict[str, Any] = await self.websocket.receive_json(timeout=60)
            self.frames.append(frame)
            if frame["type"] == type and all(frame.get(name) == value for name, value in fields.items()):
                return frame

    async def code(self) -> int | None:
        """Wait until the other side closes; give its code."""
        while (await self.websocket.receive(timeout=60)).type not in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.CLOSING,
        ):
            pass
        return self.websocket.close_code

    @property
    def texts(self) -> list[str]:
        """The texts of all messages told so far."""
        told = [frame for frame in self.frames if frame["type"] == "lines"]
        return [line["text"] for frame in told for line in frame.get("lines", frame.get("items", []))]


async def answered(caller: Caller, chat: str, text: str, *, ref: str = "employee-1") -> None:
    """Let an employee answer."""
    answer = await caller.post(f"/v1/chats/{chat}/messages", {"ref": ref, "text": text, "author": "olga"})
    assert answer.status == 201, answer


async def chat_of(caller: Caller) -> str:
    """The only chat there is."""
    (chat,) = (await caller.get("/v1/chats")).body["items"]
    return str(chat["id"])


def customer_token(customer: str = "anna") -> str:
    """What the shop's page holds for a customer who has signed in."""
    return Tokens([KEY]).sign(customer, purpose="chat-customer")


def visitor_of(guest: Guest) -> str:
    """The id of a visitor."""
    value = Tokens([KEY]).read(str(guest.secret), purpose="chat")
    assert isinstance(value, dict)
    return str(value["v"])


def attending(caller: Caller, chat: str, *, secret: str | None = None) -> Any:
    """Follow a chat as an employee."""
    return _Attending(caller, chat, secret=secret)


class _Attending:
    def __init__(self, caller: Caller, chat: str, *, secret: str | None) -> None:
        self._url, self._chat, self._secret = caller.url, chat, secret or caller.secret

    async def __aenter__(self) -> Line:
        self._session = aiohttp.ClientSession(self._url, headers={"Authorization": f"Bearer {self._secret}"})
        try:
            return Line(await self._session.ws_connect(f"/v1/chats/{self._chat}/ws"))
        except BaseException:
            await self._session.close()
            raise

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
