"""Which provider carries a channel, and the provider that only shows what would have been sent."""

from uuid import UUID

import pytest

from activities.providers.errors import Misconfigured
from activities.providers.protocol import Message
from activities.providers.registry import Connecting, Providers, connect
from tests.rules.desk import Desk

SEND = UUID("8b9f3f36-3ac0-5ef2-9d3a-2f6e6b2f3d11")

TEXT = Message(channel="sms", address="+48501000111", body="Hello", sender="DemoShop")


@pytest.mark.parametrize(("channel", "name"), [("sms", "outbox"), ("email", "outbox"), ("webhook", "webhook")])
def test_channel_has_its_provider_by_default(desk: Desk, channel: str, name: str) -> None:
    assert connected(desk).choose(channel).name == name


def test_provider_that_is_not_connected_is_named_with_its_setting(desk: Desk) -> None:
    with pytest.raises(Misconfigured) as caught:
        connected(desk, sms_provider="twilio").choose("sms")
    assert caught.value.setting == "ORDERS_SMS_PROVIDER"
    assert caught.value.words == (
        "'twilio' is not connected for sms (ORDERS_TWILIO_ACCOUNT_SID is missing); connected: outbox"
    )


def test_provider_that_a_rule_names_is_said_to_be_the_rules(desk: Desk) -> None:
    with pytest.raises(Misconfigured) as caught:
        connected(desk).choose("sms", name="pigeon")
    assert caught.value.words.startswith("the rule's provider 'pigeon' is not connected for sms; connected: outbox")


def test_provider_of_another_channel_does_not_carry_it(desk: Desk) -> None:
    with pytest.raises(Misconfigured):
        connected(desk).choose("sms", name="webhook")


def test_channel_without_a_provider_is_named_with_its_setting(desk: Desk) -> None:
    with pytest.raises(Misconfigured, match="ORDERS_PIGEON_PROVIDER"):
        connected(desk).choose("pigeon")


async def test_outbox_shows_a_message_once_however_often_it_is_sent(desk: Desk) -> None:
    provider = connected(desk).choose("sms")
    first = await provider.send(TEXT, send_id=SEND)
    second = await provider.send(TEXT, send_id=SEND)
    (shown,) = await desk.outbox()
    assert first.provider_id == second.provider_id == f"outbox-{SEND}"
    assert (shown.address, shown.body, shown.sender) == ("+48501000111", "Hello", "DemoShop")


async def test_outbox_can_tell_what_was_sent(desk: Desk) -> None:
    provider = connected(desk).choose("sms")
    assert await provider.lookup(TEXT, send_id=SEND) is None
    accepted = await provider.send(TEXT, send_id=SEND)
    assert await provider.lookup(TEXT, send_id=SEND) == accepted


def connected(desk: Desk, *, sms_provider: str = "outbox") -> Providers:
    return connect(Connecting(desk.store, channels={"sms": sms_provider}))
