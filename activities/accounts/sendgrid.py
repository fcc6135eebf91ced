"""The shop's account with SendGrid: what sends mails, and what proves that their events come from there."""

from typing import ClassVar, Literal

from pydantic import Field, SecretStr

from activities.accounts.reading import Account

#: Where each region's mails are taken in; data of the EU's stays there (docs: "EU data residency").
_BASES = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}


class SendGridAccount(Account):
    """The settings `ORDERS_SENDGRID_*`."""

    prefix: ClassVar[str] = "ORDERS_SENDGRID_"

    api_key: SecretStr = Field(description="The API key; it needs no right but Mail Send")
    region: Literal["global", "eu"] = Field(default="global", description="Where the account's data live")
    base: str = Field(
        default="",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="Address of the API in place of SendGrid's own, for proxies and tests",
    )
    events_key: str = Field(
        default="", description="Public keys of the signed event webhook, separated by commas; all are accepted"
    )
    timeout_seconds: int = Field(default=20, ge=1, le=55, description="How long one mail may take to be handed over")
    per_second: float = Field(default=0, ge=0, description="Most mails a second, of all workers together; 0: any")
    grace_seconds: int = Field(
        default=120, ge=0, le=86_400, description="How long events may take to tell of a mail whose answer was lost"
    )

    @property
    def url(self) -> str:
        """The API's address, without a slash at its end."""
        return (self.base or _BASES[self.region]).rstrip("/")

    @property
    def events_keys(self) -> tuple[str, ...]:
        """The public keys of the event webhook."""
        return tuple(key.strip() for key in self.events_key.split(",") if key.strip())
