"""The decision, records and sends on a store, without Temporal: a clock and a provider that do as the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from temporalio.client import Client

from activities.actions import ACTIONS, KINDS
from activities.decide import Decisions
from activities.providers.protocol import Accepted, Message, Provider
from activities.providers.registry import Providers
from activities.records import Records
from activities.sends import SendLimits, Sends
from activities.shelf import Shelf
from activities.store import ledger
from activities.store.history import LedgerState
from tests.life.pipelines import stages
from tests.support.house import House, store_at
from workflows.contracts.decisions import DecideRequest
from workflows.contracts.events import Event
from workflows.contracts.ids import run_id
from workflows.contracts.runs import RunItem, RunOutcome, RunsOutcome, RunsRequest

CHAIN = stages("""
  new:
    rules:
      - id: greet
        sms: "Hello {{ order.number }}"
      - id: later
        after: greet
        wait: 1h
        log: an hour later
      - id: pay
        wait: 1h
        mark_paid: true
      - id: last
        after: pay
        wait: 1h
        log: at last
  paid:
    triggers:
      - webhook: go
    rules:
      - id: pack
        log: Pack it
""")


class Answering:
    """A provider whose `send` is what the test says; its lookup finds what was accepted."""

    name = "answering"
    channels: tuple[str, ...] = ("sms", "email")

    def __init__(self, send: Callable[[], Any], *, grace: float = 0.05) -> None:
        self.grace = timedelta(seconds=grace)
        self.accepted: list[UUID] = []
        self.calls = 0
        self._send = send

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        self.calls += 1
        outcome = self._send()
        if asyncio.iscoroutine(outcome):
            outcome = await outcome
        if outcome != "not accepted":
            self.accepted.append(send_id)
        if isinstance(outcome, Exception):
            raise outcome
        return Accepted(f"a-{send_id}")

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        return Accepted(f"a-{send_id}") if send_id in self.accepted else None


def only(provider: Provider) -> Providers:
    return Providers([provider], channels={"sms": "answering", "email": "answering"})


class Bench:
    """The activities on a store, without Temporal; the clock is the test's."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.now = datetime.now(UTC)
        self.shelf = Shelf(KINDS)
        self.records = Records(house.store, shelf=self.shelf, actions=ACTIONS)
        self.decisions = Decisions(house.store, shelf=self.shelf, records=self.records)

    def request(self, rule: str, kind: str) -> RunsRequest:
        item = RunItem(rule=rule, kind=kind)
        return RunsRequest(key=self.house.key("1"), visit=1, now=self.now, items=[item])

    async def decide(self, event: Event, *, visit: int = 0) -> None:
        await self.decisions.decide(
            DecideRequest(key=self.house.key("1"), event=event, now=self.now, visit=visit, is_fresh=visit == 0)
        )

    async def leave(self) -> None:
        event_id = "to-paid"
        await self.decide(Event(id=event_id, type="webhook.go", source="tests"), visit=1)

    async def send(self, provider: Provider | Providers) -> RunOutcome:
        providers = provider if isinstance(provider, Providers) else only(provider)
        sends = Sends(
            self.house.store,
            shelf=self.shelf,
            actions=ACTIONS,
            providers=providers,
            limits=SendLimits(lease=timedelta(seconds=60)),
            clock=lambda: self.now,
        )
        return (await sends.send(self.request("greet", "sms"))).outcomes[0]

    async def record(self, rule: str, kind: str) -> RunOutcome:
        answer: RunsOutcome = await self.records.record(self.request(rule, kind))
        return answer.outcomes[0]

    async def ledger_state(self) -> LedgerState | None:
        async with self.house.store.read() as tx:
            row = await ledger.row(tx, send_id=run_id(self.house.key("1"), 1, "greet"))
        return row.state if row else None


@asynccontextmanager
async def bench_at(path: Path) -> AsyncIterator[Bench]:
    """An order in its first stage, on a store without Temporal."""
    async with store_at(path) as store:
        house = House(store, cast("Client", None))
        await house.publish(CHAIN)
        key = await house.order("1", starts=False)
        bench = Bench(house)
        await bench.decide(Event(id=f"{key}:created", type="order.created", source="orders"))
        yield bench
