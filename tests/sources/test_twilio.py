"""Twilio's requests: verified by its signature over the public address, then journalled; receipts go to the ledger."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from twilio.request_validator import RequestValidator

from activities.store import calls, chats, employees, journal, ledger, notices, suppressions
from activities.store.calls import NewCall
from activities.store.database import Store
from activities.store.history import LedgerState
from activities.store.records import NewEmployee
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.sources.calls import BREAKAGES, VendorCall, send
from tests.sources.conftest import PUBLIC
from tests.sources.sending import claimed
from workflows.contracts.ids import OrderKey

TOKEN = "12345"
KEY = OrderKey(shop="shop", number="1001")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANNA = "+48501000111"


@pytest.fixture
def accounts() -> dict[str, str]:
    return {
        "ORDERS_TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
        "ORDERS_TWILIO_AUTH_TOKEN": TOKEN,
        "ORDERS_TWILIO_AUTH_TOKEN_OLD": "67890",
    }


def signed(path: str, *, token: str = TOKEN, public: str = PUBLIC, **form: str) -> VendorCall:
    """Sign a form as Twilio does."""
    signature = RequestValidator(token).compute_signature(public + path, form)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return VendorCall(path, urlencode(form).encode(), headers, "X-Twilio-Signature")


async def known(caller: Caller, number: str = "1001") -> None:
    """Place an order of Anna's."""
    await caller.created(number, customer={"id": "anna", "first_name": "Anna", "phones": [{"number": ANNA}]})


async def events(store: Store) -> list[str]:
    async with store.read() as tx:
        return [event.type for event in (await journal.events_of(tx, KEY)).items]


# --- the signature ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BREAKAGES)
@pytest.mark.parametrize("path", ["/hooks/twilio/message", "/hooks/twilio/call", f"/hooks/twilio/status/{UUID(int=7)}"])
async def test_a_request_with_a_wrong_signature_is_refused_and_leaves_nothing(
    caller: Caller, store: Store, name: str, path: str
) -> None:
    """Covers case 33."""
    await known(caller)
    call = signed(path, From=ANNA, To="+48220000000", Body="hello", MessageSid="SM1", CallSid="CA1")

    status, _ = await send(caller, BREAKAGES[name](call))

    assert status == 403
    assert await events(store) == ["order.created"]


@pytest.mark.parametrize(
    ("token", "public", "status"),
    [
        (TOKEN, PUBLIC, 200),
        ("67890", PUBLIC, 200),  # the token before, while it is being exchanged (case 35)
        ("other", PUBLIC, 403),
        (TOKEN, "https://evil.example", 403),
        (TOKEN, PUBLIC.replace("https", "http"), 403),
        (TOKEN, PUBLIC + ":8443", 403),
    ],
)
async def test_the_signature_is_over_the_public_address_and_our_token(
    caller: Caller, token: str, public: str, status: int
) -> None:
    """Covers cases 33 and 35."""
    call = signed("/hooks/twilio/message", token=token, public=public, From=ANNA, Body="hello", MessageSid="SM1")
    assert (await send(caller, call))[0] == status


async def test_json_counts_only_with_the_hash_of_its_body(caller: Caller) -> None:
    """Covers case 33: the official verifier does not look at a body whose hash is in the address but not given."""
    body = b'{"property": "value", "boolean": true}'
    path = f"/hooks/twilio/message?bodySHA256={sha256(body).hexdigest()}"
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + path, {})
    headers = {"Content-Type": "application/json", "X-Twilio-Signature": signature}
    right = VendorCall(path, body, headers, "X-Twilio-Signature")
    assert (await send(caller, right))[0] == 200
    assert (await send(caller, VendorCall(path, body + b" ", headers, "X-Twilio-Signature")))[0] == 403
    bare = "/hooks/twilio/message"
    unhashed = RequestValidator(TOKEN).compute_signature(PUBLIC + bare, {})
    call = VendorCall(bare, body, {**headers, "X-Twilio-Signature": unhashed}, "X-Twilio-Signature")
    assert (await send(caller, call))[0] == 403


@pytest.mark.parametrize(
    ("url", "form", "signature"),
    [
        (
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            {
                "CallSid": "CA1234567890ABCDE",
                "Caller": "+14158675309",
                "Digits": "1234",
                "From": "+14158675309",
                "To": "+18005551212",
            },
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        ),
    ],
)
def test_the_verifier_agrees_with_twilios_public_vector(url: str, form: dict[str, str], signature: str) -> None:
    assert RequestValidator(TOKEN).validate(url, form, signature)


