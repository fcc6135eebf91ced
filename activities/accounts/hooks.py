"""The secrets of the generic signed webhooks and of the carriers': one per sender, and the one before it."""

from typing import ClassVar

from pydantic import Field, SecretStr

from activities.accounts.reading import Account


class HookSecrets(Account):
    """Standard Webhooks secrets (whsec_…) of the shop's own systems, and AfterShip's."""

    prefix: ClassVar[str] = "ORDERS_HOOKS_"

    payments: SecretStr | None = Field(default=None, description="Signs /hooks/payments")
    payments_old: SecretStr | None = Field(default=None, description="Accepted too while it is being exchanged")
    shipments: SecretStr | None = Field(default=None, description="Signs /hooks/shipments")
    shipments_old: SecretStr | None = Field(default=None, description="Accepted too while it is being exchanged")
    orders: SecretStr | None = Field(default=None, description="Signs /hooks/orders")
    orders_old: SecretStr | None = Field(default=None, description="Accepted too while it is being exchanged")
    aftership: SecretStr | None = Field(default=None, description="AfterShip's webhook secret")
    aftership_old: SecretStr | None = Field(default=None, description="Accepted too while it is being exchanged")

    def of(self, name: str) -> tuple[str, ...]:
        """Return the secrets of a sender, the newest first; none where it is not connected."""
        known = (getattr(self, name), getattr(self, f"{name}_old"))
        return tuple(secret.get_secret_value() for secret in known if secret is not None)
