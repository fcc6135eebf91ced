"""What the outbox shows beyond the text: how a call sounds, and the files that go with a message."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest

from activities.providers.outbox import OutboxProvider
from activities.providers.protocol import Attachment, Message, Speech
from activities.providers.web_chat import WebChatProvider
from activities.store import chats, documents, journal
from activities.store.database import Store
from activities.store.documents import DocumentRecord, NewDocument
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve
from workflows.contracts.ids import OrderKey

KEY = OrderKey(shop="shop", number="1001")


async def shown(store: Store, caller: Caller, message: Message) -> str:
    await OutboxProvider(store).send(message, send_id=uuid5(UUID(int=8), message.body))
    async with Caller(caller.url, secret=None) as browser:
        page = await browser.get("/outbox")
    assert page.status == 200
    return str(page.body)


async def invoice(store: Store, caller: Caller) -> DocumentRecord:
    await caller.created("1001")
    id = uuid5(UUID(int=8), "invoice")
    new = NewDocument(id=id, key=KEY, template="invoice", number="1", name="a.pdf", language="en", content=b"%PDF-x")
    async with store.write() as tx:
        return await documents.put(tx, new, now=datetime.now(UTC))


async def test_a_call_shows_its_voice(store: Store, caller: Caller) -> None:
    """Covers C1."""
    speech = Speech(language="pl-PL", voice="Polly.Ewa <x>", rate=90, volume=2)
    page = await shown(store, caller, Message(channel="voice", address="+48601", body="Dzień dobry", speech=speech))
    assert "Spoken: Polly.Ewa &lt;x&gt;, pl-PL, rate 90 %, volume 2 dB" in page
    assert "<pre>Dzień dobry</pre>" in page


async def test_a_call_with_a_recording_shows_its_address(store: Store, caller: Caller) -> None:
    speech = Speech(audio="https://shop.example/pay.mp3")
    page = await shown(store, caller, Message(channel="voice", address="+48601", body="", speech=speech))
    assert "Played: https://shop.example/pay.mp3" in page


async def test_a_mail_leads_to_its_document_which_that_does_not_view(store: Store, caller: Caller) -> None:
    """Covers E13, T22."""
    document = await invoice(store, caller)
    files = (
        Attachment(document.name, document.media_type, document.content, document=str(document.id)),
        Attachment("<b>.ics", "text/calendar", b"BEGIN:VCALENDAR"),
    )
    page = await shown(store, caller, Message(channel="email", address="a@b.example", body="Hi", attachments=files))
    assert f'<a href="outbox/documents/{document.id}">a.pdf</a>' in page
    assert "&lt;b&gt;.ics" in page
    async with Caller(caller.url, secret=None) as browser:
        file = await browser.get(f"/outbox/documents/{document.id}")
        assert (file.status, file.body) == (200, "%PDF-x")
        stranger = await browser.get(f"/outbox/documents/{document.id}", headers={"X-Forwarded-For": "203.0.113.9"})
        assert stranger.status == 401
    async with store.read() as tx:
        events = (await journal.events_of(tx, KEY)).items
    assert [event.type for event in events if event.type == "document.viewed"] == []


async def test_the_list_tells_files_and_details(store: Store, caller: Caller) -> None:
    files = (Attachment("a.txt", "text/plain", b"x"),)
    message = Message(channel="chat", address="w", body="Hi", medium="whatsapp", attachments=files)
    await shown(store, caller, message)
    (record,) = (await caller.get("/v1/outbox")).body["items"]
    assert record["attachments"] == [{"name": "a.txt", "media_type": "text/plain", "document": ""}]
    assert record["details"] == {"medium": "whatsapp"}


async def test_a_message_of_the_web_chat_shows_what_its_visitor_was_told(store: Store, caller: Caller) -> None:
    """Covers C4."""
    async with store.write() as tx:
        await chats.opened(tx, medium="web", address="v-<1>", shop="shop", at=datetime.now(UTC))
    await WebChatProvider(store).send(
        Message(channel="chat", address="v-<1>", body="Hello <b>", medium="web"), send_id=UUID(int=1)
    )
    async with Caller(caller.url, secret=None) as browser:
        page = (await browser.get("/outbox")).body
    assert "web chat to <b>v-&lt;1&gt;</b>" in page
    assert "<pre>Hello &lt;b&gt;</pre>" in page


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        pytest.param({}, "Connect a provider to send for real. The web chat", id="none"),
        pytest.param(
            {"sms_provider": "twilio"},
            "Not here: text messages go to twilio. Connect a provider to send the rest for real. The web chat",
            id="one",
        ),
        pytest.param(
            dict.fromkeys(("sms_provider", "voice_provider", "chat_provider"), "twilio")
            | {"email_provider": "sendgrid"},
            "Not here: text messages go to twilio, mails go to sendgrid, calls go to twilio, chats go to twilio. The "
            "web chat",
            id="each",
        ),
    ],
)
async def test_what_goes_to_a_provider_is_said_not_to_be_here(
    serve: Serve, parts: Parts, chosen: dict[str, str], words: str
) -> None:
    caller = await serve(replace(parts, settings=parts.settings.model_copy(update=chosen)))
    async with Caller(caller.url, secret=None) as browser:
        page = await browser.get("/outbox")
    assert words in page.body
