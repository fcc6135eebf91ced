"""Mails over SendGrid: its own helpers build the message, one POST of ours sends it (https://www.twilio.com/docs/sendgrid).

SendGrid's client is not used for sending: it has no time-out, follows redirects, and logs the key and the mail. There
is no key that makes a repeated call safe: the send's id travels as a custom argument and comes back in every event,
which settles a send whose answer was lost.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from activities import addresses
from activities.accounts.sendgrid import SendGridAccount
from activities.providers.errors import Misconfigured, NoAccess, NotSent, ProviderError, Rejected, Unknown
from activities.providers.headers import AUTOMATIC, one_line
from activities.providers.protocol import REPLY_TO, Accepted, Message
from activities.providers.registry import Connecting
from activities.store import ledger
from activities.store.database import Store
from activities.store.history import LedgerState

if TYPE_CHECKING:
    from aiohttp import ClientResponse

_KEY = "ORDERS_SENDGRID_API_KEY"
_BASE = "ORDERS_SENDGRID_BASE"
_MAILBOXES = "ORDERS_MAILBOXES"

_CONNECT_SECONDS = 5.0

#: An error's body is a few lines; a proxy's page may be anything.
_MOST_OF_ERROR = 64 * 1024

#: The longest wait that a 429 may ask for.
_LONGEST = timedelta(hours=1)

#: What a refused field (without its numbers) means. Their own message is not repeated: it may quote an address.
_FIELDS = {
    "personalizations.to.email": "SendGrid finds the customer's address wrong: correct it on the customer's card",
    "from.email": "SendGrid finds the sender's address wrong: correct from: of the rule",
    "subject": "SendGrid finds the subject wrong: correct the rule's subject",
    "content": "SendGrid finds the text wrong: correct the rule's text",
    "content.value": "SendGrid finds the text wrong: correct the rule's text",
    "attachments": "SendGrid finds an attachment wrong: look at the rule's documents",
    "headers": "SendGrid finds a header wrong",
}

_FIELD = re.compile(r"[a-z_]+(?:\.[a-z_]+)*")

_TOO_LARGE = "The mail is larger than the 30 MB that SendGrid takes: attach less"
_NO_SUCH_API = "SendGrid's API is not at this address"

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class SendGridProvider:
    """Send mails over SendGrid. `clock` tells the moment against which a wait in absolute time is held."""

    name = "sendgrid"
    channels: tuple[str, ...] = ("email",)

    def __init__(self, account: SendGridAccount, *, store: Store, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._account = account
        self._store = store
        self._clock = clock
        self.grace = timedelta(seconds=account.grace_seconds)
        self.rates = {"email": account.per_second} if account.per_second else {}

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Send once; 202 is accepted. Raise NotSent, Unknown, Rejected or Misconfigured."""
        answer = await self._posted(body_of(message, send_id=send_id))
        if answer.status == 202:
            # A proxy may have dropped the header; the mail is accepted all the same.
            return Accepted(answer.headers.get("X-Message-Id") or f"sendgrid-{send_id}")
        raise self._failure(answer)

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Say what the events have told; SendGrid itself cannot be asked (its activity API is sold separately)."""
        async with self._store.read() as tx:
            row = await ledger.row(tx, send_id=send_id)
        if row is not None and row.provider_id and row.state in (LedgerState.ACCEPTED, LedgerState.DELIVERED):
            return Accepted(row.provider_id)
        raise Unknown("SendGrid cannot be asked about a mail, and no event has told of it")

    async def _posted(self, body: dict[str, object]) -> _Answer:
        # Loaded by the first mail, not at the worker's start.
        from aiohttp import (  # noqa: PLC0415
            ClientConnectorError,
            ClientError,
            ClientSession,
            ClientTimeout,
            ConnectionTimeoutError,
            InvalidURL,
        )

        timeout = ClientTimeout(total=self._account.timeout_seconds, sock_connect=_CONNECT_SECONDS)
        headers = {"Authorization": f"Bearer {self._account.api_key.get_secret_value()}"}
        try:
            async with (
                ClientSession(timeout=timeout, trust_env=False) as session,
                session.post(
                    f"{self._account.url}/v3/mail/send", json=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                # What was accepted is accepted, whatever becomes of the rest of the answer.
                body_read = b"" if response.status == 202 else await _read(response)
                return _Answer(response.status, response.headers.copy(), body_read)
        except InvalidURL:
            raise Misconfigured(_BASE, "SendGrid's address is no web address") from None
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise NotSent(f"SendGrid cannot be reached ({type(error).__name__}): it is tried again") from None
        except (TimeoutError, ClientError, OSError) as error:
            raise Unknown(f"SendGrid's answer was lost ({type(error).__name__})") from None

    def _failure(self, answer: _Answer) -> ProviderError:
        status = answer.status
        if status == 429:
            words = "SendGrid takes no more mails at the moment: it is tried again"
            return NotSent(words, retry_after=self._retry_after(answer.headers))
        if status >= 500 or status < 300 or status == 408:
            return Unknown(f"SendGrid answered {status}: whether it took the mail is not known")
        if status < 400 or status in (404, 405):
            return Misconfigured(_BASE, f"{_NO_SUCH_API} ({status})")
        if status == 413:
            return Rejected("413", _TOO_LARGE)
        field = _refused_field(answer.body)
        if status == 401:
            return NoAccess(_KEY, "SendGrid did not accept the key")
        if status == 403 and field.partition(".")[0] == "from":
            words = "SendGrid does not know the sender: verify the mailbox there as a sender identity"
            return Misconfigured(_MAILBOXES, f"{words}, or send from another")
        if status == 403:
            return NoAccess(_KEY, "the key may not send mails: give it the right Mail Send at SendGrid")
        named = f" at {field}" if field else ""
        return Rejected(str(status), _FIELDS.get(field, f"SendGrid refused the mail{named}: look at the rule"))

    def _retry_after(self, headers: Mapping[str, str]) -> timedelta | None:
        """Read how long to wait: seconds in `Retry-After`, or the moment of `X-RateLimit-Reset` (Unix time)."""
        after, reset = headers.get("Retry-After", ""), headers.get("X-RateLimit-Reset", "")
        if after.isdecimal() and len(after) < 10:
            return min(timedelta(seconds=int(after)), _LONGEST)
        if reset.isdecimal() and len(reset) < 12:
            left = timedelta(seconds=int(reset) - self._clock().timestamp())
            return min(max(left, timedelta(seconds=1)), _LONGEST)
        return None


def body_of(message: Message, *, send_id: UUID) -> dict[str, object]:
    """Build the body of `POST /v3/mail/send`. Raise Rejected for a text that holds a key of SendGrid's."""
    from sendgrid.helpers import mail as parts  # noqa: PLC0415
    from sendgrid.helpers.mail.exceptions import ApiKeyIncludedException  # noqa: PLC0415

    letter = parts.Mail()
    letter.from_email = _address(parts.From(), message.sender)
    letter.subject = parts.Subject(one_line(message.subject))
    recipient = parts.Personalization()
    recipient.add_to(_address(parts.To(), message.address))
    # Not at the top level: the official document types it as a string there, and refuses an object.
    recipient.add_custom_arg(parts.CustomArg("send_id", str(send_id)))
    letter.add_personalization(recipient)
    try:
        letter.add_content(parts.Content("text/plain", message.body))
        if message.html:
            letter.add_content(parts.Content("text/html", message.html))
    except ApiKeyIncludedException:
        raise Rejected("api_key", "The text holds a key of SendGrid's: take it out") from None
    headers = {**AUTOMATIC, **message.headers}
    reply_to = headers.pop(REPLY_TO, "")
    if reply_to:  # among the headers SendGrid refuses it
        letter.reply_to = _address(parts.ReplyTo(), reply_to)
    for name, value in headers.items():
        letter.add_header(parts.Header(one_line(name), one_line(value)))
    for attachment in message.attachments:
        content = base64.b64encode(attachment.content).decode()
        name, kind = one_line(attachment.name), one_line(attachment.media_type)
        letter.add_attachment(parts.Attachment(content, name, kind, "attachment"))
    letter.mail_settings = parts.MailSettings(sandbox_mode=parts.SandBoxMode(enable=False))
    is_tracked = message.customer is not None  # employees are not watched
    letter.tracking_settings = parts.TrackingSettings(
        click_tracking=parts.ClickTracking(enable=is_tracked, enable_text=is_tracked),
        open_tracking=parts.OpenTracking(enable=is_tracked),
        subscription_tracking=parts.SubscriptionTracking(enable=False),  # the way to unsubscribe is ours
    )
    found: dict[str, object] = letter.get()
    return found


