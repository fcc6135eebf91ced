"""Chats with customers: conversations, their messages, and the whispers that only employees read.

Each message and whisper is kept once by its `ref`. Its conversation is locked while it is written, so a reader that
asks for what follows an id misses none. What customers read never touches the table of whispers.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store.conversations import WEB as WEB
from activities.store.conversations import ChatLine as ChatLine
from activities.store.conversations import ConversationRecord as ConversationRecord
from activities.store.conversations import conversation_of
from activities.store.conversations import find as find
from activities.store.conversations import find_whisper as find_whisper
from activities.store.conversations import get as get
from activities.store.conversations import history as history
from activities.store.conversations import latest_of_customer as latest_of_customer
from activities.store.conversations import newest_ids as newest_ids
from activities.store.conversations import newest_whispers as newest_whispers
from activities.store.conversations import of_address as of_address
from activities.store.conversations import of_customer as of_customer
from activities.store.conversations import page as page
from activities.store.conversations import takes_words as takes_words
from activities.store.conversations import these as these
from activities.store.conversations import web_conversation as web_conversation
from activities.store.conversations import whispers as whispers
from activities.store.database import NotFound, Tx
from activities.store.history import LedgerState
from activities.store.suppressions import fingerprint
from activities.store.tables import CHAT_MESSAGES, CONVERSATIONS, CUSTOMERS, LEDGER, WHISPERS
from workflows.contracts.ids import OrderKey


@dataclass(frozen=True)
class Received:
    """What became of a customer's message. `is_new` is false for one that was there; `is_first` opens the chat."""

    conversation: ConversationRecord
    message: int
    is_new: bool
    is_first: bool


@dataclass(frozen=True)
class Earlier:
    """An earlier attempt of a send that may have left: on which channel, when, and (hashed) where to."""

    channel: str
    at: datetime
    address_hash: str

    def is_to(self, address: str) -> bool:
        """Say whether it went to this address."""
        return self.address_hash == fingerprint(address)


_OPEN = upsert(CONVERSATIONS).on_conflict_do_nothing(index_elements=["medium", "address"])

_LOCK_ADDRESS = (
    select(CONVERSATIONS)
    .where(CONVERSATIONS.c.medium == bindparam("in_medium"), CONVERSATIONS.c.address == bindparam("of_address"))
    .with_for_update()
)

_LOCK = select(CONVERSATIONS).where(CONVERSATIONS.c.id == bindparam("conversation_id")).with_for_update()

_ADD = upsert(CHAT_MESSAGES).on_conflict_do_nothing(index_elements=["conversation", "ref"])

_ADD_WHISPER = upsert(WHISPERS).on_conflict_do_nothing(index_elements=["conversation", "ref"])

_CAME_IN = (
    update(CONVERSATIONS)
    .where(CONVERSATIONS.c.id == bindparam("conversation_id"))
    .values(
        customer_id=bindparam("whose"),
        language=bindparam("tongue"),
        is_open=True,
        last_at=bindparam("touched"),
        last_inbound_at=bindparam("came"),
    )
)

_WENT_OUT = (
    update(CONVERSATIONS).where(CONVERSATIONS.c.id == bindparam("conversation_id")).values(last_at=bindparam("touched"))
)

_CLOSE = (
    update(CONVERSATIONS).where(CONVERSATIONS.c.id == bindparam("conversation_id")).values(is_open=bindparam("opens"))
)

_LINK = (
    update(CONVERSATIONS)
    .where(CONVERSATIONS.c.id == bindparam("conversation_id"))
    .values(customer_id=bindparam("whose"))
)

_LAST_WROTE_IN = (
    update(CUSTOMERS)
    .where(CUSTOMERS.c.id == bindparam("whose"), CUSTOMERS.c.channel != bindparam("in_medium"))
    .values(channel=bindparam("in_medium"))
)


#: States of a send in which nothing can have left.
_STAYED = (LedgerState.PLANNED, LedgerState.SKIPPED)

_EARLIER = select(LEDGER.c.channel, LEDGER.c.claimed_at, LEDGER.c.address_hash).where(
    LEDGER.c.id == bindparam("send"), LEDGER.c.state.not_in(_STAYED)
)


