"""Visitors of the web chat: their signed token, the pages they may come from, and how much they may say.

A token names the visitor, and so their one conversation, and the customer they are where the shop's page said so. It
is good for an hour, and for a new one for a month.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from starlette.datastructures import Headers

from activities.runtime.tokens import Tokens
from activities.store import chats
from starter.gateway.access import Rates
from starter.gateway.parts import Parts
from starter.gateway.problems import Problem

#: A token of a visitor, and one that the shop's page holds for a customer who has signed in there.
VISITOR, CUSTOMER = "chat", "chat-customer"

LIFETIME = timedelta(hours=1)
RENEWABLE = timedelta(days=30)
CUSTOMER_LIFETIME = timedelta(days=1)

#: Messages a minute of one visitor, and new sessions a minute of one address.
_MESSAGES, _SESSIONS = 60, 600

#: So many visitors are told apart; then counting starts anew, which forgives all of them.
_MOST = 20_000

_VISITOR_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True)
class Visitor:
    """Who writes. `customer` is known where the shop's page vouched for them."""

    id: str
    customer: str | None = None

    @property
    def conversation(self) -> UUID:
        """The id of their conversation, which begins with their first message."""
        return chats.web_conversation(self.id)


class Quotas:
    """How much visitors may do in one process."""

    def __init__(self) -> None:
        self._messages = _Quota(_MESSAGES)
        self._sessions = _Quota(_SESSIONS)

    def message(self, visitor: Visitor) -> None:
        """Count a message; raise Problem (429)."""
        self._messages.take(visitor.id)

    def session(self, address: str) -> None:
        """Count a session; raise Problem (429)."""
        self._sessions.take(address)


class _Quota:
    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._rates = Rates(per_minute)
        self._seen: set[str] = set()

    def take(self, key: str) -> None:
        if len(self._seen) >= _MOST:
            self._rates, self._seen = Rates(self._per_minute), set()
        self._seen.add(key)
        try:
            self._rates.take(key)
        except Problem as problem:
            problem.detail = "Too many messages in a short time; wait a moment."
            raise


def tokens_of(gateway: Parts) -> Tokens:
    """Return what signs tokens; raise Problem (404) where the chat is off."""
    if gateway.tokens is None:
        raise Problem(404, code="chat-off", detail="The chat is off; set ORDERS_TOKEN_KEYS to turn it on.")
    return gateway.tokens


def signed(gateway: Parts, *, visitor: Visitor) -> str:
    """Return a fresh token of a visitor."""
    return tokens_of(gateway).sign({"v": visitor.id, "c": visitor.customer}, purpose=VISITOR)


def visitor_of(gateway: Parts, *, token: str, age: timedelta = LIFETIME) -> Visitor | None:
    """Return whose token it is; None for one that is forged, too old, or no visitor's."""
    value = tokens_of(gateway).read(token, purpose=VISITOR, age=age)
    if not isinstance(value, dict) or not isinstance(value.get("v"), str) or not _VISITOR_ID.fullmatch(value["v"]):
        return None
    customer = value.get("c")
    return Visitor(value["v"], customer if isinstance(customer, str) else None)


def customer_of(gateway: Parts, *, token: str) -> str | None:
    """Return the customer a page vouches for; None for a token that is forged or too old."""
    value = tokens_of(gateway).read(token, purpose=CUSTOMER, age=CUSTOMER_LIFETIME)
    return value if isinstance(value, str) else None


def known(gateway: Parts, *, headers: Headers) -> Visitor:
    """Return the visitor of a request; raise Problem (401) without a token that is good."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    visitor = visitor_of(gateway, token=token.strip()) if scheme.lower() == "bearer" else None
    if visitor is None:
        raise stranger()
    return visitor


def stranger() -> Problem:
    """Return the refusal of a token that is not good."""
    return Problem(401, code="no-session", detail="The chat's session is over; POST /chat/session starts a new one.")


def newcomer(*, customer: str | None) -> Visitor:
    """Make a visitor; the id is a secret that nobody can guess."""
    return Visitor(f"c-{uuid4().hex}", customer)


def may_come_from(gateway: Parts, *, headers: Headers) -> bool:
    """Say whether a page of that origin may talk to the chat. Without the header it is no page that asks."""
    origin = headers.get("origin")
    if origin is None:
        return True
    allowed = {one.strip().rstrip("/") for one in gateway.settings.chat_origins.split(",") if one.strip()}
    if not origin or origin in allowed or "*" in allowed or origin == _origin_of(gateway.public_url):
        return origin != ""
    try:
        return urlsplit(origin).netloc == headers.get("host") != ""
    except ValueError:
        return False


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