async def test_without_an_account_there_is_no_such_source(serve, plain_parts: Parts) -> None:
    caller = await serve(plain_parts)
    assert (await send(caller, signed("/hooks/twilio/message", From=ANNA)))[0] == 404


# --- what comes in ------------------------------------------------------------------------------------------------


async def test_a_call_of_the_customer_is_journalled_and_answered_at_once(caller: Caller, store: Store) -> None:
    """Covers T06."""
    await known(caller)
    status, text = await send(caller, signed("/hooks/twilio/call", From=ANNA, To="+48220000000", CallSid="CA1"))
    assert (status, "<Response>" in text) == (200, True)
    assert await events(store) == ["order.created", "call.incoming"]


@pytest.mark.parametrize(("end", "missed"), [("completed", False), ("no-answer", True), ("busy", True)])
async def test_a_call_that_nobody_took_is_missed(caller: Caller, store: Store, end: str, missed: bool) -> None:
    """Covers T07; what the first request told is not told again."""
    await known(caller)
    form = {"From": ANNA, "To": "+48220000000", "CallSid": "CA1"}
    await send(caller, signed("/hooks/twilio/call", **form))
    for _ in range(2):
        await send(caller, signed("/hooks/twilio/call-status", **form, CallStatus=end))
    assert await events(store) == ["order.created", "call.incoming", *(["call.missed"] if missed else [])]


