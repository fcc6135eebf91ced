"""A document in a real browser: what a person sees counts as viewed, without a gesture and without scripts."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from activities.providers.typst import typeset
from activities.store import documents, journal
from activities.store.database import Store
from activities.store.documents import DocumentRecord, NewDocument
from tests.gateway.calling import Caller
from workflows.contracts.ids import OrderKey

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.timeout(300),
]

KEY = OrderKey(shop="shop", number="1001")

#: A browser that is steered says so in its name, and then counts as a program.
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def document(store: Store, caller: Caller) -> DocumentRecord:
    """A document of an order."""
    await caller.created("1001")
    pdf = typeset({"x.typ": b"= Hello"}, template="x", data="{}", moment=datetime.now(UTC))
    id = uuid5(UUID(int=5), "invoice")
    new = NewDocument(id=id, key=KEY, template="invoice", number="1", name="x.pdf", language="en", content=pdf)
    async with store.write() as tx:
        return await documents.put(tx, new, now=datetime.now(UTC))


async def views(store: Store) -> int:
    async with store.read() as tx:
        return sum(event.type == "document.viewed" for event in (await journal.events_of(tx, KEY)).items)


async def test_a_page_that_is_seen_counts(
    store: Store, caller: Caller, browser: Browser, document: DocumentRecord
) -> None:
    """Covers T22."""
    page = await browser.new_page(user_agent=PERSON)
    broken: list[str] = []
    page.on("console", lambda line: broken.append(line.text) if line.type == "error" else None)
    async with page.expect_response(lambda answer: answer.url.endswith("/viewed")) as told:
        await page.goto(f"{caller.url}/d/{document.token}")
    assert (await (await told.value).finished()) is None
    assert await views(store) == 1
    assert await page.title() == "x.pdf"
    assert [line for line in broken if "Content Security Policy" in line] == []


async def test_a_browser_that_says_it_is_steered_does_not_count(
    store: Store, caller: Caller, browser: Browser, document: DocumentRecord
) -> None:
    page = await browser.new_page()
    async with page.expect_response(lambda answer: answer.url.endswith("/viewed")) as told:
        await page.goto(f"{caller.url}/d/{document.token}")
    assert (await told.value).status == 204
    assert await views(store) == 0


async def test_without_scripts_a_click_on_the_name_counts(
    store: Store, caller: Caller, browser: Browser, document: DocumentRecord
) -> None:
    page = await browser.new_page(user_agent=PERSON, java_script_enabled=False)
    await page.goto(f"{caller.url}/d/{document.token}")
    assert await views(store) == 0
    async with page.expect_request(lambda asked: asked.is_navigation_request()) as asked:
        await page.get_by_role("link", name="x.pdf").first.click()
    await (await asked.value).response()
    assert await views(store) == 1


async def test_curl_and_heads_do_not_count(store: Store, caller: Caller, document: DocumentRecord) -> None:
    for path in ("", "/file"):
        await caller.get(f"/d/{document.token}{path}", headers={"User-Agent": "curl/8.5.0"})
        await caller.call("HEAD", f"/d/{document.token}{path}", headers={"User-Agent": PERSON})
    assert await views(store) == 0
