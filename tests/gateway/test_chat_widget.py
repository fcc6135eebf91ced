"""The chat's widget in a real browser, on a page of another site. Covers T19, T20, C4."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from activities.runtime.tokens import Tokens
from starter.gateway import tracking
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve

#: A starved machine takes its time.
expect.set_options(timeout=60_000)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
    pytest.mark.timeout(300),
]

PAGE = """<!doctype html><html lang="{language}"><meta name="viewport" content="width=device-width">
<title>Demo Shop</title><body style="font-family:sans-serif"><h1>Mugs</h1><p>Blue, red, green.</p>
<script src="{gateway}/chat/widget.js" data-shop="Demo Shop" {more}></script></body></html>"""


class Shop:
    """A site of its own, whose pages show the chat."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.gateway = ""
        self.more = ""
        self.language = "en"


@asynccontextmanager
async def site() -> AsyncIterator[Shop]:
    """Serve the site."""

    async def page(_: web.Request) -> web.Response:
        text = PAGE.format(gateway=shop.gateway, more=shop.more, language=shop.language)
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    host, port = runner.addresses[0][:2]
    shop = Shop(f"http://{host}:{port}")
    yield shop
    await runner.cleanup()


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    async with site() as shop:
        yield shop


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def desk(serve: Serve, parts: Parts, shop: Shop) -> Caller:
    """The employees' side of a gateway that lets the shop's pages chat."""
    settings = parts.settings.model_copy(update={"chat_origins": shop.url})
    caller: Caller = await serve(replace(parts, tokens=Tokens(["k" * 32]), settings=settings))
    shop.gateway = caller.url
    return caller


async def opened(browser: Browser, shop: Shop, **options: object) -> Page:
    """Open the shop's page."""
    context = await browser.new_context(**options)  # type: ignore[arg-type]  # playwright's own keywords
    page = await context.new_page()
    await page.goto(shop.url)
    return page


async def say(page: Page, text: str) -> None:
    """Write something into the open widget."""
    await page.get_by_role("textbox").fill(text)
    await page.keyboard.press("Enter")


def bubbles(page: Page) -> Locator:
    """What the widget shows was said."""
    return page.get_by_role("log").get_by_role("listitem")


async def chat_of(desk: Caller, count: int = 1) -> str:
    """Wait for the chat to reach the employees with so many messages; the test's time limit ends a vain wait."""
    while True:
        items = (await desk.get("/v1/chats")).body["items"]
        if items:
            found = await desk.get(f"/v1/chats/{items[0]['id']}/messages")
            if len(found.body["items"]) >= count:
                return str(items[0]["id"])
        await asyncio.sleep(0.05)


async def answer(desk: Caller, chat: str, text: str, *, ref: str = "employee-1") -> None:
    """Let an employee answer."""
    said = await desk.post(f"/v1/chats/{chat}/messages", {"ref": ref, "text": text, "author": "olga"})
    assert said.status == 201, said


async def test_a_visitor_writes_and_an_employees_answer_appears(browser: Browser, shop: Shop, desk: Caller) -> None:
    page = await opened(browser, shop)
    await page.get_by_role("button", name="Open chat").click()
    await say(page, "Is the blue mug dishwasher-proof?")
    chat = await chat_of(desk)
    await answer(desk, chat, "Yes, and the microwave does it no harm either.")
    await expect(bubbles(page).nth(2)).to_contain_text("no harm either")
    await desk.post(f"/v1/chats/{chat}/whispers", {"ref": "whisper-1", "text": "Offer 5 %", "author": "olga"})
    await desk.post(f"/v1/chats/{chat}/typing")
    await expect(page.get_by_text("Demo Shop is writing…")).to_be_visible()
    await page.reload()
    await page.get_by_role("button", name="Open chat").click()
    await expect(bubbles(page)).to_have_count(3)
    assert "Offer" not in await page.content()


async def test_the_keyboard_opens_writes_and_closes(browser: Browser, shop: Shop, desk: Caller) -> None:
    page = await opened(browser, shop)
    button = page.get_by_role("button", name="Open chat")
    await button.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Demo Shop")
    await expect(dialog).to_be_visible()
    await expect(page.get_by_role("textbox", name="Write a message")).to_be_focused()
    await page.keyboard.type("Hello")
    await page.keyboard.press("Enter")
    await chat_of(desk)
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(button).to_be_focused()


async def test_what_is_written_without_a_connection_is_sent_once_it_is_back(
    browser: Browser, shop: Shop, desk: Caller
) -> None:
    page = await opened(browser, shop)
    await page.get_by_role("button", name="Open chat").click()
    await say(page, "one")
    chat = await chat_of(desk)
    await page.context.set_offline(True)
    await say(page, "two")
    await answer(desk, chat, "answer")
    await page.context.set_offline(False)
    await chat_of(desk, count=3)
    await expect(bubbles(page)).to_have_count(4)


@pytest.mark.parametrize("transport", ["socket", "poll"])
async def test_of_two_pages_without_a_connection_neither_loses_what_was_written(
    browser: Browser, shop: Shop, desk: Caller, transport: str
) -> None:
    """Covers T19: what one of them had not sent when it was closed, the other one sends; each message arrives once."""
    shop.more = f'data-transport="{transport}" data-open'
    first = await opened(browser, shop)
    await say(first, "zero")
    chat = await chat_of(desk)
    second = await first.context.new_page()
    await second.goto(shop.url)
    await expect(bubbles(second)).to_have_count(2)
    await first.context.set_offline(True)
    await say(first, "one")
    await say(second, "two")
    await say(first, "three")
    await first.close()
    await second.context.set_offline(False)
    await chat_of(desk, count=4)
    texts = [line["text"] for line in (await desk.get(f"/v1/chats/{chat}/messages")).body["items"]]
    assert sorted(texts) == ["one", "three", "two", "zero"]
    await expect(bubbles(second)).to_have_count(5)


