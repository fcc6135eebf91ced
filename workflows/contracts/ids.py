"""Ids that several parts build and parse: the workflow's, the run's, the activity's. Pure text, no randomness."""

from functools import lru_cache
from uuid import UUID, uuid5

from workflows.contracts.base import Contract

#: Namespace of run ids: UUIDv5 of this project's name, fixed for ever (a change would send everything again).
RUNS = UUID("6f1a4f0e-3a43-5d0c-9a55-0f8b1c1f7a10")

WORKFLOW_TYPE = "Order"
TASK_QUEUE = "orders"


class OrderKey(Contract):
    """Name one order: the shop's id and the order's number within it."""

    shop: str
    number: str

    def __str__(self) -> str:
        return f"{self.shop}:{self.number}"


def workflow_id(key: OrderKey) -> str:
    """Return the workflow id of an order: `order:{shop}:{number}`."""
    return f"order:{key.shop}:{key.number}"


def parse_workflow_id(text: str) -> OrderKey:
    """Read an order's key back from its workflow id; raise ValueError for any other text."""
    prefix, _, rest = text.partition(":")
    shop, _, number = rest.partition(":")
    if prefix != "order" or not shop or not number:
        raise ValueError(f"'{text}' is not an order's workflow id; it reads order:SHOP:NUMBER")
    return OrderKey(shop=shop, number=number)


def run_id(key: OrderKey, visit: int, rule: str) -> UUID:
    """Return the id of a rule's run in a visit; a retry, a reset or a second workflow meets the same row."""
    return _run_id(f"{key.shop}:{key.number}:{visit}:{rule}")


@lru_cache(maxsize=1_000)
def _run_id(name: str) -> UUID:
    return uuid5(RUNS, name)


def activity_id(visit: int, rule: str) -> str:
    """Return the activity id `{visit}.{rule}`; unique among an order's pending activities."""
    return f"{visit}.{rule}"
