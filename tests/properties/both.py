"""The product's decisions and records on a real store, beside the stand-in in memory: the same questions to both."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from activities.actions import ACTIONS, KINDS
from activities.decide import Decisions
from activities.records import Records
from activities.shelf import Shelf
from activities.store import journal, orders, pipelines, runs
from activities.store.database import Store
from activities.store.history import EventRecord, RunRecord
from activities.store.journal import Arrival
from activities.store.records import NewOrder
from tests.properties.books import CREATED, KEY, Books
from tests.properties.desk import Desk
from tests.properties.shapes import Shape, pipeline_of, yaml_of
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.events import Event
from workflows.contracts.plans import Due, Plan
from workflows.contracts.reasons import RunStatus
from workflows.contracts.runs import RunOutcome, RunsOutcome, RunsRequest
from workflows.pipeline.frozen import freeze


class Both:
    """One order in the store and in the books."""

    def __init__(self, store: Store) -> None:
        self.store = store
        shelf = Shelf(KINDS)
        self._records = Records(store, shelf=shelf, actions=ACTIONS)
        self._decisions = Decisions(store, shelf=shelf, records=self._records)

    async def open(self, shape: Shape, *, now: datetime) -> None:
        """Publish a pipeline and place the order."""
        self.books = Books(pipeline_of(shape), now=now)
        self.desk = Desk(self.books)
        await self._publish(shape, now=now)
        async with self.store.write() as tx:
            await orders.create(tx, NewOrder.model_validate(_ORDER), now=now)
        await self.keep(Event(id=CREATED, type="order.created", source="orders", at=now), now=now)

    async def publish(self, shape: Shape, *, now: datetime) -> None:
        """Publish the next version; the same text again is no new one."""
        if pipeline_of(shape) != self.books.versions[-1]:
            self.books.versions.append(pipeline_of(shape))
            await self._publish(shape, now=now)

    async def keep(self, event: Event, *, now: datetime) -> None:
        """Journal an event, as the gateway does."""
        self.books.keep(event, now=now)
        arrival = Arrival(
            source=event.source, id=event.id, type=event.type, at=event.at or now, data=event.data, orders=(KEY,)
        )
        async with self.store.write() as tx:
            await journal.append(tx, arrival, now=now)

    async def decide(self, request: DecideRequest) -> Decision:
        """Ask both for a decision; they answer the same."""
        found = await self._decisions.decide(request)
        expected = self.books.decide(request)
        assert _plain(found) == _plain(expected), request.event
        return found

    async def record(self, request: RunsRequest) -> RunsOutcome:
        """Ask both to carry rules out; they answer the same."""
        found = await self._records.record(request)
        expected = self.desk.record(request)
        assert ends(found.outcomes) == ends(expected.outcomes), request
        return found

    async def runs(self, *, visit: int | None = None) -> list[RunRecord]:
        """Read the runs from the store."""
        async with self.store.read() as tx:
            return await runs.runs_of(tx, KEY, visit=visit)

    async def events(self) -> list[EventRecord]:
        """Read the journal."""
        async with self.store.read() as tx:
            return list((await journal.events_of(tx, KEY, limit=1_000)).items)

    async def _publish(self, shape: Shape, *, now: datetime) -> None:
        text, pipeline = yaml_of(shape), pipeline_of(shape)
        frozen = freeze(text, pipeline, years=range(2026, 2028))
        async with self.store.write() as tx:
            await pipelines.publish(
                tx,
                name="shop",
                text=text,
                frozen_json=frozen.model_dump_json(),
                reopens=pipeline.reopens,
                fields={},
                author="tests",
                now=now,
            )


_ORDER = {"number": KEY.number, "shop": KEY.shop, "total": "100.00", "currency": "EUR"}


def _plain(decision: Decision) -> dict[str, Any]:
    state = decision.state
    return {
        "reason": decision.reason,
        "left": decision.left,
        "state": (state.stage, state.stage_kind, state.visit, state.held, state.paid, state.attention),
        "pipeline": state.pipeline,
        "plan": _runs(decision.plan),
        "outcomes": ends(decision.outcomes),
        "dues": _moments(decision.dues),
        "lists": (decision.wake, decision.skip, decision.stop, decision.repeat),
        "requeue": [(event.source, event.id, event.type) for event in decision.requeue],
    }


def _runs(plan: Plan | None) -> list[Any]:
    if plan is None:
        return []
    waits = (RunStatus.PLANNED, RunStatus.RUNNING)
    return [
        plan.visit,
        *((run.rule, run.due, run.status, None if run.status in waits else run.reason) for run in plan.runs),
    ]


def ends(outcomes: Iterable[RunOutcome]) -> list[Any]:
    """Say how runs ended, without words."""
    return [
        (
            one.rule,
            one.status,
            one.reason,
            one.at,
            one.attention,
            _moments(one.dues),
            [event.id for event in one.events],
        )
        for one in outcomes
    ]


def _moments(dues: Iterable[Due]) -> list[Any]:
    return [(due.rule, due.at) for due in dues]
