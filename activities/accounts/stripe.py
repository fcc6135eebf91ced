"""The account with Stripe: the secrets that its webhook is signed with."""

from typing import ClassVar

from pydantic import Field, SecretStr

from activities.accounts.reading import Account


class StripeAccount(Account):
    """What Stripe's dashboard shows under Developers, Webhooks."""

    prefix: ClassVar[str] = "ORDERS_STRIPE_"

    webhook_secret: SecretStr = Field(description="Signs the webhook (whsec_…)")
    webhook_secret_old: SecretStr | None = Field(default=None, description="Accepted too while it is being rolled")

    refund_hours: int = Field(
        default=24, ge=0, le=720, description="Hours that a refund waits for its payment before a person is told"
    )

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets that a call may be signed with."""
        known = (self.webhook_secret, self.webhook_secret_old)
        return tuple(secret.get_secret_value() for secret in known if secret is not None)
