"""What employees write in a chat: answers to the customer in the medium they wrote in, and remarks for each other.

An answer into a chat outside is kept and planned in one transaction; a courier sends it. Nothing leaves from here.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from activities.store import answers, chats, orders
from activities.store.chats import ChatLine, ConversationRecord
from activities.store.database import NotFound, Tx
from starter.gateway.problems import Problem, at
from workflows.contracts.ids import OrderKey

#: Most characters of an answer into a chat outside; Twilio takes no more in any of them.
_LIMIT = 1600

#: What employees' refs begin with, so that none is taken for a visitor's or a provider's.
_OWN = "employee:"


@dataclass(frozen=True)
class Typed:
    """What an employee typed. `order` is the number of the order it is about."""

    ref: str
    text: str
    author: str
    order: str | None = None


async def answer(tx: Tx, *, chat: UUID, new: Typed, now: datetime) -> ChatLine:
    """Keep an answer once by its ref, and plan it where it must leave; raise NotFound, Problem (409, 422)."""
    conversation = await chats.get(tx, id=chat)
    ref = f"{_OWN}{new.ref}"
    kept = await chats.find(tx, conversation=chat, ref=ref)
    if kept is not None:
        return kept
    is_outside = conversation.medium != chats.WEB
    text = unicodedata.normalize("NFC", new.text)
    if is_outside:
        await _refuse(tx, conversation, text=text, now=now)
    order = await _order(tx, conversation, number=new.order)
    line = await chats.add_outbound(tx, conversation=chat, text=text, ref=ref, author=new.author, at=now, order=order)
    if not is_outside:
        return line
    await answers.plan(tx, chat=conversation, message=line.id, ref=ref, now=now)
    (planned,) = await chats.these(tx, conversation=chat, ids=[line.id])
    return planned


async def remark(tx: Tx, *, chat: UUID, new: Typed, now: datetime) -> ChatLine:
    """Keep a whisper once by its ref; raise NotFound."""
    conversation = await chats.get(tx, id=chat)
    order = await _order(tx, conversation, number=new.order)
    return await chats.whisper(
        tx, conversation=chat, text=new.text, ref=f"{_OWN}{new.ref}", author=new.author, at=now, order=order
    )


async def _refuse(tx: Tx, chat: ConversationRecord, *, text: str, now: datetime) -> None:
    if len(text) > _LIMIT:
        detail = f"body/text: it has {len(text)} characters; {chat.medium} takes at most {_LIMIT}: write two messages"
        raise at("/text", detail=detail)
    refused = await answers.refusal(tx, chat, now=now)
    if refused is not None:
        raise Problem(409, code=refused.reason.value.replace("_", "-"), detail=f"{refused.words}.")


async def _order(tx: Tx, chat: ConversationRecord, *, number: str | None) -> OrderKey | None:
    if number is None:
        return None
    key = OrderKey(shop=chat.shop, number=number)
    try:
        await orders.get(tx, key)
    except NotFound:
        raise at("/order", detail="body/order: there is no such order; leave it out, or correct the number") from None
    return key