async def receive(
    tx: Tx,
    *,
    medium: str,
    address: str,
    text: str,
    ref: str,
    at: datetime,
    shop: str,
    customer: str | None = None,
    language: str = "",
) -> Received:
    """Keep what a customer wrote, in the conversation of that medium and address, which is made if there is none.

    `ref` is the medium's id of the message; the same one again changes nothing. A customer who is not known yet may be
    named later; one who is stays. The customer's card then says that they wrote in this medium last.
    """
    found = await opened(tx, medium=medium, address=address, shop=shop, at=at, customer=customer, language=language)
    if (await tx.run(_ADD, _line(found.id, ref=ref, text=text, at=at, is_inbound=True))).rowcount == 0:
        known = await find(tx, conversation=found.id, ref=ref)
        return Received(found, message=known.id if known else 0, is_new=False, is_first=False)
    latest = max(found.last_inbound_at or at, at)
    changed = {
        "customer_id": found.customer_id or customer,
        "language": language or found.language,
        "is_open": True,
        "last_at": max(found.last_at, at),
        "last_inbound_at": latest,
    }
    values = {
        "conversation_id": found.id,
        "whose": changed["customer_id"],
        "tongue": changed["language"],
        "touched": changed["last_at"],
        "came": latest,
    }
    await tx.run(_CAME_IN, values)
    if changed["customer_id"] is not None:
        await tx.run(_LAST_WROTE_IN, {"whose": changed["customer_id"], "in_medium": medium})
    row = await find(tx, conversation=found.id, ref=ref)
    is_first = found.last_inbound_at is None
    return Received(found.model_copy(update=changed), message=row.id if row else 0, is_new=True, is_first=is_first)


async def opened(
    tx: Tx,
    *,
    medium: str,
    address: str,
    shop: str,
    at: datetime,
    customer: str | None = None,
    language: str = "",
) -> ConversationRecord:
    """Give the conversation of a medium's address, locked; it is made where there is none."""
    values = {
        "id": web_conversation(address) if medium == WEB else uuid4(),
        "shop": shop,
        "medium": medium,
        "address": address,
        "customer_id": customer,
        "language": language,
        "is_open": True,
        "created_at": at,
        "last_at": at,
        "last_inbound_at": None,
    }
    await tx.run(_OPEN, values)
    row = await tx.first(_LOCK_ADDRESS, {"in_medium": medium, "of_address": address})
    if row is None:
        raise NotFound("conversation", medium)
    return conversation_of(row)


async def add_outbound(
    tx: Tx, *, conversation: UUID, text: str, ref: str, author: str, at: datetime, order: OrderKey | None = None
) -> ChatLine:
    """Keep what was written to a customer, once by `ref`; give what is kept. Raise NotFound for no conversation."""
    found = await _locked(tx, id=conversation)
    line = _line(conversation, ref=ref, text=text, at=at, is_inbound=False, author=author, order=order)
    if (await tx.run(_ADD, line)).rowcount:
        await tx.run(_WENT_OUT, {"conversation_id": conversation, "touched": max(found.last_at, at)})
    kept = await find(tx, conversation=conversation, ref=ref)
    if kept is None:
        raise NotFound("message", ref)
    return kept


async def add_sent(
    tx: Tx, *, medium: str, address: str, text: str, send_id: UUID, order: OrderKey, at: datetime
) -> None:
    """Keep what a rule sent into a conversation outside, once by the send's id; nothing where there is none."""
    found = await of_address(tx, medium=medium, address=address)
    if found is not None:
        await add_outbound(tx, conversation=found.id, text=text, ref=str(send_id), author="", at=at, order=order)


async def whisper(
    tx: Tx, *, conversation: UUID, text: str, ref: str, author: str, at: datetime, order: OrderKey | None = None
) -> ChatLine:
    """Keep a remark for employees, once by `ref`, in a table of its own. Raise NotFound for no conversation."""
    await _locked(tx, id=conversation)
    line = _line(conversation, ref=ref, text=text, at=at, is_inbound=False, author=author, order=order)
    del line["is_inbound"]
    await tx.run(_ADD_WHISPER, line)
    kept = await find_whisper(tx, conversation=conversation, ref=ref)
    if kept is None:
        raise NotFound("whisper", ref)
    return kept


async def earlier(tx: Tx, *, send_id: UUID) -> Earlier | None:
    """Give the attempt of a send that may have left; None where nothing can have."""
    row = await tx.first(_EARLIER, {"send": send_id})
    if row is None or row.claimed_at is None:
        return None
    return Earlier(channel=row.channel, at=row.claimed_at, address_hash=row.address_hash)


async def link(tx: Tx, *, conversation: UUID, customer: str) -> None:
    """Say whose conversation it is."""
    await tx.run(_LINK, {"conversation_id": conversation, "whose": customer})


async def set_open(tx: Tx, *, conversation: UUID, is_open: bool) -> None:
    """Close a conversation that is over, or open it again; the customer's next message opens it by itself."""
    await get(tx, id=conversation)
    await tx.run(_CLOSE, {"conversation_id": conversation, "opens": is_open})


async def _locked(tx: Tx, *, id: UUID) -> ConversationRecord:
    row = await tx.first(_LOCK, {"conversation_id": id})
    if row is None:
        raise NotFound("conversation", str(id))
    return conversation_of(row)


def _line(
    conversation: UUID,
    *,
    ref: str,
    text: str,
    at: datetime,
    is_inbound: bool,
    author: str = "",
    order: OrderKey | None = None,
) -> dict[str, object]:
    return {
        "conversation": conversation,
        "ref": ref,
        "is_inbound": is_inbound,
        "author": author,
        "text": text,
        "order_id": None if order is None else str(order),
        "at": at,
    }
