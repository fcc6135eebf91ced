"""The web chat for visitors over HTTP, and the pages it may be on. Cases 36, 47."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from itsdangerous import TimestampSigner

from activities.runtime.tokens import Tokens
from activities.store import chats
from activities.store.database import Store
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.chatting import KEY, SHOP, Guest, answered, chat_of, with_chat
from tests.gateway.conftest import Serve

ANNA = {"id": "anna", "first_name": "Anna"}


@pytest.fixture
def parts(parts: Parts) -> Parts:
    return with_chat(parts)


@pytest_asyncio.fixture
async def guest(caller: Caller) -> AsyncIterator[Guest]:
    """A visitor nobody knows."""
    async with Guest.at(caller.url) as guest:
        yield guest


async def test_what_a_visitor_says_is_kept_and_read_back(guest: Guest) -> None:
    first = await guest.say("Is the mug dishwasher-proof?", ref="first-one")
    assert first.status == 201
    assert (first.body["is_mine"], first.body["ref"]) == (True, "first-one")
    await guest.say("Hello?")
    assert [line["text"] for line in await guest.read()] == ["Is the mug dishwasher-proof?", "Hello?"]
    assert [line["text"] for line in await guest.read(after=first.body["id"])] == ["Hello?"]


async def test_the_same_ref_is_taken_once_and_answered_the_same(guest: Guest) -> None:
    answers = await asyncio.gather(*(guest.say("Hello", ref="again-again") for _ in range(10)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert len(await guest.read()) == 1


async def test_an_answer_wakes_a_waiting_poll(caller: Caller, guest: Guest) -> None:
    said = await guest.say("Hello")
    waiting = asyncio.create_task(guest.read(after=said.body["id"], wait=8))
    await answered(caller, await chat_of(caller), "Good morning")
    (line,) = await waiting
    assert (line["text"], line["is_mine"], line["ref"]) == ("Good morning", False, "")


async def test_a_session_goes_on_with_its_token(caller: Caller, guest: Guest) -> None:
    await guest.say("Hello")
    async with Guest.at(caller.url, token=str(guest.secret)) as again:
        assert len(await again.read()) == 1


async def test_a_stranger_reads_nothing(caller: Caller, guest: Guest) -> None:
    await guest.say("Hello")
    async with Guest.at(caller.url) as stranger:
        assert await stranger.read() == []


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="none"),
        pytest.param("x.y.z", id="nonsense"),
        pytest.param(Tokens(["z" * 32]).sign({"v": "c-1", "c": None}, purpose="chat"), id="other key"),
        pytest.param(Tokens([KEY]).sign("anna", purpose="chat-customer"), id="other purpose"),
        pytest.param(Tokens([KEY]).sign({"v": "../x", "c": None}, purpose="chat"), id="odd visitor"),
        pytest.param(Tokens([KEY]).sign(["c-1"], purpose="chat"), id="other shape"),
    ],
)
async def test_a_forged_token_is_refused_everywhere(caller: Caller, store: Store, token: str) -> None:
    """Case 47."""
    async with Guest(caller.url, secret=token or None) as forger:
        assert (await forger.say("Hello")).status == 401
        assert (await forger.get("/chat/messages")).status == 401
        assert (await forger.post("/chat/typing")).status == 401
        async with forger.socket(token=token) as line:
            assert await line.code() == 4401
    async with store.read() as tx:
        assert (await chats.page(tx)).items == []


class _OneDayAgo(TimestampSigner):
    def get_timestamp(self) -> int:
        return int((datetime.now(UTC) - timedelta(days=1)).timestamp())


async def test_an_old_token_is_good_only_for_a_new_one(caller: Caller) -> None:
    from itsdangerous import URLSafeTimedSerializer

    old = URLSafeTimedSerializer([KEY], salt="orders.chat", signer=_OneDayAgo).dumps({"v": "c-1", "c": None})
    async with Guest(caller.url, secret=str(old)) as late:
        assert (await late.say("Hello")).status == 401
    async with Guest.at(caller.url, token=str(old)) as renewed:
        assert (await renewed.say("Hello")).status == 201
    chat = (await caller.get("/v1/chats")).body["items"][0]
    assert chat["address"] == "c-1"


@pytest.mark.parametrize("text", ["", "   ", "a" * 2_001])
async def test_empty_and_endless_messages_are_refused(guest: Guest, text: str) -> None:
    assert (await guest.say(text)).status == 422
    assert await guest.read() == []


async def test_too_many_messages_are_put_off(guest: Guest) -> None:
    """Ten at once, and one more each second: however slow this machine is, they are fewer than these."""
    statuses = list[int]()
    while 429 not in statuses and len(statuses) < 1_000:
        statuses.append((await guest.say(f"{len(statuses)}")).status)
    assert statuses[:10] == [201] * 10
    assert statuses[-1] == 429


async def test_without_keys_for_tokens_the_chat_is_off(serve: Serve, parts: Parts) -> None:
    caller = await serve(replace(parts, tokens=None))
    answer = await caller.post("/chat/session", {})
    assert (answer.status, answer.body["code"]) == (404, "chat-off")
    assert "ORDERS_TOKEN_KEYS" in answer.body["detail"]


@pytest.mark.parametrize("origin", [SHOP, "https://www.shop.example"])
async def test_pages_of_allowed_sites_may_chat(caller: Caller, origin: str) -> None:
    asked = await caller.call("OPTIONS", "/chat/messages", headers={"Origin": origin})
    assert asked.status == 204
    assert asked.headers["Access-Control-Allow-Origin"] == origin
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
    assert (await caller.post("/chat/session", {}, headers={"Origin": origin})).status == 200


async def test_a_refusal_tells_the_page_of_an_allowed_site_why(caller: Caller) -> None:
    answer = await caller.get("/chat/messages", headers={"Origin": SHOP, "Authorization": "Bearer x"})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (401, SHOP)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://shop.example.evil.example", "null", "http://[", ""]
)
async def test_pages_of_other_sites_may_not(caller: Caller, guest: Guest, origin: str) -> None:
    headers = {"Origin": origin}
    for answer in (
        await caller.call("OPTIONS", "/chat/messages", headers=headers),
        await caller.post("/chat/session", {}, headers=headers),
        await guest.say("Hello", headers=headers),
    ):
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    async with aiohttp.ClientSession(caller.url) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect("/chat/ws", headers=headers)
    assert refused.value.status == 403
    assert await guest.read() == []


async def test_a_store_that_is_down_is_said(serve: Serve, parts: Parts, tmp_path: Path) -> None:
    """Case 36. The page says it again under the same ref."""
    down = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'nowhere' / 'orders.db'}")
    caller = await serve(replace(parts, store=down))
    async with Guest.at(caller.url) as guest:
        assert (await guest.say("Hello")).status == 503
        async with guest.socket() as line:
            assert await line.code() == 1013
