"""Decisions and records on a real store: asked twice they answer the same; every event and every run has its reason.

The stand-in of the automation's own property test is asked the same questions, so that it is proved to be one.
"""

import asyncio
import shutil
import tempfile
from collections import deque
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from activities.store.database import Store
from activities.store.schema import migrate
from activities.store.scratch import Scratch
from tests.properties.books import CREATED, KEY
from tests.properties.both import Both, ends
from tests.properties.loops import START
from tests.properties.shapes import EVENTS, Shape, changed, pipelines, yaml_of
from workflows.contracts.decisions import DecideRequest
from workflows.contracts.events import Event
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunsRequest

T = TypeVar("T")

SPANS = st.sampled_from([timedelta(seconds=1), timedelta(hours=2), timedelta(days=1)])


class DecisionsMachine(RuleBasedStateMachine):
    """One order, its events and its rules, without a workflow: every question comes at any time."""

    template: ClassVar[Path | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="decisions-"))
        self.both = Both(self.do(self.opened()))
        self.now = START
        self.count = 0
        self.waiting: deque[Event] = deque()
        self.decided: list[DecideRequest] = []

    async def opened(self) -> Store:
        if self.template is None:
            return Scratch()
        shutil.copy(self.template, self.folder / "orders.db")
        return await Store.open(f"sqlite+aiosqlite:///{self.folder / 'orders.db'}")

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.do(self.both.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    @initialize(shape=pipelines())
    def create(self, shape: Shape) -> None:
        note(yaml_of(shape))
        self.shape = shape
        self.do(self.both.open(shape, now=self.now))
        self.ask(Event(id=CREATED, type="order.created", source="orders"))

    @rule(event_type=st.sampled_from(EVENTS), is_signal=st.booleans())
    def happen(self, event_type: str, is_signal: bool) -> None:
        self.arrive(event_type, {}, is_signal=is_signal)

    @rule(days=st.one_of(st.none(), st.integers(-1, 3)), text=st.sampled_from(["", "x"]), is_signal=st.booleans())
    def edit(self, days: int | None, text: str, is_signal: bool) -> None:
        date = None if days is None else str((self.now + timedelta(days=days)).date())
        self.arrive("order.edited", {"fields": {"delivery_date": date, "note": text}}, is_signal=is_signal)

    @rule(which=st.integers(0, 30), is_fresh=st.booleans())
    def tell_again(self, which: int, is_fresh: bool) -> None:
        asked = self.decided[which % len(self.decided)]
        self.ask(asked.event, is_fresh=is_fresh)

    @rule()
    def take_what_rules_caused(self) -> None:
        for _ in range(len(self.waiting)):
            self.ask(self.waiting.popleft())

    @rule(name=st.sampled_from(["hold", "resume", "resume", "stop_waiting", "cancel"]), shift=st.booleans())
    def steer(self, name: str, shift: bool) -> None:
        self.command(name, {"deadlines": "shift" if shift else "keep"} if name == "resume" else {})

    @rule(stage=st.integers(1, 3))
    def move(self, stage: int) -> None:
        self.command("move", {"stage": f"s{stage}"})

    @rule(name=st.sampled_from(["run_now", "skip", "repeat", "repeat"]), place=st.integers(0, 3))
    def direct(self, name: str, place: int) -> None:
        rows = list(self.both.books.stays[-1].rows.values())
        fitting = [row for row in rows if name != "repeat" or row.status is RunStatus.FAILED]
        rule = fitting[place % len(fitting)].rule if fitting else f"r{place + 1}"
        self.command(name, {"rule": rule})

    @rule(data=st.data())
    def publish(self, data: st.DataObject) -> None:
        self.shape = data.draw(changed(self.shape))
        self.do(self.both.publish(self.shape, now=self.now))

    @rule(span=SPANS)
    def pass_time(self, span: timedelta) -> None:
        self.now += span

    @rule(back=st.sampled_from([0, 0, 0, 1]), places=st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True))
    def carry_out(self, back: int, places: list[int]) -> None:
        """Rules of the present visit, or of one that was left; those that would leave the house expire."""
        stays = self.both.books.stays
        stay = stays[max(len(stays) - 1 - back, 0)]
        rows = [list(stay.rows.values())[place] for place in places if place < len(stay.rows)]
        items = [
            RunItem(rule=row.rule, kind=row.planned.kind)
            if row.planned.is_record
            else RunItem(
                rule=row.rule, kind=row.planned.kind, verdict=RunStatus.FAILED, reason=RunReason.EXPIRED, words="late"
            )
            for row in rows
        ]
        if not items:
            return
        request = RunsRequest(key=KEY, visit=stay.number, now=self.now, items=items)
        first = self.do(self.both.record(request))
        again = self.do(self.both.record(request))
        ended = [one for one in first.outcomes if one.status.is_end]
        names = [one.rule for one in ended]  # one that was held may have been stopped by a failure after it
        assert ends(ended) == ends(one for one in again.outcomes if one.rule in names), "asked twice, answers differ"
        self.waiting += [event for one in first.outcomes for event in one.events]

    def arrive(self, event_type: str, data: dict[str, Any], *, is_signal: bool) -> None:
        self.count += 1
        event = Event(id=f"e{self.count}", type=event_type, at=self.now, source="tests", data=data)
        if not is_signal:
            self.do(self.both.keep(event, now=self.now))
            event = event.model_copy(update={"data": {}})
        self.ask(event)

    def command(self, name: str, data: dict[str, str]) -> None:
        self.count += 1
        data = {**data, "by": "olga"}
        self.ask(Event(id=f"c{self.count}", type=f"operator.{name}", at=self.now, source="operator", data=data))

    def ask(self, event: Event, *, is_fresh: bool = False) -> None:
        """Ask for a decision, and once more; the workflow may be new and know nothing."""
        visit = 0 if is_fresh else self.both.books.visit
        request = DecideRequest(key=KEY, event=event, now=self.now, visit=visit, is_fresh=is_fresh)
        first = self.do(self.both.decide(request))
        again = self.do(self.both.decide(request))
        assert (first.reason, first.left, first.state) == (again.reason, again.left, again.state)
        assert (first.wake, first.skip, first.stop, first.repeat) == (again.wake, again.skip, again.stop, again.repeat)
        if is_fresh:
            self.plan_is_as_kept(again.plan)
        self.decided.append(request)
        self.waiting += [caused for one in first.outcomes for caused in one.events]
        self.waiting += first.requeue
        self.every_run_and_event_has_its_reason()

    def plan_is_as_kept(self, plan: Any) -> None:
        rows = self.do(self.both.runs(visit=self.both.books.visit))
        assert [(run.rule, run.status, run.due) for run in plan.runs] == [(r.rule, r.status, r.due) for r in rows]

    def every_run_and_event_has_its_reason(self) -> None:
        """M64."""
        for run in self.do(self.both.runs()):
            is_left = run.visit < self.both.books.visit
            assert run.status.is_end or not is_left, f"{run.rule} of left visit {run.visit} is {run.status}"
            assert run.reason is not None or not run.status.is_end
        waiting = {(event.source, event.id) for event in self.waiting}
        for event in self.do(self.both.events()):
            assert event.reason is not None or (event.source, event.id) in waiting, event


def test_decisions_in_memory_answer_as_the_model_does(profile: settings, search_seed: int) -> None:
    """Covers M04, M05, M06, M08, M11, M23, M50-M57, M64, M71; every question is asked twice."""
    look = settings(profile, max_examples=profile.max_examples // 6)
    run_state_machine_as_test(seed(search_seed)(DecisionsMachine), settings=look)


def test_decisions_on_a_database_file_answer_as_the_model_does(
    profile: settings, search_seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers M50, M51, M64 on SQLite as it is deployed."""
    template = tmp_path / "orders.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{template}"))
    monkeypatch.setattr(DecisionsMachine, "template", template)
    look = settings(profile, max_examples=profile.max_examples // 30, stateful_step_count=20)
    run_state_machine_as_test(seed(search_seed)(DecisionsMachine), settings=look)
