"""An employee's answer into WhatsApp, Messenger and SMS: typed over HTTP, brought by a courier, told by Twilio.

The stand-in speaks Twilio's protocol over real HTTP and calls the product's own gateway back. Covers C4, M61, M63.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from activities.courier import Courier
from activities.providers.outbox import OutboxProvider
from activities.providers.registry import Connecting, Providers, connect
from activities.store import chats, keys, outbox
from activities.store.database import Store
from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from starter.gateway.serving import listening
from tests.gateway.calling import Answer, Caller
from tests.gateway.chatting import attending, chat_of, with_chat
from tests.support.stand_ins.twilio import ACCOUNT, CallbackFaults, Fate, StandInOptions, TwilioStandIn

ANNA = "+48501000111"

#: What Twilio knows her by.
FROM = {"whatsapp": f"whatsapp:{ANNA}", "messenger": "messenger:7700", "sms": ANNA}

GRACE = timedelta(seconds=30)


@dataclass
class Clock:
    """The present, and what was added to it."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Shop:
    """A gateway, a stand-in of Twilio that calls it back, and couriers between them."""

    store: Store
    desk: Caller
    twilio: TwilioStandIn
    clock: Clock = field(default_factory=Clock)

    def environment(self, **settings: str) -> dict[str, str]:
        """The account's settings."""
        return {
            "ORDERS_TWILIO_ACCOUNT_SID": ACCOUNT,
            "ORDERS_TWILIO_AUTH_TOKEN": self.twilio.options.auth_token,
            "ORDERS_TWILIO_SENDER": "+15005550006",
            "ORDERS_TWILIO_WHATSAPP": "+15005550007",
            "ORDERS_TWILIO_MESSENGER": "1234",
            "ORDERS_TWILIO_BASE": self.twilio.url,
            "ORDERS_TWILIO_TIMEOUT": "5",
        } | settings

    def courier(self, **settings: str) -> Courier:
        """A courier of a worker, with the providers that the settings connect."""
        given = Connecting(
            store=self.store,
            channels={"chat": "twilio"},
            environment=self.environment(**settings),
            public_url=self.desk.url,
        )
        return Courier(self.store, providers=connect(given), clock=self.clock)

    async def come_in(self, text: str = "Where is my order?", *, medium: str = "whatsapp", id: str = "SM1") -> str:
        """Let Anna write; give her chat."""
        form = {"AccountSid": ACCOUNT, "From": FROM[medium], "To": "x", "Body": text, "MessageSid": id}
        told = await self.twilio.callbacks.post(f"{self.desk.url}/hooks/twilio/message", form=form)
        assert told.status == 200
        return await chat_of(self.desk)

    async def came_in(self, *, medium: str, ago: timedelta) -> str:
        """Let Anna have written some time ago; give her chat."""
        address = FROM[medium].rpartition(":")[2]
        async with self.store.write() as tx:
            then = datetime.now(UTC) - ago
            await chats.receive(tx, medium=medium, address=address, text="Hello", ref="SM0", at=then, shop="shop")
        return await chat_of(self.desk)

    async def type(self, chat: str, text: str = "It leaves today.", *, ref: str = "employee-1", **more: str) -> Answer:
        """Let Olga answer."""
        return await self.desk.post(f"/v1/chats/{chat}/messages", {"ref": ref, "text": text, "author": "olga"} | more)

    async def message(self, chat: str, line: Answer) -> dict[str, Any]:
        """Read how an answer goes."""
        answer = await self.desk.get(f"/v1/chats/{chat}/messages/{line.body['id']}")
        assert answer.status == 200, answer
        body: dict[str, Any] = answer.body
        return body

    async def bring(self, **settings: str) -> None:
        """Let a courier bring everything that is due, and let Twilio call back."""
        courier = self.courier(**settings)
        while await courier.round():
            pass
        await self.twilio.settled()

    async def persist(self) -> None:
        """Bring again and again, letting time pass, as couriers do."""
        for _ in range(4):
            await self.bring()
            self.clock.ahead += GRACE


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest_asyncio.fixture
async def shop(store: Store, parts: Parts) -> AsyncIterator[Shop]:
    """The shop, with Temporal down, which concerns none of it."""
    port, clock = free_port(), Clock()
    url = f"http://127.0.0.1:{port}"
    async with store.write() as tx:
        _, secret = await keys.create(tx, name="tests", scopes=["admin"], now=datetime.now(UTC))
    async with TwilioStandIn(StandInOptions(clock=clock, public_url=url)) as twilio, Caller(url, secret=secret) as desk:
        opened = Shop(store, desk, twilio, clock)
        settings = parts.settings.model_copy(update={"public_url": url, "gateway_port": port})
        given = replace(with_chat(parts), settings=settings, environment=opened.environment())
        async with listening(create_app(given), host="127.0.0.1", port=port):
            yield opened
            await twilio.accept_late()


