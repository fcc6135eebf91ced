"""What Twilio gets of a message: the form fields, who sends it, where it calls back. Covers C1, C2, C4."""

import json
from datetime import timedelta
from urllib.parse import parse_qs
from uuid import UUID

import pytest

from activities.providers.errors import Misconfigured, Rejected
from activities.providers.protocol import Message
from activities.providers.registry import Connecting
from activities.providers.twilio import TwilioProvider, connect
from tests.providers.phone import Phone
from tests.support.stand_ins.twilio import ACCOUNT, CallbackFaults

SEND = UUID("8b9f3f36-3ac0-5ef2-9d3a-2f6e6b2f3d11")
TEXT = Message("sms", address="+48501000111", body="Order 1001 is ready")
CALL = Message("voice", address="+48501000111", body="Order 1001 is ready")
CHAT = Message("chat", address="+48501000111", body="Order 1001 is ready", medium="whatsapp")


async def sent(phone: Phone, message: Message, **settings: str) -> dict[str, str]:
    """Send a message and return the form that arrived; lists are joined by commas."""
    phone.hooks = "https://shop.example"
    phone.stand_in.script.answers[message.address] = "busy"
    phone.stand_in.faults.callbacks = CallbackFaults(lost=1)
    await phone.provider(**settings).send(message, send_id=SEND)
    form = parse_qs(phone.stand_in.exchanges[-1].body.decode(), strict_parsing=True)
    return {name: ",".join(values) for name, values in form.items()}


async def test_text_carries_the_send_in_its_callback(phone: Phone) -> None:
    assert await sent(phone, TEXT) == {
        "Body": "Order 1001 is ready",
        "From": "+15005550006",
        "StatusCallback": f"https://shop.example/hooks/twilio/status/{SEND}#rc=5&rp=all",
        "To": "+48501000111",
    }
    assert phone.stand_in.accepted[0].send == str(SEND)


async def test_call_fetches_its_words_and_waits_for_the_beep(phone: Phone) -> None:
    assert await sent(phone, CALL, lines="+15005550010,+15005550011") == {
        "FallbackUrl": "https://shop.example/hooks/twilio/fallback",
        "From": "+15005550010",
        "MachineDetection": "DetectMessageEnd",
        "StatusCallback": f"https://shop.example/hooks/twilio/status/{SEND}#rc=5&rp=all",
        "StatusCallbackEvent": "initiated,answered,completed",
        "To": "+48501000111",
        "Url": f"https://shop.example/hooks/twilio/voice/{SEND}",
    }


async def test_nothing_of_a_calls_words_leaves_with_the_request(phone: Phone) -> None:
    form = await sent(phone, CALL)
    assert not any("ready" in value for value in form.values())


async def test_messaging_service_chooses_the_sender(phone: Phone) -> None:
    form = await sent(phone, TEXT, messaging_service="MG" + "0" * 32)
    assert form["MessagingServiceSid"] == "MG" + "0" * 32
    assert "From" not in form


@pytest.mark.parametrize("settings", [{}, {"messaging_service": "MG" + "0" * 32}], ids=["number", "service"])
async def test_sender_of_the_rule_wins(phone: Phone, settings: dict[str, str]) -> None:
    form = await sent(phone, Message("sms", address="+48501000111", body="Hi", sender="DemoShop"), **settings)
    assert form["From"] == "DemoShop"
    assert "MessagingServiceSid" not in form


async def test_line_of_the_rule_wins(phone: Phone) -> None:
    message = Message("voice", address="+48501000111", body="Hi", sender="+15005550011")
    assert (await sent(phone, message, lines="+15005550010,+15005550011"))["From"] == "+15005550011"
    assert (await sent(phone, message))["From"] == "+15005550011"


async def test_line_that_is_not_connected_names_the_setting(phone: Phone) -> None:
    """Covers C1."""
    message = Message("voice", address="+48501000111", body="Hi", sender="+15005550019")
    with pytest.raises(Misconfigured, match=r"line is not connected.*ORDERS_TWILIO_LINES"):
        await phone.provider(lines="+15005550010,+15005550011").send(message, send_id=SEND)
    assert not phone.stand_in.exchanges


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (timedelta(minutes=10), "600"),
        (timedelta(days=3), "36000"),
        (timedelta(milliseconds=1), "1"),
    ],
    ids=["as it is", "longest", "shortest"],
)
async def test_text_is_valid_until_it_expires(phone: Phone, left: timedelta, seconds: str) -> None:
    message = Message("sms", address="+48501000111", body="Hi", expires=phone.clock() + left)
    assert (await sent(phone, message))["ValidityPeriod"] == seconds


async def test_expired_message_is_not_sent(phone: Phone) -> None:
    """Covers case 15."""
    for channel in ("sms", "voice"):
        message = Message(channel, address="+48501000111", body="Hi", expires=phone.clock())
        with pytest.raises(Rejected) as caught:
            await phone.provider().send(message, send_id=SEND)
        assert caught.value.code == "expired"
    assert not phone.stand_in.exchanges


