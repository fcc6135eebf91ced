"""Mails over any SMTP server; several accounts, each for its own mailboxes.

The server's 250 to the whole text is the only receipt there is. Until DATA nothing has left; a connection lost after
it leaves the outcome unknown, and nobody can be asked. The Message-ID is made of the send's id, so that a receiver
can tell a repeated mail.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from activities import addresses
from activities.accounts.smtp import SmtpAccount
from activities.providers.errors import Misconfigured, NotSent, Unknown
from activities.providers.headers import one_line
from activities.providers.protocol import Accepted, Message
from activities.providers.registry import Connecting
from activities.providers.smtp_replies import Step, failure
from activities.providers.tracking import Tracking
from activities.store.database import StoreDown

if TYPE_CHECKING:
    from aiosmtplib import SMTP

    from activities.providers.letters import Letter

#: How long everything before DATA may take; after it there are two answers more, and the claim's lease is to hold.
_DIALOGUE_SECONDS = 25

Clock = Callable[[], datetime]


class SmtpProvider:
    """Send mails over SMTP. `trust` replaces the system's trusted certificates."""

    name = "smtp"
    channels: tuple[str, ...] = ("email",)
    grace = timedelta(minutes=1)

    def __init__(
        self,
        accounts: Sequence[SmtpAccount],
        *,
        tracking: Tracking | None = None,
        trust: ssl.SSLContext | None = None,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self._accounts = tuple(accounts)
        limits = [account.per_second for account in accounts if account.per_second]
        self.rates = {"email": min(limits)} if limits else {}
        self._tracking = tracking
        self._trust = trust
        self._clock = clock

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Send once; 250 to the whole text is accepted. Raise NotSent, Unknown, Rejected or Misconfigured."""
        from activities.providers.letters import letter_of  # noqa: PLC0415

        account = self._account_of(message.sender)
        letter = letter_of(await self._tracked(message, send_id=send_id), send_id=send_id, now=self._clock())
        client = self._client(account)
        try:
            await self._introduced(client, account=account, letter=letter)
            await _handed_over(client, letter=letter)
            # It is accepted; a server that does not say goodbye changes nothing.
            with suppress(Exception):
                await client.quit(timeout=1)
        finally:
            client.close()
        return Accepted(letter.id)

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Nobody can be asked: SMTP keeps no record for the sender."""
        raise Unknown("a mail server cannot be asked about a mail")

    def _account_of(self, sender: str) -> SmtpAccount:
        mailbox = addresses.split(one_line(sender))[1].lower()
        own = (account for account in self._accounts if mailbox in account.addresses)
        rest = (account for account in self._accounts if not account.addresses)
        found = next(own, None) or next(rest, None)
        if found is None:
            raise Misconfigured("ORDERS_SMTP_MAILBOXES", "no mail server is connected for the rule's mailbox")
        return found

    async def _tracked(self, message: Message, *, send_id: UUID) -> Message:
        if self._tracking is None:
            return message
        try:
            return await self._tracking.tracked(message, send_id=send_id)
        except StoreDown:
            raise NotSent("the store did not take the mail's links: it is tried again") from None

    def _client(self, account: SmtpAccount) -> "SMTP":
        # Loaded by the first mail, not at the worker's start.
        from aiosmtplib import SMTP  # noqa: PLC0415

        return SMTP(
            hostname=account.host,
            port=account.own_port,
            timeout=account.timeout_seconds,
            use_tls=account.tls == "tls",
            start_tls=False,  # done by hand, to know which step failed
            tls_context=self._trust,
        )

    async def _introduced(self, client: "SMTP", *, account: SmtpAccount, letter: "Letter") -> None:
        """Do everything that comes before the text; whatever is lost here, nothing has left."""
        from aiosmtplib import SMTPException  # noqa: PLC0415

        step = Step.CONNECT
        try:
            async with asyncio.timeout(_DIALOGUE_SECONDS):
                await client.connect()
                await client.ehlo()
                if account.tls == "starttls":
                    step = Step.TLS
                    await _encrypted(client)
                step = Step.LOGIN
                await _logged_in(client, account=account)
                step = Step.SENDER
                options = ["SMTPUTF8"] if letter.needs_utf8(client.supports_extension("smtputf8")) else []
                encoding = "utf-8" if options else "ascii"
                await client.mail(letter.sender, options=options, encoding=encoding)
                step = Step.RECIPIENT
                await client.rcpt(letter.recipient, encoding=encoding)
        except (SMTPException, TimeoutError, OSError) as error:
            raise failure(error, step=step) from None


async def _encrypted(client: "SMTP") -> None:
    if not client.supports_extension("starttls"):
        raise Misconfigured("ORDERS_SMTP_TLS", "the mail server offers no STARTTLS")
    await client.starttls()
    await client.ehlo()


async def _logged_in(client: "SMTP", *, account: SmtpAccount) -> None:
    if not account.user:
        return
    if not client.supports_extension("auth"):
        raise Misconfigured("ORDERS_SMTP_USER", "the mail server lets nobody log in: leave the user out, or use TLS")
    await client.login(account.user, account.password.get_secret_value())


async def _handed_over(client: "SMTP", *, letter: "Letter") -> None:
    """Send the text. From the word DATA on a lost connection leaves the outcome unknown."""
    from aiosmtplib import SMTPException  # noqa: PLC0415

    try:
        await client.data(letter.content)
    except (SMTPException, TimeoutError, OSError) as error:
        raise failure(error, step=Step.TEXT) from None


def connect(given: Connecting) -> SmtpProvider | None:
    """Build the provider; None without an account."""
    accounts = SmtpAccount.all(given.environment, folder=given.folder)
    if not accounts:
        return None
    tracking = Tracking(given.store, given.public_url, clock=lambda: datetime.now(UTC))
    return SmtpProvider(accounts, tracking=tracking)
