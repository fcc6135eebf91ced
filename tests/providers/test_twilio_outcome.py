"""How an accepted call or message went: as callbacks told, else as Twilio says when it is asked. Covers C1."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from activities.providers.errors import NotSent
from activities.providers.protocol import Message, Outcome
from activities.store import calls, ledger
from activities.store.calls import NewCall
from activities.store.history import LedgerState
from tests.providers.phone import Phone
from tests.support.stand_ins.twilio import CallbackFaults, Fate

CALL = Message("voice", address="+48501000111", body="Order 1001 is ready")
CHAT = Message("chat", address="+48501000111", body="Order 1001 is ready", medium="whatsapp", sender="+15005550020")

SILENCE = timedelta(seconds=120)

ENDS = [
    ("completed", "human", Outcome({"outcome": "answered", "answered_by": "human"})),
    ("completed", "unknown", Outcome({"outcome": "answered", "answered_by": "unknown"})),
    ("completed", "", Outcome({"outcome": "answered", "answered_by": "unknown"})),
    ("completed", "machine_start", Outcome({"outcome": "machine", "answered_by": "machine"})),
    ("completed", "machine_end_beep", Outcome({"outcome": "machine", "answered_by": "machine"})),
    ("completed", "fax", Outcome({"outcome": "fax", "answered_by": "fax"})),
    ("busy", "", Outcome({"outcome": "busy", "answered_by": ""}, has_reached=False)),
    ("no-answer", "", Outcome({"outcome": "no_answer", "answered_by": ""}, has_reached=False)),
    ("canceled", "", Outcome({"outcome": "failed", "answered_by": ""}, has_reached=False)),
    ("failed", "", Outcome({"outcome": "failed", "answered_by": ""}, has_reached=False)),
]


async def accepted(phone: Phone, message: Message) -> tuple[UUID, str]:
    """Send a message that Twilio accepts, and record it."""
    phone.stand_in.faults.callbacks = CallbackFaults(lost=1)
    key, visit = await phone.order("sms: thanks")
    send_id = await phone.claim(key, visit, message=message)
    if message.channel == "voice":
        async with phone.store.write() as tx:
            await calls.put(tx, call=NewCall(send_id=send_id, key=key, text=message.body), now=phone.clock())
    sid = (await phone.provider().send(message, send_id=send_id)).provider_id
    await phone.accepted(send_id, provider_id=sid)
    await phone.stand_in.settled()
    return send_id, sid


@pytest.mark.parametrize(("status", "answered_by", "expected"), ENDS)
async def test_call_ended_as_its_callbacks_told(phone: Phone, status: str, answered_by: str, expected: Outcome) -> None:
    """Covers case 22."""
    send_id, sid = await accepted(phone, CALL)
    asked = len(phone.stand_in.exchanges)
    assert await phone.provider().outcome(CALL, send_id=send_id) is None
    async with phone.store.write() as tx:
        if status == "completed" and answered_by != "fax":
            await calls.speak(tx, send_id=send_id, call_id=sid, now=phone.clock())
        await calls.tell(tx, send_id=send_id, call_id=sid, status=status, answered_by=answered_by, now=phone.clock())
    assert await phone.provider().outcome(CALL, send_id=send_id) == expected
    assert len(phone.stand_in.exchanges) == asked


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("human", Outcome({"outcome": "answered", "answered_by": "human"})),
        ("machine_end_beep", Outcome({"outcome": "machine", "answered_by": "machine"})),
        ("busy", Outcome({"outcome": "busy", "answered_by": ""}, has_reached=False)),
    ],
)
async def test_twilio_is_asked_when_no_callback_came_for_long(phone: Phone, answer: str, expected: Outcome) -> None:
    phone.stand_in.script.answers[CALL.address] = answer
    send_id, _ = await accepted(phone, CALL)
    phone.clock.advance(SILENCE - timedelta(seconds=1))
    assert await phone.provider().outcome(CALL, send_id=send_id) is None
    phone.clock.advance(timedelta(seconds=1))
    assert await phone.provider().outcome(CALL, send_id=send_id) == expected
    async with phone.store.read() as tx:
        known = await calls.get(tx, send_id=send_id)
    assert known is not None
    assert known.is_over


async def test_call_under_way_has_no_outcome_yet(phone: Phone) -> None:
    send_id, sid = await accepted(phone, CALL)
    phone.stand_in.calls[sid].status = "in-progress"
    phone.clock.advance(SILENCE)
    assert await phone.provider().outcome(CALL, send_id=send_id) is None


async def test_silence_is_a_setting(phone: Phone) -> None:
    send_id, _ = await accepted(phone, CALL)
    assert await phone.provider(silence="0").outcome(CALL, send_id=send_id) is not None


@pytest.mark.parametrize("fate", [Fate.BUSY, Fate.BROKEN_BEFORE, Fate.HANG_BEFORE])
async def test_twilio_that_cannot_be_asked_is_asked_again(phone: Phone, fate: Fate) -> None:
    send_id, _ = await accepted(phone, CALL)
    phone.clock.advance(SILENCE)
    phone.stand_in.faults.next_question(fate)
    with pytest.raises(NotSent):
        await phone.provider().outcome(CALL, send_id=send_id)
    assert await phone.provider().outcome(CALL, send_id=send_id) is not None


async def test_message_that_was_not_delivered_fails_with_words(phone: Phone) -> None:
    """Covers case 16: WhatsApp says only later that the customer has not written for 24 hours."""
    send_id, sid = await accepted(phone, CHAT)
    failed = ledger.Callback("undelivered", 5, LedgerState.FAILED, "63016")
    async with phone.store.write() as tx:
        await ledger.delivered(tx, send_id=send_id, provider_id=sid, callback=failed, now=phone.clock())
    outcome = await phone.provider().outcome(CHAT, send_id=send_id)
    assert outcome is not None
    assert not outcome.has_reached
    assert "24 hours" in outcome.failure


@pytest.mark.parametrize(
    ("end", "reaches"), [(("delivered", 0), True), (("sent", 0), True), (("undelivered", 30005), False)]
)
async def test_twilio_is_asked_about_a_silent_message(phone: Phone, end: tuple[str, int], reaches: bool) -> None:
    message = replace(CHAT, medium="sms", sender="")
    phone.stand_in.script.deliveries[message.address] = end
    send_id, _ = await accepted(phone, message)
    assert await phone.provider().outcome(message, send_id=send_id) is None
    phone.clock.advance(SILENCE)
    outcome = await phone.provider().outcome(message, send_id=send_id)
    assert outcome is not None
    assert (outcome.has_reached, bool(outcome.failure)) == (reaches, not reaches)


async def test_send_that_was_never_accepted_has_no_outcome(phone: Phone) -> None:
    key, visit = await phone.order("sms: thanks")
    send_id = await phone.claim(key, visit, message=CALL)
    phone.clock.advance(SILENCE)
    assert await phone.provider().outcome(CALL, send_id=send_id) is None
