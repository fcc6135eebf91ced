"""Which provider carries which channel. Built once where the process starts, and handed in."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from activities.providers.errors import Misconfigured
from activities.providers.protocol import Provider
from activities.store.database import Store


class ProviderOptions(BaseModel):
    """The settings of the providers; each field is the environment variable `ORDERS_` + its name in capitals."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sms_provider: str = "outbox"
    email_provider: str = "outbox"
    webhook_allow_private: bool = False
    secrets: Path | None = None

    def channels(self) -> dict[str, str]:
        """Return the provider's name of each channel."""
        return {"sms": self.sms_provider, "email": self.email_provider, "webhook": "webhook"}


class Providers:
    """The connected providers, and the one each channel uses unless a rule names another."""

    def __init__(self, connected: Iterable[Provider], *, channels: Mapping[str, str]) -> None:
        self._connected = {provider.name: provider for provider in connected}
        self._channels = dict(channels)

    def choose(self, channel: str, *, name: str = "") -> Provider:
        """Return the provider of a channel; raise Misconfigured, naming the setting, when it is not connected."""
        setting = f"ORDERS_{channel.upper()}_PROVIDER"
        wanted = name or self._channels.get(channel, "")
        if not wanted:
            raise Misconfigured(setting, f"no provider is connected for {channel}")
        provider = self._connected.get(wanted)
        if provider is None or channel not in provider.channels:
            raise Misconfigured(setting, f"'{wanted}' is not connected for {channel}; {self._offer(channel)}")
        return provider

    def _offer(self, channel: str) -> str:
        names = [provider.name for provider in self._connected.values() if channel in provider.channels]
        return f"connected: {', '.join(names)}" if names else "nothing is"


def connect(options: ProviderOptions, *, store: Store, environment: Mapping[str, str]) -> Providers:
    """Build the providers from the settings; `environment` is where secrets are looked up by name."""
    # Imported here: their HTTP client is heavy, and the worker's module must load fast.
    from activities.providers.guard import Guard, GuardOptions  # noqa: PLC0415
    from activities.providers.outbox import OutboxProvider  # noqa: PLC0415
    from activities.providers.secrets import Secrets  # noqa: PLC0415
    from activities.providers.webhook import WebhookProvider  # noqa: PLC0415

    guard = Guard(GuardOptions(allows_private=options.webhook_allow_private))
    secrets = Secrets(environment, folder=options.secrets)
    connected: tuple[Provider, ...] = (OutboxProvider(store), WebhookProvider(guard, secrets=secrets))
    return Providers(connected, channels=options.channels())
