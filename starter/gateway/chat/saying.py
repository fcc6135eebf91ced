"""What a visitor says: kept in their conversation and journalled for their orders, in one transaction.

Out: T19 for the first message of the conversation and T20 for every one, under ids made of the message's own; a
message that came before changes nothing.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from activities.store import chats, customers, journal
from activities.store.chats import ChatLine, Received
from activities.store.columns import cleaned
from activities.store.database import Tx
from activities.store.journal import Arrival, Delivery
from activities.store.records import CustomerRef
from activities.store.values import Boundary, Language
from starter.gateway.chat.visitors import Visitor
from starter.gateway.parts import Parts
from starter.relay import GRACE

SOURCE = "chat"

#: What visitors' refs begin with, so that no visitor can take the ref of a message of ours.
_OWN = "visitor:"


def _said(text: str) -> str:
    text = cleaned(text).strip()
    if not text:
        raise ValueError("the message is empty")
    return text


Words = Annotated[str, Field(max_length=2_000), AfterValidator(_said)]
Ref = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


class Said(Boundary):
    """A message of a visitor. `ref` is made by their page: sent again under it, the message is taken once."""

    ref: Ref
    text: Words
    language: Language = ""


class Line(Boundary):
    """A message as the visitor reads it. `ref` is theirs, empty where the shop wrote."""

    id: int
    is_mine: bool
    text: str
    at: datetime
    ref: str = ""


async def say(gateway: Parts, *, visitor: Visitor, said: Said) -> Received:
    """Take a message; raise StoreDown."""
    now = gateway.now()
    async with gateway.store.write() as tx:
        customer = await customer_behind(tx, visitor=visitor)
        received = await chats.receive(
            tx,
            medium=chats.WEB,
            address=visitor.id,
            text=said.text,
            ref=f"{_OWN}{said.ref}",
            at=now,
            shop=gateway.settings.shop,
            customer=customer,
            language=said.language,
        )
        deliveries = await _journalled(tx, received, visitor=visitor, ref=said.ref, now=now)
    gateway.relay.hand(tuple(deliveries))
    return received


async def lines(tx: Tx, *, conversation: UUID, after: int | None, limit: int = 100) -> list[Line]:
    """Read what a visitor may read."""
    return [_line(one) for one in await chats.history(tx, conversation=conversation, after=after, limit=limit)]


async def customer_behind(tx: Tx, *, visitor: Visitor) -> str | None:
    """Give the customer who writes: the one their page vouched for, or the only one this visitor belongs to."""
    ref = CustomerRef(customer=visitor.customer) if visitor.customer else CustomerRef(visitor=visitor.id)
    found = await customers.find(tx, ref=ref)
    return found[0] if len(found) == 1 else None


async def _journalled(tx: Tx, received: Received, *, visitor: Visitor, ref: str, now: datetime) -> list[Delivery]:
    if not received.is_new:
        return []
    chat = received.conversation
    # The site's visitor is whoever a form was filled in as, which proves nothing: their orders hear of the message, but
    # the conversation is not theirs, so that no rule writes into it what only they may read.
    whose = CustomerRef(customer=chat.customer_id) if chat.customer_id else CustomerRef(visitor=visitor.on_site)
    types = ["chat.first_message", "chat.message"] if received.is_first else ["chat.message"]
    deliveries: list[Delivery] = []
    for type in types:
        arrival = Arrival(
            source=SOURCE,
            id=f"{chat.id}:{ref}{':first' if type == 'chat.first_message' else ''}",
            type=type,
            at=now,
            data={"channel": chat.medium},
            raw=b"",  # the words are in the conversation; the journal needs none of them
            customer=whose,
            grace=GRACE,
        )
        deliveries += (await journal.append(tx, arrival, now=now)).deliveries
    return deliveries


def _line(line: ChatLine) -> Line:
    ref = line.ref.removeprefix(_OWN) if line.is_inbound else ""
    return Line(id=line.id, is_mine=line.is_inbound, text=line.text, at=line.at, ref=ref)
