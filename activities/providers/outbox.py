"""The provider that sends nothing: it shows what would have been sent, in the store's outbox."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

from activities.providers.protocol import Accepted, Message, Outcome
from activities.providers.registry import Connecting
from activities.store import outbox
from activities.store.database import Store
from activities.store.history import OutboxRecord

Clock = Callable[[], datetime]


class OutboxProvider:
    """Put messages into the outbox; a second send with the same id changes nothing."""

    name = "outbox"
    channels: tuple[str, ...] = ("sms", "email", "voice", "chat")
    grace = timedelta(0)
    patience = timedelta(seconds=1)

    def __init__(self, store: Store, *, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._clock = clock

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Put the message into the outbox."""
        async with self._store.write() as tx:
            await outbox.put(tx, record=_record(message, send_id=send_id, at=self._clock()))
        return Accepted(_provider_id(send_id))

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Look the message up in the outbox."""
        async with self._store.read() as tx:
            found = await outbox.find(tx, send_id=send_id)
        return None if found is None else Accepted(found.provider_id)

    async def outcome(self, message: Message, *, send_id: UUID) -> Outcome | None:
        """Say that it was heard: in the outbox every call is answered by a person."""
        return Outcome({"outcome": "answered", "answered_by": "human"} if message.channel == "voice" else {})


def connect(given: Connecting) -> OutboxProvider:
    """Build the provider; it needs no account."""
    return OutboxProvider(given.store)


def _provider_id(send_id: UUID) -> str:
    return f"outbox-{send_id}"


def _record(message: Message, *, send_id: UUID, at: datetime) -> OutboxRecord:
    return OutboxRecord(
        send_id=send_id,
        provider_id=_provider_id(send_id),
        channel=message.channel,
        address=message.address,
        sender=message.sender,
        subject=message.subject,
        body=message.body,
        html=message.html,
        headers=message.headers,
        attachments=[
            {"name": one.name, "media_type": one.media_type, "document": one.document} for one in message.attachments
        ],
        details=_details(message),
        at=at,
    )


def _details(message: Message) -> dict[str, object]:
    """Return what else the message's channel knows: how a call sounds, in which chat it is."""
    found: dict[str, object] = {}
    if message.speech is not None:
        found |= asdict(message.speech)
    found |= {"medium": message.medium, "template": message.template, "variables": message.variables}
    return {name: value for name, value in found.items() if value}
