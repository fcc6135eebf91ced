"""What people see in a browser where a page cannot be given: words in their language that say what to do."""

from dataclasses import replace
from pathlib import Path

import pytest

from activities.store.database import Store
from starter.gateway.parts import Parts
from tests.gateway.calling import Answer, Caller
from tests.gateway.conftest import Serve
from tests.gateway.filling import TOKENS

BROWSER = {
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "pl-PL,en;q=0.5",
    "User-Agent": "Mozilla/5.0 (X11)",
}

PATHS = ("/f/survey", "/f/survey/thanks", "/d/none", "/d/none/file", "/l/none", "/unsubscribe/none")


@pytest.fixture
def parts(parts: Parts) -> Parts:
    """A gateway whose forms are on."""
    return replace(parts, tokens=TOKENS)


async def seen(caller: Caller, path: str, *, method: str = "GET", **headers: str) -> Answer:
    async with Caller(caller.url, secret=None) as browser:
        return await browser.call(method, path, headers=BROWSER | headers)


@pytest.mark.parametrize("path", PATHS)
async def test_where_there_is_nothing_a_person_is_told_in_their_language(caller: Caller, path: str) -> None:
    answer = await seen(caller, path)
    assert (answer.status, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert 'lang="pl"' in str(answer.body)
    assert "ORDERS_" not in str(answer.body)
    english = await seen(caller, path, **{"Accept-Language": "xx"})
    assert 'lang="en"' in str(english.body)


@pytest.mark.parametrize("path", PATHS[:-1])
async def test_while_the_store_is_down_a_person_is_asked_to_come_back(
    serve: Serve, parts: Parts, tmp_path: Path, path: str
) -> None:
    """Covers case 36."""
    down = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'nowhere' / 'orders.db'}")
    answer = await seen(await serve(replace(parts, store=down)), path)
    assert (answer.status, "za minutę" in str(answer.body)) == (503, True)
    assert answer.headers["Retry-After"]


async def test_a_program_still_gets_a_problem(caller: Caller) -> None:
    async with Caller(caller.url, secret=None) as program:
        answer = await program.get("/f/survey")
    assert (answer.status, answer.body["code"]) == (404, "no-form")


async def test_a_form_that_is_off_shows_no_setting_to_the_customer(serve: Serve, parts: Parts) -> None:
    caller = await serve(replace(parts, tokens=None))
    answer = await seen(caller, "/f/survey?lang=de")
    assert (answer.status, 'lang="de"' in str(answer.body), "ORDERS_" in str(answer.body)) == (404, True, False)


@pytest.mark.parametrize("path", PATHS[2:])
async def test_one_address_opens_only_so_many_pages(serve: Serve, parts: Parts, path: str) -> None:
    caller = await serve(replace(parts, settings=parts.settings.model_copy(update={"page_rate_per_minute": 1})))
    assert (await seen(caller, path)).status == 404
    answer = await seen(caller, path)
    assert (answer.status, "Zbyt wiele prób" in str(answer.body)) == (429, True)
    assert answer.headers["Retry-After"]
