"""Forms and visits in a real browser: without scripts, in a frame, on a page of another site."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from activities.store import journal
from activities.store.database import Store
from activities.store.history import EventRecord
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve
from tests.gateway.filling import ANNA, PERSON, TOKENS, publish
from workflows.contracts.ids import OrderKey

#: A starved machine takes its time.
expect.set_options(timeout=60_000)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.timeout(300),
]

KEY = OrderKey(shop="shop", number="1001")

PAGE = """<!doctype html><html lang="en"><title>Demo Shop</title><body><h1>Mugs</h1>
<p><a href="{gateway}/f/survey?lang=en">Tell us</a></p><iframe data-form="call-me" title="Call me back"></iframe>
<script src="{gateway}/t/site.js" {more} async></script></body></html>"""


@dataclass(frozen=True)
class Clocked(Parts):
    """A gateway whose clock can be set ahead."""

    ahead: list[timedelta] = field(default_factory=lambda: [timedelta(0)])

    def now(self) -> datetime:
        return super().now() + self.ahead[0]


@dataclass
class Shop:
    """A site of its own, whose pages follow visits and show forms."""

    url: str
    gateway: str = ""
    more: str = ""


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE.format(gateway=shop.gateway, more=shop.more), content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    shop = Shop(f"http://{host}:{port}")
    yield shop
    await runner.cleanup()


@pytest_asyncio.fixture
async def parts(store: Store, parts: Parts, shop: Shop) -> Clocked:
    await publish(store)
    given = {one.name: getattr(parts, one.name) for one in fields(Parts)}
    settings = parts.settings.model_copy(update={"site_origins": shop.url})
    return Clocked(**{**given, "tokens": TOKENS, "settings": settings})


@pytest_asyncio.fixture
async def desk(serve: Serve, parts: Clocked, shop: Shop) -> Caller:
    """The gateway, with an order of Anna's."""
    caller: Caller = await serve(parts)
    await caller.created("1001", customer=ANNA)
    shop.gateway = caller.url
    return caller


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def person(browser: Browser) -> BrowserContext:
    """A browser that a person uses."""
    return await browser.new_context(user_agent=PERSON)


async def events(store: Store) -> list[EventRecord]:
    async with store.read() as tx:
        found = (await journal.events_of(tx, KEY)).items
    return [event for event in found if event.source in ("forms", "visits")]


async def visited(page: Page, address: str) -> None:
    """Open a page, and wait until its script has told."""
    async with page.expect_response(lambda answer: answer.url.endswith("/t/visit")) as told:
        await page.goto(address)
    assert (await told.value).ok


async def fill_in_survey(page: Page) -> None:
    await page.get_by_label("E-mail").fill("anna@mail.example")
    await page.get_by_label("Words").fill("Lovely mugs")
    await page.get_by_label("I know the rules").check()


@pytest.mark.parametrize("with_scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_form_is_filled_in_corrected_and_sent(
    store: Store, desk: Caller, parts: Clocked, browser: Browser, with_scripts: bool
) -> None:
    """Covers T08."""
    context = await browser.new_context(user_agent=PERSON, java_script_enabled=with_scripts)
    page = await context.new_page()
    broken: list[str] = []
    page.on("console", lambda line: broken.append(line.text) if line.type == "error" else None)
    await page.goto(f"{desk.url}/f/survey")
    parts.ahead[0] = timedelta(seconds=10)
    await fill_in_survey(page)
    await page.get_by_label("E-mail").fill("anna@")
    await page.get_by_role("button", name="Tell us").click()
    await expect(page.get_by_role("alert")).to_contain_text("E-mail: Enter an e-mail address")
    email = page.get_by_label("E-mail")
    await expect(email).to_be_focused()
    await expect(email).to_have_accessible_description("Enter an e-mail address, like anna@mail.example We answer here")
    await expect(email).to_have_value("anna@")
    await expect(page.get_by_label("Words")).to_have_value("Lovely mugs")
    await email.fill("anna@mail.example")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Thanks, we read it.")
    await page.reload()
    (event,) = await events(store)
    assert (event.type, event.data["fields"]["words"]) == ("form.submitted", "Lovely mugs")
    assert [line for line in broken if "Content Security Policy" in line] == []


async def test_the_trap_is_out_of_sight_and_reach(desk: Caller, person: BrowserContext) -> None:
    page = await person.new_page()
    await page.goto(f"{desk.url}/f/survey")
    assert await page.get_by_role("textbox", name="Leave this empty").count() == 0
    await expect(page.locator("#homepage")).not_to_be_in_viewport()
    names = []
    for _ in range(12):
        await page.keyboard.press("Tab")
        names.append(await page.evaluate("document.activeElement.name || ''"))
    assert "_homepage" not in names
    assert {"email", "words", "_consent"} <= set(names)


