"""Visitors of the web chat: their signed token, the pages they may come from, and how much they may say.

A token names the visitor, and so their one conversation, and the customer they are where the shop's page said so. It
is good for an hour, and for a new one for a month. It may also name the visitor that the site's tracker knows the
browser by. That opens no conversation and shows nothing: the tracker's token stands in the addresses of forms.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from fastapi import Request
from starlette.datastructures import Headers

from activities.runtime.tokens import Tokens
from activities.store import chats
from starter.gateway import tracking
from starter.gateway.origins import is_allowed
from starter.gateway.parts import Parts
from starter.gateway.problems import Problem
from starter.gateway.quotas import Quota, address_of

#: A token of a visitor, and one that the shop's page holds for a customer who has signed in there.
VISITOR, CUSTOMER = "chat", "chat-customer"

LIFETIME = timedelta(hours=1)
RENEWABLE = timedelta(days=30)
CUSTOMER_LIFETIME = timedelta(days=1)

#: Messages a minute of one visitor, and new sessions a minute of one address.
_MESSAGES, _SESSIONS = 60, 600

_VISITOR_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True)
class Visitor:
    """Who writes. `customer` is known where the shop's page vouched for them, `tracked` is the site's visitor."""

    id: str
    customer: str | None = None
    tracked: str | None = None

    @property
    def on_site(self) -> str:
        """The id by which the browser is known: the site's visitor, if there is one."""
        return self.tracked or self.id

    @property
    def conversation(self) -> UUID:
        """The id of their conversation, which begins with their first message."""
        return chats.web_conversation(self.id)


class Quotas:
    """How much visitors may do in one process."""

    def __init__(self) -> None:
        self._messages = Quota(_MESSAGES)
        self._sessions = Quota(_SESSIONS)

    def message(self, visitor: Visitor) -> None:
        """Count a message; raise Problem (429)."""
        _counted(self._messages, visitor.id)

    def session(self, request: Request) -> None:
        """Count a session of the request's address; raise Problem (429)."""
        _counted(self._sessions, address_of(request))


def _counted(quota: Quota, key: str) -> None:
    try:
        quota.count(key)
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
    return tokens_of(gateway).sign({"v": visitor.id, "c": visitor.customer, "t": visitor.tracked}, purpose=VISITOR)


def visitor_of(gateway: Parts, *, token: str, age: timedelta = LIFETIME) -> Visitor | None:
    """Return whose token it is; None for one that is forged, too old, or no visitor's."""
    value = tokens_of(gateway).read(token, purpose=VISITOR, age=age)
    if not isinstance(value, dict) or not isinstance(value.get("v"), str) or not _VISITOR_ID.fullmatch(value["v"]):
        return None
    customer, tracked = value.get("c"), value.get("t")
    return Visitor(
        value["v"],
        customer if isinstance(customer, str) else None,
        tracked if isinstance(tracked, str) else None,
    )


def customer_of(gateway: Parts, *, token: str) -> str | None:
    """Return the customer a page vouches for; None for a token that is forged or too old."""
    value = tokens_of(gateway).read(token, purpose=CUSTOMER, age=CUSTOMER_LIFETIME)
    return value if isinstance(value, str) else None


def tracked_of(gateway: Parts, *, token: str) -> str | None:
    """Return the site's visitor whose token the tracker gave the page; None for a token that is forged."""
    return tracking.visitor_of(tokens_of(gateway), token=token) if token else None


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
    if "origin" not in headers:
        return True
    return is_allowed(headers, setting=gateway.settings.chat_origins, public_url=gateway.public_url)
