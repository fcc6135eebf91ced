"""How mails come in: SendGrid's Inbound Parse, and mailboxes that are polled over IMAP."""

from typing import ClassVar, Literal

from pydantic import Field, SecretStr

from activities.accounts.reading import Account


class InboundAccount(Account):
    """SendGrid's Inbound Parse: signed with a key of its security policy, or called with a code in the address."""

    prefix: ClassVar[str] = "ORDERS_INBOUND_"

    key: str = Field(default="", description="Public keys of the parse webhook's security policy, separated by commas")
    code: SecretStr | None = Field(
        default=None, min_length=20, description="Without a key: the code that the address ends with, ?code=…"
    )

    @property
    def keys(self) -> tuple[str, ...]:
        """The public keys."""
        return tuple(key.strip() for key in self.key.split(",") if key.strip())


class ImapAccount(Account):
    """A mailbox that is polled: the inbox for what customers write, and the folder of what people sent."""

    prefix: ClassVar[str] = "ORDERS_IMAP_"

    host: str = Field(min_length=1, description="The mail server's name")
    port: int = Field(default=993, ge=1, le=65535, description="Its port")
    user: str = Field(min_length=1, description="The name to log in with")
    password: SecretStr = Field(description="The password to log in with")
    tls: Literal["tls", "starttls", "none"] = Field(default="tls", description="How the connection is encrypted")
    inbox: str = Field(default="INBOX", description="The folder of incoming mails")
    sent: str = Field(default="", description="The folder of sent mails; none: sent mails are not looked at")
    every: int = Field(default=30, ge=1, le=3_600, description="Seconds between two looks")
    days: int = Field(default=3, ge=1, le=60, description="How many days back to look")
    authserv_id: str = Field(
        default="", description="The names under which the server writes Authentication-Results, separated by commas"
    )

    @property
    def servers(self) -> tuple[str, ...]:
        """The names whose Authentication-Results count."""
        return tuple(name.strip().lower() for name in self.authserv_id.split(",") if name.strip())
