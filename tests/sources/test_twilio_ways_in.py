"""Calls that are greeted and put through, and words by which people leave, over each of Twilio's channels."""

import pytest

from activities.store import suppressions
from activities.store.database import Store
from tests.gateway.calling import Caller
from tests.sources import test_twilio as twilio
from tests.sources.calls import send
from tests.sources.test_twilio import ANNA, events, known, signed

LINE = "+48220000000"
DESK = "+48220000099"


@pytest.fixture
def answering() -> dict[str, str]:
    """How the shop answers its calls."""
    return {}


@pytest.fixture
def accounts(answering: dict[str, str]) -> dict[str, str]:
    own = {"ORDERS_TWILIO_ACCOUNT_SID": "AC" + "1" * 32, "ORDERS_TWILIO_AUTH_TOKEN": twilio.TOKEN}
    return own | {f"ORDERS_TWILIO_{name}": value for name, value in answering.items()}


FORWARDED = {"GREETING": "Hello & welcome", "GREETING_LANGUAGE": "en-GB", "FORWARD_TO": DESK}
GREETED = {"GREETING": "We are closed"}


@pytest.mark.parametrize("answering", [FORWARDED])
async def test_a_caller_is_greeted_and_put_through(caller: Caller) -> None:
    """Covers T06. The address that is told how it went is relative: a proxy may put the gateway under a path."""
    await known(caller)
    status, text = await send(caller, signed("/hooks/twilio/call", From=ANNA, To=LINE, CallSid="CA1"))
    assert status == 200
    assert '<Say language="en-GB">Hello &amp; welcome</Say>' in text
    assert f'<Dial action="call-status" timeout="20">{DESK}</Dial>' in text


@pytest.mark.parametrize("answering", [FORWARDED])
@pytest.mark.parametrize(("dialled", "missed"), [("completed", False), ("no-answer", True), ("busy", True)])
async def test_a_call_put_through_is_missed_where_nobody_takes_it(
    caller: Caller, store: Store, dialled: str, missed: bool
) -> None:
    """Covers T07. The call itself is completed either way, as the greeting was heard."""
    await known(caller)
    form = {"From": ANNA, "To": LINE, "CallSid": "CA1"}
    await send(caller, signed("/hooks/twilio/call-status", **form, CallStatus="in-progress", DialCallStatus=dialled))
    await send(caller, signed("/hooks/twilio/call-status", **form, CallStatus="completed"))
    assert await events(store) == ["order.created", "call.incoming", *(["call.missed"] if missed else [])]


@pytest.mark.parametrize("answering", [GREETED])
async def test_a_greeting_that_puts_through_to_nobody_is_no_answer(caller: Caller, store: Store) -> None:
    """Covers T07."""
    await known(caller)
    form = {"From": ANNA, "To": LINE, "CallSid": "CA1"}
    _, text = await send(caller, signed("/hooks/twilio/call", **form))
    await send(caller, signed("/hooks/twilio/call-status", **form, CallStatus="completed"))
    assert "<Say>We are closed</Say>" in text
    assert await events(store) == ["order.created", "call.incoming", "call.missed"]


async def test_without_a_greeting_a_call_is_declined(caller: Caller) -> None:
    _, text = await send(caller, signed("/hooks/twilio/call", From=ANNA, To=LINE, CallSid="CA1"))
    assert '<Reject reason="busy" />' in text


@pytest.mark.parametrize(
    ("sender", "more", "channel", "other"),
    [
        pytest.param(ANNA, {"Body": "STOP"}, "sms", "chat", id="text message"),
        pytest.param(f"whatsapp:{ANNA}", {"Body": "Stop"}, "chat", "sms", id="WhatsApp"),
        pytest.param(ANNA, {"Body": "Koniec", "OptOutType": "STOP"}, "sms", "chat", id="a word that Twilio knows"),
    ],
)
async def test_who_leaves_a_channel_leaves_that_one(
    caller: Caller, store: Store, sender: str, more: dict[str, str], channel: str, other: str
) -> None:
    """Covers M63."""
    await send(caller, signed("/hooks/twilio/message", From=sender, To=LINE, MessageSid="SM1", **more))
    async with store.read() as tx:
        assert await suppressions.is_suppressed(tx, channel=channel, address=ANNA)
        assert not await suppressions.is_suppressed(tx, channel=other, address=ANNA)
