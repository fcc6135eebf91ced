"""Which provider carries which channel. Built once where the process starts, and handed in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import Client

from activities.providers.errors import Misconfigured
from activities.providers.protocol import Limited, Provider
from activities.store.database import Store


@dataclass(frozen=True)
class Connecting:
    """What providers are built from.

    `channels` names the provider of each channel. `environment` and `folder` are where accounts and secrets are looked
    up. `public_url` is the gateway's address for callbacks. `client` reaches Temporal. `allows_private` lets calls
    reach loopback and plain http, for development.
    """

    store: Store
    channels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    public_url: str = ""
    client: Client | None = None
    allows_private: bool = False


#: Builds a provider; None where its account is not among the settings. Raise Misconfigured for half an account.
Connect = Callable[[Connecting], Provider | None]

#: The provider of a channel unless a setting names another.
DEFAULTS: Mapping[str, str] = {
    "sms": "outbox",
    "email": "outbox",
    "voice": "outbox",
    "chat": "outbox",
    "webhook": "webhook",
    "staff_chat": "staff_chat",
    "document": "typst",
    "workflow": "workflow",
}

#: The setting without which a provider has no account.
_ACCOUNTS: Mapping[str, str] = {
    "twilio": "ORDERS_TWILIO_ACCOUNT_SID",
    "sendgrid": "ORDERS_SENDGRID_API_KEY",
    "smtp": "ORDERS_SMTP_HOST",
}


class Providers:
    """The connected providers, and the one each channel uses unless a rule names another."""

    def __init__(self, connected: Iterable[Provider], *, channels: Mapping[str, str] = DEFAULTS) -> None:
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
            whose = f"the rule's provider '{name}'" if name else f"'{wanted}'"
            lacks = f" ({_ACCOUNTS[wanted]} is missing)" if provider is None and wanted in _ACCOUNTS else ""
            words = f"{whose} is not connected for {channel}{lacks}; {self._offer(channel)}"
            raise Misconfigured(setting, f"{words}; correct it, or leave it out" if name else words)
        return provider

    def rate(self, channel: str) -> float | None:
        """Return how many sends a second the provider of a channel takes, of all workers together; None for any."""
        provider = self._connected.get(self._channels.get(channel, ""))
        return provider.rates.get(channel) if isinstance(provider, Limited) else None

    def _offer(self, channel: str) -> str:
        names = [provider.name for provider in self._connected.values() if channel in provider.channels]
        return f"connected: {', '.join(names)}" if names else "nothing is"


def connect(given: Connecting) -> Providers:
    """Build every provider whose account is among the settings; raise Misconfigured, naming the setting."""
    # Imported here: their HTTP client is heavy, and the worker's module must load fast.
    from activities.providers import (  # noqa: PLC0415
        outbox,
        sendgrid,
        smtp,
        staff_chat,
        twilio,
        typst,
        web_chat,
        webhook,
        workflow,
    )

    builders: tuple[Connect, ...] = (
        outbox.connect,
        sendgrid.connect,
        smtp.connect,
        staff_chat.connect,
        twilio.connect,
        typst.connect,
        web_chat.connect,
        webhook.connect,
        workflow.connect,
    )
    connected = [provider for build in builders if (provider := build(given)) is not None]
    return Providers(connected, channels={**DEFAULTS, **given.channels})
