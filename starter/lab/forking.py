"""Takes a live order into the lab, as it stands with its waiting rules, to show what would happen. Only reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from activities.case import state_of
from activities.store import copying, journal, orders, runs, visits
from activities.store.database import Store, Tx
from starter.lab.clock import Clock
from starter.lab.house import LabHouse
from starter.lab.playing import act, story_of
from starter.lab.script import Step
from starter.lab.story import Story
from workflows.contracts.carry import Carry
from workflows.contracts.events import Event
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason
from workflows.pipeline.model import Pipeline

#: Most events that may wait undelivered for an order.
_MOST = 10_000


@dataclass(frozen=True)
class Branch:
    """What is to happen to a live order from `start` until `until`."""

    key: OrderKey
    steps: Sequence[Step]
    start: datetime
    until: datetime


class Fork:
    """A live order in a lab of its own. Take it once, then play one branch."""

    def __init__(self, house: LabHouse, *, pipeline: Pipeline) -> None:
        self._house = house
        self.pipeline = pipeline

    @classmethod
    async def take(cls, store: Store, key: OrderKey) -> "Fork":
        """Copy an order out of a store. Raise NotFound for an order or a pipeline that does not exist."""
        house = LabHouse(Clock(datetime.now(UTC)))
        async with store.read() as tx, house.parts.store.write() as target:
            await copying.copy_order(tx, target, key)
            order = await orders.get(target, key)
            pipeline, _ = await house.parts.shelf.latest(target, name=order.pipeline)
        return cls(house, pipeline=pipeline)

    def play(self, branch: Branch) -> Story:
        """Play what would happen and tell it, from the start on. Raise Unplayable."""
        self._house.clock.set(branch.start)

        async def life() -> Story:
            try:
                await self._take_up(branch.key)
                await act(self._house, branch.key, steps=branch.steps, until=branch.until)
                return await story_of(self._house, branch.key, since=branch.start)
            finally:
                await self._house.close()

        return self._house.play(life)

    async def _take_up(self, key: OrderKey) -> None:
        async with self._house.parts.store.read() as tx:
            standing = await visits.standing(tx, key)
            assert standing is not None  # it was copied
            plan = await runs.plan_of(tx, key, visit=standing.visit) if standing.visit else None
            begun = await _begun(tx, key, visit=standing.visit, now=self._house.clock.now())
            events = await _undecided(tx, key)
        self._house.resume(key, carry=Carry(state=state_of(standing), plan=plan), events=events, begun=begun)


async def _begun(tx: Tx, key: OrderKey, *, visit: int, now: datetime) -> dict[tuple[int, str], datetime]:
    """Say since when sends are tried that are between two tries. How often each was tried is not in the store."""
    tried = [run for run in await runs.runs_of(tx, key, visit=visit) if run.reason is RunReason.RETRYING]
    return {
        (run.visit, run.rule): max(run.started_at, run.due or run.started_at)  # put off, it began anew
        for run in tried
        if run.started_at is not None and not run.status.is_end and (run.due is None or run.due <= now)
    }


async def _undecided(tx: Tx, key: OrderKey) -> list[Event]:
    """List the events that are journalled, but were not handled yet."""
    page = await journal.events_of(tx, key, limit=_MOST)
    return [
        Event(id=event.id, type=event.type, at=event.at, source=event.source)
        for event in page.items
        if event.reason is None
    ]
