"""What every provider offers: send once, look a send up again. The only code that speaks to an outside API."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Message:
    """What is to leave the house, fully rendered.

    `address` is a phone (E.164), a mail address or a URL. `customer` is whose consent counts, None for employees and
    machines. `addressee` is the employee's id where a run writes to employees: each has a ledger row of his own.
    `headers` are extra wire headers; `secret` names the secret that signs. `results` and `events` (type, data) take
    effect once the provider has accepted.
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
    results: dict[str, object] = field(default_factory=dict)
    events: tuple[tuple[str, dict[str, object]], ...] = ()


@dataclass(frozen=True)
class Accepted:
    """The provider took the message under its own id. `results` become results of the run."""

    provider_id: str
    results: dict[str, object] = field(default_factory=dict)


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
