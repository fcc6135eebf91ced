"""What `orders doctor` says of the outside vendors: whether their settings are whole, and what to enter at each.

Only vendors whose account is among the settings are looked at; a public address is asked from here, as they would.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from starter.cli.findings import Finding

if TYPE_CHECKING:
    from activities.runtime.settings import Settings

#: How far this machine's clock may be from that of a vendor: signatures further apart are refused.
_MOST_APART = 60.0

_SECONDS = 5.0


async def of_vendors(settings: "Settings") -> list[Finding]:
    """Look at every vendor that is connected, at the public address and at the clock."""
    found = list(_accounts(settings))
    if not found and not settings.public_url:
        return []
    return [*found, await _public(settings), *_tokens(settings)]


def _accounts(settings: "Settings") -> Iterator[Finding]:
    from activities.accounts.hooks import HookSecrets
    from activities.accounts.mail import ImapAccount, InboundAccount
    from activities.accounts.reading import Account
    from activities.accounts.sendgrid import SendGridAccount
    from activities.accounts.smtp import SmtpAccount
    from activities.accounts.stripe import StripeAccount
    from activities.accounts.twilio import TwilioAccount
    from activities.providers.errors import Misconfigured

    known: Mapping[str, tuple[type[Account], Callable[[Account], str]]] = {
        "Twilio": (TwilioAccount, lambda _: _addresses(settings, _TWILIO)),
        "SendGrid": (SendGridAccount, lambda account: _sendgrid(settings, account)),
        "Inbound Parse": (InboundAccount, lambda _: _addresses(settings, _INBOUND)),
        "mail server": (SmtpAccount, lambda _: "mails leave over it"),
        "mailbox": (ImapAccount, lambda _: "it is polled by the gateway"),
        "Stripe": (StripeAccount, lambda _: _addresses(settings, _STRIPE)),
        "signed webhooks": (HookSecrets, lambda account: _hooks(settings, account)),
    }
    for name, (kind, words) in known.items():
        try:
            account = kind.read(os.environ, folder=settings.secrets)
        except Misconfigured as error:
            yield Finding(name, False, error.words, help=f"correct {error.setting}")
            continue
        if account is not None:
            yield Finding(name, True, words(account))


#: What to enter at a vendor, and the path it is.
_TWILIO = {
    "a message comes in": "/hooks/twilio/message",
    "a call comes in": "/hooks/twilio/call",
    "call status changes": "/hooks/twilio/call-status",
}
_INBOUND = {"destination": "/hooks/sendgrid/inbound"}
_STRIPE = {"endpoint": "/hooks/stripe"}


def _addresses(settings: "Settings", paths: Mapping[str, str]) -> str:
    base = settings.public_url.rstrip("/") or "https://YOUR-ADDRESS"
    return "enter there: " + ", ".join(f"{what}: {base}{path}" for what, path in paths.items())


def _sendgrid(settings: "Settings", account: object) -> str:
    keys = getattr(account, "events_keys", ())
    if not keys:
        return "mails leave; for receipts set ORDERS_SENDGRID_EVENTS_KEY and use the signed event webhook"
    return _addresses(settings, {"event webhook": "/hooks/sendgrid/events"})


def _hooks(settings: "Settings", account: object) -> str:
    names = [name for name in ("payments", "shipments", "orders", "aftership") if getattr(account, name) is not None]
    return _addresses(settings, {name: f"/hooks/{name}" for name in names})


def _tokens(settings: "Settings") -> Iterator[Finding]:
    from activities.runtime.tokens import Tokens

    try:
        tokens = Tokens.of(settings.token_keys)
    except ValueError as error:
        yield Finding("links", False, str(error), help="correct ORDERS_TOKEN_KEYS")
        return
    if tokens is None:
        words = "unsubscribing, forms, tracking and chats are off: nothing signs their links"
        yield Finding(
            "links", False, words, help="set ORDERS_TOKEN_KEYS, the same for every process: openssl rand -hex 32"
        )
    else:
        yield Finding("links", True, "they are signed")


async def _public(settings: "Settings") -> Finding:
    """Ask the gateway by its public address, as a vendor would, and compare the clocks."""
    import aiohttp

    url = settings.public_url.rstrip("/")
    if not url:
        help = "set ORDERS_PUBLIC_URL to the address under which the gateway is reached from outside"
        return Finding("public address", False, "vendors cannot reach the gateway: it is not set", help=help)
    try:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.get(f"{url}/healthz", allow_redirects=False) as response,
        ):
            status, date = response.status, response.headers.get("Date", "")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        help = "check the name, the certificate and the way to the gateway"
        return Finding("public address", False, f"{url} does not answer ({type(error).__name__})", help=help)
    if status != 200:
        help = "redirects lose what vendors post: enter the final address"
        return Finding("public address", False, f"{url}/healthz answers {status}", help=help)
    apart = _apart(date)
    if apart > _MOST_APART:
        help = "set this machine's clock: signatures with a moment are refused"
        return Finding("public address", False, f"its clock is {apart:.0f} s from this one", help=help)
    return Finding("public address", True, f"{url} answers")


def _apart(date: str) -> float:
    try:
        return abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
