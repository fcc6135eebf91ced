"""Who may do what: API keys with scopes, and a rate limit per key. Checked before a byte of the body is read."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from activities.store import keys
from activities.store.database import Store
from activities.store.keys import KeyRecord
from starter.gateway.problems import Problem

BEARER = HTTPBearer(
    scheme_name="ApiKey",
    bearerFormat="oa_…",
    description="An API key, made with `orders keys create`; its scopes say what it may do.",
    auto_error=False,
)


class Right(StrEnum):
    """A scope of an API key. `admin` includes every other."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    EVENTS_WRITE = "events:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    COMMANDS_WRITE = "commands:write"
    ADMIN = "admin"


class Access:
    """Let only known keys to `/v1`, each at its rate."""

    def __init__(self, app: ASGIApp, *, store: Store, per_minute: int) -> None:
        self._app = app
        self._store = store
        self._rates = Rates(per_minute, by="with this key")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or raise Problem or StoreDown."""
        if scope["type"] == "http" and scope["path"].startswith("/v1/"):
            key = await known_key(self._store, headers=Headers(scope=scope))
            self._rates.take(key.id)
            scope.setdefault("state", {})["key"] = key
        await self._app(scope, receive, send)


async def known_key(store: Store, *, headers: Headers) -> KeyRecord:
    """Return the request's key; raise Problem (401) without one."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _unknown("Send the header Authorization: Bearer oa_…; `orders keys create` makes a key.")
    async with store.read() as tx:
        key = await keys.verify(tx, secret=secret.strip(), now=datetime.now(UTC))
    if key is None:
        raise _unknown("The key is unknown, expired or revoked; `orders keys create` makes a new one.")
    return key


def needs(right: Right) -> Callable[..., Awaitable[None]]:
    """Return a dependency that refuses keys without the scope."""

    async def check(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER, scopes=[right.value])]
    ) -> None:
        refuse_without(right, key=request.state.key)

    return check


def refuse_without(right: Right, *, key: KeyRecord) -> None:
    """Raise Problem (403) unless the key has the scope."""
    if right not in key.scopes and Right.ADMIN not in key.scopes:
        detail = f"The key '{key.name}' lacks the scope {right.value}; make one that has it with `orders keys create`."
        raise Problem(403, code="missing-scope", detail=detail)


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


class Rates:
    """A token bucket per key: `per_minute` requests, at most ten seconds' worth of them at once.

    `by` says in a refusal by what they are counted, such as "with this key".
    """

    def __init__(self, per_minute: int, *, by: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._by = f" {by}" if by else ""
        self._per_second = per_minute / 60
        self._most = max(1.0, per_minute / 6)
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key: str) -> None:
        """Take one token; raise Problem (429) with `Retry-After` when there is none."""
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(self._most, now))
        bucket.tokens = min(self._most, bucket.tokens + (now - bucket.filled_at) * self._per_second)
        bucket.filled_at = now
        if bucket.tokens < 1:
            seconds = max(1, round((1 - bucket.tokens) / self._per_second))
            detail = f"Too many requests{self._by}; send the next one in {seconds} s."
            raise Problem(429, code="too-many-requests", detail=detail).with_headers({"Retry-After": str(seconds)})
        bucket.tokens -= 1


def _unknown(detail: str) -> Problem:
    return Problem(401, code="no-key", detail=detail).with_headers({"WWW-Authenticate": "Bearer"})
