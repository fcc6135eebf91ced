"""Orders come in over HTTP: each is created, its customer writes in every chat, and an event lets the sends begin.

Meanwhile an employee answers in the chats.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
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

    async def held(self) -> list[str]:
        """List the notices and answers that wait for a person, by the ids of their sends; none while nobody answers."""
        async with session(self.gateway, secret=self.secret) as http:
            try:
                async with http.get("/v1/messages/held", params={"limit": "200"}) as answer:
                    return [one["id"] for one in (await answer.json())["items"]] if answer.status == 200 else []
            except UNANSWERED:
                return []

    async def decide(self, send: str, name: str, *, id: str) -> None:
        """Have a held notice or answer sent again, or lay it aside; a callback may have settled it meanwhile."""
        async with session(self.gateway, secret=self.secret) as http:
            http.headers["Idempotency-Key"] = id
            await self._post(http, f"/v1/messages/{send}/{name}", body={"by": "olga"}, also=(409,))

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

    async def _post(
        self, http: aiohttp.ClientSession, path: str, *, body: dict[str, Any], also: Collection[int] = ()
    ) -> None:
        """Send until it is answered; a refusal that is not worth repeating is raised, unless it is one of `also`."""
        while True:
            try:
                async with http.post(path, json=body) as answer:
                    if answer.status < 300 or answer.status in also:
                        return
                    if answer.status < 500 and answer.status != 429:
                        raise AssertionError(f"{path} was answered {answer.status}: {(await answer.text())[:300]}")
            except UNANSWERED:
                pass
            await asyncio.sleep(PAUSE)


def _address(number: str, *, medium: str) -> str:
    return str(10**15 + int(number)) if medium == "messenger" else phone_of(number)
