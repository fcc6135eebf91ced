"""SendGrid's Inbound Parse: mails that customers write (T02), as raw MIME or in SendGrid's fields.

SendGrid repeats after 5xx only and drops the mail after any other refusal, so a real mail is never answered 4xx: what
is merely unwanted is taken and does nothing.
Source: https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
"""

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.types import Message

from activities.accounts.mail import InboundAccount
from starter import mails
from starter.gateway.apart import Body, body_of
from starter.gateway.hooks import MOST_KEPT, Parked, Told, take, unreadable
from starter.gateway.letterbox import SOURCE, take_received
from starter.gateway.parts import parts_of
from starter.gateway.signatures import ecdsa, may_be_ecdsa, not_connected, refused

router = APIRouter(prefix="/hooks/sendgrid", include_in_schema=False)

_SETTING = "ORDERS_INBOUND_KEY"

_DKIM_PASSED = re.compile(r"@([\w.-]+)\s*:\s*pass\b", re.IGNORECASE)
_LONGEST_DKIM = 4_000

_MOST_FIELDS = 5_000
_LARGEST_PART = 35 * 1024 * 1024


@router.post("/inbound")
async def inbound(request: Request) -> Response:
    """Take one mail."""
    gateway = parts_of(request)
    account = InboundAccount.read(gateway.environment, folder=gateway.settings.secrets)
    if account is None:
        raise not_connected("Inbound Parse", setting=_SETTING)
    now = gateway.now()
    may_be_signed = may_be_ecdsa(request.headers, now=now) if account.keys else _has_code(request, account=account)
    if not may_be_signed:
        raise refused(SOURCE, setting=_SETTING)  # before a byte of the mail is read
    async with body_of(request) as body:
        call = await gateway.apart.run(lambda: _call(body, request=request, keys=account.keys, now=now), size=body.size)
    if call is None:
        raise refused(SOURCE, setting=_SETTING)
    if isinstance(call.told, mails.Mail):
        await take_received(gateway, call.told, raw=call.kept)
    else:
        await take(gateway, source=SOURCE, told=Told(parked=[call.told]), raw=call.kept)
    return Response(status_code=200)


@dataclass(frozen=True)
class _Call:
    """A mail, or what cannot be read; and the beginning of the body."""

    told: mails.Mail | Parked
    kept: bytes


async def _call(body: Body, *, request: Request, keys: Sequence[str], now: datetime) -> _Call | None:
    """Read a call; None if it is to be signed, and is not. Hashing and reading take long for a large one."""
    raw = body.read()
    if keys and not ecdsa(raw, headers=request.headers, keys=keys, now=now):
        return None
    mail = await _mail(raw, headers=request.scope["headers"])
    return _Call(mail if mail is not None else unreadable(raw, source=SOURCE), raw[:MOST_KEPT])


def _has_code(request: Request, *, account: InboundAccount) -> bool:
    if account.code is None:
        return False
    given = request.query_params.get("code", "")
    return hmac.compare_digest(given.encode("utf-8", "replace"), account.code.get_secret_value().encode())


async def _mail(raw: bytes, *, headers: Sequence[tuple[bytes, bytes]]) -> mails.Mail | None:
    """Read the form; None for one that is cut off or holds no mail."""

    async def receive() -> Message:
        return {"type": "http.request", "body": raw, "more_body": False}

    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    try:
        async with request.form(max_files=200, max_fields=_MOST_FIELDS, max_part_size=_LARGEST_PART) as form:
            return await _read(form)
    except (MultiPartException, ValueError, KeyError):
        return None


async def _read(form: FormData) -> mails.Mail | None:
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    if "envelope" not in fields:  # a body that was cut off reads as one without fields
        return None
    envelope_from = _envelope_from(fields["envelope"])
    whole = await _raw_mail(form)
    proved = _proved(fields, envelope_from=envelope_from)
    return mails.read(whole if whole else _rebuilt(fields), proved=proved, envelope_from=envelope_from)


def _proved(fields: Mapping[str, str], *, envelope_from: str | None) -> list[str]:
    """List the domains that SendGrid found proved: SPF for the envelope's, DKIM as in `{@shop.example : pass}`."""
    domains = _DKIM_PASSED.findall(fields.get("dkim", "")[:_LONGEST_DKIM])
    if envelope_from and fields.get("SPF", "").strip().lower() == "pass":
        domains.append(envelope_from.rpartition("@")[2].strip("<> "))
    return domains


async def _raw_mail(form: FormData) -> bytes:
    value = form.get("email") or form.get("rawEmail")
    if isinstance(value, UploadFile):
        return await value.read()
    # The form's parser decodes parts without a charset as Latin-1, so this gives the bytes back.
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else b""


def _rebuilt(fields: Mapping[str, str]) -> bytes:
    """Make a mail of SendGrid's fields: its headers as they were, its text."""
    message = EmailMessage()
    message.set_content(fields.get("text", ""))
    headers = fields.get("headers", "").replace("\r\n", "\n").strip("\n")
    kept = "\n".join(line for line in headers.split("\n") if not line.lower().startswith(("content-", "mime-version")))
    return f"{kept}\n".encode("utf-8", "replace") + message.as_bytes()


def _envelope_from(envelope: str) -> str | None:
    try:
        return str(json.loads(envelope)["from"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
