"""Callers of the HTTP API, and the bodies they send."""

from dataclasses import dataclass
from typing import Any, Self

import aiohttp


@dataclass(frozen=True)
class Answer:
    """What came back: `body` is the JSON, or the text of any other type."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def pointers(self) -> list[str]:
        return [error.get("pointer") or error.get("parameter") for error in self.body["errors"]]


class Caller:
    """Speaks to a gateway with a key."""

    def __init__(self, url: str, *, secret: str | None) -> None:
        self.url = url
        self.secret = secret
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        connector = aiohttp.TCPConnector(limit=100)
        self._session = aiohttp.ClientSession(self.url, headers=headers, connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def call(self, method: str, path: str, **given: Any) -> Answer:
        assert self._session is not None
        async with self._session.request(method, path, **given) as response:
            is_json = "json" in response.headers.get("Content-Type", "")
            body = await response.json(content_type=None) if is_json else await response.text(errors="replace")
            return Answer(response.status, body, dict(response.headers))

    async def get(self, path: str, **given: Any) -> Answer:
        return await self.call("GET", path, **given)

    async def post(self, path: str, json: Any = None, **given: Any) -> Answer:
        return await self.call("POST", path, json=json, **given)

    async def put(self, path: str, json: Any) -> Answer:
        return await self.call("PUT", path, json=json)

    async def patch(self, path: str, json: Any, **given: Any) -> Answer:
        return await self.call("PATCH", path, json=json, **given)

    async def created(self, number: str, **fields: Any) -> dict[str, Any]:
        """Create an order and return it."""
        answer = await self.post("/v1/orders", order(number, **fields))
        assert answer.status == 201, answer
        body: dict[str, Any] = answer.body
        return body


def order(number: str | None = "1001", **fields: Any) -> dict[str, Any]:
    """An order of 49.00 EUR."""
    body: dict[str, Any] = {
        "items": [{"sku": "MUG", "name": "Mug", "quantity": "2", "price": "24.50"}],
        "currency": "EUR",
    }
    return body | ({"number": number} if number else {}) | fields


def event(type: str = "payment.paid", *, id: str = "e-1", **fields: Any) -> dict[str, Any]:
    """An event of the source `psp`."""
    return {"id": id, "source": "psp", "type": type} | fields
