"""Chats as employees see them, over the API. Covers C4."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from activities.store.chats import ChatLine, ConversationRecord
from activities.store.database import Store
from activities.store.values import Boundary
from starter.gateway.parts import Parts
from starter.gateway.routes import chats as routes
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


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (ConversationRecord, routes.CHAT),
        (ChatLine, routes.LINE),
        (routes.NewLine, routes.NEW_LINE),
        (routes.Talk, routes.TALK),
        (routes.ChatToken, routes.TOKEN),
    ],
)
def test_an_example_is_what_its_model_says(model: type[Boundary], example: dict[str, Any]) -> None:
    model.model_validate(example, strict=False)


async def test_chats_are_listed_read_closed_and_given_to_a_customer(caller: Caller, guest: Guest) -> None:
    await guest.say("Hello")
    chat = await chat_of(caller)
    assert (await caller.get(f"/v1/chats/{chat}")).body["medium"] == "web"
    await caller.created("1001", customer=ANNA)
    changed = await caller.patch(f"/v1/chats/{chat}", {"is_open": False, "customer_id": "anna"})
    assert (changed.body["is_open"], changed.body["customer_id"]) == (False, "anna")
    assert (await caller.get("/v1/chats", params={"is_open": "true"})).body["items"] == []
    assert len((await caller.get("/v1/chats", params={"customer": "anna"})).body["items"]) == 1
    await caller.created("1002", customer={"id": "bea"})
    assert (await caller.patch(f"/v1/chats/{chat}", {"customer_id": "bea"})).status == 409
    assert (await caller.patch(f"/v1/chats/{chat}", {"customer_id": "nobody"})).status in (404, 409)


async def test_an_answer_is_kept_once_and_history_goes_on_where_it_ended(caller: Caller, guest: Guest) -> None:
    await guest.say("Hello")
    chat = await chat_of(caller)
    for _ in range(2):
        await answered(caller, chat, "Good morning")
    first = (await caller.get(f"/v1/chats/{chat}/messages")).body
    assert [one["text"] for one in first["items"]] == ["Hello", "Good morning"]
    await answered(caller, chat, "Still there?", ref="employee-2")
    second = (await caller.get(f"/v1/chats/{chat}/messages", params={"after": first["after"]})).body
    assert [one["text"] for one in second["items"]] == ["Still there?"]


async def test_a_chat_that_is_not_there_is_said_so(caller: Caller) -> None:
    nothing = "/v1/chats/00000000-0000-0000-0000-000000000001"
    new = {"ref": "employee-1", "text": "Hi", "author": "olga"}
    statuses = [
        (await caller.get(nothing)).status,
        (await caller.get(f"{nothing}/messages")).status,
        (await caller.get(f"{nothing}/messages/1")).status,
        (await caller.post(f"{nothing}/messages", new)).status,
        (await caller.post(f"{nothing}/whispers", new)).status,
        (await caller.post(f"{nothing}/typing")).status,
        (await caller.patch(nothing, {"is_open": True})).status,
    ]
    assert statuses == [404] * 7
    assert (await caller.post("/v1/customers/nobody/chat-token")).status == 404


async def test_chats_need_the_scopes_of_customers(serve: Serve, parts: Parts, store: Store) -> None:
    reader = await serve(parts, scopes=("customers:read",))
    async with Guest.at(reader.url) as guest:
        await guest.say("Hello")
    chat = await chat_of(reader)
    new = {"ref": "employee-1", "text": "Hi", "author": "olga"}
    assert (await reader.post(f"/v1/chats/{chat}/messages", new)).status == 403
    assert (await reader.post(f"/v1/chats/{chat}/whispers", new)).status == 403
    async with attending(reader, chat) as desk:
        await desk.until("lines")
    other = await serve(parts, scopes=("orders:read",))
    assert (await other.get("/v1/chats")).status == 403
    for secret, status in ((other.secret, 403), ("oa_nothing", 401), (None, 401)):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with attending(Caller(other.url, secret=secret), chat, secret=secret or "-"):
                pass
        assert refused.value.status == status


async def test_a_visitors_token_opens_nothing_of_the_employees(caller: Caller, guest: Guest) -> None:
    await guest.say("Hello")
    chat = await chat_of(caller)
    assert (await guest.get("/v1/chats")).status == 401
    assert (await guest.get(f"/v1/chats/{chat}/messages")).status == 401
