"""The outbox: messages that would have been sent and those of the web chat, in one list. Covers C4."""

from datetime import datetime
from uuid import UUID

from activities.store import chats, customers, erasing, outbox
from activities.store.database import Store, Tx
from activities.store.history import OutboxRecord
from activities.store.records import Page
from tests.store.builders import NOW, anna, later


async def sent(tx: Tx, number: int, *, at: datetime) -> None:
    """Put a text message into the outbox."""
    id = UUID(int=number)
    record = OutboxRecord(send_id=id, provider_id=f"outbox-{id}", channel="sms", address="+48", body=f"{number}", at=at)
    await outbox.put(tx, record=record)


async def written(tx: Tx, number: int, *, at: datetime, visitor: str = "v-1") -> None:
    """Let a rule write into the chat of a visitor who is the customer Anna."""
    chat = await chats.opened(tx, medium="web", address=visitor, shop="shop", at=at, customer="anna")
    id = UUID(int=number)
    line = await chats.add_outbound(tx, conversation=chat.id, text=f"chat {number}", ref=str(id), author="", at=at)
    for _ in range(2):  # a repeat changes nothing
        await outbox.refer(
            tx, send_id=id, provider_id=f"web-chat-{line.id}", medium="web", conversation=chat.id, at=line.at
        )


def words(page: Page[OutboxRecord]) -> list[tuple[str, str]]:
    return [(record.address, record.body) for record in page.items]


async def test_messages_of_the_web_chat_stand_among_the_others_by_their_time(store: Store) -> None:
    async with store.write() as tx:
        await customers.create(tx, anna(), now=NOW)
        await sent(tx, 1, at=NOW)
        await written(tx, 2, at=later(minutes=1))
        await written(tx, 3, at=later(minutes=2), visitor="v-2")
        await sent(tx, 4, at=later(minutes=2))
        await written(tx, 5, at=later(minutes=3))
        pages, cursor = [], None
        for _ in range(3):
            page = await outbox.page(tx, cursor=cursor, limit=2)
            pages.append(words(page))
            cursor = page.next_cursor
    assert cursor is None
    assert pages == [[("v-1", "chat 5"), ("+48", "4")], [("v-2", "chat 3"), ("v-1", "chat 2")], [("+48", "1")]]


async def test_a_message_of_the_web_chat_is_found_with_its_text(store: Store) -> None:
    async with store.write() as tx:
        await customers.create(tx, anna(), now=NOW)
        await written(tx, 1, at=NOW)
        found = await outbox.find(tx, send_id=UUID(int=1))
    assert found is not None
    assert (found.body, found.address) == ("chat 1", "v-1")


async def test_what_an_erased_customer_was_told_in_the_web_chat_is_gone(store: Store) -> None:
    async with store.write() as tx:
        await customers.create(tx, anna(), now=NOW)
        await written(tx, 1, at=NOW)
        await erasing.customer(tx, id="anna", now=later(days=1))
        ((address, body),) = words(await outbox.page(tx))
    assert body == ""
    assert "v-1" not in address
