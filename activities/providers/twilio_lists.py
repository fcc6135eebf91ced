"""What Twilio's lists show of a message or call, and by what it is known again there as one of ours."""

from datetime import datetime
from typing import Protocol

from activities.providers.protocol import Message
from activities.store import adopting
from activities.store.adopting import Likeness, writable

#: Channels that one list of Twilio's holds.
_LISTS = {"voice": ("voice",), "sms": ("sms", "chat"), "chat": ("sms", "chat")}

#: What a trial account puts before every text.
_TRIAL = "Sent from your Twilio trial account - "


class Listed(Protocol):
    """What we read of the SDK's messages and calls, which have no types. Calls have no body."""

    sid: str | None
    direction: str | None
    date_created: datetime | None
    body: str | None


def fits(listed: Listed, *, message: Message, since: datetime) -> bool:
    """Say whether a listed message or call may be the one; what a template became, only Twilio knows."""
    if not str(listed.direction).startswith("outbound") or listed.date_created is None or listed.date_created < since:
        return False
    if _is_any_text(message):
        return True
    return str(listed.body).removeprefix(_TRIAL).strip() == writable(message.body).strip()


def likeness(message: Message, *, provider: str) -> Likeness:
    """Say which other sends such a list could not tell from this one."""
    return Likeness(
        provider=provider,
        channels=_LISTS[message.channel],
        address=message.address,
        body_hash=adopting.hash_of(subject=message.subject, body=message.body),
        is_any_text=_is_any_text(message),
    )


def _is_any_text(message: Message) -> bool:
    return message.channel == "voice" or bool(message.template)