async def test_whatsapp_goes_from_its_own_number(phone: Phone) -> None:
    form = await sent(phone, CHAT, whatsapp="+15005550020")
    assert (form["To"], form["From"]) == ("whatsapp:+48501000111", "whatsapp:+15005550020")
    assert form["Body"] == "Order 1001 is ready"
    assert "ValidityPeriod" not in form


async def test_messenger_goes_from_the_page(phone: Phone) -> None:
    message = Message("chat", address="2840517", body="Hi", medium="messenger")
    form = await sent(phone, message, messenger="1078")
    assert (form["To"], form["From"]) == ("messenger:2840517", "messenger:1078")


async def test_chat_by_text_message_goes_as_a_text_message(phone: Phone) -> None:
    form = await sent(phone, Message("chat", address="+48501000111", body="Hi", medium="sms"))
    assert (form["To"], form["From"]) == ("+48501000111", "+15005550006")


async def test_template_goes_with_its_variables_and_without_the_text(phone: Phone) -> None:
    """Covers case 16."""
    message = Message(
        "chat",
        address="+48501000111",
        body="Order 1001 is ready",
        medium="whatsapp",
        template="HX" + "0" * 32,
        variables={"1": "1001", "2": "Zoë\u202e"},
    )
    form = await sent(phone, message, whatsapp="+15005550020")
    assert form["ContentSid"] == "HX" + "0" * 32
    assert json.loads(form["ContentVariables"]) == {"1": "1001", "2": "Zoë"}
    assert "Body" not in form


async def test_characters_that_nobody_can_read_are_left_out(phone: Phone) -> None:
    """Covers case 20."""
    message = Message("sms", address="+48501000111", body="A\x00B\x1b\u202eC\ud800 <&> 😀\n")
    assert (await sent(phone, message))["Body"] == "ABC <&> 😀\n"


@pytest.mark.parametrize(
    ("message", "setting"),
    [
        (TEXT, "ORDERS_TWILIO_SENDER"),
        (CALL, "ORDERS_TWILIO_LINES"),
        (CHAT, "ORDERS_TWILIO_WHATSAPP"),
        (Message("chat", address="1", body="Hi", medium="messenger"), "ORDERS_TWILIO_MESSENGER"),
    ],
    ids=["sms", "voice", "whatsapp", "messenger"],
)
async def test_missing_sender_names_its_setting(phone: Phone, message: Message, setting: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        await phone.provider(sender="").send(message, send_id=SEND)
    assert caught.value.setting == setting


async def test_chat_of_another_medium_is_refused(phone: Phone) -> None:
    with pytest.raises(Rejected):
        await phone.provider().send(Message("chat", address="1", body="Hi", medium="web"), send_id=SEND)


async def test_key_signs_in_in_place_of_the_token(phone: Phone) -> None:
    with pytest.raises(Misconfigured):
        await phone.provider(api_key="SK1", api_secret="wrong").send(TEXT, send_id=SEND)
    assert "U0sxOndyb25n" in phone.stand_in.exchanges[-1].headers["Authorization"]


def connecting(phone: Phone, environment: dict[str, str], *, public_url: str = "https://shop.example") -> Connecting:
    return Connecting(store=phone.store, environment=environment, public_url=public_url)


ENVIRONMENT = {"ORDERS_TWILIO_ACCOUNT_SID": ACCOUNT, "ORDERS_TWILIO_AUTH_TOKEN": "token"}


async def test_provider_is_connected_by_its_settings_alone(phone: Phone) -> None:
    assert connect(connecting(phone, {})) is None
    provider = connect(connecting(phone, {**ENVIRONMENT, "ORDERS_TWILIO_GRACE": "7"}))
    assert isinstance(provider, TwilioProvider)
    assert provider.channels == ("sms", "voice", "chat")
    assert provider.grace == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("environment", "setting"),
    [
        ({"ORDERS_TWILIO_AUTH_TOKEN": "token"}, "ORDERS_TWILIO_ACCOUNT_SID"),
        ({"ORDERS_TWILIO_ACCOUNT_SID": ACCOUNT}, "ORDERS_TWILIO_AUTH_TOKEN"),
        ({**ENVIRONMENT, "ORDERS_TWILIO_ACCOUNT_SID": "me"}, "ORDERS_TWILIO_ACCOUNT_SID"),
        ({**ENVIRONMENT, "ORDERS_TWILIO_API_KEY": "SK1"}, "ORDERS_TWILIO_API_SECRET"),
        ({**ENVIRONMENT, "ORDERS_TWILIO_BASE": "example.com"}, "ORDERS_TWILIO_BASE"),
        ({**ENVIRONMENT, "ORDERS_TWILIO_GRACE": "soon"}, "ORDERS_TWILIO_GRACE"),
    ],
)
async def test_half_an_account_names_what_is_missing(phone: Phone, environment: dict[str, str], setting: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        connect(connecting(phone, environment))
    assert caught.value.setting == setting


async def test_account_without_the_gateways_address_is_refused(phone: Phone) -> None:
    with pytest.raises(Misconfigured, match="ORDERS_PUBLIC_URL"):
        connect(connecting(phone, ENVIRONMENT, public_url=""))