async def test_a_call_is_answered_while_the_store_is_down(caller: Caller, tmp_path: Path) -> None:
    """Covers case 45; its status is refused meanwhile, so that Twilio tells it again."""
    form = {"From": ANNA, "To": "+48220000000", "CallSid": "CA1"}
    with closing(sqlite3.connect(tmp_path / "orders.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        status, text = await send(caller, signed("/hooks/twilio/call", **form))
        later, _ = await send(caller, signed("/hooks/twilio/call-status", **form, CallStatus="no-answer"))
    assert (status, "<Response>" in text, later) == (200, True, 503)


@pytest.mark.parametrize(
    ("sender", "medium"), [(ANNA, "sms"), (f"whatsapp:{ANNA}", "whatsapp"), ("messenger:777", "messenger")]
)
async def test_a_message_opens_a_chat(caller: Caller, store: Store, sender: str, medium: str) -> None:
    """Covers T19 and T20 over Twilio."""
    await known(caller)
    for sid, text in (("SM1", "Where is it?"), ("SM2", "Hello?"), ("SM2", "Hello?")):
        call = signed("/hooks/twilio/message", From=sender, To="+48220000000", Body=text, MessageSid=sid)
        assert (await send(caller, call))[0] == 200
    async with store.read() as tx:
        found = await chats.of_address(tx, medium=medium, address=sender.rpartition(":")[2])
        assert found is not None
        lines = await chats.history(tx, conversation=found.id)
    assert [line.text for line in lines] == ["Where is it?", "Hello?"]
    expected = [] if medium == "messenger" else ["chat.first_message", "chat.message", "chat.message"]
    assert await events(store) == ["order.created", *expected]


@pytest.mark.parametrize("word", ["STOP", "stop", "Unsubscribe", "STOP.", "Stop all", "Opt out", "OPT-OUT!"])
async def test_stop_blocks_the_number_at_once_and_start_frees_it(caller: Caller, store: Store, word: str) -> None:
    """Covers M63."""
    await send(caller, signed("/hooks/twilio/message", From=ANNA, Body=word, MessageSid="SM1"))
    async with store.read() as tx:
        assert await suppressions.is_suppressed(tx, channel="sms", address=ANNA)
    await send(caller, signed("/hooks/twilio/message", From=ANNA, Body="START", MessageSid="SM2"))
    async with store.read() as tx:
        assert not await suppressions.is_suppressed(tx, channel="sms", address=ANNA)


@pytest.mark.parametrize("words", [["START"], ["STOP", "START"]], ids=" ".join)
async def test_start_lifts_no_block_that_the_shop_set(caller: Caller, store: Store, words: list[str]) -> None:
    """Covers M63."""
    async with store.write() as tx:
        await suppressions.suppress(tx, channel="sms", address=ANNA, reason="blocked", now=NOW)
    for number, word in enumerate(words):
        await send(caller, signed("/hooks/twilio/message", From=ANNA, Body=word, MessageSid=f"SM{number}"))
    async with store.read() as tx:
        assert await suppressions.why(tx, channel="sms", address=ANNA) == "blocked"


async def test_fifty_copies_of_a_message_are_one(caller: Caller, store: Store) -> None:
    """Covers case 31 and M50; so does a copy that comes a month later (case 34)."""
    await known(caller)
    call = signed("/hooks/twilio/message", From=ANNA, To="+48220000000", Body="Hi", MessageSid="SM1")
    answers = await asyncio.gather(*(send(caller, call) for _ in range(50)))
    assert {status for status, _ in answers} == {200}
    assert await events(store) == ["order.created", "chat.first_message", "chat.message"]


# --- what became of what we sent ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (["queued", "sent", "delivered"], LedgerState.DELIVERED),
        (["delivered", "sent", "queued"], LedgerState.DELIVERED),
        (["failed", "delivered"], LedgerState.DELIVERED),
        (["delivered", "failed"], LedgerState.DELIVERED),
        (["sent", "undelivered"], LedgerState.FAILED),
        (["undelivered", "sent"], LedgerState.FAILED),
        (["queued", "nonsense"], LedgerState.ACCEPTED),
    ],
)
async def test_receipts_in_any_order_end_the_same(
    caller: Caller, store: Store, told: list[str], state: LedgerState
) -> None:
    """Covers case 32; a receipt before the answer to the send settles it (case 11)."""
    await known(caller)
    send_id = await claimed(store, key=KEY, channel="sms", address=ANNA)
    for status in told:
        call = signed(f"/hooks/twilio/status/{send_id}", MessageSid="SM9", MessageStatus=status)
        assert (await send(caller, call))[0] == 204
    async with store.read() as tx:
        row = await ledger.row(tx, send_id=send_id)
    assert row is not None
    assert (row.state, row.provider_id) == (state, "SM9")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param("30003", "the phone is off or out of reach: try again later (30003)", id="out of reach"),
        pytest.param("63016", "use a template that the channel approved (63016)", id="outside the window"),
        pytest.param("30005", "correct it on the customer's card (30005)", id="not in service"),
        pytest.param("", "did not arrive: correct the address", id="without a code"),
    ],
)
async def test_responsible_person_is_told_in_words_why_a_message_did_not_arrive(
    caller: Caller, store: Store, code: str, words: str
) -> None:
    """Covers case 16 where Twilio took the message first: its rule is done, and nothing is sent again."""
    async with store.write() as tx:
        await employees.put(tx, NewEmployee(id="olga"), now=NOW)
    phones = [{"number": ANNA}]
    await caller.created("1001", responsible="olga", customer={"id": "anna", "phones": phones})
    send_id = await claimed(store, key=KEY, channel="sms", address=ANNA)
    for status in ("sent", "undelivered", "undelivered"):
        form = {"MessageSid": "SM9", "MessageStatus": status, "ErrorCode": "" if status == "sent" else code}
        await send(caller, signed(f"/hooks/twilio/status/{send_id}", **form))
    async with store.read() as tx:
        told = [notice.text for notice in await notices.of_order(tx, KEY) if "did not arrive" in notice.text]
    assert len(told) == 1
    assert words in told[0]
    assert ("correct the address" in told[0]) is (code == "")


@pytest.mark.parametrize("code", ["30001", "63018"], ids=["queue full", "rate exceeded"])
async def test_a_failure_that_another_try_can_mend_is_journalled_once_for_its_order(
    caller: Caller, store: Store, code: str
) -> None:
    """Covers case 15 where Twilio took the message first: the order decides in its turn; nobody is told yet."""
    async with store.write() as tx:
        await employees.put(tx, NewEmployee(id="olga"), now=NOW)
    await caller.created("1001", responsible="olga", customer={"id": "anna", "phones": [{"number": ANNA}]})
    send_id = await claimed(store, key=KEY, channel="sms", address=ANNA)
    for status in ("sent", "undelivered", "undelivered"):
        form = {"MessageSid": "SM9", "MessageStatus": status, "ErrorCode": "" if status == "sent" else code}
        await send(caller, signed(f"/hooks/twilio/status/{send_id}", **form))
    async with store.read() as tx:
        events = [event for event in (await journal.events_of(tx, KEY)).items if event.type == "rule.undelivered"]
        assert [event.data["send"] for event in events] == [str(send_id)]
        assert [notice for notice in await notices.of_order(tx, KEY) if "did not arrive" in notice.text] == []


