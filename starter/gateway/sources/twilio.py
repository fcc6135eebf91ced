"""Twilio: calls and messages that come in, the words of our calls, and what became of what we sent.

Verified by X-Twilio-Signature over the configured public address, never over what the request says of its own. It
holds no moment, so a request can be replayed for ever: every event has a stable id, and a status never goes back.
Source: https://www.twilio.com/docs/usage/security, https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Annotated
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import MultiDict

from activities.accounts.twilio import TwilioAccount
from activities.accounts.twilio_codes import may_be_repeated, words_of
from activities.runtime.logs import log
from activities.store import calls, chats, customers, suppressions
from activities.store.database import StoreDown, Tx
from activities.store.history import LedgerState
from activities.store.ledger import Callback
from activities.store.records import CustomerRef
from activities.store.values import e164
from starter.gateway import speech
from starter.gateway.hooks import Happened, Receipt, Told, take
from starter.gateway.parts import Gateway, Parts
from starter.gateway.signatures import is_digest, not_connected, refused

router = APIRouter(prefix="/hooks/twilio", include_in_schema=False)

_log = log("twilio")

SOURCE = "twilio"

#: MessageStatus -> (rank, what it means to the ledger). Callbacks come in any order: the higher rank stays.
MESSAGES: dict[str, tuple[int, LedgerState]] = {
    "accepted": (1, LedgerState.ACCEPTED),
    "scheduled": (1, LedgerState.ACCEPTED),
    "queued": (2, LedgerState.ACCEPTED),
    "sending": (3, LedgerState.ACCEPTED),
    "sent": (4, LedgerState.ACCEPTED),
    "failed": (5, LedgerState.FAILED),
    "undelivered": (5, LedgerState.FAILED),
    "canceled": (5, LedgerState.FAILED),
    "delivered": (6, LedgerState.DELIVERED),
    "read": (7, LedgerState.DELIVERED),
}

#: CallStatus -> (rank, what it means to the ledger).
CALLS: dict[str, tuple[int, LedgerState]] = {
    "queued": (1, LedgerState.ACCEPTED),
    "initiated": (1, LedgerState.ACCEPTED),
    "ringing": (2, LedgerState.ACCEPTED),
    "in-progress": (3, LedgerState.ACCEPTED),
    "completed": (5, LedgerState.DELIVERED),
    "busy": (5, LedgerState.ACCEPTED),
    "no-answer": (5, LedgerState.ACCEPTED),
    "canceled": (5, LedgerState.ACCEPTED),
    "failed": (5, LedgerState.ACCEPTED),
}

#: CallStatus of a call to us that nobody took.
MISSED = ("no-answer", "busy", "canceled", "failed")

#: Words by which people leave, and by which they come back (CTIA; OptOutType where Twilio's own handling is on). Spaces
#: and hyphens make no difference: the law names "opt out" (47 CFR 64.1200(a)(10)).
STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START = frozenset({"START", "UNSTOP", "YES"})

#: Recipient opted out of SMS; https://www.twilio.com/docs/errors/21610
_OPTED_OUT = "21610"

#: What is read of a field; an index of the store could not hold more of an address or an id.
_LONGEST_BODY, _LONGEST_FIELD = 4_000, 200

#: How long an incoming call waits for our records; Twilio gives up after 15 s.
_SECONDS_FOR_RECORDS = 2.0


@dataclass(frozen=True)
class Verified:
    """A request that Twilio signed."""

    account: TwilioAccount
    form: MultiDict
    raw: bytes

    def __getitem__(self, name: str) -> str:
        return str(self.form.get(name, ""))[: _LONGEST_BODY if name == "Body" else _LONGEST_FIELD]


async def _verified(request: Request, gateway: Gateway) -> Verified:
    account = TwilioAccount.read(gateway.environment, folder=gateway.settings.secrets)
    if account is None:
        raise not_connected("Twilio", setting="ORDERS_TWILIO_ACCOUNT_SID")
    form: MultiDict | None = None
    if is_digest(request.headers.get("x-twilio-signature", ""), size=sha1().digest_size):
        raw = await request.body()
        form = _signed(request, raw=raw, account=account, public_url=gateway.public_url)
    if form is None:
        raise refused(SOURCE, setting="ORDERS_TWILIO_AUTH_TOKEN, ORDERS_PUBLIC_URL")
    return Verified(account, form, raw)


Signed = Annotated[Verified, Depends(_verified)]


def _signed(request: Request, *, raw: bytes, account: TwilioAccount, public_url: str) -> MultiDict | None:
    """Return the form of a request whose signature is valid, else None. Whatever comes in, nothing is raised."""
    from twilio.request_validator import RequestValidator  # noqa: PLC0415

    signature = request.headers.get("x-twilio-signature", "")
    query = request.scope.get("query_string", b"").decode("latin-1")
    url = public_url + request.scope.get("raw_path", b"").decode("latin-1") + (f"?{query}" if query else "")
    try:
        is_json = request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"
        text = raw.decode()
        form = MultiDict(parse_qsl(text, keep_blank_values=True, strict_parsing=False, max_num_fields=1_000))
        # A body in another form than a form's counts only by its hash, which is part of the signed address.
        signed = text if is_json else form
        if is_json and "bodySHA256" not in request.query_params:
            return None
        valid = [RequestValidator(token).validate(url, signed, signature) for token in account.tokens]
    except Exception:  # the verifier raises on garbage: TypeError, IndexError, ValueError
        return None
    return (MultiDict() if is_json else form) if any(valid) else None


@router.post("/status/{send_id}")
async def status(send_id: UUID, call: Signed, gateway: Gateway) -> Response:
    """Take what became of a message or a call of ours."""
    if call["CallSid"]:
        await _call_status(gateway, call, send_id=send_id)
        return Response(status_code=204)
    known = MESSAGES.get(call["MessageStatus"].lower())
    if known is None:
        _log.warning("Twilio tells an unknown status of a message", send=str(send_id))
        return Response(status_code=204)
    code = call["ErrorCode"]
    number = int(code) if known[1] is LedgerState.FAILED and code.isdecimal() else 0
    callback = Callback(
        call["MessageStatus"].lower(),
        rank=known[0],
        state=known[1],
        code=code,
        words=words_of(number) if number else "",
        may_be_repeated=may_be_repeated(number),
    )
    told = Told(receipts=[Receipt(send_id, call["MessageSid"] or call["SmsSid"], callback)])

    async def block(tx: Tx) -> Sequence[Happened]:
        if code == _OPTED_OUT:
            await suppressions.suppress(tx, channel="sms", address=call["To"], reason="stop", now=gateway.now())
        return ()

    await take(gateway, source=SOURCE, told=told, raw=call.raw, also=block)
    return Response(status_code=204)


async def _call_status(gateway: Parts, call: Verified, *, send_id: UUID) -> None:
    name = call["CallStatus"].lower()
    known = CALLS.get(name)
    if known is None:
        _log.warning("Twilio tells an unknown status of a call", send=str(send_id))
        return
    callback = Callback(status=name, rank=known[0], state=known[1])

    async def tell(tx: Tx) -> Sequence[Happened]:
        await calls.tell(
            tx,
            send_id=send_id,
            call_id=call["CallSid"],
            status=name,
            answered_by=call["AnsweredBy"].lower(),
            now=gateway.now(),
        )
        return ()

    told = Told(receipts=[Receipt(send_id, call["CallSid"], callback)])
    await take(gateway, source=SOURCE, told=told, raw=call.raw, also=tell)


@router.post("/voice/{send_id}")
async def voice(send_id: UUID, call: Signed, gateway: Gateway) -> Response:
    """Say what a call of ours is to say, to one call only: a second one for the same send hangs up.

    That it asks proves that Twilio took the send, even where its answer was lost.
    """
    if call["AnsweredBy"].lower() == "fax":
        return speech.hang_up()
    found: list[calls.CallRecord] = []

    async def speak(tx: Tx) -> Sequence[Happened]:
        record = await calls.speak(tx, send_id=send_id, call_id=call["CallSid"], now=gateway.now())
        found[:] = [record] if record is not None else []
        return ()

    rank, state = CALLS["in-progress"]
    receipt = Receipt(send_id, call["CallSid"], Callback(status="in-progress", rank=rank, state=state))
    await take(gateway, source=SOURCE, told=Told(receipts=[receipt]), raw=call.raw, also=speak)
    return speech.spoken(found[0]) if found else speech.hang_up()


@router.post("/fallback")
async def fallback(call: Signed) -> Response:
    """Answer where the words could not be fetched: nothing is said, rather than something wrong."""
    return speech.hang_up()


@router.post("/call")
async def incoming(call: Signed, gateway: Gateway) -> Response:
    """Answer a call to the shop at once; it is journalled if our records answer in time, else by its status."""
    try:
        async with asyncio.timeout(_SECONDS_FOR_RECORDS):
            await take(gateway, source=SOURCE, told=Told([_happened(call, "call.incoming", gateway)]), raw=call.raw)
    except (StoreDown, TimeoutError):
        _log.warning("An incoming call was answered before it was journalled: its status will tell")
    return speech.welcome(call.account)


@router.post("/call-status")
async def incoming_status(call: Signed, gateway: Gateway) -> Response:
    """Take how a call to the shop ended: it came, and perhaps nobody took it."""
    happened = [_happened(call, "call.incoming", gateway)]
    if _is_missed(call):
        happened.append(_happened(call, "call.missed", gateway))
    await take(gateway, source=SOURCE, told=Told(happened), raw=call.raw)
    return speech.nothing()


def _is_missed(call: Verified) -> bool:
    """Say whether nobody took a call: it rang in vain, or heard a greeting that puts through to nobody."""
    status = (call["DialCallStatus"] or call["CallStatus"]).lower()
    is_only_greeted = bool(call.account.greeting) and not call.account.forward_to
    return status in MISSED or (is_only_greeted and status == "completed")


@router.post("/message")
async def message(call: Signed, gateway: Gateway) -> Response:
    """Take a message of a customer: SMS, WhatsApp or Messenger."""
    medium, address = _medium(call["From"])

    async def receive(tx: Tx) -> Sequence[Happened]:
        now = gateway.now()
        await _heed(tx, call, medium=medium, address=address, gateway=gateway)
        ref = _ref(medium, address)
        known = await customers.find(tx, ref=ref) if ref is not None else []
        received = await chats.receive(
            tx,
            medium=medium,
            address=address,
            text=call["Body"],
            ref=call["MessageSid"],
            at=now,
            shop=gateway.settings.shop,
            customer=known[0] if len(known) == 1 else None,
        )
        if not received.is_new:
            return ()
        data = {"channel": medium}
        whose = received.conversation.customer_id
        who = CustomerRef(customer=whose) if whose is not None else ref
        types = ["chat.first_message", "chat.message"] if received.is_first else ["chat.message"]
        return [Happened(f"{call['MessageSid']}:{name}", name, now, data, customer=who) for name in types]

    await take(gateway, source=SOURCE, told=Told(), raw=call.raw, also=receive)
    return speech.nothing()


async def _heed(tx: Tx, call: Verified, *, medium: str, address: str, gateway: Parts) -> None:
    """Heed STOP and START at once; START takes nothing back but STOP."""
    word = re.sub(r"[\s.!-]", "", call["OptOutType"] or call["Body"]).upper()
    channel = "sms" if medium == "sms" else "chat"
    if word in STOP:
        await suppressions.suppress(tx, channel=channel, address=address, reason="stop", now=gateway.now())
    elif word in START:
        await suppressions.unsuppress(tx, channel=channel, address=address, reason="stop")


def _happened(call: Verified, event_type: str, gateway: Parts) -> Happened:
    data = {"line": call["To"], "call": call["CallSid"]}
    who = _ref("sms", call["From"])
    return Happened(f"{call['CallSid']}:{event_type}", event_type, gateway.now(), data, customer=who)


def _medium(address: str) -> tuple[str, str]:
    """Split what Twilio knows a person by into medium and address: `whatsapp:+48…`, `messenger:123`, `+48…`."""
    medium, colon, rest = address.partition(":")
    return (medium, rest) if colon and medium in ("whatsapp", "messenger") else ("sms", address)


def _ref(medium: str, address: str) -> CustomerRef | None:
    """Name a customer by phone; None for a withheld number, and for Messenger, which knows no phones."""
    if medium == "messenger":
        return None
    try:
        return CustomerRef(phone=e164(address, region=""))
    except ValueError:
        return None
