"""Tells of settings that nobody reads, such as a misspelt ORDERS_TWILIO_ACOUNT_SID: by name, never by value."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from starter.cli.findings import Finding
from starter.cli.output import note

if TYPE_CHECKING:
    from activities.runtime.settings import Settings


def tell_unread(settings: "Settings") -> None:
    """Write a line into the log for each, as a part starts: in the form that the part itself logs in."""
    from activities.accounts.names import unread
    from activities.runtime import logs

    found = unread(os.environ, folder=settings.secrets)
    if found:
        logs.configure(settings)
    for one in found:
        logs.log("settings").warning("No setting has this name: it is not read", name=one.name, advice=one.advice)


def warn_of_unread() -> None:
    """Print a line for each, where people start everything on their machine."""
    from activities.accounts.names import unread

    folder = os.environ.get("ORDERS_SECRETS")
    for one in unread(os.environ, folder=Path(folder) if folder else None):
        note(f"warning: {one}")


def of_unread(settings: "Settings") -> list[Finding]:
    """Say of each what it is to be called."""
    from activities.accounts.names import unread

    found = unread(os.environ, folder=settings.secrets)
    if not found:
        return [Finding("settings", True, "every ORDERS_ variable is read")]
    words = {one.name: f"nobody reads {one.name}" for one in found}
    return [Finding("settings", True, words[one.name], help=one.advice, is_warning=True) for one in found]
