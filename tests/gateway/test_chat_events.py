"""What a visitor says is an event of their orders. Covers T19, T20; cases 31, 37, 47."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from activities.runtime.tokens import Tokens
from activities.store import chats, customers, journal
from activities.store.database import Store
from activities.store.journal import Arrival
from activities.store.records import CustomerPatch
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.chatting import KEY, Guest, customer_token, visitor_of, with_chat
from tests.gateway.test_gateway_process import address_of, started
from workflows.contracts.ids import OrderKey

ANNA = {"id": "anna", "first_name": "Anna"}


@pytest.fixture
def parts(parts: Parts) -> Parts:
    return with_chat(parts)


@pytest_asyncio.fixture
async def guest(caller: Caller) -> AsyncIterator[Guest]:
    """A visitor nobody knows."""
    async with Guest.at(caller.url) as guest:
        yield guest


async def events(store: Store, number: str = "1001") -> list[tuple[str, dict[str, Any]]]:
    """The chat's events of an order."""
    async with store.read() as tx:
        found = await journal.events_of(tx, OrderKey(shop="shop", number=number))
    return [(event.type, event.data) for event in found.items if event.source == "chat"]


async def test_a_known_customers_messages_are_events_of_their_open_orders(caller: Caller, store: Store) -> None:
    """Covers T19, T20."""
    await caller.created("1001", customer=ANNA)
    token = (await caller.post("/v1/customers/anna/chat-token")).body["token"]
    async with Guest.at(caller.url, customer=token) as anna:
        await anna.say("Hello", ref="message-one")
        await anna.say("Hello", ref="message-one")
        await anna.say("Are you there?")
    web = {"channel": "web"}
    assert await events(store) == [("chat.first_message", web), ("chat.message", web), ("chat.message", web)]
    assert (await caller.get("/v1/customers/anna")).body["channel"] == "web"


async def test_fifty_times_the_same_message_is_one_event(caller: Caller, store: Store) -> None:
    """Covers T20, case 31. Most are put off by the quota, none counts twice."""
    await caller.created("1001", customer=ANNA)
    async with Guest.at(caller.url, customer=customer_token()) as anna:
        await asyncio.gather(*(anna.say("Hello", ref="message-one") for _ in range(50)))
    assert [type for type, _ in await events(store)] == ["chat.first_message", "chat.message"]


async def test_a_visitor_who_once_filled_in_a_form_is_known(caller: Caller, guest: Guest, store: Store) -> None:
    await guest.say("Hello")
    visitor = (await caller.get("/v1/chats")).body["items"][0]["address"]
    await caller.created("1001", customer=ANNA)
    async with store.write() as tx:
        await customers.patch(tx, id="anna", patch=CustomerPatch(visitors=[visitor]), now=datetime.now(UTC))
    await guest.say("It is me")
    assert await events(store) == [("chat.message", {"channel": "web"})]
    assert (await caller.get("/v1/chats")).body["items"][0]["customer_id"] == "anna"


async def test_an_unknown_visitors_messages_are_kept_as_unmatched(guest: Guest, store: Store) -> None:
    await guest.say("Hello", ref="message-one")
    chat = chats.web_conversation(visitor_of(guest))
    async with store.write() as tx:
        arrival = Arrival(source="chat", id=f"{chat}:message-one", type="chat.message", at=datetime.now(UTC), raw=b"")
        again = await journal.append(tx, arrival, now=datetime.now(UTC))
    assert (again.is_new, again.unmatched) == (False, True)


async def test_a_customer_who_signs_in_gets_no_chat_of_another(caller: Caller) -> None:
    await caller.created("1001", customer=ANNA)
    await caller.created("1002", customer={"id": "bea"})
    async with Guest.at(caller.url, customer=customer_token("anna")) as anna:
        await anna.say("My secret")
    async with Guest.at(caller.url, token=str(anna.secret), customer=customer_token("bea")) as bea:
        assert await bea.read() == []
    async with Guest.at(caller.url, token=str(anna.secret), customer=customer_token("anna")) as again:
        assert len(await again.read()) == 1


async def test_a_visitor_who_signs_in_takes_the_chat_along(caller: Caller, guest: Guest) -> None:
    await caller.created("1001", customer=ANNA)
    await guest.say("Hello")
    async with Guest.at(caller.url, token=str(guest.secret), customer=customer_token()) as anna:
        assert len(await anna.read()) == 1
    assert (await caller.get("/v1/chats")).body["items"][0]["customer_id"] == "anna"


_OF_ANOTHER_KEY = Tokens(["z" * 32]).sign("anna", purpose="chat-customer")


@pytest.mark.parametrize("token", ["nonsense", _OF_ANOTHER_KEY], ids=["nonsense", "another key"])
async def test_a_forged_customer_is_a_visitor_like_any_other(caller: Caller, store: Store, token: str) -> None:
    """Case 47."""
    await caller.created("1001", customer=ANNA)
    async with Guest.at(caller.url, customer=token) as forger:
        await forger.say("Hello")
    assert await events(store) == []


async def test_the_store_holds_the_words_in_the_conversation_and_not_in_the_journal(
    caller: Caller, guest: Guest, tmp_path: Path
) -> None:
    await guest.say("words-of-the-visitor")
    held = (tmp_path / "orders.db").read_bytes() + (tmp_path / "orders.db-wal").read_bytes()
    assert held.count(b"words-of-the-visitor") >= 1
    dead = await caller.get("/v1/events/dead")
    assert "words-of-the-visitor" not in str(dead.body)


async def test_a_message_survives_the_gateway_that_took_it(store: Store, tmp_path: Path) -> None:
    """Case 37. The gateway is killed after its commit; the page says it again to the next one."""
    process = await started(tmp_path, ORDERS_GATEWAY_PORT="0", ORDERS_TOKEN_KEYS=KEY)
    async with Guest.at(await address_of(process)) as guest, guest.socket() as line:
        await line.send(type="say", ref="message-one", text="Hello")
        await line.until("taken")
        process.kill()
        assert await line.code() is not None
    await process.communicate()
    process = await started(tmp_path, ORDERS_GATEWAY_PORT="0", ORDERS_TOKEN_KEYS=KEY)
    async with Guest(await address_of(process), secret=guest.secret) as again, again.socket() as line:
        await line.until("ready")
        await line.send(type="say", ref="message-one", text="Hello")
        await line.until("taken")
        assert line.texts == ["Hello"]
        assert len(await again.read()) == 1
    process.terminate()
    await process.communicate()
    assert process.returncode == 0