@pytest.mark.parametrize("medium", list(FROM))
async def test_an_answer_leaves_in_the_medium_the_customer_wrote_in(shop: Shop, medium: str) -> None:
    chat = await shop.come_in(medium=medium)
    line = await shop.type(chat)
    assert (line.status, line.body["state"], shop.twilio.accepted) == (201, "planned", [])
    await shop.bring()
    (sent,) = shop.twilio.messages.values()
    assert (sent.form["To"], sent.form["Body"]) == (FROM[medium], "It leaves today.")
    assert (await shop.message(chat, line))["state"] == "delivered"
    talk = (await shop.desk.get(f"/v1/chats/{chat}/messages")).body["items"]
    assert [(one["text"], one["state"]) for one in talk] == [
        ("Where is my order?", None),
        ("It leaves today.", "delivered"),
    ]


async def test_an_answer_that_is_sent_again_leaves_once_and_says_how_far_it_is(shop: Shop) -> None:
    chat = await shop.come_in()
    first = await shop.type(chat)
    await asyncio.gather(*(shop.type(chat, "Another text") for _ in range(5)))
    await shop.bring()
    again = await shop.type(chat)
    assert (again.body["id"], again.body["state"], again.body["text"]) == (
        first.body["id"],
        "delivered",
        "It leaves today.",
    )
    assert len(shop.twilio.accepted) == 1


@pytest.mark.parametrize("is_deaf", [False, True], ids=["callbacks", "no callbacks"])
@pytest.mark.parametrize("fate", [fate for fate in Fate if fate not in (Fate.QUICK, Fate.LATE)])
async def test_whatever_fails_an_answer_leaves_once(shop: Shop, fate: Fate, is_deaf: bool) -> None:
    """Covers cases 1-8: 5xx before and after accepting, hanging, resets, cut-off answers, callbacks that overtake."""
    if is_deaf:
        shop.twilio.faults.callbacks = CallbackFaults(lost=1)
    chat = await shop.come_in()
    shop.twilio.faults.next(fate)
    line = await shop.type(chat)
    await shop.persist()
    assert len(shop.twilio.accepted) == 1
    assert (await shop.message(chat, line))["state"] == ("accepted" if is_deaf else "delivered")


async def test_an_answer_that_is_accepted_late_is_found_and_not_sent_again(shop: Shop) -> None:
    """Covers case 4."""
    shop.twilio.faults.callbacks = CallbackFaults(lost=1)
    chat = await shop.come_in()
    shop.twilio.faults.next(Fate.LATE)
    line = await shop.type(chat)
    await shop.bring()
    assert (await shop.message(chat, line))["state"] == "unknown"
    await shop.twilio.accept_late()
    await shop.persist()
    assert len(shop.twilio.accepted) == 1
    assert (await shop.message(chat, line))["state"] == "accepted"


async def test_lost_answers_of_the_same_words_are_not_taken_for_each_other(shop: Shop) -> None:
    shop.twilio.faults.callbacks = CallbackFaults(lost=1)
    chat = await shop.come_in()
    lines = [await shop.type(chat, "Yes", ref=f"employee-{number}") for number in range(3)]
    shop.twilio.faults.next(Fate.RESET_AFTER, Fate.BROKEN_BEFORE, Fate.HANG_AFTER)
    for _ in range(3):
        await shop.persist()
    assert len(shop.twilio.accepted) == 3
    assert {(await shop.message(chat, line))["state"] for line in lines} == {"accepted"}


async def test_couriers_of_two_workers_send_nothing_twice_while_half_of_it_fails(shop: Shop) -> None:
    """Covers M61."""
    fates = (Fate.BROKEN_AFTER, Fate.BUSY, Fate.RESET_AFTER, Fate.BROKEN_BEFORE, Fate.CUT_AFTER, Fate.QUICK)
    chat = await shop.come_in()
    for number in range(8):
        await shop.type(chat, f"{number}", ref=f"employee-{number}")
    shop.twilio.faults.next(*fates)
    couriers = [shop.courier(), shop.courier()]
    for _ in range(12):
        await asyncio.gather(*(courier.round() for courier in couriers))
        await shop.twilio.settled()
        shop.clock.ahead += GRACE
    texts = [message.form["Body"] for message in shop.twilio.messages.values()]
    assert texts == [f"{number}" for number in range(8)]


