"""One browser is one visitor: the chat knows whom the site's tracker follows. Covers T19, T20, case 47.

The tracker's token stands in the addresses of forms, and whoever fills in a form may say that they are somebody else.
So it tells which orders hear of a message, and opens nothing to read.
"""

import pytest
import pytest_asyncio

from activities.runtime.tokens import Tokens
from activities.store import chats, journal, visitors
from activities.store.database import Store
from starter.gateway import tracking
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.chatting import KEY, Guest, chat_of, customer_token, with_chat
from tests.store.conftest import NOW
from workflows.contracts.ids import OrderKey

BROWSER = "v-" + "a" * 32
TOKEN = tracking.signed(Tokens([KEY]), visitor=BROWSER)


@pytest.fixture
def parts(parts: Parts) -> Parts:
    return with_chat(parts)


@pytest_asyncio.fixture(autouse=True)
async def anna(caller: Caller, store: Store) -> None:
    """Anna has an order, and has filled in a form in this browser."""
    await caller.created("1001", customer={"id": "anna", "first_name": "Anna"})
    async with store.write() as tx:
        await visitors.link(tx, id=BROWSER, shop="shop", customer="anna", form="callback", now=NOW)


async def types(store: Store) -> list[str]:
    """The chat's events of Anna's order."""
    async with store.read() as tx:
        found = await journal.events_of(tx, OrderKey(shop="shop", number="1001"))
    return [event.type for event in found.items if event.source == "chat"]


async def test_a_message_from_a_browser_the_site_knows_reaches_its_customers_orders(
    caller: Caller, store: Store
) -> None:
    async with Guest.at(caller.url, visitor=TOKEN) as guest:
        await guest.say("Hello", ref="message-one")
        await guest.say("Hello", ref="message-one")
    assert await types(store) == ["chat.first_message", "chat.message"]


async def test_the_chat_of_such_a_browser_is_nobodys_until_an_employee_says_so(caller: Caller, store: Store) -> None:
    """Else a rule would write to Anna where somebody else reads, who has typed her address into a form."""
    async with Guest.at(caller.url, visitor=TOKEN) as guest:
        await guest.say("Hello")
    chat = await chat_of(caller)
    assert (await caller.get(f"/v1/chats/{chat}")).body["customer_id"] is None
    async with store.read() as tx:
        assert await chats.latest_of_customer(tx, customer="anna") is None
    assert (await caller.patch(f"/v1/chats/{chat}", {"customer_id": "anna"})).body["customer_id"] == "anna"


async def test_the_sites_token_shows_no_messages_and_nothing_about_a_person(caller: Caller) -> None:
    async with Guest.at(caller.url, visitor=TOKEN) as guest:
        await guest.say("My secret")
    async with Caller(caller.url, secret=None) as page:
        session = await page.post("/chat/session", {"visitor": TOKEN})
    assert set(session.body) == {"token", "seconds", "is_new"}
    assert session.body["is_new"]
    async with Guest.at(caller.url, visitor=TOKEN) as other:
        assert await other.read() == []
    async with Guest(caller.url, secret=TOKEN) as forger:
        assert (await forger.get("/chat/messages")).status == 401


async def test_a_session_that_goes_on_stays_with_its_browser(caller: Caller, store: Store) -> None:
    async with Guest.at(caller.url) as before:
        await before.say("Hello")
        async with Guest.at(caller.url, token=str(before.secret), visitor=TOKEN) as guest:
            await guest.say("Are you there?")
            async with Guest.at(caller.url, token=str(guest.secret)) as later:
                await later.say("Hello?")
                assert len(await later.read()) == 3
    assert await types(store) == ["chat.message", "chat.message"]


async def test_who_has_signed_in_is_who_the_shop_says(caller: Caller) -> None:
    await caller.created("1002", customer={"id": "bea"})
    async with Guest.at(caller.url, visitor=TOKEN, customer=customer_token("bea")) as bea:
        await bea.say("Hello")
    assert (await caller.get(f"/v1/chats/{await chat_of(caller)}")).body["customer_id"] == "bea"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("x.y.z", id="nonsense"),
        pytest.param(tracking.signed(Tokens(["z" * 32]), visitor=BROWSER), id="other key"),
        pytest.param(Tokens([KEY]).sign(BROWSER, purpose="chat"), id="other purpose"),
        pytest.param(Tokens([KEY]).sign("v-1", purpose="visitor"), id="no visitor"),
        pytest.param(Tokens([KEY]).sign({"v": BROWSER}, purpose="visitor"), id="other shape"),
        pytest.param("y" * 2_000, id="long"),
    ],
)
async def test_a_forged_token_of_the_site_is_nobodys(caller: Caller, store: Store, token: str) -> None:
    """Case 47."""
    async with Guest.at(caller.url, visitor=token) as guest:
        await guest.say("Hello")
    assert await types(store) == []
