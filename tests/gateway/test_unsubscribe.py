"""The page behind a mail's link to unsubscribe: case 56, RFC 8058. Covers M63."""

from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from activities.runtime.tokens import Tokens
from activities.store import customers
from activities.store.database import Store
from activities.store.records import NewCustomer
from activities.store.suppressions import fingerprint
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve

ADDRESS = "anna@example.com"

TOKENS = Tokens(["k" * 32])

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest_asyncio.fixture
async def visitor(serve: Serve, parts: Parts, store: Store) -> Caller:
    """Somebody with a browser; Anna is a customer who speaks Polish."""
    caller: Caller = await serve(replace(parts, tokens=TOKENS))
    new = NewCustomer.model_validate({"id": "anna", "language": "pl", "emails": [{"email": ADDRESS}]})
    async with store.write() as tx:
        await customers.create(tx, new, now=parts.now())
    return Caller(caller.url, secret=None)


def path(*, purpose: str = "unsubscribe", tokens: Tokens = TOKENS, customer: str = "anna") -> str:
    value = {"customer": customer, "channel": "email", "address": fingerprint(ADDRESS)}
    return f"/unsubscribe/{tokens.sign(value, purpose=purpose)}"


async def gets_mails(store: Store) -> bool:
    async with store.read() as tx:
        is_blocked = await customers.is_suppressed(tx, channel="email", address=ADDRESS)
        wants = (await customers.get(tx, id="anna")).consent.email
    assert wants is not is_blocked
    return wants


async def test_opening_the_link_changes_nothing_and_shows_a_button(visitor: Caller, store: Store) -> None:
    async with visitor:
        for _ in range(2):  # scanners open links, too
            answer = await visitor.get(path())
    assert answer.status == 200
    assert '<html lang="pl">' in answer.body
    assert '<form method="post"><button type="submit">Rezygnuję</button></form>' in answer.body
    assert await gets_mails(store)


@pytest.mark.parametrize("form", [ONE_CLICK, {}, None], ids=["mail-program", "button", "no-body"])
async def test_posting_unsubscribes_at_once_and_works_twice(
    visitor: Caller, store: Store, form: dict[str, str] | None
) -> None:
    there = path()
    async with visitor:
        for _ in range(2):
            answer = await visitor.call("POST", there, data=form, allow_redirects=False)
            assert answer.status == 200
            assert "Rezygnacja przyjęta" in answer.body
            assert not await gets_mails(store)


async def test_a_mail_providers_posts_are_counted_by_customer(serve: Serve, parts: Parts) -> None:
    """Covers case 56: after a campaign one address posts for everybody, and each of them must be unsubscribed."""
    settings = parts.settings.model_copy(update={"page_rate_per_minute": 1})
    caller = await serve(replace(parts, tokens=TOKENS, settings=settings))
    async with Caller(caller.url, secret=None) as provider:
        for customer, status in (("anna", 200), ("jan", 200), ("eva", 200), ("anna", 429)):
            assert (await provider.call("POST", path(customer=customer), data=ONE_CLICK)).status == status
        forged = [(await provider.call("POST", "/unsubscribe/forged", data=ONE_CLICK)).status for _ in range(2)]
    assert forged == [404, 429]


async def test_nothing_personal_is_shown_or_logged(visitor: Caller, capfd: pytest.CaptureFixture[str]) -> None:
    there = path()
    async with visitor:
        answers = [await visitor.get(there), await visitor.call("POST", there, data=ONE_CLICK)]
    written = "".join([*capfd.readouterr(), *(answer.body for answer in answers)])
    assert [word for word in ("anna", fingerprint(ADDRESS), there.rpartition("/")[2]) if word in written] == []


async def test_page_may_not_be_framed_cached_indexed_or_load_anything(visitor: Caller) -> None:
    async with visitor:
        headers = (await visitor.get(path())).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert (headers["Cache-Control"], headers["x-robots-tag"]) == ("no-store", "noindex")
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "there",
    [
        path(purpose="visitor"),
        path(tokens=Tokens(["other" * 10])),
        path()[:-1] + ("A" if path()[-1] != "A" else "B"),
        "/unsubscribe/anna",
        f"/unsubscribe/{TOKENS.sign('anna', purpose='unsubscribe')}",
    ],
    ids=["of-another-purpose", "of-another-key", "changed", "no-token", "of-another-shape"],
)
async def test_token_that_is_none_of_ours_unsubscribes_nobody(
    visitor: Caller, store: Store, method: str, there: str
) -> None:
    async with visitor:
        answer = await visitor.call(method, there, data=ONE_CLICK if method == "POST" else None)
    assert answer.status == 404
    assert "This link is not valid" in answer.body
    assert await gets_mails(store)


async def test_token_of_a_customer_does_nothing_to_another(visitor: Caller, store: Store) -> None:
    other = {"customer": "other", "channel": "email", "address": fingerprint("other@example.com")}
    async with visitor:
        answer = await visitor.call("POST", f"/unsubscribe/{TOKENS.sign(other, purpose='unsubscribe')}")
    assert answer.status == 200
    assert await gets_mails(store)


@pytest.mark.parametrize(
    ("browser", "language"), [("de-AT,de;q=0.9", "de"), ("sv, uk;q=0.5", "uk"), ("*", "en"), ("", "en")]
)
async def test_customer_who_is_gone_reads_the_language_of_their_browser(
    visitor: Caller, browser: str, language: str
) -> None:
    async with visitor:
        answer = await visitor.get(path(customer="gone"), headers={"Accept-Language": browser})
    assert f'<html lang="{language}">' in answer.body


async def test_link_never_gets_too_old(visitor: Caller) -> None:
    """RFC 8058 asks for a month at least; a token has no end of its own."""
    token = path().rpartition("/")[2]
    assert TOKENS.read(token, purpose="unsubscribe", age=timedelta(seconds=1)) is not None
    async with visitor:
        assert (await visitor.get(path())).status == 200


async def test_gateway_that_signs_no_links_knows_none(serve: Serve, parts: Parts) -> None:
    caller: Caller = await serve(parts)
    assert (await caller.get(path())).status == 404
