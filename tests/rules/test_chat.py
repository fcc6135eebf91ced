"""Chats with the customer, and whispers in them. Covers C4, M63; cases 16, 26, 27."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.actions import ACTIONS
from activities.providers.errors import Rejected
from activities.providers.protocol import Message
from activities.providers.registry import Providers
from activities.providers.stand_in import Mood, StandIn
from activities.providers.web_chat import WebChatProvider
from activities.sends import Sends
from activities.shelf import Shelf
from activities.store import chats, customers, erasing, outbox, visits
from activities.store.chats import ChatLine, ConversationRecord
from activities.store.database import Store
from activities.store.schema import migrate
from tests.rules.desk import NOW, Desk
from workflows.contracts.ids import OrderKey, run_id
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunsRequest

ANNA: dict[str, Any] = {"id": "anna", "first_name": "Anna", "phones": [{"number": "+48501000111"}]}
TEMPLATE = "HX" + "0" * 32


@dataclass
class ChatDesk(Desk):
    """A shop with the web chat, and a stand-in for every other provider."""

    stand_in: StandIn = field(init=False)

    def __post_init__(self) -> None:
        self.stand_in = StandIn(clock=lambda: self.now)

    async def _send(self, request: RunsRequest, *, shelf: Shelf) -> None:
        channels = {"chat": "stand-in", "sms": "stand-in"}
        providers = Providers((self.stand_in, WebChatProvider(self.store, clock=lambda: self.now)), channels=channels)
        sends = Sends(self.store, shelf=shelf, actions=ACTIONS, providers=providers, clock=lambda: self.now)
        try:
            await ActivityEnvironment().run(sends.send, request)
        except ApplicationError as error:
            if error.type not in (*RunReason, "NotSent"):
                raise

    async def wrote(self, medium: str, address: str, *, customer: str = "anna", ago: timedelta) -> ConversationRecord:
        """Let the customer have written a while ago."""
        at = self.now - ago
        async with self.store.write() as tx:
            told = await chats.receive(
                tx,
                medium=medium,
                address=address,
                text="Hello",
                ref=f"{medium}-{at}",
                at=at,
                shop="shop",
                customer=customer,
            )
        return told.conversation

    async def lines(self, chat: ConversationRecord) -> list[ChatLine]:
        """Read what a customer reads, but for their own words."""
        async with self.store.read() as tx:
            return [line for line in await chats.history(tx, conversation=chat.id) if not line.is_inbound]

    async def whispers(self, chat: ConversationRecord) -> list[ChatLine]:
        """Read what employees read besides."""
        async with self.store.read() as tx:
            return await chats.whispers(tx, conversation=chat.id)

    @property
    def sent(self) -> list[Message]:
        """What left the house."""
        return [sent.message for sent in self.stand_in.sent]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[ChatDesk]:
    """Open an empty shop."""
    url = f"sqlite+aiosqlite:///{tmp_path}/orders.db"
    await migrate(url)
    store = await Store.open(url)
    yield ChatDesk(store)
    await store.close()


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def test_the_answer_goes_to_the_chat_the_customer_last_wrote_in(desk: ChatDesk) -> None:
    """Case 26."""
    key = await desk.order(customer=ANNA)
    await desk.wrote("whatsapp", "+48501000111", ago=HOUR)
    web = await desk.wrote("web", "v-1", ago=MINUTE)
    run = await desk.run(key, "chat: thanks")
    (line,) = await desk.lines(web)
    assert (line.text, line.ref) == ("Anna, thank you for order 1001.", str(run_id(key, 1, "chat")))
    assert desk.sent == []
    assert (run.status, run.results) == (RunStatus.DONE, {"medium": "web", "language": "en"})


@pytest.mark.parametrize("medium", ["whatsapp", "messenger", "sms"])
async def test_other_chats_go_through_their_provider(desk: ChatDesk, medium: str) -> None:
    key = await desk.order(customer=ANNA)
    await desk.wrote("web", "v-1", ago=HOUR)
    await desk.wrote(medium, "+48501000111", ago=MINUTE)
    await desk.run(key, "chat: thanks")
    (message,) = desk.sent
    assert (message.channel, message.medium, message.address) == ("chat", medium, "+48501000111")
    assert (message.body, message.template) == ("Anna, thank you for order 1001.", "")


async def test_a_customer_who_never_wrote_is_passed_over(desk: ChatDesk) -> None:
    run = await desk.run(await desk.order(customer=ANNA), "chat: thanks")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_CHAT)
    assert desk.sent == []


async def test_an_order_without_a_customer_is_passed_over(desk: ChatDesk) -> None:
    run = await desk.run(await desk.order(), "chat: Hello")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_CUSTOMER)


async def test_the_companys_chat_is_used_where_the_contact_never_wrote(desk: ChatDesk) -> None:
    await desk.customer("acme", kind="company", company="ACME")
    key = await desk.order(customer={**ANNA, "company_id": "acme"})
    chat = await desk.wrote("web", "v-9", customer="acme", ago=MINUTE)
    await desk.run(key, "chat: thanks")
    assert len(await desk.lines(chat)) == 1


@pytest.mark.parametrize("medium", ["whatsapp", "messenger"])
async def test_a_closed_window_fails_the_rule_and_says_what_to_do(desk: ChatDesk, medium: str) -> None:
    """Cases 16, 26."""
    key = await desk.order(customer=ANNA)
    await desk.wrote(medium, "+48501000111", ago=DAY)
    run = await desk.run(key, "chat: thanks")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.CHAT_CLOSED)
    assert "template" in run.words
    assert "fallback: sms" in run.words
    assert desk.sent == []


async def test_the_window_is_open_until_its_last_minute(desk: ChatDesk) -> None:
    key = await desk.order(customer=ANNA)
    await desk.wrote("whatsapp", "+48501000111", ago=DAY - MINUTE)
    await desk.run(key, f"chat: thanks\ntemplate: {TEMPLATE}")
    assert [message.template for message in desk.sent] == [""]


@pytest.mark.parametrize("medium", ["sms", "web"])
async def test_chats_without_a_window_never_close(desk: ChatDesk, medium: str) -> None:
    key = await desk.order(customer=ANNA)
    await desk.wrote(medium, "+48501000111", ago=40 * DAY)
    assert (await desk.run(key, "chat: thanks")).status is RunStatus.DONE


async def test_whatsapp_gets_the_template_when_its_window_is_closed(desk: ChatDesk) -> None:
    """Cases 16, 26."""
    key = await desk.order(customer=ANNA)
    await desk.wrote("whatsapp", "+48501000111", ago=2 * DAY)
    rule = (
        f"chat: thanks\ntemplate: {TEMPLATE}\nvariables: {{'1': '{{{{ order.number }}}}', name: Anna}}\nfallback: sms"
    )
    run = await desk.run(key, rule)
    (message,) = desk.sent
    assert (message.channel, message.template, message.variables) == ("chat", TEMPLATE, {"1": "1001", "name": "Anna"})
    assert run.results["medium"] == "whatsapp"


async def test_a_text_message_takes_the_place_of_a_closed_chat(desk: ChatDesk) -> None:
    """Cases 16, 26. Messenger has no templates."""
    key = await desk.order(customer=ANNA)
    await desk.wrote("messenger", "4711", ago=2 * DAY)
    run = await desk.run(key, f"chat: thanks\ntemplate: {TEMPLATE}\nfallback: sms")
    (message,) = desk.sent
    assert (message.channel, message.address, message.medium) == ("sms", "+48501000111", "")
    assert run.results["medium"] == "sms"


async def test_a_text_message_in_the_chats_place_keeps_to_its_200_characters(desk: ChatDesk) -> None:
    key = await desk.order(customer=ANNA, note="a" * 201)
    await desk.wrote("messenger", "4711", ago=2 * DAY)
    run = await desk.run(key, "chat: '{{ order.note }}'\nfallback: sms")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.TEXT_TOO_LONG)
    assert desk.sent == []


async def test_a_chat_takes_1600_characters_and_no_more(desk: ChatDesk) -> None:
    key = await desk.order(customer=ANNA, note="a" * 1600)
    await desk.wrote("whatsapp", "+48501000111", ago=MINUTE)
    assert (await desk.run(key, "chat: '{{ order.note }}'")).status is RunStatus.DONE
    run = await desk.run(key, "chat: '{{ order.note }}!'")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.TEXT_TOO_LONG)


async def test_a_provider_that_is_gone_fails_the_rule_and_names_the_setting(desk: ChatDesk) -> None:
    """Case 26: the channel was deleted."""
    key = await desk.order(customer=ANNA)
    await desk.wrote("whatsapp", "+48501000111", ago=MINUTE)
    run = await desk.run(key, "chat: thanks\nprovider: pigeon")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.MISCONFIGURED)
    assert "ORDERS_CHAT_PROVIDER" in run.words


async def test_a_whisper_stays_in_the_house(desk: ChatDesk) -> None:
    """Case 27."""
    key = await desk.order(customer=ANNA)
    chat = await desk.wrote("whatsapp", "+48501000111", ago=5 * DAY)
    visit = await desk.enter(key, "chat: Ask for the deposit of {{ order.number }}\nwhisper: true")
    for _ in range(2):
        run = await desk.carry_out(key, visit=visit)
    assert run.status is RunStatus.DONE
    (whisper,) = await desk.whispers(chat)
    assert (whisper.text, whisper.author, whisper.order_id) == ("Ask for the deposit of 1001", "chat", str(key))
    assert (await desk.lines(chat), desk.sent, await desk.outbox()) == ([], [], [])
    assert await chat_customer(desk, key) == "whatsapp"


async def chat_customer(desk: ChatDesk, key: OrderKey) -> str:
    """What the customer's card says about their channel."""
    async with desk.store.read() as tx:
        return (await customers.of_order(tx, key))[0].channel


