"""Whether a history may be kept in a repository: it must hold no name, number or address of a person.

Looked for are the people whom the store knows of the order, and whatever looks like a phone number or a mail address:
anybody with a Temporal client may signal an event with such data.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from temporalio.api.common.v1 import Payload
    from temporalio.client import WorkflowHistory
    from temporalio.converter import PayloadCodec

    from activities.store.database import Store
    from activities.store.records import CustomerRecord

#: What looks like people's data, whoever they are. Histories name the protobuf types of errors like mail addresses.
_LIKENESS: Mapping[str, re.Pattern[str]] = {
    "a mail address": re.compile(r"[\w.+-]+@(?!type\.googleapis\.com)(?:[\w-]+\.)+[A-Za-z]{2,}\b"),
    "a phone number": re.compile(r"(?<![\w:.+-])\+[1-9]\d{8,14}\b"),
}

#: Shorter words stand in too many others.
_SHORTEST = 3


async def findings(
    history: "WorkflowHistory", *, kept: str, store: "Store", codec: "PayloadCodec | None" = None
) -> list[str]:
    """Say which kinds of people's data a history holds, never the data. `kept` is the text to be kept of it.

    Payloads are opened, also those that only who has the keys can read. Raise StoreDown, WrongKey.
    """
    opened = [payload for event in history.events for payload in _payloads(event)]
    if codec is not None:
        opened = await codec.decode(opened)
    everything = "\n".join([kept, *(payload.data.decode("utf-8", "replace") for payload in opened)])
    found = [kind for kind, pattern in _LIKENESS.items() if pattern.search(everything)]
    for customer in await _customers(history.workflow_id, store=store):
        found += [kind for kind, words in _words(customer) if _holds_any(everything, words)]
    return sorted(set(found))


async def is_known(workflow_id: str, *, store: "Store") -> bool:
    """Say whether the store has the order of a history: of one that it does not have, it names nobody."""
    from activities.store import orders
    from activities.store.database import NotFound
    from workflows.contracts.ids import parse_workflow_id

    try:
        key = parse_workflow_id(workflow_id)
    except ValueError:
        return False
    async with store.read() as tx:
        try:
            await orders.get(tx, key)
        except NotFound:
            return False
    return True


def _payloads(found: object) -> "Iterator[Payload]":
    from google.protobuf.message import Message
    from temporalio.api.common.v1 import Payload

    if isinstance(found, Payload):
        yield found
    elif isinstance(found, Message):
        for _, value in found.ListFields():
            yield from _payloads(value)
    elif isinstance(found, Mapping):
        for value in found.values():
            yield from _payloads(value)
    elif isinstance(found, Sequence) and not isinstance(found, str | bytes):
        for value in found:
            yield from _payloads(value)


async def _customers(workflow_id: str, *, store: "Store") -> "list[CustomerRecord]":
    from activities.store import customers
    from workflows.contracts.ids import parse_workflow_id

    try:
        key = parse_workflow_id(workflow_id)
    except ValueError:
        return []  # a workflow of the shop's own
    async with store.read() as tx:
        return await customers.of_order(tx, key)


def _words(customer: "CustomerRecord") -> Iterator[tuple[str, list[str]]]:
    yield "a name", [customer.first_name, customer.last_name, customer.company]
    yield "a phone number", [phone.number.removeprefix("+") for phone in customer.phones]
    yield "a mail address", [address.email for address in customer.emails]


def _holds_any(text: str, words: list[str]) -> bool:
    known = [word.strip() for word in words if len(word.strip()) >= _SHORTEST]
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in known)
