"""What comes in over HTTP: orders, events, operators' commands, each repeated with its own id until it is answered."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

from tests.chaos.calling import PAUSE, UNANSWERED, order_of, session
from tests.chaos.pipeline import FINAL, WANDERING

#: Answers after which a request is sent again. 504: an operator's command that may still be carried out.
_AGAIN = frozenset({429, 500, 502, 503, 504})

#: Why an operator's command may be refused in these lives.
_MAY_BE_REFUSED = ("the order is in stage",)


@dataclass
class Shoppers:
    """Drive orders through their lives. `taken` holds (source, id, order) of every event that was answered 2xx.

    `failures` and `refusals` say in words what should not have been answered so.
    """

    gateway: str
    secret: str
    seed: int
    pause: float = 1.0
    taken: set[tuple[str, str, str]] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    done: int = 0
    _session: aiohttp.ClientSession | None = None

    async def drive(self, count: int, *, at_once: int) -> None:
        """Live that many orders' lives, some at the same time; return when the last event was taken."""
        slots = asyncio.Semaphore(at_once)
        async with session(self.gateway, secret=self.secret) as http:
            self._session = http
            await asyncio.gather(*(self._live(slots, number=str(1000 + place)) for place in range(count)))

    async def _live(self, slots: asyncio.Semaphore, *, number: str) -> None:
        chance = random.Random(f"{self.seed}:{number}")
        async with slots:
            await self._post("/v1/orders", body=order_of(number))
            self.taken.add(("orders", f"shop:{number}:created", f"shop:{number}"))
            for step in range(chance.randint(2, 5)):
                await asyncio.sleep(chance.uniform(0.0, 2.0) * self.pause)
                await self._something(chance, number=number, step=step)
            await asyncio.sleep(chance.uniform(0.0, 2.0) * self.pause)
            await self._event(number, f"webhook.{FINAL}", id=f"{number}-{FINAL}")
            self.done += 1

    async def _something(self, chance: random.Random, *, number: str, step: int) -> None:
        what = chance.random()
        if what < 0.70:
            await self._event(number, f"webhook.to-{chance.choice(WANDERING)}", id=f"{number}-{step}")
        elif what < 0.80:
            await self._event(number, "payment.received", id=f"{number}-{step}", amount="25.00")
        elif what < 0.90:
            stage = chance.choice(WANDERING)
            await self._command(number, "move", id=f"{number}-{step}", stage=stage)
        else:
            await self._command(number, "hold", id=f"{number}-{step}-hold")
            await asyncio.sleep(chance.uniform(0.0, 1.0) * self.pause)
            await self._command(number, "resume", id=f"{number}-{step}-resume")

    async def _event(self, number: str, type: str, *, id: str, **data: Any) -> None:
        await self._post(f"/v1/orders/{number}/events", body={"id": id, "source": "storm", "type": type, "data": data})
        self.taken.add(("storm", id, f"shop:{number}"))

    async def _command(self, number: str, name: str, *, id: str, **given: Any) -> None:
        if await self._post(f"/v1/orders/{number}/commands/{name}", body={"id": id, "by": "olga", **given}):
            self.taken.add(("operator", id, f"shop:{number}"))

    async def _post(self, path: str, *, body: dict[str, Any]) -> bool:
        """Send until there is an answer that is not "again"; say whether it was 2xx. Only commands may be refused."""
        assert self._session is not None
        while True:
            try:
                async with self._session.post(path, json=body) as answer:
                    text = await answer.text()
            except UNANSWERED as error:
                self.answers[type(error).__name__] += 1
                await asyncio.sleep(PAUSE)
                continue
            self.answers[str(answer.status)] += 1
            if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                self.failures.append(f"{path} {body.get('id')} was answered {answer.status}")
            if answer.status in _AGAIN:
                await asyncio.sleep(PAUSE)
                continue
            is_taken = 200 <= answer.status < 300
            if not is_taken and not any(words in text for words in _MAY_BE_REFUSED):
                self.refusals.append(f"{path} {body.get('id')} was answered {answer.status}: {text[:300]}")
            return is_taken
