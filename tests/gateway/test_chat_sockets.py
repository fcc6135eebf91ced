"""The web chat over WebSockets: reconnects, several gateways, typing, bounds, and whispers untold. Case 27."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.chatting import Guest, answered, attending, chat_of, with_chat
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


async def test_a_socket_tells_history_and_news(caller: Caller, guest: Guest) -> None:
    await guest.say("Hello")
    async with guest.socket() as line:
        await line.until("ready")
        assert line.texts == ["Hello"]
        await answered(caller, await chat_of(caller), "Good morning")
        await line.until("lines")
        assert line.texts == ["Hello", "Good morning"]
        await line.send(type="say", ref="over-the-socket", text="Thanks", language="pl")
        assert (await line.until("taken"))["line"]["ref"] == "over-the-socket"
    assert [one["text"] for one in await guest.read()] == ["Hello", "Good morning", "Thanks"]


async def test_a_reconnect_neither_loses_nor_doubles(caller: Caller, guest: Guest) -> None:
    """The page's socket breaks while both sides write; what it had not seen taken, it says again."""
    async with guest.socket() as line:
        await line.send(type="say", ref="message-one", text="one")
        last = (await line.until("taken"))["line"]["id"]
        await line.send(type="say", ref="message-two", text="two")
    chat = await chat_of(caller)
    await answered(caller, chat, "answer", ref="answer-one")
    async with guest.socket(after=last) as line:
        await line.send(type="say", ref="message-two", text="two")
        await line.until("taken")
        while sorted(line.texts) != ["answer", "two"]:
            await line.until("lines")
    assert sorted(one["text"] for one in await guest.read()) == ["answer", "one", "two"]


async def test_what_another_gateway_took_arrives(serve: Serve, parts: Parts) -> None:
    """Several gateways share a store, and nothing else."""
    one, other = await serve(parts), await serve(parts)
    async with Guest.at(one.url) as guest:
        await guest.say("Hello")
        async with guest.socket() as line:
            await line.until("ready")
            await answered(other, await chat_of(other), "Good morning")
            await line.until("lines")
            assert line.texts == ["Hello", "Good morning"]


async def test_both_sides_see_the_other_typing(caller: Caller, guest: Guest) -> None:
    await guest.say("Hello")
    chat = await chat_of(caller)
    async with guest.socket() as line, attending(caller, chat) as desk:
        await line.until("ready")
        await line.send(type="typing")
        await desk.until("typing", is_typing=True)
        assert (await caller.get(f"/v1/chats/{chat}/messages")).body["is_typing"]
        assert (await caller.post(f"/v1/chats/{chat}/typing")).status == 202
        await line.until("typing", is_typing=True)
        await answered(caller, chat, "Good morning")
        await line.until("typing", is_typing=False)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("{", id="not JSON"),
        pytest.param("[]", id="no frame"),
        pytest.param('{"type": "say", "ref": "x", "text": ""}', id="a message without words"),
        pytest.param('{"type": "whispers"}', id="another type"),
        pytest.param("a" * 20_000, id="too long"),
    ],
)
async def test_a_frame_that_is_none_of_ours_closes_the_socket(guest: Guest, frame: str) -> None:
    async with guest.socket() as line:
        await line.until("ready")
        await line.websocket.send_str(frame)
        assert await line.code() == 4400


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(r"half of one \ud83d", id="half an emoji"),
        pytest.param(r"\u001c \u0085", id="nothing but what Python takes for spaces"),
        pytest.param("a" * 2_001, id="too long"),
    ],
)
async def test_a_message_that_cannot_be_taken_is_refused_by_its_ref(guest: Guest, text: str) -> None:
    """The page would say it again over every new socket, and never what was written after it."""
    async with guest.socket() as line:
        await line.until("ready")
        await line.websocket.send_str(f'{{"type": "say", "ref": "message-1", "text": "{text}"}}')
        assert (await line.until("refused", ref="message-1"))["code"] == "invalid-request"
        await line.send(type="say", ref="message-2", text="Hello")
        assert (await line.until("taken"))["line"]["text"] == "Hello"


async def test_a_frame_of_megabytes_is_not_even_read(guest: Guest) -> None:
    async with guest.socket() as line:
        await line.until("ready")
        await line.websocket.send_str("a" * 1_000_000)
        assert await line.code() == 1009


async def test_messages_over_the_socket_are_bounded_too(guest: Guest) -> None:
    async with guest.socket() as line:
        for n in range(300):
            await line.send(type="say", ref=f"message-{n}", text=f"{n}")
        assert (await line.until("refused"))["code"] == "too-many-requests"


async def test_a_visitor_has_only_so_many_sockets(guest: Guest) -> None:
    async with guest.socket() as line:
        await line.until("ready")
        others = [guest.socket() for _ in range(7)]
        for other in others:
            await (await other.__aenter__()).until("ready")
        async with guest.socket() as last:
            assert await last.code() == 4429
        for other in others:
            await other.__aexit__(None, None, None)


async def test_a_whisper_reaches_employees_and_no_customer(caller: Caller, guest: Guest) -> None:
    """Case 27: in no answer and no frame that a customer gets."""
    await guest.say("Hello")
    chat = await chat_of(caller)
    async with guest.socket() as line, attending(caller, chat) as desk:
        await line.until("ready")
        body = {"ref": "whisper-1", "text": "Careful: secret-whisper", "author": "olga"}
        assert (await caller.post(f"/v1/chats/{chat}/whispers", body)).body["is_whisper"]
        await desk.until("lines")
        while "Careful: secret-whisper" not in desk.texts:
            await desk.until("lines")
        await answered(caller, chat, "Good morning")
        while "Good morning" not in line.texts:
            await line.until("lines")
        assert "secret-whisper" not in str(line.frames)
    for query in ({}, {"after": 0}, {"after": 0, "wait": 0.1}):
        assert "secret-whisper" not in str(await guest.read(**query))
    async with Guest.at(caller.url, token=str(guest.secret)) as again:
        assert "secret-whisper" not in str(await again.read())
    told = (await caller.get(f"/v1/chats/{chat}/messages")).body["items"]
    assert [(one["text"], one["is_whisper"]) for one in told] == [
        ("Hello", False),
        ("Careful: secret-whisper", True),
        ("Good morning", False),
    ]
