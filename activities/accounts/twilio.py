"""The account with Twilio: keys, senders, and where its API is reached. Shared by the provider and the webhooks."""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from activities.accounts.reading import Account


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class TwilioAccount(Account):
    """What Twilio's console shows under "Account Info" and "Phone Numbers"; numbers are written as +48221234567."""

    prefix: ClassVar[str] = "ORDERS_TWILIO_"

    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$", description="The account's id (AC and 32 digits)")
    auth_token: SecretStr = Field(description="Verifies the signatures of Twilio's calls; also signs in, without a key")
    auth_token_old: SecretStr | None = Field(default=None, description="Accepted too while the token is being changed")
    api_key: str = Field(default="", description="Signs in to the API in place of the token (SK…)")
    api_secret: SecretStr | None = Field(default=None, validate_default=True, description="The secret of the API key")
    sender: str = Field(default="", description="The number or name that text messages come from")
    messaging_service: str = Field(default="", description="The messaging service that chooses the sender (MG…)")
    lines: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=(), description="Numbers that calls come from, separated by commas; the first one unless a rule says"
    )
    whatsapp: str = Field(default="", description="The number that WhatsApp messages come from")
    messenger: str = Field(default="", description="The id of the Facebook page that Messenger messages come from")
    base: str = Field(
        default="", pattern=r"^(https?://.+)?$", description="Where the API is reached in place of twilio.com: a proxy"
    )
    fallback: str = Field(
        default="",
        pattern=r"^(https?://[^\s#]+)?$",
        description="Address of TwiML that stands elsewhere (a TwiML Bin), which calls hear while the gateway is down",
    )
    timeout: float = Field(default=15, gt=0, le=50, description="Seconds the API has for an answer")
    grace: float = Field(
        default=30, ge=0, description="Seconds Twilio may still be busy with a request whose answer was lost"
    )
    silence: float = Field(
        default=120, ge=0, description="Seconds without a word on a call or a message after which Twilio is asked"
    )
    texts_per_second: float = Field(
        default=0, ge=0, description="Most text messages a second, of all workers together; 0: any, Twilio queues them"
    )
    chats_per_second: float = Field(
        default=0, ge=0, description="Most chat messages a second, of all workers together; 0: any"
    )
    forward_to: str = Field(default="", description="The number that calls to the shop are put through to")
    greeting: str = Field(default="", max_length=1_000, description="What a caller hears, before being put through")
    greeting_language: str = Field(default="", description="The language of the greeting, as in en-GB")

    @field_validator("api_secret")
    @classmethod
    def _key_has_a_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("api_key") and value is None:
            raise PydanticCustomError("no_secret", "the API key needs its secret")
        return value

    @property
    def login(self) -> tuple[str, str]:
        """The name and password of calls to the API."""
        if self.api_key and self.api_secret is not None:
            return self.api_key, self.api_secret.get_secret_value()
        return self.account_sid, self.auth_token.get_secret_value()

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens that Twilio's calls may be signed with."""
        tokens = (self.auth_token, self.auth_token_old)
        return tuple(token.get_secret_value() for token in tokens if token is not None)

    @property
    def rates(self) -> dict[str, float]:
        """Most sends a second by channel. Not of calls: Twilio queues them, and their queue carries questions, too."""
        given = {"sms": self.texts_per_second, "chat": self.chats_per_second}
        return {channel: rate for channel, rate in given.items() if rate}

    @property
    def wait(self) -> timedelta:
        """How long Twilio may be busy with a request whose answer was lost."""
        return timedelta(seconds=self.grace)
