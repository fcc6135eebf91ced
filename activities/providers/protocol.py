"""What every provider offers: send once, look a send up again. The only code that speaks to an outside API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable
from uuid import UUID


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a message: its name, its media type (`application/pdf`), its bytes.

    `document` is the id of the stored document it is, if it is one.
    """

    name: str
    media_type: str
    content: bytes
    document: str = ""


@dataclass(frozen=True)
class Speech:
    """How a call sounds: the body read aloud in a voice, or with `audio` (a public https address) a recording.

    `language` is a BCP 47 tag; `rate` is in per cent of the voice's own, `volume` in decibels.
    """

    language: str = ""
    voice: str = ""
    rate: int = 100
    volume: int = 0
    audio: str = ""


@dataclass(frozen=True)
class Again:
    """How often a message that reached nobody is sent anew, and how long after the attempt before."""

    times: int
    every: timedelta


#: The header that says where a mail is answered to. Some vendors take it only as a field of its own.
REPLY_TO = "Reply-To"


@dataclass(frozen=True)
class Message:
    """What is to leave the house, fully rendered.

    `address` is a phone (E.164), a mail address or a URL; in a chat it is what the medium knows the customer by.
    `customer` is whose consent counts, None for employees and machines. `addressee` is the employee's id where a run
    writes to employees: each has a ledger row of his own. `headers` are extra wire headers; `secret` names the secret
    that signs. `medium` is the chat it belongs to (`whatsapp`, `messenger`, `sms`, `web`); `template` and `variables`
    are a text the medium approved beforehand. After `expires` it must not arrive any more. `results` and `events`
    (type, data) take effect once the provider has accepted. With `awaits_outcome` the run ends only when the provider
    tells how it went; `again` repeats what reached nobody.
    """

    channel: str
    address: str
    body: str
    subject: str = ""
    html: str = ""
    sender: str = ""
    provider: str = ""
    customer: str | None = None
    addressee: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    secret: str = ""
    attachments: tuple[Attachment, ...] = ()
    speech: Speech | None = None
    medium: str = ""
    template: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    expires: datetime | None = None
    awaits_outcome: bool = False
    again: Again | None = None
    attempt: int = 1
    results: dict[str, object] = field(default_factory=dict)
    events: tuple[tuple[str, dict[str, object]], ...] = ()


@dataclass(frozen=True)
class Accepted:
    """The provider took the message under its own id. `results` become results of the run."""

    provider_id: str
    results: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How an accepted send went. `has_reached` is false for a call that nobody took: it may be sent anew.

    `results` become results of the run; with `failure` (words for people) the run fails.
    """

    results: dict[str, object]
    has_reached: bool = True
    failure: str = ""


class Provider(Protocol):
    """One outside API. `grace` is how long it may still be busy with a request whose answer was lost."""

    name: str
    channels: tuple[str, ...]
    grace: timedelta

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Send once. Raise NotSent, Unknown, Rejected or Misconfigured."""
        ...

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Find out whether the send was accepted; None if it was not. Raise Unknown where it cannot tell."""
        ...


@runtime_checkable
class Limited(Protocol):
    """A provider that takes only so many sends a second. `rates` are those of its channels, of all workers together.

    A channel that is not among them takes any number.
    """

    rates: Mapping[str, float]


@runtime_checkable
class Telling(Protocol):
    """A provider that can tell how an accepted send went. `patience` is how often it is worth asking."""

    patience: timedelta

    async def outcome(self, message: Message, *, send_id: UUID) -> Outcome | None:
        """Return how it went; None while it is still under way. Raise NotSent where it cannot be asked now."""
        ...
