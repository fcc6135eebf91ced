"""Visits of the shop's site over HTTP: the script, the token, when a visit is an event. Covers T17, T18, case 47."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from multidict import CIMultiDict

from activities.store import journal, visitors
from activities.store.database import Store
from activities.store.history import EventRecord
from activities.store.visitors import PAUSE
from starter.gateway import tracking
from starter.gateway.parts import Parts
from tests.gateway.calling import Answer, Caller
from tests.gateway.conftest import Serve
from tests.gateway.filling import ANNA, PERSON, TOKENS, publish, token, visitor_token
from workflows.contracts.ids import OrderKey

KEY = OrderKey(shop="shop", number="1001")
SITE = "https://shop.example"
VISITOR = "v-" + "a" * 32


@pytest_asyncio.fixture
async def parts(store: Store, parts: Parts) -> Parts:
    await publish(store)
    settings = parts.settings.model_copy(update={"site_origins": SITE, "site_rate_per_minute": 6_000})
    return replace(parts, tokens=TOKENS, settings=settings)


@pytest_asyncio.fixture
async def page(caller: Caller) -> AsyncIterator[Caller]:
    """A page of the shop's site; Anna has an order."""
    await caller.created("1001", customer=ANNA)
    async with Caller(caller.url, secret=None) as stranger:
        yield stranger


async def tell(page: Caller, *, token: str = "", path: str = "/checkout/1", **headers: str) -> Answer:
    """Tell of a page that is looked at, as the script does."""
    body = json.dumps({"token": token, "page": path, "referrer": "https://search.example/?q=secret"})
    sent = {"Content-Type": "text/plain;charset=UTF-8", "Origin": SITE, "User-Agent": PERSON}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await page.call("POST", "/t/visit", data=body, headers=sent)


async def events(store: Store) -> list[EventRecord]:
    async with store.read() as tx:
        return [event for event in (await journal.events_of(tx, KEY)).items if event.source == "visits"]


async def was_here(store: Store, *, ago: timedelta, forms: tuple[str, ...] = (), customer: str = "anna") -> None:
    """A visitor was here some time ago and filled in forms as a customer."""
    then = datetime.now(UTC) - ago
    async with store.write() as tx:
        await visitors.see(tx, id=VISITOR, shop="shop", now=then)
        for form in forms:
            await visitors.link(tx, id=VISITOR, shop="shop", customer=customer, form=form, now=then)


async def number_of_visitors(store: Store) -> int:
    from sqlalchemy import text

    async with store.read() as tx:
        return int((await tx.rows(text("SELECT count(*) FROM visitors")))[0][0])


async def test_the_script_is_small_and_whole(page: Caller) -> None:
    answer = await page.get("/t/site.js")
    headers = CIMultiDict(answer.headers)
    assert len(answer.body.encode()) < 3_000
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert "max-age" in headers["cache-control"]


async def test_a_new_visitor_gets_a_signed_token_and_nothing_is_journalled(store: Store, page: Caller) -> None:
    answer = await tell(page)
    visitor = tracking.visitor_of(TOKENS, token=answer.body["token"])
    assert answer.status == 200
    assert CIMultiDict(answer.headers)["access-control-allow-origin"] == SITE
    assert visitor is not None
    async with store.read() as tx:
        found = await visitors.find(tx, id=visitor)
    assert found is not None
    assert (found.customer, found.visits) == (None, 1)
    assert await events(store) == []


async def test_a_known_visitor_stays_who_they_are(store: Store, page: Caller) -> None:
    first = (await tell(page)).body["token"]
    second = (await tell(page, token=first)).body["token"]
    assert tracking.visitor_of(TOKENS, token=first) == tracking.visitor_of(TOKENS, token=second)
    assert await number_of_visitors(store) == 1


async def test_a_visit_of_a_customer_is_an_event_when_it_begins(store: Store, page: Caller) -> None:
    """Covers T17, T18."""
    await was_here(store, ago=PAUSE + timedelta(minutes=1), forms=("survey",))
    for _ in range(3):
        await tell(page, token=visitor_token(VISITOR))
    started, returned = await events(store)
    assert (started.type, started.data) == ("visit.started", {"page": "/checkout/1", "referrer": "search.example"})
    assert (returned.type, returned.data["name"]) == ("visit.returned", "survey")
    assert VISITOR not in started.id + returned.id


