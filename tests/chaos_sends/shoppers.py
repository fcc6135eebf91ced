"""Orders come in over HTTP: each is created, its customer writes over WhatsApp, and an event lets the sends begin."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.chaos.calling import PAUSE, UNANSWERED, order_of, phone_of, session
from tests.chaos_sends.pipeline import GO
from tests.chaos_sends.vendors import Vendors


@dataclass(frozen=True)
class Shoppers:
    """Bring orders in. `ended` counts those whose sends have ended."""

    gateway: str
    secret: str
    vendors: Vendors
    ended: Callable[[], Awaitable[int]]

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
        await self.vendors.write_in(number, phone=phone_of(number))
        event = {"id": f"{number}-go", "source": "storm", "type": GO, "data": {}}
        await self._post(http, f"/v1/orders/{number}/events", body=event)

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
