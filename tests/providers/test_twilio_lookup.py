"""Looking a lost send up: what is taken for it, and what is not."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from activities.providers.errors import NotSent, Unknown
from activities.providers.protocol import Message
from activities.store import ledger
from tests.providers.phone import Phone
from tests.support.stand_ins.twilio import CallbackFaults, Fate
from workflows.contracts.ids import OrderKey

TEXT = Message("sms", address="+48501000111", body="Order 1001 is ready")
CALL = Message("voice", address="+48501000111", body="Order 1001 is ready")
CHAT = Message("chat", address="+48501000111", body="Order 1001 is ready", medium="whatsapp", sender="+15005550020")
SMS_CHAT = Message("chat", address="+48501000111", body="Order 1001 is ready", medium="sms")
TEMPLATE = replace(CHAT, template="HX" + "0" * 32)


@pytest.fixture(autouse=True)
def deaf(phone: Phone) -> None:
    """Callbacks never arrive."""
    phone.stand_in.faults.callbacks = CallbackFaults(lost=1)


async def order(phone: Phone) -> tuple[OrderKey, int]:
    return await phone.order("sms: thanks", "sms: thanks\nid: other")


async def found(phone: Phone, message: Message, *, sent: Message | None = None, **settings: str) -> bool:
    """Claim a send, send something for it, and say whether just that is found again."""
    key, visit = await order(phone)
    send_id = await phone.claim(key, visit, message=message)
    provider = phone.provider(**settings)
    accepted = await provider.send(sent or message, send_id=send_id)
    phone.clock.advance(timedelta(minutes=2))
    listed = await provider.lookup(message, send_id=send_id)
    assert listed is None or listed.provider_id == accepted.provider_id
    return listed is not None


@pytest.mark.parametrize("message", [TEXT, CALL, CHAT], ids=["sms", "voice", "whatsapp"])
async def test_lost_send_is_found(phone: Phone, message: Message) -> None:
    assert await found(phone, message)


async def test_template_is_found_though_only_twilio_knows_its_text(phone: Phone) -> None:
    assert await found(phone, TEMPLATE)


async def test_text_of_a_messaging_service_is_found_whoever_sent_it(phone: Phone) -> None:
    assert await found(phone, TEXT, messaging_service="MG" + "0" * 32)


async def test_text_is_found_as_it_was_cleaned(phone: Phone) -> None:
    assert await found(phone, replace(TEXT, body="Order\x00 1001\u202e is ready "))


async def test_text_of_a_trial_account_is_found(phone: Phone) -> None:
    trial = replace(TEXT, body=f"Sent from your Twilio trial account - {TEXT.body}")
    assert await found(phone, TEXT, sent=trial)


@pytest.mark.parametrize(
    "other",
    [replace(TEXT, body="Another text"), replace(TEXT, address="+48501000222"), replace(TEXT, sender="DemoShop")],
    ids=["text", "address", "sender"],
)
async def test_other_messages_are_passed_over(phone: Phone, other: Message) -> None:
    assert not await found(phone, TEXT, sent=other)


async def test_older_message_is_passed_over(phone: Phone) -> None:
    key, visit = await order(phone)
    await phone.provider().send(TEXT, send_id=uuid4())  # in no table of ours, so nothing but its age tells
    phone.clock.advance(timedelta(minutes=2))
    send_id = await phone.claim(key, visit, message=TEXT)
    assert await phone.provider().lookup(TEXT, send_id=send_id) is None


async def test_message_that_another_send_owns_is_passed_over(phone: Phone) -> None:
    """Covers case 12."""
    key, visit = await order(phone)
    other = await phone.claim(key, visit, message=TEXT, rule="other")
    accepted = await phone.provider().send(TEXT, send_id=other)
    send_id = await phone.claim(key, visit, message=TEXT)
    assert await phone.provider().lookup(TEXT, send_id=send_id) == accepted
    await phone.accepted(other, provider_id=accepted.provider_id)
    assert await phone.provider().lookup(TEXT, send_id=send_id) is None


@pytest.mark.parametrize(
    ("message", "other"),
    [(TEXT, TEXT), (TEXT, SMS_CHAT), (CALL, replace(CALL, body="Another text")), (TEMPLATE, CHAT)],
    ids=["text", "text-in-a-chat", "call", "template"],
)
async def test_message_that_could_be_taken_for_a_lost_one_waits_until_that_is_settled(
    phone: Phone, message: Message, other: Message
) -> None:
    """Covers case 12: the list would give the one's id to the other."""
    key, visit = await order(phone)
    lost = await phone.claim(key, visit, message=other, rule="other")
    await phone.unknown(lost)
    send_id = await phone.claim(key, visit, message=message)
    with pytest.raises(NotSent) as caught:
        await phone.provider().send(message, send_id=send_id)
    assert caught.value.retry_after is not None
    assert phone.stand_in.accepted == []
    await phone.accepted(lost, provider_id="SM1")
    await phone.provider().send(message, send_id=send_id)
    assert [line.send for line in phone.stand_in.accepted] == [str(send_id)]


