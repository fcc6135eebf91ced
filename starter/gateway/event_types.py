"""Which event types an outsider may send, and the nearest one where it is none."""

import re

from workflows.contracts.events import EVENT_TYPES, WEBHOOK_PREFIX
from workflows.pipeline.mistakes import nearest

_CODE = re.compile(r"[a-z0-9._-]{1,80}")
_CREATED = "order.created"


def known_type(name: str) -> str:
    """Return the type; raise ValueError with the nearest names if an outsider may not send it."""
    if name == _CREATED:
        raise ValueError("order.created comes from creating the order: POST /v1/orders")
    if name.startswith(WEBHOOK_PREFIX):
        if not _CODE.fullmatch(name.removeprefix(WEBHOOK_PREFIX)):
            raise ValueError("a webhook's code has letters a-z, digits, '.', '_' and '-': webhook.CODE")
        return name
    if name in EVENT_TYPES:
        return name
    near = nearest(name, [known for known in EVENT_TYPES if known != _CREATED], likeness=0.5)
    hint = f"did you mean '{near}'?" if near else "GET /v1/event-types lists them"
    raise ValueError(f"'{name[:60]}' is not an event type; {hint}")


def level_type(name: str) -> str:
    """Return a type that may come without an order; raise ValueError for any other."""
    known = known_type(name)
    if known.startswith(WEBHOOK_PREFIX) or EVENT_TYPES[known].to_customer_level:
        return known
    raise ValueError(f"'{known}' belongs to one order: POST /v1/orders/{{number}}/events")
