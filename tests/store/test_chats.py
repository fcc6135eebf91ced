"""Chats: conversations, messages once by their ref, and whispers apart from them. Covers C4, T19, T20."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from activities.store import chats, customers
from activities.store.chats import Received
from activities.store.database import NotFound, Store, Tx
from tests.store.builders import KEY, NOW, anna, later, put_order


async def receive(tx: Tx, text: str = "Hello", **more: Any) -> Received:
    """Let the customer write in WhatsApp."""
    values: dict[str, Any] = {"medium": "whatsapp", "address": "+48501234567", "ref": text, "at": NOW, "shop": "shop"}
    return await chats.receive(tx, text=text, **(values | more))


async def test_the_first_message_makes_the_conversation(store: Store) -> None:
    async with store.write() as tx:
        first = await receive(tx)
        second = await receive(tx, "Are you there?", at=later(minutes=1))
    assert (first.is_new, first.is_first) == (True, True)
    assert (second.is_new, second.is_first) == (True, False)
    assert second.conversation.id == first.conversation.id
    assert second.conversation.last_inbound_at == later(minutes=1)
    assert second.message > first.message


async def test_a_message_that_came_before_changes_nothing(store: Store) -> None:
    async with store.write() as tx:
        first = await receive(tx)
        again = await receive(tx, at=later(hours=1))
        kept = await chats.history(tx, conversation=first.conversation.id)
    assert (again.is_new, again.is_first, again.message) == (False, False, first.message)
    assert again.conversation.last_inbound_at == NOW
    assert [line.text for line in kept] == ["Hello"]


async def test_the_same_ref_in_another_conversation_is_another_message(store: Store) -> None:
    async with store.write() as tx:
        await receive(tx)
        other = await receive(tx, address="+48501234568")
    assert (other.is_new, other.is_first) == (True, True)


async def test_a_message_that_came_late_does_not_turn_the_clock_back(store: Store) -> None:
    async with store.write() as tx:
        await receive(tx, at=later(hours=2))
        late = await receive(tx, "earlier", at=NOW)
    assert late.conversation.last_inbound_at == later(hours=2)


async def test_the_customers_card_says_where_they_last_wrote(store: Store) -> None:
    async with store.write() as tx:
        await customers.create(tx, anna(), now=NOW)
        await receive(tx, customer="anna")
        assert (await customers.get(tx, id="anna")).channel == "whatsapp"
        await receive(tx, medium="web", address="v-1", customer="anna", at=later(minutes=5))
        assert (await customers.get(tx, id="anna")).channel == "web"
        latest = await chats.latest_of_customer(tx, customer="anna")
    assert latest is not None
    assert (latest.medium, latest.address) == ("web", "v-1")


async def test_a_customer_who_never_wrote_has_no_chat(store: Store) -> None:
    async with store.write() as tx:
        await customers.create(tx, anna(), now=NOW)
        await chats.opened(tx, medium="web", address="v-1", shop="shop", at=NOW, customer="anna")
        assert await chats.latest_of_customer(tx, customer="anna") is None


async def test_a_visitor_may_become_known_later_and_then_stays_who_they_are(store: Store) -> None:
    async with store.write() as tx:
        for id in ("anna", "bea"):
            await customers.create(tx, anna(id=id), now=NOW)
        assert (await receive(tx, "1")).conversation.customer_id is None
        assert (await receive(tx, "2", customer="anna")).conversation.customer_id == "anna"
        assert (await receive(tx, "3", customer="bea")).conversation.customer_id == "anna"


async def test_an_answer_is_kept_once_by_its_ref(store: Store) -> None:
    key = await put_order(store)
    async with store.write() as tx:
        chat = (await receive(tx)).conversation
        for text in ("Yes", "No"):
            line = await chats.add_outbound(
                tx, conversation=chat.id, text=text, ref="send-1", author="olga", at=later(minutes=1), order=key
            )
        assert (line.text, line.author, line.is_inbound, line.order_id) == ("Yes", "olga", False, str(KEY))
        assert (await chats.get(tx, id=chat.id)).last_at == later(minutes=1)
        assert len(await chats.history(tx, conversation=chat.id)) == 2


async def test_what_a_rule_sent_outside_is_kept_in_its_conversation_once(store: Store) -> None:
    key = await put_order(store)
    async with store.write() as tx:
        chat = (await receive(tx)).conversation
        for address in (chat.address, chat.address, "+48000"):
            await chats.add_sent(
                tx, medium="whatsapp", address=address, text="Yes", send_id=UUID(int=5), order=key, at=later(minutes=1)
            )
        assert [line.text for line in await chats.history(tx, conversation=chat.id)] == ["Hello", "Yes"]


async def test_history_follows_an_id_or_shows_the_newest(store: Store) -> None:
    async with store.write() as tx:
        for n in range(5):
            chat = (await receive(tx, str(n))).conversation
        newest = await chats.history(tx, conversation=chat.id, limit=2)
        after = await chats.history(tx, conversation=chat.id, after=newest[0].id)
        first = await chats.history(tx, conversation=chat.id, after=0, limit=2)
        ids = await chats.newest_ids(tx, conversations=[chat.id, UUID(int=1)])
    assert ids == {chat.id: newest[-1].id}
    assert [line.text for line in newest] == ["3", "4"]
    assert [line.text for line in after] == ["4"]
    assert [line.text for line in first] == ["0", "1"]


async def test_a_whisper_is_read_by_nothing_but_its_own_list(store: Store) -> None:
    """Case 27."""
    async with store.write() as tx:
        chat = (await receive(tx)).conversation
        for text in ("Careful", "Again"):
            await chats.whisper(tx, conversation=chat.id, text=text, ref="w-1", author="olga", at=NOW)
        assert [line.text for line in await chats.history(tx, conversation=chat.id)] == ["Hello"]
        assert await chats.find(tx, conversation=chat.id, ref="w-1") is None
        (whisper,) = await chats.whispers(tx, conversation=chat.id)
        assert await chats.newest_whispers(tx, conversations=[chat.id]) == {chat.id: whisper.id}
    assert (whisper.text, whisper.author, whisper.is_whisper) == ("Careful", "olga", True)


async def test_what_names_no_conversation_is_refused(store: Store) -> None:
    async with store.write() as tx:
        with pytest.raises(NotFound):
            await chats.get(tx, id=UUID(int=1))
        with pytest.raises(NotFound):
            await chats.add_outbound(tx, conversation=UUID(int=1), text="x", ref="x", author="", at=NOW)
        with pytest.raises(NotFound):
            await chats.whisper(tx, conversation=UUID(int=1), text="x", ref="x", author="", at=NOW)
        with pytest.raises(NotFound):
            await chats.set_open(tx, conversation=UUID(int=1), is_open=False)


async def test_conversations_come_in_pages_the_last_touched_first(store: Store) -> None:
    async with store.write() as tx:
        await customers.create(tx, anna(), now=NOW)
        for n in range(3):
            await receive(tx, "Hello", address=f"+4850123456{n}", at=NOW + timedelta(minutes=n), customer="anna")
        first = await chats.page(tx, limit=2)
        second = await chats.page(tx, limit=2, cursor=first.next_cursor)
        await chats.set_open(tx, conversation=first.items[0].id, is_open=False)
        still = await chats.page(tx, is_open=True)
        hers = await chats.page(tx, customer="anna")
        nobodys = await chats.page(tx, customer="bea")
    found = [chat.address[-1] for chat in first.items + second.items]
    assert (found, second.next_cursor) == (["2", "1", "0"], None)
    assert ([chat.address[-1] for chat in still.items], len(hers.items), nobodys.items) == (["1", "0"], 3, [])


async def test_a_closed_conversation_opens_with_the_customers_next_message(store: Store) -> None:
    async with store.write() as tx:
        chat = (await receive(tx)).conversation
        await chats.set_open(tx, conversation=chat.id, is_open=False)
        assert not (await chats.get(tx, id=chat.id)).is_open
        assert (await receive(tx, "One more thing")).conversation.is_open


async def test_of_many_first_messages_at_once_one_is_the_first_and_readers_miss_none(store: Store) -> None:
    """The reader asks for what follows the last id it saw while the writers write."""
    seen: list[str] = []
    count = 20

    async def write(text: str) -> bool:
        async with store.write() as tx:
            return (await receive(tx, text)).is_first

    async def read() -> None:
        after = 0
        while len(seen) < count:
            async with store.read() as tx:
                chat = await chats.of_address(tx, medium="whatsapp", address="+48501234567")
                lines = [] if chat is None else await chats.history(tx, conversation=chat.id, after=after)
            seen.extend(line.text for line in lines)
            after = lines[-1].id if lines else after
            await asyncio.sleep(0)

    reading = asyncio.create_task(read())
    firsts = await asyncio.gather(*(write(str(n)) for n in range(count)))
    async with asyncio.timeout(60):
        await reading
    assert sum(firsts) == 1
    assert sorted(seen, key=int) == [str(n) for n in range(count)]