def connect(given: Connecting) -> SendGridProvider | None:
    """Build the provider; None without an account."""
    account = SendGridAccount.read(given.environment, folder=given.folder)
    return SendGridProvider(account, store=given.store) if account is not None else None


async def _read(response: "ClientResponse") -> bytes:
    """Read what an error says, as far as it comes: the status has said the rest."""
    from aiohttp import ClientError  # noqa: PLC0415

    found = b""
    try:
        async for chunk in response.content.iter_chunked(_MOST_OF_ERROR):
            found += chunk
            if len(found) >= _MOST_OF_ERROR:
                break
    except (TimeoutError, ClientError, OSError):
        return b""
    return found


def _address(raw: Any, written: str) -> Any:
    """Fill an address of the helpers; their constructors would read names out of it in a way of their own."""
    name, address = addresses.split(one_line(written))
    raw.email = address
    if name:
        raw.name = name
    return raw


def _refused_field(body: bytes) -> str:
    """Return the field of the first error without its numbers, such as `personalizations.to.email`; empty if none."""
    try:
        field = json.loads(body)["errors"][0]["field"]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    name = re.sub(r"\.\d+|\[\d+\]", "", field) if isinstance(field, str) and len(field) < 100 else ""
    return name if _FIELD.fullmatch(name) and name != "null" else ""
