"""What `orders doctor` says of the outside vendors: whether their settings are whole, and what to enter at each.

Only vendors whose account is among the settings are looked at; each source is asked by the public address, as they
would.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starter.cli import probing
from starter.cli.findings import Finding
from starter.cli.inbox import of_inbox
from starter.cli.outside import clock, public_address
from starter.cli.probing import Probe

if TYPE_CHECKING:
    from activities.accounts.mail import InboundAccount
    from activities.accounts.reading import Account
    from activities.accounts.sendgrid import SendGridAccount
    from activities.runtime.settings import Settings


@dataclass(frozen=True)
class _Vendor:
    """What was found of one vendor; its sources are asked by `probes`, its clock at `api`."""

    finding: Finding
    probes: Sequence[Probe] = ()
    api: str = ""


async def of_vendors(settings: "Settings") -> list[Finding]:
    """Look at every vendor that is connected, at the public address, at each source by it, and at the clock."""
    vendors, mailbox = list(_vendors(settings)), await of_inbox(settings)
    if not vendors and not mailbox and not settings.public_url:
        return []
    public = await public_address(settings.public_url)
    if public.is_good:
        vendors = [await _asked(vendor, base=settings.public_url.rstrip("/")) for vendor in vendors]
    found = [vendor.finding for vendor in vendors]
    return [*found, *mailbox, public, *await clock([one.api for one in vendors]), *_tokens(settings)]


def _vendors(settings: "Settings") -> Iterator[_Vendor]:
    from activities.accounts.hooks import HookSecrets
    from activities.accounts.mail import InboundAccount
    from activities.accounts.sendgrid import SendGridAccount
    from activities.accounts.stripe import StripeAccount
    from activities.accounts.twilio import TwilioAccount
    from activities.providers.errors import Misconfigured

    known: Mapping[str, tuple[type[Account], Callable[[Settings, Any], _Vendor]]] = {
        "Twilio": (TwilioAccount, _twilio),
        "SendGrid": (SendGridAccount, _sendgrid),
        "Inbound Parse": (InboundAccount, _inbound),
        "Stripe": (StripeAccount, _stripe),
        "signed webhooks": (HookSecrets, _hooks),
    }
    for name, (kind, look) in known.items():
        try:
            account = kind.read(os.environ, folder=settings.secrets)
            if account is not None:
                yield look(settings, account)
        except Misconfigured as error:
            yield _Vendor(Finding(name, False, error.words, help=f"correct {error.setting}"))
        except ValueError as error:
            setting, _, words = str(error).partition(": ")
            yield _Vendor(Finding(name, False, words, help=f"correct {setting}"))
    yield from _servers(settings)


def _twilio(settings: "Settings", account: Any) -> _Vendor:
    paths = {
        "a message comes in": "/hooks/twilio/message",
        "a call comes in": "/hooks/twilio/call",
        "call status changes": "/hooks/twilio/call-status",
    }
    probe = probing.of_twilio(account, base=settings.public_url.rstrip("/"))
    return _Vendor(_entered("Twilio", settings, paths), [probe], api=account.base or "https://api.twilio.com")


def _sendgrid(settings: "Settings", account: "SendGridAccount") -> _Vendor:
    if not account.events_keys:
        words = "mails leave; for receipts set ORDERS_SENDGRID_EVENTS_KEY and use the signed event webhook"
        return _Vendor(Finding("SendGrid", True, words), api=account.url)
    _check_keys(account.events_keys, setting="ORDERS_SENDGRID_EVENTS_KEY")
    path = "/hooks/sendgrid/events"
    probe = probing.unsigned(path, settings="ORDERS_SENDGRID_EVENTS_KEY")
    return _Vendor(_entered("SendGrid", settings, {"event webhook": path}), [probe], api=account.url)


def _inbound(settings: "Settings", account: "InboundAccount") -> _Vendor:
    _check_keys(account.keys, setting="ORDERS_INBOUND_KEY")
    path = "/hooks/sendgrid/inbound"
    probe = probing.unsigned(path, settings="ORDERS_INBOUND_KEY or ORDERS_INBOUND_CODE")
    # The code itself is a secret, and what the doctor says is shown to others.
    shown = path if account.keys else f"{path}?code=YOUR_ORDERS_INBOUND_CODE"
    return _Vendor(_entered("Inbound Parse", settings, {"destination": shown}), [probe])


def _stripe(settings: "Settings", account: Any) -> _Vendor:
    probe = probing.of_stripe(account, now=datetime.now(UTC))
    return _Vendor(_entered("Stripe", settings, {"endpoint": "/hooks/stripe"}), [probe])


def _hooks(settings: "Settings", account: Any) -> _Vendor:
    probes = list(probing.of_hooks(account, now=datetime.now(UTC)))
    paths = {probe.path.rpartition("/")[2]: probe.path for probe in probes}
    return _Vendor(_entered("signed webhooks", settings, paths), probes)


def _entered(what: str, settings: "Settings", paths: Mapping[str, str]) -> Finding:
    base = settings.public_url.rstrip("/") or "https://YOUR-ADDRESS"
    return Finding(what, True, "enter there: " + ", ".join(f"{name}: {base}{path}" for name, path in paths.items()))


def _check_keys(keys: Sequence[str], *, setting: str) -> None:
    """Raise ValueError for a key that no signature can be verified with."""
    from base64 import b64decode

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    for key in keys:
        try:
            is_right = isinstance(load_der_public_key(b64decode(key)), EllipticCurvePublicKey)
        except ValueError:
            is_right = False
        if not is_right:
            raise ValueError(f"{setting}: not the public key that SendGrid shows beside its signed webhook")


def _servers(settings: "Settings") -> Iterator[_Vendor]:
    from activities.accounts.smtp import SmtpAccount
    from activities.providers.errors import Misconfigured

    try:
        servers = SmtpAccount.all(os.environ, folder=settings.secrets)
    except Misconfigured as error:
        yield _Vendor(Finding("mail server", False, error.words, help=f"correct {error.setting}"))
        return
    for server in servers:
        yield _Vendor(Finding("mail server", True, f"mails leave over {server.host}"))


async def _asked(vendor: _Vendor, *, base: str) -> _Vendor:
    """Ask a vendor's sources; the first that does not answer as expected is the finding."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=probing.SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        for probe in vendor.probes:
            words, help = await probing.asked(session, probe, base=base)
            if words:
                return replace(vendor, finding=Finding(vendor.finding.what, False, words, help=help))
    if not vendor.probes:
        return vendor
    return replace(vendor, finding=replace(vendor.finding, words=f"the gateway knows it; {vendor.finding.words}"))


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