async def test_who_filled_in_several_forms_comes_back_for_each(store: Store, page: Caller) -> None:
    await was_here(store, ago=timedelta(days=3), forms=("survey", "call-me"))
    await tell(page, token=visitor_token(VISITOR))
    assert [event.data.get("name") for event in await events(store)] == [None, "survey", "call-me"]


async def test_fifty_pages_at_once_begin_one_visit(store: Store, page: Caller) -> None:
    await was_here(store, ago=timedelta(days=3), forms=("survey",))
    answers = await asyncio.gather(*[tell(page, token=visitor_token(VISITOR)) for _ in range(50)])
    assert {answer.status for answer in answers} == {200}
    assert len(await events(store)) == 2


async def test_within_half_an_hour_the_visit_goes_on(store: Store, page: Caller) -> None:
    await was_here(store, ago=timedelta(minutes=20), forms=("survey",))
    await tell(page, token=visitor_token(VISITOR))
    assert await events(store) == []


async def test_a_customer_without_an_order_fills_no_journal(store: Store, caller: Caller, page: Caller) -> None:
    assert (await caller.post("/v1/customers", {"id": "nora"})).status == 201
    await was_here(store, ago=timedelta(days=3), forms=("survey",), customer="nora")
    assert (await tell(page, token=visitor_token(VISITOR))).status == 200
    assert (await caller.get("/v1/events/parked")).body["items"] == []


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(VISITOR, id="an id that is not signed"),
        pytest.param(visitor_token(VISITOR)[:-2], id="a token that is cut off"),
        pytest.param(visitor_token("anna"), id="a token of something else"),
        pytest.param(token("survey"), id="the pass of a form"),
        pytest.param("é" * 400, id="no token at all"),
    ],
)
async def test_a_forged_visitor_is_somebody_new(store: Store, page: Caller, forged: str) -> None:
    """Covers case 47."""
    await was_here(store, ago=timedelta(days=3), forms=("survey",))
    answer = await tell(page, token=forged)
    assert answer.status == 200
    assert tracking.visitor_of(TOKENS, token=answer.body["token"]) not in (None, VISITOR)
    assert await events(store) == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"User_Agent": "Mozilla/5.0 (compatible; bingbot/2.0)"}, id="a crawler"),
        pytest.param({"User_Agent": "Mozilla/5.0 HeadlessChrome/140.0"}, id="a steered browser"),
        pytest.param({"Sec_Purpose": "prefetch;prerender"}, id="a browser that fetches ahead"),
        pytest.param({"DNT": "1"}, id="do not track"),
        pytest.param({"Sec_GPC": "1"}, id="global privacy control"),
    ],
)
async def test_bots_and_those_who_object_leave_no_trace(store: Store, page: Caller, headers: dict[str, str]) -> None:
    assert (await tell(page, **headers)).status == 204
    assert await number_of_visitors(store) == 0


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "https://shop.example.evil.example", "//["])
async def test_pages_of_other_sites_are_refused(store: Store, page: Caller, origin: str) -> None:
    answer = await tell(page, Origin=origin)
    assert (answer.status, answer.body["code"]) == (403, "origin-refused")
    assert "access-control-allow-origin" not in CIMultiDict(answer.headers)
    assert await number_of_visitors(store) == 0


async def test_the_gateways_own_pages_may_tell(page: Caller) -> None:
    assert (await tell(page, Origin=page.url.rstrip("/"))).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="empty"),
        pytest.param(b"token=1", 400, id="no JSON"),
        pytest.param(b"[]", 422, id="no object"),
        pytest.param(b'{"page": "checkout"}', 422, id="no path"),
        pytest.param(b'{"page": "/", "customer": "anna"}', 422, id="something else"),
        pytest.param(b'{"page": "/' + b"x" * 5_000 + b'"}', 413, id="too large"),
        pytest.param(b"\xff", 400, id="no text"),
    ],
)
async def test_what_no_script_of_ours_tells_is_refused(page: Caller, body: bytes, status: int) -> None:
    headers = {"Origin": SITE, "User-Agent": PERSON}
    assert (await page.call("POST", "/t/visit", data=body, headers=headers)).status == status


async def test_one_address_tells_only_so_much(serve: Serve, parts: Parts) -> None:
    settings = parts.settings.model_copy(update={"site_rate_per_minute": 1})
    page = await serve(replace(parts, settings=settings))
    assert [(await tell(page)).status for _ in range(2)] == [200, 429]


async def test_without_keys_nobody_is_followed(serve: Serve, parts: Parts) -> None:
    caller: Any = await serve(replace(parts, tokens=None))
    assert (await tell(caller)).status == 404
