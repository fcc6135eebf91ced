"""Asks each source by the public address, as its vendor would: signed with the keys that this machine has.

Nothing is stored by it: what is signed tells of nothing, and what only the vendor can sign comes unsigned, to be
refused. So a gateway with other settings, a proxy that changes addresses and an old key are found before a vendor is.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from hmac import digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from activities.accounts.hooks import HookSecrets
    from activities.accounts.stripe import StripeAccount
    from activities.accounts.twilio import TwilioAccount

SECONDS = 5.0


@dataclass(frozen=True)
class Probe:
    """One request. `expected` is the status of a gateway that has the same `settings` as this machine."""

    path: str
    settings: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    expected: int = 204


def unsigned(path: str, *, settings: str) -> Probe:
    """Ask without a signature, where only the vendor can sign: a source that is connected refuses it.

    The gateway counts it as refused: whatever a probe said to be left out, a stranger could say, too.
    """
    return Probe(path, settings, expected=403)


def of_twilio(account: "TwilioAccount", *, base: str) -> Probe:
    """Ask for the words of a call that cannot be made: a hang-up."""
    from twilio.request_validator import RequestValidator

    path, form = "/hooks/twilio/fallback", {"CallSid": "doctor"}
    signature = RequestValidator(account.tokens[0]).compute_signature(base + path, form)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    settings = "ORDERS_TWILIO_AUTH_TOKEN or ORDERS_PUBLIC_URL"
    return Probe(path, settings, b"CallSid=doctor", headers, expected=200)


def of_stripe(account: "StripeAccount", *, now: datetime) -> Probe:
    """Tell an event of a type that Stripe does not have."""
    seconds = int(now.timestamp())
    body = _json({"id": "doctor", "type": "doctor", "created": seconds, "data": {"object": {}}})
    signature = digest(account.secrets[0].encode(), f"{seconds}.".encode() + body, sha256).hex()
    headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={seconds},v1={signature}"}
    return Probe("/hooks/stripe", "ORDERS_STRIPE_WEBHOOK_SECRET", body, headers)


def of_hooks(account: "HookSecrets", *, now: datetime) -> Iterator[Probe]:
    """Tell each sender's nothing; raise ValueError for a secret that is none of Standard Webhooks'."""
    from standardwebhooks.webhooks import Webhook

    for name in ("payments", "shipments", "orders"):
        setting = f"ORDERS_HOOKS_{name.upper()}"
        for secret in account.of(name)[:1]:
            # An id longer than any is refused once its signature is found right, before anything is read or kept.
            id = "doctor-" * 40
            try:
                signature = Webhook(secret).sign(id, now, "{}")
            except Exception:
                raise ValueError(f"{setting}: not a secret of Standard Webhooks, whsec_ and base64") from None
            headers = {"webhook-id": id, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
            yield Probe(f"/hooks/{name}", setting, b"{}", headers, expected=422)
    for secret in account.of("aftership")[:1]:
        msg = {"tracking_number": "", "tag": ""}
        body = _json({"event_id": "doctor", "event": "doctor", "ts": int(now.timestamp()), "msg": msg})
        headers = {"aftership-hmac-sha256": b64encode(digest(secret.encode(), body, sha256)).decode()}
        yield Probe("/hooks/aftership", "ORDERS_HOOKS_AFTERSHIP", body, headers)


async def asked(session: "ClientSession", probe: Probe, *, base: str) -> tuple[str, str]:
    """Make the request; return what is wrong and what to do, "" and "" where the answer is as expected."""
    from aiohttp import ClientError

    url = base + probe.path
    try:
        async with session.post(url, data=probe.body, headers=probe.headers, allow_redirects=False) as response:
            status = response.status
    except (ClientError, TimeoutError, ValueError) as error:
        return f"{url} does not answer ({type(error).__name__})", "check the way to the gateway"
    if status == probe.expected:
        return "", ""
    if status == 404:
        help = f"start the gateway with {probe.settings}, and let its proxy hand on everything under /hooks"
        return f"{url} answers 404: the gateway there does not know this source", help
    if status == 403:
        help = f"start the gateway with the same {probe.settings}; check that no proxy changes address or body"
        return f"{url} refuses what is signed with this machine's settings", help
    help = "redirects lose what vendors post: enter the final address" if 300 <= status < 400 else "see its log"
    return f"{url} answers {status} in place of {probe.expected}", help


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
