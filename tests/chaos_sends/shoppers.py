"""Orders come in over HTTP: each is created, its customer writes in every chat, and an event lets the sends begin.

Meanwhile an employee answers in the chats.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp

from tests.chaos.calling import PAUSE, UNANSWERED, order_of, phone_of, session
from tests.chaos_sends.pipeline import ANSWERS, GO
from tests.chaos_sends.vendors import Vendors

#: The chat that a customer wrote in last is the one that rules write into.
_MEDIA = ("sms", "messenger", "whatsapp")


@dataclass(frozen=True)
class Shoppers:
    """Bring orders in. `ended` counts those whose sends have ended; `chat_of` finds the chat of a medium's address."""

    gateway: str
    secret: str
    vendors: Vendors
    ended: Callable[[], Awaitable[int]]
    chat_of: Callable[[str, str], Awaitable[UUID]]

    async def drive(self, count: int, *, at_once: int) -> None:
        """Bring that many orders in, so that about `at_once` of them are under way; return when the last has begun."""
        begun = 0
        async with session(self.gateway, secret=self.secret) as http:
            while begun < count:
                room = min(count - begun, at_once - begun + await self.ended(), 8)
                if room <= 0:
                    await asyncio.sleep(PAUSE)
                    continue
                await asyncio.gather(*(self._begin(http, number=str(1001 + begun + place)) for place in range(room)))
                begun += room

    async def command(self, number: str, name: str, *, rule: str, id: str) -> None:
        """Give an operator's command on one rule."""
        body = {"id": id, "by": "olga", "rule": rule}
        async with session(self.gateway, secret=self.secret) as http:
            await self._post(http, f"/v1/orders/{number}/commands/{name}", body=body)

    async def _begin(self, http: aiohttp.ClientSession, *, number: str) -> None:
        await self._post(http, "/v1/orders", body=order_of(number))
        for medium in _MEDIA:
            await self.vendors.write_in(number, medium=medium, address=_address(number, medium=medium))
        event = {"id": f"{number}-go", "source": "storm", "type": GO, "data": {}}
        await self._post(http, f"/v1/orders/{number}/events", body=event)
        for name, answer in ANSWERS.items():
            chat = await self.chat_of(answer.medium, _address(number, medium=answer.medium))
            typed = {"ref": f"{name}-{number}", "text": answer.text.format(number=number), "author": "olga"}
            await self._post(http, f"/v1/chats/{chat}/messages", body=typed)

    async def _post(self, http: aiohttp.ClientSession, path: str, *, body: dict[str, Any]) -> None:
        """Send until it is answered; only a refusal that is not worth repeating is raised."""
        while True:
            try:
                async with http.post(path, json=body) as answer:
                    if answer.status < 300:
                        return
                    if answer.status < 500 and answer.status != 429:
                        raise AssertionError(f"{path} was answered {answer.status}: {(await answer.text())[:300]}")
            except UNANSWERED:
                pass
            await asyncio.sleep(PAUSE)


def _address(number: str, *, medium: str) -> str:
    return str(10**15 + int(number)) if medium == "messenger" else phone_of(number)