async def test_a_form_is_sent_from_a_frame_on_the_shops_page(
    store: Store, desk: Caller, parts: Clocked, shop: Shop, person: BrowserContext
) -> None:
    """Covers T09."""
    page = await person.new_page()
    await visited(page, f"{shop.url}/")
    frame = page.frame_locator("iframe")
    await expect(frame.get_by_role("heading")).to_have_text("Call me back")
    parts.ahead[0] = timedelta(seconds=10)
    await frame.get_by_label("Phone").fill("601 234 567")
    await frame.get_by_role("button").click()
    await expect(frame.get_by_role("status")).to_have_text("Thank you. We have received it.")
    (event,) = await events(store)
    assert event.type == "callback.requested"
    parts.ahead[0] = timedelta(hours=1)
    await visited(page, f"{shop.url}/mugs")
    assert [one.type for one in await events(store)] == ["callback.requested", "visit.started", "visit.returned"]


async def test_who_filled_in_a_form_and_comes_back_later_has_returned(
    store: Store, desk: Caller, parts: Clocked, shop: Shop, person: BrowserContext
) -> None:
    """Covers T17, T18."""
    page = await person.new_page()
    await visited(page, f"{shop.url}/mugs?utm=private")
    await page.get_by_role("link", name="Tell us").click()
    parts.ahead[0] = timedelta(seconds=10)
    await fill_in_survey(page)
    await page.get_by_role("button", name="Tell us").click()
    await expect(page.get_by_role("status")).to_be_visible()
    parts.ahead[0] = timedelta(minutes=20)
    await visited(page, f"{shop.url}/cups")
    assert [event.type for event in await events(store)] == ["form.submitted"]
    parts.ahead[0] = timedelta(minutes=51)
    await visited(page, f"{shop.url}/checkout/1?card=private")
    _, started, returned = await events(store)
    assert (started.type, started.data["page"]) == ("visit.started", "/checkout/1")
    assert (returned.type, returned.data["name"]) == ("visit.returned", "survey")


async def test_a_page_opened_without_loading_is_told_by_hand(desk: Caller, shop: Shop, person: BrowserContext) -> None:
    page = await person.new_page()
    await visited(page, f"{shop.url}/")
    async with page.expect_request(lambda asked: asked.url.endswith("/t/visit")) as asked:
        await page.evaluate("history.pushState({}, '', '/cups'); window.orders.visit()")
    assert '"page":"/cups"' in str((await asked.value).post_data)


async def test_who_must_agree_is_not_followed_before(desk: Caller, shop: Shop, person: BrowserContext) -> None:
    shop.more = 'data-consent="required"'
    page = await person.new_page()
    told: list[str] = []
    page.on("request", lambda asked: told.append(asked.url) if asked.url.endswith("/t/visit") else None)
    await page.goto(shop.url)
    await expect(page.frame_locator("iframe").get_by_role("heading")).to_have_text("Call me back")
    assert told == []
    assert await page.evaluate("localStorage.length") == 0
    await page.evaluate("window.orders.consent(true)")
    assert len(told) == 1
    await visited(page, f"{shop.url}/cups")
    await page.evaluate("window.orders.consent(false)")
    assert await page.evaluate("localStorage.getItem('orders-visitor')") is None
    await page.goto(shop.url)
    await expect(page.frame_locator("iframe").get_by_role("heading")).to_have_text("Call me back")
    assert len(told) == 2


@pytest.mark.parametrize("objection", ["globalPrivacyControl: {value: true}", "doNotTrack: {value: '1'}"])
async def test_who_objects_is_not_followed(desk: Caller, shop: Shop, person: BrowserContext, objection: str) -> None:
    await person.add_init_script(f"Object.defineProperties(Navigator.prototype, {{{objection}}})")
    page = await person.new_page()
    told: list[str] = []
    page.on("request", lambda asked: told.append(asked.url) if asked.url.endswith("/t/visit") else None)
    await page.goto(shop.url)
    await expect(page.frame_locator("iframe").get_by_role("heading")).to_have_text("Call me back")
    await page.evaluate("window.orders.consent(true)")
    assert told == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_form_fits_a_phone_in_light_and_dark(desk: Caller, browser: Browser, scheme: str) -> None:
    context = await browser.new_context(
        user_agent=PERSON,
        color_scheme=scheme,  # type: ignore[arg-type]  # one of the two words it takes
        viewport={"width": 320, "height": 640},
    )
    page = await context.new_page()
    await page.goto(f"{desk.url}/f/survey")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    colours = await page.evaluate(
        "[getComputedStyle(document.querySelector('button')).color,"
        " getComputedStyle(document.querySelector('button')).backgroundColor]"
    )
    assert (
        colours
        == {
            "light": ["rgb(255, 255, 255)", "rgb(26, 79, 186)"],
            "dark": ["rgb(16, 19, 26)", "rgb(138, 180, 255)"],
        }[scheme]
    )
