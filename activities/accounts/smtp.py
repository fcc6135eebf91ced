"""The shop's mail servers: one account, or several numbered ones that each send for their own mailboxes."""

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr

from activities import addresses
from activities.accounts.reading import Account
from activities.providers.errors import Misconfigured

_LOOPBACK = ("localhost", "127.0.0.1", "::1")

#: The submission ports of RFC 8314: TLS from the first byte, STARTTLS; a relay of one's own.
_PORTS = {"tls": 465, "starttls": 587, "none": 25}


class SmtpAccount(Account):
    """The settings `ORDERS_SMTP_*`; of further accounts `ORDERS_SMTP_2_*`, `ORDERS_SMTP_3_*` …"""

    prefix: ClassVar[str] = "ORDERS_SMTP_"

    host: str = Field(min_length=1, description="The mail server's name")
    port: int | None = Field(default=None, ge=1, le=65535, description="Its port; by default that of the TLS mode")
    user: str = Field(default="", description="The name to log in with; none: without logging in")
    password: SecretStr = Field(default=SecretStr(""), description="The password to log in with")
    tls: Literal["starttls", "tls", "none"] = Field(default="starttls", description="How the connection is encrypted")
    timeout_seconds: int = Field(default=15, ge=1, le=55, description="How long the server may take for one answer")
    per_second: float = Field(
        default=0, ge=0, description="Most mails a second, of all workers together; the lowest of all servers counts"
    )
    mailboxes: str = Field(
        default="", description="Mailboxes it sends for, separated by commas; none: those no other account sends for"
    )

    @property
    def own_port(self) -> int:
        """The port, or the one that is usual for the TLS mode."""
        return self.port or _PORTS[self.tls]

    @property
    def addresses(self) -> frozenset[str]:
        """The mailboxes it sends for, in small letters."""
        return frozenset(addresses.split(one)[1].lower() for one in self.mailboxes.split(",") if one.strip())

    @classmethod
    def all(cls, environment: Mapping[str, str], *, folder: Path | None = None) -> tuple[Self, ...]:
        """Return every account, up to the first number without one; raise Misconfigured, naming the setting."""
        found: list[Self] = []
        for number in count(1):
            prefix = cls.prefix if number == 1 else f"{cls.prefix}{number}_"
            account = cls.read(environment, folder=folder, prefix=prefix)
            if account is None:
                return tuple(found)
            account.check(prefix)
            found.append(account)
        raise AssertionError

    def check(self, prefix: str) -> None:
        """Raise Misconfigured for a password that would be sent in the clear."""
        if self.user and self.tls == "none" and self.host not in _LOOPBACK:
            raise Misconfigured(f"{prefix}TLS", "the password would be sent unencrypted: use starttls or tls")
