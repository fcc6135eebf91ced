"""Chats in the lab: what the customer writes opens the chat in which rules answer them, as in the gateway.

And what rules whispered in it, for the story.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from activities.store import chats, customers
from activities.store.database import Tx
from activities.store.history import RunRecord
from activities.store.journal import Arrival
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunStatus

#: The events of a customer who writes.
_WRITTEN = ("chat.first_message", "chat.message")

#: Media whose addresses are phone numbers.
_BY_PHONE = ("sms", "whatsapp")


async def listen(tx: Tx, arrival: Arrival, *, order: OrderKey, now: datetime) -> None:
    """Keep what an order's customer wrote; any other event is none of a chat."""
    if arrival.type not in _WRITTEN:
        return
    for customer in (await customers.of_order(tx, order))[:1]:
        medium = str(arrival.data.get("channel") or chats.WEB)
        numbers = [phone.number for phone in customer.phones] if medium in _BY_PHONE else []
        await chats.receive(
            tx,
            medium=medium,
            address=next(iter(numbers), f"visitor-{customer.id}"),
            text=str(arrival.data.get("text") or ""),
            ref=arrival.id,
            at=now,
            shop=order.shop,
            customer=customer.id,
        )


async def whispered(tx: Tx, key: OrderKey, *, runs: Sequence[RunRecord]) -> dict[UUID, str]:
    """Give what an order's runs said to employees in the customer's chats."""
    done = [run.id for run in runs if run.kind == "chat" and run.status is RunStatus.DONE]
    people = await customers.of_order(tx, key) if done else []
    rooms = [chat.id for one in people for chat in await chats.of_customer(tx, customer=one.id)]
    found = [(run, await chats.find_whisper(tx, conversation=room, ref=str(run))) for run in done for room in rooms]
    return {run: line.text for run, line in found if line is not None}
