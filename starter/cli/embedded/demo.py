"""Plays the demo orders' lives: posts them to the HTTP API as a shop would, and chats as customers do.

What was posted before is passed over.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aiohttp

from starter.cli.embedded.lives import Life, Said, Step, lives
from starter.cli.output import note

SOURCE = "demo"

#: The source of what customers say in the web chat.
_CHAT = "chat"

_SECONDS = aiohttp.ClientTimeout(total=15)
_AGAIN = 2.0

_Send = Callable[[], AbstractAsyncContextManager[aiohttp.ClientResponse]]


class Refused(Exception):
    """The gateway refused a request of the demo; the message says what it answered."""


async def play(gateway: str, *, key: str) -> None:
    """Play every life that has not been played to its end; returns when all have."""
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(f"{gateway}/v1/", headers=headers, timeout=_SECONDS) as session:
        player = _Player(session)
        await asyncio.gather(*(player.play(life) for life in lives(datetime.now(UTC).date())))


class _Player:
    """Speaks to the gateway for the demo orders."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def play(self, life: Life) -> None:
        """Post what has not been posted yet of an order and its steps, each in its time."""
        try:
            known = await self._posted(life)
            if known is None:
                await asyncio.sleep(life.begins)
                await self._post("orders", body={"number": life.number, **life.order})
            for position, step in enumerate(life.steps, start=1):
                id = f"{life.number}-{position}"
                if id not in (known or ()):
                    await asyncio.sleep(step.after)
                    await self._take(step, life=life, id=id)
        except Refused as error:
            note(f"warning: demo order {life.number} stops, the gateway refused a request: {error}")

    async def _posted(self, life: Life) -> set[str] | None:
        """Return the ids of the events that the order has already; None if there is no such order."""
        found: set[str] = set()
        cursor = ""
        while True:
            query = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            answer = await self._answer(partial(self._session.get, f"orders/{life.number}/why", params=query))
            if answer is None:
                return None
            found |= {event["id"] for event in answer["events"] if event["source"] == SOURCE}
            found |= {event["id"].split(":")[1] for event in answer["events"] if event["source"] == _CHAT}
            cursor = answer["next_cursor"] or ""
            if not cursor:
                return found

    async def _take(self, step: Step | Said, *, life: Life, id: str) -> None:
        if isinstance(step, Said):
            await self._say(step, ref=id)
        else:
            await self._post(_path(step, life=life), body=_body(step, life=life, id=id))

    async def _say(self, said: Said, *, ref: str) -> None:
        """Write in the chat as the widget does on the page of a customer who has signed in."""
        vouched = await self._post(f"customers/{said.customer}/chat-token")
        session = await self._post("/chat/session", body={"customer": vouched["token"]})
        as_visitor = {"Authorization": f"Bearer {session['token']}"}
        await self._post("/chat/messages", body={"ref": ref, "text": said.text}, headers=as_visitor)

    async def _post(
        self, path: str, *, body: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        answer = await self._answer(partial(self._session.post, path, json=body, headers=headers))
        if answer is None:
            raise Refused(f"{path}: not found")
        return answer

    async def _answer(self, send: _Send) -> dict[str, Any] | None:
        """Send a request until it is answered; None for 404. The same request twice is harmless by its ids."""
        while True:
            try:
                async with send() as response:
                    if response.status == 404:
                        return None
                    if response.status < 400:
                        raw: dict[str, Any] = await response.json()
                        return raw
                    if response.status < 500 and response.status != 429:
                        raise Refused(f"{response.url.path}: {response.status} {(await response.text())[:500]}")
            except (aiohttp.ClientError, TimeoutError):
                pass  # the gateway starts or stops, or is busy
            await asyncio.sleep(_AGAIN)


def _path(step: Step, *, life: Life) -> str:
    return step.path.replace("{number}", life.number).lstrip("/")


def _body(step: Step, *, life: Life, id: str) -> dict[str, object]:
    filled = {
        name: value.replace("{number}", life.number) if isinstance(value, str) else value
        for name, value in step.body.items()
    }
    return filled | {"id": id, "source": SOURCE}
