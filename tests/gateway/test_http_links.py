"""Links and open pixels of mails: on to the stored address, and an event unless a program opened it.

Covers T04, T05, case 44.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest
import pytest_asyncio

from activities.store import journal, links
from activities.store.database import Store
from activities.store.history import EventRecord
from tests.gateway.calling import Caller
from workflows.contracts.ids import OrderKey

KEY = OrderKey(shop="shop", number="1001")
SEND = uuid5(UUID(int=6), "mail")
URL = "https://shop.example/pay?order=1001&lang=pl#now"

BROWSER = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"}


@pytest_asyncio.fixture
async def stranger(caller: Caller) -> AsyncIterator[Caller]:
    """Somebody without a key; the order exists."""
    await caller.created("1001")
    async with Caller(caller.url, secret=None) as stranger:
        yield stranger


async def link(store: Store, url: str = URL, *, age: timedelta = timedelta(minutes=5)) -> str:
    async with store.write() as tx:
        return await links.put(tx, key=KEY, send_id=SEND, rule="pay", url=url, now=datetime.now(UTC) - age)


async def told(store: Store) -> list[EventRecord]:
    async with store.read() as tx:
        return [event for event in (await journal.events_of(tx, KEY)).items if event.type.startswith("email.")]


async def test_a_link_leads_on_and_tells_who_clicked(store: Store, stranger: Caller) -> None:
    """Covers T05."""
    token = await link(store)
    answer = await stranger.get(f"/l/{token}", headers=BROWSER, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (302, URL)
    assert answer.headers["Cache-Control"] == "no-store"
    (event,) = await told(store)
    assert (event.type, event.source, event.data) == ("email.link_clicked", "links", {"url": URL, "rule": "pay"})
    assert token not in event.id
    async with store.read() as tx:
        found = await links.find(tx, token=token)
    assert found is not None
    assert found.clicked_at is not None


async def test_a_pixel_tells_that_the_mail_was_opened(store: Store, stranger: Caller) -> None:
    """Covers T04."""
    token = await link(store, links.PIXEL)
    answer = await stranger.get(f"/l/{token}.gif", headers=BROWSER)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/gif")
    (event,) = await told(store)
    assert (event.type, event.data) == ("email.viewed", {"rule": "pay"})


async def test_fifty_clicks_at_once_are_one(store: Store, stranger: Caller) -> None:
    token = await link(store)
    answers = await asyncio.gather(
        *[stranger.get(f"/l/{token}", headers=BROWSER, allow_redirects=False) for _ in range(50)]
    )
    assert {answer.status for answer in answers} == {302}
    assert len(await told(store)) == 1


@pytest.mark.parametrize(
    ("method", "agent"),
    [
        pytest.param("HEAD", BROWSER["User-Agent"], id="head"),
        pytest.param("GET", "Mozilla/5.0", id="mail privacy proxy"),
        pytest.param("GET", "Mozilla/5.0 (compatible; Googlebot/2.1)", id="crawler"),
        pytest.param("GET", "Mimecast URL Protect", id="scanner"),
        pytest.param("GET", "", id="no name"),
    ],
)
async def test_a_program_is_led_on_and_tells_nothing(store: Store, stranger: Caller, method: str, agent: str) -> None:
    """Covers case 44."""
    token, pixel = await link(store), await link(store, links.PIXEL)
    headers = {"User-Agent": agent}
    assert (await stranger.call(method, f"/l/{token}", headers=headers, allow_redirects=False)).status == 302
    assert (await stranger.call(method, f"/l/{pixel}.gif", headers=headers)).status == 200
    assert await told(store) == []


async def test_what_comes_sooner_than_a_person_reads_tells_nothing(store: Store, stranger: Caller) -> None:
    """Covers case 44: scanners open and click within two seconds of the delivery."""
    token = await link(store, age=timedelta(seconds=-30))
    pixel = await link(store, links.PIXEL, age=timedelta(seconds=-30))
    await stranger.get(f"/l/{token}", headers=BROWSER, allow_redirects=False)
    await stranger.get(f"/l/{pixel}.gif", headers=BROWSER)
    assert await told(store) == []


async def test_nobody_can_make_the_gateway_lead_elsewhere(store: Store, stranger: Caller) -> None:
    token, pixel = await link(store), await link(store, links.PIXEL)
    for path in ("/l/none", f"/l/{pixel}", f"/l/{token}.gif", "/l/none.gif", "/l/https%3A%2F%2Fevil.example"):
        answer = await stranger.get(path, headers=BROWSER, allow_redirects=False)
        assert (answer.status, answer.headers.get("Location")) == (404, None), path
    answer = await stranger.get(f"/l/{token}?url=https://evil.example", headers=BROWSER, allow_redirects=False)
    assert answer.headers["Location"] == URL