@pytest.mark.parametrize(
    ("message", "other"),
    [(TEXT, replace(TEXT, body="Another text")), (TEXT, replace(TEXT, address="+48501000222")), (TEXT, CALL)],
    ids=["text", "address", "call"],
)
async def test_message_that_is_like_no_lost_one_leaves_at_once(phone: Phone, message: Message, other: Message) -> None:
    key, visit = await order(phone)
    await phone.unknown(await phone.claim(key, visit, message=other, rule="other"))
    await phone.provider().send(message, send_id=await phone.claim(key, visit, message=message))
    assert len(phone.stand_in.accepted) == 1


async def test_lost_message_that_nobody_settles_keeps_others_back_for_an_hour_only(phone: Phone) -> None:
    key, visit = await order(phone)
    await phone.unknown(await phone.claim(key, visit, message=TEXT, rule="other"))
    phone.clock.advance(timedelta(hours=1))
    await phone.provider().send(TEXT, send_id=await phone.claim(key, visit, message=TEXT))
    assert len(phone.stand_in.accepted) == 1


async def test_message_from_before_a_person_repeated_the_rule_is_passed_over(phone: Phone) -> None:
    key, visit = await order(phone)
    send_id = await phone.claim(key, visit, message=TEXT)
    first = await phone.provider().send(TEXT, send_id=send_id)
    async with phone.store.write() as tx:
        await ledger.accepted(tx, send_id=send_id, provider_id=first.provider_id, now=phone.clock())
        failed = ledger.Callback("failed", 5, ledger.LedgerState.FAILED, "30003")
        await ledger.delivered(tx, send_id=send_id, provider_id=first.provider_id, callback=failed, now=phone.clock())
        await ledger.reopen(tx, key, visit=visit, rule="sms", now=phone.clock())
    assert await phone.claim(key, visit, message=TEXT) == send_id
    assert await phone.provider().lookup(TEXT, send_id=send_id) is None


async def test_list_of_several_pages_is_read(phone: Phone) -> None:
    key, visit = await order(phone)
    send_id = await phone.claim(key, visit, message=TEXT)
    accepted = await phone.provider().send(TEXT, send_id=send_id)
    for number in range(60):
        other = replace(TEXT, body=f"Text {number}")
        await phone.provider().send(other, send_id=send_id)
    assert await phone.provider().lookup(TEXT, send_id=send_id) == accepted


@pytest.mark.parametrize("fate", [Fate.BUSY, Fate.BROKEN_BEFORE, Fate.HANG_BEFORE, Fate.RESET_BEFORE])
async def test_list_that_fails_is_not_taken_for_an_empty_one(phone: Phone, fate: Fate) -> None:
    key, visit = await order(phone)
    send_id = await phone.claim(key, visit, message=TEXT)
    phone.stand_in.faults.next_question(fate, fate)  # a question is asked twice where the connection breaks
    with pytest.raises(NotSent):
        await phone.provider().lookup(TEXT, send_id=send_id)


async def test_key_that_is_revoked_meanwhile_is_not_taken_for_an_empty_list(phone: Phone) -> None:
    key, visit = await order(phone)
    send_id = await phone.claim(key, visit, message=TEXT)
    with pytest.raises(NotSent, match="ORDERS_TWILIO_AUTH_TOKEN"):
        await phone.provider(auth_token="revoked").lookup(TEXT, send_id=send_id)


async def test_send_whose_address_is_gone_cannot_be_looked_up(phone: Phone) -> None:
    key, visit = await order(phone)
    send_id = await phone.claim(key, visit, message=TEXT)
    with pytest.raises(Unknown):
        await phone.provider().lookup(replace(TEXT, address="", body=""), send_id=send_id)


async def test_message_is_found_although_our_clock_is_ahead_of_twilios(phone: Phone) -> None:
    """Covers case 2: else it would count as an older one, and leave again."""
    key, visit = await phone.order("sms: thanks")
    phone.clock.advance(timedelta(seconds=30))
    send_id = await phone.claim(key, visit, message=TEXT)
    phone.clock.advance(timedelta(seconds=-30))
    sent = await phone.provider().send(TEXT, send_id=send_id)
    phone.clock.advance(timedelta(seconds=90))
    assert await phone.provider().lookup(TEXT, send_id=send_id) == sent
