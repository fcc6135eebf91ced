"""Builders of what store tests need: orders in a stage, arrivals, claims."""

from datetime import UTC, datetime, timedelta
from typing import Any

from activities.store import journal, orders, visits
from activities.store.database import Store, Tx
from activities.store.journal import Arrival, Journalled
from activities.store.ledger import Claim
from activities.store.records import NewCustomer, NewOrder
from activities.store.visits import Entry
from workflows.contracts.decisions import Decision
from workflows.contracts.ids import OrderKey
from workflows.contracts.plans import PlannedRun
from workflows.contracts.state import StageKind

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = OrderKey(shop="shop", number="1001")
ANNA = {
    "id": "anna",
    "first_name": "Anna",
    "last_name": "Kowalska",
    "country": "PL",
    "phones": [{"number": "501 234 567"}],
    "emails": [{"email": "Anna@Example.com", "type": "home"}],
}


def later(**amount: float) -> datetime:
    """Give a moment after NOW."""
    return NOW + timedelta(**amount)


def anna(**more: object) -> NewCustomer:
    """Make the customer."""
    return NewCustomer.model_validate({**ANNA, **more})


def new_order(**more: object) -> NewOrder:
    """Make an order of the customer, total 100.00 EUR."""
    return NewOrder.model_validate({"customer": ANNA, "total": "100.00", **more})


def planned(rule: str = "sms", **more: object) -> PlannedRun:
    """Make a line of a plan."""
    return PlannedRun.model_validate({"rule": rule, "kind": "sms", "title": rule, **more})


def entry(visit: int = 1, stage: str = "new", runs: tuple[PlannedRun, ...] = (), **more: Any) -> Entry:
    """Make an entry into a stage."""
    values: dict[str, Any] = {
        "stage_kind": StageKind.OPEN,
        "version": 1,
        "cause_source": "orders",
        "cause_id": f"cause-{visit}",
        "cause_type": "order.created",
        "is_automatic": True,
        "at": NOW,
    }
    return Entry(visit=visit, stage=stage, runs=runs, **(values | more))


def arrival(type: str = "payment.received", id: str = "e1", **more: Any) -> Arrival:
    """Make an event of the order, as the gateway brings it."""
    values: dict[str, Any] = {"source": "bank", "at": NOW, "raw": b"{}", "orders": (KEY,)}
    return Arrival(id=id, type=type, **(values | more))


def claim_of(rule: str = "sms", visit: int = 1, **more: Any) -> Claim:
    """Make the claim of a send."""
    values: dict[str, Any] = {
        "key": KEY,
        "stage": "new",
        "channel": "sms",
        "provider": "outbox",
        "address": "+48501234567",
        "body_hash": "0" * 64,
        "now": NOW,
        "lease": timedelta(minutes=1),
        "customer": "anna",
    }
    return Claim(visit=visit, rule=rule, **(values | more))


async def put_order(store: Store, *, runs: tuple[PlannedRun, ...] = (), **more: object) -> OrderKey:
    """Store an order that stands in stage `new`, with these runs."""
    async with store.write() as tx:
        order = await orders.create(tx, new_order(**more), now=NOW)
        await visits.enter(tx, order.key, entry=entry(runs=runs))
    return order.key


async def take(store: Store, arrival: Arrival) -> Journalled:
    """Journal an arrival in a transaction of its own."""
    async with store.write() as tx:
        return await journal.append(tx, arrival, now=NOW)


async def move(tx: Tx, key: OrderKey, *, visit: int, stage: str = "paid", runs: tuple[PlannedRun, ...] = ()) -> None:
    """Lock the order and enter the next stage, as the decision does."""
    await visits.lock(tx, key)
    await visits.enter(tx, key, entry=entry(visit, stage, runs))


async def decided(
    tx: Tx, key: OrderKey, *, id: str, decision: Decision, verdict: dict[str, Any] | None = None, now: datetime = NOW
) -> None:
    """Keep a decision on an event that the bank told."""
    event = await journal.event_for(tx, key, source="bank", id=id)
    assert event is not None
    await journal.decided(tx, event, decision=decision, verdict=verdict or {}, now=now)
