"""The lab's house: a shop of its own with a pipeline, people and orders, to which things happen on a virtual clock.

Events go the way of the gateway: journalled with their facts, then handed to the order's automation.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from activities.rehearsal import Rehearsal, rehearsal
from activities.shelf import Shelf
from activities.store import employees, journal, orders, pipelines
from activities.store.journal import Arrival
from activities.store.records import Department, NewEmployee, NewOrder, OrderRecord
from starter.lab import talking
from starter.lab.clock import Clock, Rank, play
from starter.lab.quiet import quiet
from starter.lab.runtime import Delay, LabRuntime
from workflows.automation import Automation
from workflows.contracts.carry import Carry
from workflows.contracts.commands import Command
from workflows.contracts.decisions import Decision
from workflows.contracts.events import OPERATOR_PREFIX, Event
from workflows.contracts.ids import OrderKey
from workflows.pipeline.frozen import freeze
from workflows.pipeline.model import Pipeline

#: Years around the start for which holidays and zone rules are frozen; waits last up to ten.
_YEARS_BACK = 1
_YEARS_AHEAD = 12

SOURCE = "lab"

T = TypeVar("T")


@dataclass(frozen=True)
class Stray:
    """An event that went to no order, as it names a customer whom nobody knows."""

    at: datetime
    type: str


@dataclass(frozen=True)
class _Life:
    automation: Automation
    serving: "asyncio.Task[Carry | None]"


class LabHouse:
    """A shop in the lab. Its coroutines run inside `play`, one task at a time. `runtime` carries each order out."""

    def __init__(
        self, clock: Clock, *, shelf: Shelf | None = None, runtime: Callable[..., LabRuntime] = LabRuntime
    ) -> None:
        self.clock = clock
        self.parts: Rehearsal = rehearsal(clock.now, shelf=shelf)
        self.delays: list[Delay] = []
        self.strays: list[Stray] = []
        self._runtime = runtime
        self._lives: dict[OrderKey, _Life] = {}
        self._events = 0

    def play(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run work in the house to its end."""
        with quiet():
            return play(self.clock, work)

    async def close(self) -> None:
        """Forget everything."""
        await self.parts.store.close()

    async def publish(self, text: str, *, pipeline: Pipeline) -> int:
        """Publish a pipeline's next version."""
        year = self.clock.now().astimezone(UTC).year
        frozen = freeze(text, pipeline, years=range(year - _YEARS_BACK, year + _YEARS_AHEAD))
        async with self.parts.store.write() as tx:
            return await pipelines.publish(
                tx,
                name=pipeline.id,
                text=text,
                frozen_json=frozen.model_dump_json(),
                reopens=pipeline.reopens,
                fields={name: str(kind) for name, kind in pipeline.fields.items()},
                author=SOURCE,
                now=self.clock.now(),
            )

    async def hire(self, people: Sequence[NewEmployee], *, departments: Iterable[Department] = ()) -> None:
        """Store departments and employees; heads before those they lead."""
        async with self.parts.store.write() as tx:
            for department in departments:
                await employees.put_department(tx, department)
            for person in _heads_first(people):
                await employees.put(tx, person, now=self.clock.now())

    async def order(self, new: NewOrder) -> OrderRecord:
        """Create an order and start its automation. What chance gives elsewhere (token, customer's id) is fixed."""
        customer = new.customer
        if customer is not None and customer.id is None:
            customer = customer.model_copy(update={"id": f"customer-{new.number or 1}"})
        fixed = new.model_copy(update={"customer": customer, "token": new.token or f"token-{new.number or 1}"})
        now = self.clock.now()
        async with self.parts.store.write() as tx:
            record = await orders.create(tx, fixed, now=now)
            arrival = Arrival(
                source="orders",
                id=f"{record.key}:created",
                type="order.created",
                at=now,
                data={"stage": new.stage} if new.stage else {},
                orders=(record.key,),
            )
            await journal.append(tx, arrival, now=now, are_known=True)
        self._hand(record.key, event=Event(id=arrival.id, type=arrival.type, at=now, source=arrival.source))
        return record

    async def happen(self, arrival: Arrival) -> tuple[OrderKey, ...]:
        """Journal an event with its facts and hand it over; return the orders it goes to. Raise BadEvent, NotFound."""
        async with self.parts.store.write() as tx:
            taken = await journal.append(tx, arrival, now=self.clock.now())
            for key in taken.orders:
                await talking.listen(tx, arrival, order=key, now=self.clock.now())
        if taken.unmatched:
            self.strays.append(Stray(self.clock.now(), arrival.type))
        for delivery in taken.deliveries:
            self._hand(delivery.key, event=delivery.event)
        return taken.orders

    async def command(self, key: OrderKey, *, name: str, command: Command) -> Decision:
        """Give an operator's command and wait for what became of it."""
        data = command.model_dump(mode="json", exclude={"id"})
        event = Event(
            id=command.id or self.next_id(),
            type=OPERATOR_PREFIX + name,
            at=self.clock.now(),
            source="operator",
            data=data,
        )
        return await self._life(key).automation.answer(event)

    def resume(
        self, key: OrderKey, *, carry: Carry, events: Iterable[Event], begun: Mapping[tuple[int, str], datetime]
    ) -> None:
        """Take an order up where it stands, with events that were not handled yet.

        `begun` says, by visit and rule, since when sends are tried.
        """
        self._start(key, carry=carry, begun=begun).automation.take_all(events)

    def next_id(self) -> str:
        """Give an event its id."""
        self._events += 1
        return f"{SOURCE}-{self._events}"

    async def until(self, moment: datetime, *, rank: Rank = Rank.EVENT) -> None:
        """Let time pass until a moment; raise what an automation failed with: a bug of the engine's."""
        await self.clock.until(moment, rank=rank)
        for key, life in list(self._lives.items()):
            if life.serving.done():
                life.serving.result()
                del self._lives[key]

    def _hand(self, key: OrderKey, *, event: Event) -> None:
        self._life(key).automation.take(event)

    def _life(self, key: OrderKey) -> _Life:
        """Return an order's automation; one that is over is begun anew, as the next signal begins the workflow anew."""
        life = self._lives.get(key)
        return self._start(key) if life is None or life.serving.done() else life

    def _start(
        self, key: OrderKey, *, carry: Carry | None = None, begun: Mapping[tuple[int, str], datetime] | None = None
    ) -> _Life:
        runtime = self._runtime(self.parts, clock=self.clock, tell=self.delays.append)
        runtime.take_up(begun or {})
        automation = Automation(runtime, key=key, carry=carry)
        life = _Life(automation, asyncio.get_running_loop().create_task(automation.serve()))
        self._lives[key] = life
        return life


def _heads_first(people: Sequence[NewEmployee]) -> list[NewEmployee]:
    """Sort employees so that a head comes before those who name them; in a circle, as they are."""
    left, sorted_ = list(people), list[NewEmployee]()
    while left:
        waiting = {person.id for person in left}
        ready = [person for person in left if person.head is None or person.head not in waiting - {person.id}]
        sorted_ += ready or left[:1]
        left = [person for person in left if person not in sorted_]
    return sorted_