@pytest.mark.parametrize("medium", ["whatsapp", "messenger"])
async def test_a_day_after_the_customers_last_message_an_answer_is_refused_in_words(shop: Shop, medium: str) -> None:
    """Covers case 26; Twilio would only tell afterwards (63016)."""
    chat = await shop.came_in(medium=medium, ago=timedelta(hours=24, seconds=1))
    refused = await shop.type(chat)
    assert (refused.status, refused.body["code"]) == (409, "chat-closed")
    assert "template" in refused.body["detail"]
    await shop.bring()
    assert not shop.twilio.exchanges
    assert await shop.come_in("Hello?", medium=medium, id="SM2") == chat
    assert (await shop.type(chat)).status == 201


async def test_text_messages_know_no_window(shop: Shop) -> None:
    chat = await shop.came_in(medium="sms", ago=timedelta(days=9))
    assert (await shop.type(chat)).status == 201


@pytest.mark.parametrize("medium", ["whatsapp", "sms"])
async def test_who_wrote_stop_gets_no_answer_until_they_write_start(shop: Shop, medium: str) -> None:
    """Covers M63."""
    chat = await shop.come_in("STOP", medium=medium)
    refused = await shop.type(chat)
    assert (refused.status, refused.body["code"]) == (409, "unsubscribed")
    await shop.come_in("START", medium=medium, id="SM2")
    assert (await shop.type(chat)).status == 201


async def test_a_customer_who_wants_no_chats_gets_none(shop: Shop) -> None:
    """Covers M63."""
    phones = [{"number": ANNA, "type": "mobile"}]
    await shop.desk.created("1001", customer={"id": "anna", "phones": phones, "consent": {"chat": False}})
    chat = await shop.come_in()
    assert (await shop.type(chat)).body["code"] == "unsubscribed"


async def test_an_answer_that_cannot_be_delivered_says_so(shop: Shop) -> None:
    shop.twilio.script.deliveries[FROM["whatsapp"]] = ("undelivered", 63003)
    chat = await shop.come_in()
    line = await shop.type(chat)
    await shop.bring()
    failed = await shop.message(chat, line)
    assert (failed["state"], failed["code"]) == ("failed", "63003")
    assert failed["words"]


async def test_an_answer_waits_while_the_key_is_revoked(shop: Shop) -> None:
    chat = await shop.come_in()
    line = await shop.type(chat)
    await shop.bring(ORDERS_TWILIO_AUTH_TOKEN="revoked")
    assert (await shop.message(chat, line))["state"] == "planned"
    shop.clock.ahead += timedelta(minutes=2)
    await shop.bring()
    assert (await shop.message(chat, line))["state"] == "delivered"


async def test_without_an_account_an_answer_goes_into_the_outbox(shop: Shop) -> None:
    chat = await shop.come_in()
    line = await shop.type(chat)
    providers = Providers([OutboxProvider(shop.store)])
    await Courier(shop.store, providers=providers).round()
    assert (await shop.message(chat, line))["state"] == "accepted"
    async with shop.store.read() as tx:
        (shown,) = (await outbox.page(tx)).items
    assert (shown.channel, shown.address, shown.body) == ("chat", ANNA, "It leaves today.")


async def test_an_employee_who_attends_the_chat_sees_the_answer_go(shop: Shop) -> None:
    chat = await shop.come_in()
    async with attending(shop.desk, chat) as line:
        await line.until("lines")
        await shop.type(chat)
        told = await line.until("lines")
        assert [one["state"] for one in told["items"]] == ["planned"]
        await shop.bring()
        while (await line.until("changed"))["items"][0]["state"] != "delivered":
            pass


async def test_an_answer_is_not_too_long_names_an_order_that_exists_and_is_a_message_of_its_chat(shop: Shop) -> None:
    chat = await shop.come_in()
    await shop.desk.created("1001")
    assert (await shop.type(chat, "x" * 1601)).pointers == ["#/text"]
    assert (await shop.type(chat, order="1002")).pointers == ["#/order"]
    line = await shop.type(chat, order="1001")
    assert line.body["order_id"] == "shop:1001"
    assert (await shop.desk.get(f"/v1/chats/{chat}/messages/{line.body['id'] + 1}")).status == 404
    nowhere = "00000000-0000-0000-0000-000000000001"
    assert (await shop.desk.get(f"/v1/chats/{nowhere}/messages/{line.body['id']}")).status == 404