async def test_a_whisper_needs_a_chat_too(desk: ChatDesk) -> None:
    run = await desk.run(await desk.order(customer=ANNA), "chat: Careful\nwhisper: true")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_CHAT)


async def test_a_whisper_is_in_the_language_of_the_shop(desk: ChatDesk) -> None:
    key = await desk.order(customer={**ANNA, "language": "pl"})
    chat = await desk.wrote("web", "v-1", ago=MINUTE)
    await desk.run(key, "chat: thanks\nwhisper: true")
    assert [line.text for line in await desk.whispers(chat)] == ["Anna, thank you for order 1001."]


@pytest.mark.parametrize("medium", ["web", "whatsapp"])
async def test_who_does_not_want_chats_gets_none(desk: ChatDesk, medium: str) -> None:
    """Covers M63."""
    key = await desk.order(customer={**ANNA, "consent": {"chat": False}})
    chat = await desk.wrote(medium, "+48501000111", ago=MINUTE)
    run = await desk.run(key, "chat: thanks")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.UNSUBSCRIBED)
    assert (await desk.lines(chat), desk.sent) == ([], [])
    await desk.run(key, "chat: thanks\ntransactional: true")
    assert (len(desk.sent), len(await desk.lines(chat))) == (0 if medium == "web" else 1, 1)


