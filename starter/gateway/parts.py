"""What the routes share: the parts handed in at the start, the order named by the path, the pages of lists."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, TypeVar

from fastapi import Depends, Path, Query, Request, Response
from pydantic import ValidationError

from activities.runtime.replies import Replies
from activities.runtime.settings import Settings
from activities.runtime.tokens import Tokens
from activities.shelf import Shelf
from activities.store.database import Store, Tx
from activities.store.records import Page
from activities.store.values import Name, Number, Shop
from starter.client import OrdersClient
from starter.gateway.apart import Apart
from starter.gateway.commits import ONE_WRITER, SEVERAL_WRITERS, Commits
from starter.gateway.problems import Fault, Problem
from starter.relay import Relay
from workflows.contracts.ids import OrderKey

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Parts:
    """The gateway's parts, built where it starts. `environment` is where the accounts at vendors are looked up."""

    store: Store
    orders: OrdersClient
    relay: Relay
    settings: Settings
    shelf: Shelf
    environment: Mapping[str, str] = field(default_factory=dict)
    tokens: Tokens | None = None

    @cached_property
    def commits(self) -> Commits:
        """The transactions in which calls from outside are journalled."""
        is_sqlite = self.settings.store_url.startswith("sqlite")
        return Commits(self.store, manner=ONE_WRITER if is_sqlite else SEVERAL_WRITERS)

    @cached_property
    def apart(self) -> Apart:
        """What is done in a thread, as it would hold up other requests."""
        return Apart()

    @cached_property
    def replies(self) -> Replies | None:
        """The addresses that customers answer mails to."""
        return Replies.of(self.settings.reply_address, tokens=self.tokens)

    @property
    def public_url(self) -> str:
        """The gateway's address from outside, without a slash at its end; empty where it is not set."""
        return self.settings.public_url.rstrip("/")

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)

    @asynccontextmanager
    async def listing(self) -> AsyncIterator[Tx]:
        """Read a page of a list; raise Problem (422) for a cursor the store does not know."""
        try:
            async with self.store.read() as tx:
                yield tx
        except ValidationError:  # a ValueError, too, but of a stored record: ours
            raise
        except ValueError as error:
            fault = Fault(detail=str(error), parameter="query/cursor")
            raise Problem(422, code="invalid-request", detail=f"query/cursor: {error}", errors=[fault]) from error


def parts_of(request: Request) -> Parts:
    """Return the gateway's parts. Webhooks ask so: as a dependency it costs them a third of what a bare route costs."""
    parts: Parts = request.app.state.parts
    return parts


# Not a plain `def`, which FastAPI would call in a thread: that costs a request as much as its statements.
async def _parts(request: Request) -> Parts:
    return parts_of(request)


Gateway = Annotated[Parts, Depends(_parts)]


async def _key(
    gateway: Gateway,
    number: Annotated[Number, Path(description="The order's number.", examples=["2026-00117"])],
    shop: Annotated[Shop | None, Query(description="The shop; the gateway's own if not given.")] = None,
) -> OrderKey:
    return OrderKey(shop=shop or gateway.settings.shop, number=number)


#: The order named by the path.
Key = Annotated[OrderKey, Depends(_key)]

Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Most items of a page.")]


def linked(page: Page[_Item], *, request: Request, response: Response) -> Page[_Item]:
    """Add the `Link` header (RFC 8288) to the next page."""
    if page.next_cursor is not None:
        following = request.url.include_query_params(cursor=page.next_cursor)
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return page


#: A record named by the path.
Named = Annotated[Name, Path(description="The record's id.")]
