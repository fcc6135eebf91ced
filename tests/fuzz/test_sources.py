"""What vendors send, signed as they sign, with anything in it: answered as declared, never by a failure of ours."""

import base64
import hmac
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from tests.fuzz.conftest import House
from tests.fuzz.hostile import documents, forms, fuzzed, spliced, texts, worst_documents, worst_forms
from tests.sources.conftest import PUBLIC
from tests.sources.test_payments_and_parcels import PARCELS, STANDARD, STRIPE, paid, stripe_event
from tests.sources.test_sendgrid import MINE, PERSON, entry
from tests.sources.test_twilio import ANNA as PHONE
from tests.sources.test_twilio import TOKEN

CALL = {"CallSid": "CA1", "From": PHONE, "To": "+48220000000", "CallStatus": "no-answer", "AnsweredBy": "human"}
MESSAGE = {"MessageSid": "SM1", "From": PHONE, "To": "+48220000000", "Body": "hello", "MessageStatus": "delivered"}
CHAT = MESSAGE | {"From": "whatsapp:+48501000111", "OptOutType": "STOP", "ErrorCode": "21610"}

Send = Callable[[House, bytes], int]

TWILIO = ("message", "call", "call-status", "fallback", "status/{send_id}", "voice/{send_id}")


def _twilio(house: House, path: str, form: Mapping[str, str]) -> int:
    path = f"/hooks/twilio/{path.format(send_id=house.send_id)}"
    sent = {_sendable(name): _sendable(text) for name, text in form.items()}
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + path, sent)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return house.gateway.post(path, urlencode(sent).encode(), headers)


@fuzzed
@given(path=st.sampled_from(TWILIO), form=forms(CALL, MESSAGE, CHAT))
def test_twilios_forms(house: House, path: str, form: dict[str, str]) -> None:
    assert _twilio(house, path, form) in (200, 204)


@pytest.mark.parametrize("path", TWILIO)
@pytest.mark.parametrize("seed", [CALL, MESSAGE, CHAT], ids=["call", "message", "chat"])
def test_every_field_of_twilios_forms_at_its_worst(house: House, path: str, seed: dict[str, str]) -> None:
    answers = {words: _twilio(house, path, form) for words, form in worst_forms(seed)}
    assert {words: status for words, status in answers.items() if status not in (200, 204)} == {}


@fuzzed
@given(
    body=spliced(urlencode(CALL).encode(), urlencode(MESSAGE).encode()) | st.binary(max_size=60),
    signature=texts(),
    kind=st.sampled_from(
        ["application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=b", ""]
    ),
    query=st.sampled_from(["", "?bodySHA256=", "?bodySHA256=00", "?%00"]),
)
def test_twilios_signature_is_refused_whatever_it_is(
    house: House, body: bytes, signature: str, kind: str, query: str
) -> None:
    headers = {"Content-Type": kind, "X-Twilio-Signature": _one_line(signature)}
    assert house.gateway.post(f"/hooks/twilio/message{query}", body, headers) in (400, 403)


def _batches(house_send_id: Any) -> Any:
    told = [
        entry(
            name, send_id=house_send_id, id=f"{name}-1", at=1_700_000_000, useragent=PERSON, url="https://shop.example"
        )
        for name in ("processed", "delivered", "open", "click", "bounce", "spamreport")
    ]
    return documents([], told, [told[0]], [{**told[4], "type": "blocked", "status": "5.1.1"}])


@fuzzed
@given(data=st.data())
def test_sendgrids_batches(house: House, data: st.DataObject) -> None:
    raw = data.draw(_batches(house.send_id))
    assert _sendgrid(house, raw) == 204


def _sendgrid(house: House, raw: bytes) -> int:
    moment = str(int(time.time()))
    signature = base64.b64encode(MINE.sign(moment.encode() + raw, ec.ECDSA(SHA256()))).decode()
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": signature,
        "X-Twilio-Email-Event-Webhook-Timestamp": moment,
    }
    return house.gateway.post("/hooks/sendgrid/events", raw, headers)


REFUND = {
    "id": "ch_1",
    "payment_intent": "pi_9",
    "amount_refunded": 900,
    "currency": "jpy",
    "metadata": {"order": "1001", "shop": "shop"},
}
SESSION = {
    "id": "cs_1",
    "payment_intent": "pi_9",
    "payment_status": "paid",
    "amount_total": 100,
    "currency": "eur",
    "client_reference_id": "1001",
}
STRIPES = (
    paid(),
    stripe_event("evt_2", "charge.refunded", REFUND, before={"amount_refunded": 100}, made=1_700_000_000),
    stripe_event("evt_3", "checkout.session.completed", SESSION, made=1_700_000_000),
)


@fuzzed
@given(raw=documents(*STRIPES))
def test_stripes_events(house: House, raw: bytes) -> None:
    assert _stripe(house, raw) in ((204,) if _is_utf8(raw) else (204, 403))


def _stripe(house: House, raw: bytes) -> int:
    moment = str(int(time.time()))
    signature = hmac.new(STRIPE.encode(), f"{moment}.".encode() + raw, sha256).hexdigest()
    return house.gateway.post("/hooks/stripe", raw, {"Stripe-Signature": f"t={moment},v1={signature}"})