@pytest.mark.parametrize("consents", [True, False])
async def test_who_stopped_text_messages_gets_none_in_their_chat_either(desk: ChatDesk, consents: bool) -> None:
    """Covers M63: STOP, and no consent to text messages."""
    key = await desk.order(customer={**ANNA, "consent": {"sms": consents}})
    await desk.wrote("sms", "+48501000111", ago=MINUTE)
    if consents:
        async with desk.store.write() as tx:
            await customers.suppress(tx, channel="sms", address="+48501000111", reason="stop", now=NOW)
    run = await desk.run(key, "chat: thanks")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.UNSUBSCRIBED)
    assert desk.sent == []
    assert (await desk.run(key, "chat: thanks\ntransactional: true")).status is RunStatus.DONE


async def test_a_repeated_attempt_writes_into_the_web_chat_once(desk: ChatDesk) -> None:
    """Covers M61."""
    key = await desk.order(customer=ANNA)
    chat = await desk.wrote("web", "v-1", ago=MINUTE)
    visit = await desk.enter(key, "chat: thanks")
    for _ in range(3):
        await desk.carry_out(key, visit=visit)
    assert len(await desk.lines(chat)) == 1


async def test_a_lost_answer_is_looked_for_where_it_was_sent_although_the_customer_writes_elsewhere(
    desk: ChatDesk,
) -> None:
    """Covers M61. Asking the other chat's provider would find nothing, and send it twice."""
    key = await desk.order(customer=ANNA)
    await desk.wrote("whatsapp", "+48501000111", ago=MINUTE)
    visit = await desk.enter(key, "chat: thanks\non_unknown: hold")
    desk.stand_in.behave("chat", mood=Mood.SILENT)
    await desk.carry_out(key, visit=visit)
    web = await desk.wrote("web", "v-1", ago=timedelta(0))
    desk.now += HOUR
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.reason) == (RunStatus.HELD, RunReason.OUTCOME_UNKNOWN)
    assert await desk.lines(web) == []