async def test_a_receipt_of_an_opt_out_blocks_the_number(caller: Caller, store: Store) -> None:
    """Covers case 14."""
    await known(caller)
    send_id = await claimed(store, key=KEY, channel="sms", address=ANNA)
    form = {"MessageSid": "SM9", "MessageStatus": "failed", "ErrorCode": "21610", "To": ANNA}
    await send(caller, signed(f"/hooks/twilio/status/{send_id}", **form))
    async with store.read() as tx:
        assert await suppressions.is_suppressed(tx, channel="sms", address=ANNA)


async def test_a_receipt_for_a_send_that_is_not_ours_changes_nothing(caller: Caller) -> None:
    call = signed(f"/hooks/twilio/status/{uuid4()}", MessageSid="SM9", MessageStatus="delivered")
    assert (await send(caller, call))[0] == 204


# --- what our calls say -------------------------------------------------------------------------------------------


async def said(caller: Caller, send_id: UUID, *, call: str = "CA1", answered_by: str = "human") -> str:
    status, text = await send(caller, signed(f"/hooks/twilio/voice/{send_id}", CallSid=call, AnsweredBy=answered_by))
    assert status == 200
    return text


async def test_a_call_speaks_once_and_a_second_one_hangs_up(caller: Caller, store: Store) -> None:
    """Covers cases 20 and 21."""
    await known(caller)
    send_id = await claimed(store, key=KEY, channel="voice", address=ANNA)
    words = "Tom & Jerry <b>\x07"
    spoken = NewCall(send_id, KEY, text=words, language="en-US", voice="Polly.Joanna-Neural", rate=85, volume=6)
    async with store.write() as tx:
        await calls.put(tx, call=spoken, now=NOW)
    first, again, other = (
        await said(caller, send_id),
        await said(caller, send_id),
        await said(caller, send_id, call="CA2"),
    )
    assert first == again
    assert '<prosody rate="85%" volume="+6dB">Tom &amp; Jerry &lt;b&gt;</prosody>' in first
    assert other == '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup /></Response>'


async def test_a_call_that_asks_for_its_words_settles_a_lost_answer(caller: Caller, store: Store) -> None:
    """Covers cases 1 and 11, and M61: the asking call is the accepted one."""
    await known(caller)
    send_id = await claimed(store, key=KEY, channel="voice", address=ANNA)
    async with store.write() as tx:
        await calls.put(tx, call=NewCall(send_id, KEY, text="Hello"), now=NOW)
        await ledger.unknown(tx, send_id=send_id, now=NOW)
    await said(caller, send_id)
    async with store.read() as tx:
        row = await ledger.row(tx, send_id=send_id)
    assert row is not None
    assert (row.state, row.provider_id) == (LedgerState.ACCEPTED, "CA1")


async def test_a_fax_hears_nothing(caller: Caller, store: Store) -> None:
    """Covers case 22."""
    await known(caller)
    send_id = await claimed(store, key=KEY, channel="voice", address=ANNA)
    async with store.write() as tx:
        await calls.put(tx, call=NewCall(send_id, KEY, text="Hello"), now=NOW)
    assert "<Hangup" in await said(caller, send_id, answered_by="fax")
    assert "Hello" in await said(caller, send_id, answered_by="unknown")  # taken for a person


async def test_how_a_call_went_is_kept(caller: Caller, store: Store) -> None:
    """Covers C1 and case 22."""
    await known(caller)
    send_id = await claimed(store, key=KEY, channel="voice", address=ANNA)
    async with store.write() as tx:
        await calls.put(tx, call=NewCall(send_id, KEY, text="Hello"), now=NOW)
    for status, by in (("initiated", ""), ("completed", "machine_end_beep"), ("ringing", "")):
        form = {"CallSid": "CA1", "CallStatus": status, "AnsweredBy": by}
        assert (await send(caller, signed(f"/hooks/twilio/status/{send_id}", **form)))[0] == 204
    async with store.read() as tx:
        call = await calls.get(tx, send_id=send_id)
    assert call is not None
    assert (call.status, call.answered_by, call.is_over) == ("completed", "machine_end_beep", True)
