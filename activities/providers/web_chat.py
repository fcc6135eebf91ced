"""The provider of the built-in web chat: writes a message into the visitor's conversation, from where pages read it.

The same transaction lets the outbox show it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from activities.providers.errors import Rejected
from activities.providers.protocol import Accepted, Message
from activities.providers.registry import Connecting
from activities.store import chats, ledger, outbox
from activities.store.database import Store
from workflows.contracts.ids import OrderKey

NAME = "web-chat"


class WebChatProvider:
    """Keep messages in their conversation, once by the send's id; a second send with the same id changes nothing."""

    name = NAME
    channels: tuple[str, ...] = ("chat",)
    grace = timedelta(0)

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._clock = clock

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Write the message into the conversation of its visitor; raise Rejected where there is none."""
        async with self._store.write() as tx:
            chat = await chats.of_address(tx, medium=chats.WEB, address=message.address)
            if message.medium != chats.WEB or chat is None:
                raise Rejected("no-conversation", "the customer's web chat is gone: they must write again")
            row = await ledger.row(tx, send_id=send_id)
            line = await chats.add_outbound(
                tx,
                conversation=chat.id,
                text=message.body,
                ref=str(send_id),
                author="",
                at=self._clock(),
                # So that it goes when its order is deleted.
                order=None if row is None else OrderKey(shop=row.shop, number=row.number),
            )
            await outbox.refer(
                tx,
                send_id=send_id,
                provider_id=_provider_id(line.id),
                medium=chats.WEB,
                conversation=chat.id,
                at=line.at,
            )
        return _accepted(line.id)

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Look the message up in the conversation."""
        async with self._store.read() as tx:
            chat = await chats.of_address(tx, medium=chats.WEB, address=message.address)
            found = None if chat is None else await chats.find(tx, conversation=chat.id, ref=str(send_id))
        return None if found is None else _accepted(found.id)


def connect(given: Connecting) -> WebChatProvider:
    """Build the provider; it needs no account."""
    return WebChatProvider(given.store)


def _accepted(message: int) -> Accepted:
    return Accepted(_provider_id(message))


def _provider_id(message: int) -> str:
    return f"{NAME}-{message}"
