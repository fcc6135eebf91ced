"""Notices in the staff's chat: what leaves, where it goes, and what the answers mean."""

import json
from uuid import UUID

import pytest

from activities.accounts.staff_chat import StaffChat
from activities.providers.errors import Misconfigured, NotSent, Rejected, Unknown
from activities.providers.guard import Guard, GuardOptions
from activities.providers.protocol import Message
from activities.providers.staff_chat import StaffChatProvider
from tests.rules.receiver import Receiver

SEND = UUID("8b9f3f36-3ac0-5ef2-9d3a-2f6e6b2f3d11")


def provider(**settings: str) -> StaffChatProvider:
    chats = StaffChat.read({f"ORDERS_STAFF_{name.upper()}": value for name, value in settings.items()})
    return StaffChatProvider(Guard(GuardOptions(allows_private=True)), chats=chats or StaffChat())


def told(address: str, text: str = "Pack it") -> Message:
    return Message("staff_chat", address=address, body=text)


@pytest.mark.parametrize("way", ["own", "shop", "room"])
async def test_notice_is_posted_as_text_to_the_address_meant(way: str) -> None:
    async with Receiver() as receiver:
        chats = provider(chat_webhook=f"{receiver.url}/shop", chats=json.dumps({"sales-team": f"{receiver.url}/room"}))
        address = {"own": f"{receiver.url}/own", "shop": "room:", "room": "room:sales-team"}[way]
        accepted = await chats.send(told(address), send_id=SEND)
    (call,) = receiver.calls
    assert call.path.endswith(f"/{way}")
    assert json.loads(call.body) == {"text": "Pack it"}
    assert call.headers["content-type"] == "application/json"
    assert accepted.provider_id == f"staff-chat-{SEND}"


async def test_name_of_a_customer_cannot_call_everybody() -> None:
    async with Receiver() as receiver:
        await provider().send(told(receiver.url, "<!channel> & <https://evil.example|Anna>"), send_id=SEND)
    assert json.loads(receiver.calls[0].body)["text"] == "&lt;!channel&gt; &amp; &lt;https://evil.example|Anna&gt;"


@pytest.mark.parametrize(
    ("status", "failure"),
    [(429, NotSent), (503, NotSent), (500, Unknown), (404, Rejected), (400, Rejected), (302, Rejected)],
)
async def test_answers_fall_into_the_four_classes(status: int, failure: type[Exception]) -> None:
    async with Receiver(status) as receiver:
        with pytest.raises(failure):
            await provider().send(told(receiver.url), send_id=SEND)


async def test_chat_that_is_not_there_was_not_told() -> None:
    async with Receiver() as receiver:
        gone = receiver.url
    with pytest.raises(NotSent):
        await provider().send(told(gone), send_id=SEND)


async def test_private_address_is_refused() -> None:
    guarded = StaffChatProvider(Guard(), chats=StaffChat())
    with pytest.raises(Rejected):
        await guarded.send(told("https://127.0.0.1/hook"), send_id=SEND)


@pytest.mark.parametrize(
    ("address", "setting"), [("room:", "ORDERS_STAFF_CHAT_WEBHOOK"), ("room:sales", "ORDERS_STAFF_CHATS")]
)
async def test_missing_room_names_the_setting(address: str, setting: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        await provider().send(told(address), send_id=SEND)
    assert caught.value.setting == setting


async def test_chat_cannot_be_asked() -> None:
    with pytest.raises(Unknown):
        await provider().lookup(told("room:"), send_id=SEND)


@pytest.mark.parametrize("chats", ["sales", "[1]", '{"sales": 1}'])
def test_rooms_that_are_not_json_name_their_setting(chats: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        provider(chats=chats)
    assert caught.value.setting == "ORDERS_STAFF_CHATS"