async def test_a_lost_answer_is_not_repeated_as_a_text_message_when_the_window_closes_meanwhile(
    desk: ChatDesk,
) -> None:
    """Covers M61, case 16."""
    key = await desk.order(customer=ANNA)
    await desk.wrote("whatsapp", "+48501000111", ago=DAY - MINUTE)
    visit = await desk.enter(key, "chat: thanks\nfallback: sms\non_unknown: hold")
    desk.stand_in.behave("chat", mood=Mood.SILENT)
    await desk.carry_out(key, visit=visit)
    desk.now += HOUR
    run = await desk.carry_out(key, visit=visit)
    assert run.status is RunStatus.HELD
    assert desk.sent == []


async def test_what_did_not_leave_goes_where_the_customer_writes_now(desk: ChatDesk) -> None:
    key = await desk.order(customer=ANNA)
    await desk.wrote("whatsapp", "+48501000111", ago=MINUTE)
    visit = await desk.enter(key, "chat: thanks")
    desk.stand_in.behave("chat", mood=Mood.DOWN)
    await desk.carry_out(key, visit=visit)
    web = await desk.wrote("web", "v-1", ago=timedelta(0))
    await desk.carry_out(key, visit=visit)
    assert len(await desk.lines(web)) == 1


async def test_the_outbox_shows_what_a_rule_wrote_into_the_web_chat_and_nothing_that_it_did_not(desk: ChatDesk) -> None:
    key = await desk.order(customer=ANNA)
    web = await desk.wrote("web", "v-1", ago=MINUTE)
    visit = await desk.enter(key, "chat: thanks", "chat: Anna is angry\nwhisper: true\nid: hint")
    for rule in ("chat", "hint"):
        await desk.carry_out(key, visit=visit, rule=rule)
    async with desk.store.write() as tx:
        await chats.add_outbound(tx, conversation=web.id, text="By hand", ref="1", author="olga", at=desk.now)
        (shown,) = (await outbox.page(tx)).items
    (line,) = [line for line in await desk.lines(web) if not line.author]
    assert (shown.channel, shown.address, shown.body, shown.at) == ("chat", "v-1", line.text, line.at)
    assert shown.details == {"medium": "web", "conversation": str(web.id)}


async def test_what_a_rule_wrote_into_the_web_chat_goes_with_its_order(desk: ChatDesk) -> None:
    key = await desk.order(customer=ANNA)
    web = await desk.wrote("web", "v-1", ago=MINUTE)
    visit = await desk.enter(key, "chat: thanks")
    await desk.carry_out(key, visit=visit)
    async with desk.store.write() as tx:
        await visits.lock(tx, key)
        await erasing.order(tx, key, now=desk.now)
        (shown,) = (await outbox.page(tx)).items
    assert [line.text for line in await desk.lines(web)] == [""]
    assert (shown.address, shown.body, shown.details) == ("", "", {})


async def test_a_web_chat_that_is_gone_is_refused_in_words(desk: ChatDesk) -> None:
    provider = WebChatProvider(desk.store, clock=lambda: NOW)
    message = Message(channel="chat", medium="web", address="v-0", body="Hello")
    send = run_id(OrderKey(shop="s", number="1"), 1, "chat")
    assert await provider.lookup(message, send_id=send) is None
    with pytest.raises(Rejected, match="must write again"):
        await provider.send(message, send_id=send)