@pytest.mark.parametrize("transport", ["socket", "poll"])
async def test_the_next_page_sends_what_no_page_could_send(
    browser: Browser, shop: Shop, desk: Caller, transport: str
) -> None:
    shop.more = f'data-transport="{transport}" data-open'
    first = await opened(browser, shop)
    await say(first, "zero")
    chat, context = await chat_of(desk), first.context
    second = await context.new_page()
    await second.goto(shop.url)
    await expect(bubbles(second)).to_have_count(2)
    await context.set_offline(True)
    for number, page in enumerate((second, first, second, first)):
        await say(page, f"{number}")
    for page in (first, second):
        await page.close()
    await context.set_offline(False)
    page = await context.new_page()
    await page.goto(shop.url)
    await chat_of(desk, count=5)
    texts = [line["text"] for line in (await desk.get(f"/v1/chats/{chat}/messages")).body["items"]]
    # What a page had handed to its socket may leave at its end: then only the messages of one page are in turn.
    assert sorted(texts) == ["0", "1", "2", "3", "zero"]
    assert texts.index("0") < texts.index("2")
    assert texts.index("1") < texts.index("3")
    await expect(bubbles(page)).to_have_count(6)
    kept = await page.evaluate("Object.entries(localStorage).filter(([key]) => key.startsWith('order-chat'))")
    assert [json.loads(value).keys() for _, value in kept] == [{"token", "seen"}]


@pytest.mark.parametrize("transport", ["socket", "poll"])
async def test_half_an_emoji_does_not_hold_up_what_follows(
    browser: Browser, shop: Shop, desk: Caller, transport: str
) -> None:
    shop.more = f'data-transport="{transport}"'
    page = await opened(browser, shop)
    await page.get_by_role("button", name="Open chat").click()
    await page.get_by_role("textbox").evaluate("""(box) => {
        box.value = "cut off \\ud83d";
        box.dispatchEvent(new Event("input"));
        box.form.requestSubmit();
    }""")
    await say(page, "Hello")
    chat = await chat_of(desk, count=2)
    texts = [line["text"] for line in (await desk.get(f"/v1/chats/{chat}/messages")).body["items"]]
    assert texts == ["cut off \ufffd", "Hello"]


async def test_where_no_websocket_comes_through_the_widget_polls(browser: Browser, shop: Shop, desk: Caller) -> None:
    shop.more = 'data-transport="poll"'
    page = await opened(browser, shop)
    await page.get_by_role("button", name="Open chat").click()
    await say(page, "Hello")
    await answer(desk, await chat_of(desk), "Good morning")
    await expect(bubbles(page).nth(2)).to_contain_text("Good morning")
    await expect(bubbles(page)).to_have_count(3)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Open chat"),
        ("pl", "Otwórz czat"),
        ("fr", "Ouvrir la discussion"),
        ("de", "Chat öffnen"),
        ("vi", "Mở trò chuyện"),
        ("uk", "Відкрити чат"),
        ("xx", "Open chat"),
    ],
)
async def test_the_widget_speaks_the_pages_language(
    browser: Browser, shop: Shop, desk: Caller, language: str, words: str
) -> None:
    shop.more = f'data-language="{language}"'
    page = await opened(browser, shop, locale="en-GB")
    await expect(page.get_by_role("button", name=words)).to_be_visible()


async def test_answers_are_counted_while_the_chat_is_closed(browser: Browser, shop: Shop, desk: Caller) -> None:
    page = await opened(browser, shop)
    await page.get_by_role("button", name="Open chat").click()
    await say(page, "Hello")
    chat = await chat_of(desk)
    await page.get_by_role("button", name="Close chat").first.click()
    await answer(desk, chat, "Good morning")
    await expect(page.get_by_role("button", name="New message: 1")).to_be_visible()


@pytest.mark.parametrize("origins", ["*", "https://other.example"], ids=["off", "another site's"])
async def test_where_the_chat_is_off_or_anothers_the_page_shows_nothing_of_it(
    browser: Browser, shop: Shop, serve: Serve, parts: Parts, origins: str
) -> None:
    settings = parts.settings.model_copy(update={"chat_origins": origins})
    tokens = None if origins == "*" else Tokens(["k" * 32])
    shop.gateway = (await serve(replace(parts, tokens=tokens, settings=settings))).url
    page = await (await browser.new_context()).new_page()
    async with page.expect_event("response" if origins == "*" else "requestfailed", _is_session):
        await page.goto(shop.url)
    await expect(page.locator("#order-chat")).to_be_hidden()
    assert await page.get_by_role("button").count() == 0


def _is_session(told: Any) -> bool:
    return str(told.url).endswith("/chat/session")


@pytest.mark.parametrize("objects", [False, True], ids=["followed", "do not track"])
async def test_the_widget_tells_whom_the_sites_script_follows_unless_they_object(
    browser: Browser, shop: Shop, desk: Caller, objects: bool
) -> None:
    """Covers T19: one browser is one visitor."""
    token = tracking.signed(Tokens(["k" * 32]), visitor="v-" + "a" * 32)
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_init_script(f'localStorage.setItem("orders-visitor", "{token}")')
    if objects:
        await page.add_init_script('Object.defineProperty(navigator, "doNotTrack", {value: "1"})')
    async with page.expect_request("**/chat/session") as asked:
        await page.goto(shop.url)
    body = (await asked.value).post_data_json
    assert isinstance(body, dict)
    assert body["visitor"] == ("" if objects else token)
