"""Public links of documents: what the customer's opening is, and what it is not. Covers T22, E13."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid5

import aiohttp
import pytest
import pytest_asyncio
from multidict import CIMultiDict

from activities.runtime.tokens import Tokens
from activities.store import documents, journal
from activities.store.database import Store
from activities.store.documents import DocumentRecord, NewDocument
from activities.store.history import EventRecord
from starter.gateway.pages.documents import PREVIEW
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve
from workflows.contracts.ids import OrderKey

KEY = OrderKey(shop="shop", number="1001")
PDF = b"%PDF-1.7 nothing\n%%EOF\n"

#: What a browser sends with the word of a page of ours, and with a click on it.
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"}
TOLD = {**BROWSER, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
CLICKED = {**BROWSER, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"}
FOLLOWED = {**BROWSER, "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"}

TOKENS = Tokens(["k" * 32])


@pytest.fixture
def parts(parts: Parts) -> Parts:
    """A gateway that can sign previews."""
    from dataclasses import replace

    return replace(parts, tokens=TOKENS)


@pytest_asyncio.fixture
async def stranger(caller: Caller) -> AsyncIterator[Caller]:
    """Somebody without a key."""
    async with Caller(caller.url, secret=None) as stranger:
        yield stranger


@pytest_asyncio.fixture
async def document(store: Store, caller: Caller) -> DocumentRecord:
    """A document of an order."""
    await caller.created("1001")
    new = NewDocument(
        id=uuid5(UUID(int=5), "invoice"),
        key=KEY,
        template="invoice",
        number="2026-0001",
        name="invoice-2026-0001.pdf",
        language="pl",
        content=PDF,
        rule="bill",
    )
    async with store.write() as tx:
        return await documents.put(tx, new, now=datetime.now(UTC))


async def views(store: Store) -> list[EventRecord]:
    async with store.read() as tx:
        return [event for event in (await journal.events_of(tx, KEY)).items if event.type == "document.viewed"]


async def test_the_page_shows_the_file_and_keeps_it_to_itself(stranger: Caller, document: DocumentRecord) -> None:
    page = await stranger.get(f"/d/{document.token}", headers=BROWSER)
    assert page.status == 200
    assert f'data="{document.token}/file"' in page.body
    file = await stranger.get(f"/d/{document.token}/file", headers=BROWSER)
    assert (file.status, file.body) == (200, PDF.decode())
    assert file.headers["Content-Type"] == "application/pdf"
    assert CIMultiDict(file.headers)["Content-Disposition"] == "inline; filename*=UTF-8''invoice-2026-0001.pdf"
    for answer in (page, file):
        headers = CIMultiDict(answer.headers)
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-robots-tag"].startswith("noindex")
        assert headers["content-security-policy"].startswith("default-src 'none'")


async def test_a_person_who_sees_the_page_has_viewed_the_document(
    store: Store, stranger: Caller, document: DocumentRecord
) -> None:
    """Covers T22."""
    assert (await stranger.post(f"/d/{document.token}/viewed", headers=TOLD)).status == 204
    (event,) = await views(store)
    assert (event.source, event.data) == (
        "documents",
        {"template": "invoice", "document": str(document.id), "number": "2026-0001"},
    )
    assert document.token not in event.id
    async with store.read() as tx:
        assert (await documents.get(tx, id=document.id)).viewed_at is not None


async def test_without_scripts_the_click_on_the_file_counts(
    store: Store, stranger: Caller, document: DocumentRecord
) -> None:
    await stranger.get(f"/d/{document.token}/file", headers=CLICKED)
    assert len(await views(store)) == 1


async def test_fifty_views_at_once_are_one(store: Store, stranger: Caller, document: DocumentRecord) -> None:
    answers = await asyncio.gather(*[stranger.post(f"/d/{document.token}/viewed", headers=TOLD) for _ in range(50)])
    assert {answer.status for answer in answers} == {204}
    assert len(await views(store)) == 1


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        pytest.param("GET", "", BROWSER, id="somebody only fetches the page"),
        pytest.param("GET", "", FOLLOWED, id="a browser only fetches the page"),
        pytest.param("HEAD", "", BROWSER, id="a scanner asks for the head"),
        pytest.param("GET", "/file", BROWSER, id="the page's own object loads the file"),
        pytest.param("GET", "/file", FOLLOWED, id="a scanner with a browser opens the file itself"),
        pytest.param("HEAD", "/file", CLICKED, id="the head of the file"),
        pytest.param("POST", "/viewed", {"User-Agent": "curl/8.5.0"}, id="curl"),
        pytest.param("POST", "/viewed", BROWSER, id="a program that calls itself a browser"),
        pytest.param("POST", "/viewed", {**TOLD, "Sec-Fetch-Site": "cross-site"}, id="a page of somebody else"),
        pytest.param("POST", "/viewed", {**TOLD, "User-Agent": ""}, id="nobody"),
        pytest.param("POST", "/viewed", {**TOLD, "User-Agent": "Mozilla/5.0"}, id="a mail privacy proxy"),
        pytest.param(
            "POST", "/viewed", {**TOLD, "User-Agent": "Mozilla/5.0 HeadlessChrome/140.0"}, id="a browser of a scanner"
        ),
        pytest.param(
            "POST", "/viewed", {**TOLD, "Sec-Purpose": "prefetch;prerender"}, id="a browser that fetches ahead"
        ),
        *[
            pytest.param("GET", "/file", {**CLICKED, "User-Agent": agent}, id=agent.partition("/")[0])
            for agent in (
                "WhatsApp/2.23.20.0",
                "Slackbot-LinkExpanding/1.0 (+https://api.slack.com/robots)",
                "facebookexternalhit/1.1",
                "TelegramBot (like TwitterBot)",
                "Mozilla/5.0 (compatible; bingbot/2.0)",
                "Mozilla/5.0 (Windows NT 10.0) SkypeUriPreview Preview/0.5",
                "python-requests/2.32",
                "Barracuda Sentinel (EE)",
            )
        ],
    ],
)
async def test_what_programs_do_is_no_view(
    store: Store, stranger: Caller, document: DocumentRecord, method: str, path: str, headers: dict[str, str]
) -> None:
    """Covers T22: not by a scanner, a preview or a bot."""
    answer = await stranger.call(method, f"/d/{document.token}{path}", headers=headers)
    assert answer.status < 300
    assert await views(store) == []


async def test_an_old_browser_is_known_by_its_origin(store: Store, stranger: Caller, document: DocumentRecord) -> None:
    host = stranger.url.partition("://")[2].rstrip("/")
    await stranger.post(f"/d/{document.token}/viewed", headers={**BROWSER, "Origin": "https://evil.example"})
    assert await views(store) == []
    await stranger.post(f"/d/{document.token}/viewed", headers={**BROWSER, "Origin": f"http://{host}"})
    assert len(await views(store)) == 1


async def test_an_employees_preview_is_no_view(store: Store, stranger: Caller, document: DocumentRecord) -> None:
    preview = {"preview": TOKENS.sign(str(document.id), purpose=PREVIEW)}
    page = await stranger.get(f"/d/{document.token}", headers=BROWSER, params=preview)
    assert "<script>" not in page.body
    await stranger.get(f"/d/{document.token}/file", headers=CLICKED, params=preview)
    await stranger.post(f"/d/{document.token}/viewed", headers=TOLD, params=preview)
    assert await views(store) == []
    await stranger.get(f"/d/{document.token}/file", headers=CLICKED, params={"preview": "forged"})
    assert len(await views(store)) == 1


@pytest.mark.parametrize("path", ["/d/none", "/d/none/file", "/d/%00", "/d/" + "x" * 500])
async def test_an_unknown_link_is_not_found(stranger: Caller, document: DocumentRecord, path: str) -> None:
    assert (await stranger.get(path)).status == 404
    assert (await stranger.post("/d/none/viewed", headers=TOLD)).status == 404


async def test_the_api_lists_and_gives_documents_without_viewing_them(
    store: Store, caller: Caller, document: DocumentRecord
) -> None:
    listed = await caller.get("/v1/orders/1001/documents")
    (entry,) = listed.body
    assert (entry["number"], entry["name"], entry["viewed_at"]) == ("2026-0001", "invoice-2026-0001.pdf", None)
    assert entry["url"].endswith(f"/d/{document.token}")
    assert entry["preview_url"].startswith(f"{entry['url']}?preview=")
    file = await caller.get(f"/v1/documents/{document.id}", headers=CLICKED)
    assert (file.status, file.body, file.headers["Content-Type"]) == (200, PDF.decode(), "application/pdf")
    assert await views(store) == []


async def test_the_api_refuses_what_it_does_not_know(caller: Caller, document: DocumentRecord) -> None:
    assert (await caller.get("/v1/orders/999/documents")).status == 404
    assert (await caller.get(f"/v1/documents/{UUID(int=1)}")).status == 404
    assert (await caller.get("/v1/documents/x")).status == 422


async def test_the_api_needs_the_right_to_read_customers(serve: Serve, parts: Parts, document: DocumentRecord) -> None:
    weak = await serve(parts, scopes=("orders:read",))
    assert (await weak.get("/v1/orders/1001/documents")).status == 403
    assert (await weak.get(f"/v1/documents/{document.id}")).status == 403
    async with aiohttp.ClientSession() as session, session.get(f"{weak.url}/v1/documents/{document.id}") as answer:
        assert answer.status == 401
