"""What `orders doctor` says of the providers that channels are given to: one that is not connected fails each send."""

import os
from typing import TYPE_CHECKING

from starter.cli.findings import Finding

if TYPE_CHECKING:
    from activities.runtime.settings import Settings
    from activities.store.database import Store


def of_senders(settings: "Settings", *, store: "Store") -> list[Finding]:
    """Say of each channel whose provider is not connected what to correct; nothing while an account is not whole."""
    from activities import trial
    from activities.providers.errors import Misconfigured

    found: list[Finding] = []
    try:
        providers = trial.connected(settings, store=store, environment=os.environ)
    except trial.NoTrial:
        return []  # the vendor's own finding tells
    for channel in settings.channels():
        try:
            providers.choose(channel)
        except Misconfigured as error:
            found.append(Finding(channel, False, error.words, help=f"correct {error.setting}, or connect the account"))
    return found