STANDARDS = {
    "payments": {"type": "payment.received", "data": {"order": "1001", "amount": "1.00", "currency": "EUR"}},
    "shipments": {
        "type": "shipment.tracking_added",
        "timestamp": "2026-11-20T10:00:00Z",
        "data": {"order": "1001", "shop": "shop", "shipment": "1", "tracking_number": "JJD1", "status": "sent"},
    },
    "orders": {
        "type": "order.edited",
        "timestamp": "2026-11-20T10:00:00",
        "data": {"order": "1001", "fields": {"note": "x", "total": "49.00", "gift_wrap": True, "tags": ["a"]}},
    },
}

REFUNDED = {"type": "payment.refunded", "data": {"order": "1001", "amount": "1.00", "payment": "m-2"}}


@pytest.mark.parametrize("source", STANDARDS)
@fuzzed
@given(data=st.data())
def test_standard_webhooks(house: House, source: str, data: st.DataObject) -> None:
    raw = data.draw(documents(STANDARDS[source], *([REFUNDED] if source == "payments" else [])))
    id = data.draw(st.sampled_from(["m-1", "m-2", "x" * 200, "x" * 201, "a b", ".", "'"]) | st.uuids().map(str))
    status = house.gateway.post(f"/hooks/{source}", raw, _standard(raw, id=id))
    assert status in ((204, 422) if _is_utf8(raw) else (403,))


PARCEL = {
    "event_id": "e1",
    "event": "tracking_update",
    "ts": 1_700_000_000,
    "msg": {
        "tracking_number": "JJD1",
        "tag": "InTransit",
        "order_id": "1001",
        "courier_tracking_link": "https://t.example",
    },
}


@fuzzed
@given(raw=documents(PARCEL, {**PARCEL, "msg": {**PARCEL["msg"], "tag": "Delivered"}}))  # type: ignore[dict-item]
def test_aftership(house: House, raw: bytes) -> None:
    assert _aftership(house, raw) == 204


def _aftership(house: House, raw: bytes) -> int:
    signature = base64.b64encode(hmac.digest(PARCELS.encode(), raw, sha256)).decode()
    return house.gateway.post("/hooks/aftership", raw, {"aftership-hmac-sha256": signature})


@fuzzed
@given(
    method=st.sampled_from(["GET", "POST"]),
    query=forms({"target": "ORDER_1001", "id": "1", "shop": "shop", "box": "7"}),
    raw=documents({"weight": 2.5, "boxes": [1, 2]}) | spliced(b'{"weight": 2.5}'),
    kind=st.sampled_from(["application/json", "text/plain", ""]),
    key=texts(),
)
def test_webhook_triggers(house: House, method: str, query: dict[str, str], raw: bytes, kind: str, key: str) -> None:
    written = "&".join(
        f"{quote(name.encode('utf-8', 'surrogatepass'))}={quote(text.encode('utf-8', 'surrogatepass'))}"
        for name, text in query.items()
    )
    headers = {"Content-Type": kind, "Idempotency-Key": _one_line(key)}
    status = house.gateway.post(f"/hooks/trigger/{house.gateway.trigger}?{written}", raw, headers, method=method)
    assert status in (202, 400, 413, 422)


@fuzzed
@given(code=texts())
def test_codes_of_triggers(house: House, code: str) -> None:
    path = quote(code.encode("utf-8", "surrogatepass"), safe="")
    assert house.gateway.post(f"/hooks/trigger/{path}?target=ORDER_1001", b"", {}) in (404, 405)


#: A call of each kind, and how it is sent.
CALLS: dict[str, tuple[Any, Send]] = {
    **{f"stripe {place}": (seed, _stripe) for place, seed in enumerate(STRIPES)},
    **{
        source: (seed, lambda house, raw, source=source: _told(house, source, raw))  # type: ignore[misc]
        for source, seed in STANDARDS.items()
    },
    "aftership": (PARCEL, _aftership),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_value_of_a_call_at_its_worst(house: House, name: str) -> None:
    seed, send = CALLS[name]
    answers = {words: send(house, raw) for words, raw in worst_documents(seed)}
    assert {words: status for words, status in answers.items() if status != 204} == {}


def test_every_value_of_sendgrids_events_at_its_worst(house: House) -> None:
    for name in ("open", "click", "bounce"):
        seed = entry(name, send_id=house.send_id, id="worst", useragent=PERSON, url="https://shop.example")
        answers = {words: _sendgrid(house, b"[" + raw + b"]") for words, raw in worst_documents(seed)}
        assert {words: status for words, status in answers.items() if status != 204} == {}


def _told(house: House, source: str, raw: bytes) -> int:
    return house.gateway.post(f"/hooks/{source}", raw, _standard(raw, id=sha256(raw).hexdigest()))


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _standard(raw: bytes, *, id: str) -> dict[str, str]:
    moment = str(int(time.time()))
    signed = f"{id}.{moment}.".encode("utf-8", "replace") + raw
    secret = base64.b64decode(STANDARD.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(secret, signed, sha256)).decode()
    return {"webhook-id": id, "webhook-timestamp": moment, "webhook-signature": f"v1,{signature}"}


def _one_line(text: str) -> str:
    """What a header can hold at all: HTTP itself refuses the rest."""
    return "".join(one if one.isprintable() else "?" for one in text)[:4_000]


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
