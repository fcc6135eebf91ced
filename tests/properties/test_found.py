"""What the searches have found, each as a plain test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from activities.store import claims
from activities.store.claims import Claim, Claimed
from activities.store.scratch import Scratch
from tests.engine.virtual import START as MORNING
from tests.engine.virtual import Life, VirtualClock, done, failed, settle
from tests.properties.books import CREATED, KEY
from tests.properties.both import Both
from tests.properties.loops import START
from tests.properties.shapes import RuleShape, Shape, StageShape, TriggerShape
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.events import Event
from workflows.contracts.plans import Due, PlannedRun
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunOutcome, RunsRequest

HOUR = timedelta(hours=1)
WEBHOOK = "webhook: 'https://erp.example/hook'"


def run(rule: str, **changes: Any) -> PlannedRun:
    return PlannedRun.model_validate({"rule": rule, "kind": "sms", "is_record": False, **changes})


def answer(clock: VirtualClock, *, held: bool = False, **changes: Any) -> Callable[[DecideRequest], Decision]:
    def told(request: DecideRequest) -> Decision:
        event = request.event
        values = {"event": event.id, "type": event.type, "reason": EventReason.COMMAND_DONE, **changes}
        return Decision.model_validate({**values, "state": clock.state(held=held)})

    return told


@asynccontextmanager
async def life(clock: VirtualClock) -> AsyncIterator[Life]:
    order = Life(clock)
    yield order
    order.serving.cancel()
    with suppress(asyncio.CancelledError):
        await order.serving


class Gate:
    """Holds the first outcome back until it is opened; a cancel does not open it."""

    def __init__(self, *outcomes: Callable[[str], RunOutcome]) -> None:
        self._outcomes = list(outcomes)
        self._opened = asyncio.Event()
        self._is_first = True

    def open(self) -> None:
        self._opened.set()

    async def __call__(self, rule: str) -> RunOutcome:
        outcome = self._outcomes.pop(0)(rule)
        if self._is_first:
            self._is_first = False
            while not self._opened.is_set():
                with suppress(asyncio.CancelledError):
                    await self._opened.wait()
        return outcome


async def test_a_repeat_of_a_failure_that_is_still_on_its_way_is_not_lost() -> None:
    """Covers M06, M62: the person saw it fail in the store before the workflow heard of it."""
    gate = Gate(failed, done)
    clock = VirtualClock({"new": [run("a"), run("b", after="a")]})
    clock.outcomes["a"] = gate
    clock.answers["operator.repeat"] = answer(clock, repeat=["a"])
    async with life(clock) as order:
        await order.event("new")
        await order.event("operator.repeat")
        gate.open()
        await settle()
        assert order.status("a") is RunStatus.DONE
    assert clock.sent == ["a", "a", "b"]


async def test_a_moment_that_moved_is_not_moved_back_by_an_answer_on_its_way() -> None:
    """Covers M23: the date changed after the rule before had ended, and before the workflow heard of its end."""
    gate = Gate(lambda rule: done(rule).model_copy(update={"dues": [Due(rule="b", at=MORNING + 100 * HOUR)]}))
    clock = VirtualClock({"new": [run("a"), run("b", after="a", has_wait=True)]})
    clock.outcomes["a"] = gate
    clock.answers["order.edited"] = answer(clock, dues=[Due(rule="b", at=MORNING + HOUR)])
    async with life(clock) as order:
        await order.event("new")
        await order.event("order.edited")
        gate.open()
        await settle()
        assert order.automation.next_at() == MORNING + HOUR
        await clock.pass_time(2 * HOUR)
    assert clock.sent == ["a", "b"]


async def test_a_moment_that_moved_counts_for_a_message_that_quiet_hours_put_off_meanwhile() -> None:
    """Covers M22, M23: the date changed after the message was put off, and before the workflow heard of that."""
    put_off = RunOutcome(rule="a", status=RunStatus.PLANNED, reason=RunReason.QUIET_HOURS, at=MORNING + HOUR)
    gate = Gate(lambda rule: put_off, done)
    clock = VirtualClock({"new": [run("a")]})
    clock.outcomes["a"] = gate
    clock.answers["order.edited"] = answer(clock, dues=[Due(rule="a", at=MORNING + 100 * HOUR)])
    async with life(clock) as order:
        await order.event("new")
        await order.event("order.edited")
        gate.open()
        await settle()
        assert order.automation.next_at() == MORNING + 100 * HOUR
        await clock.pass_time(2 * HOUR)
        assert order.status("a") is RunStatus.PLANNED
        await clock.pass_time(99 * HOUR)
        assert order.status("a") is RunStatus.DONE


async def test_a_moment_that_moved_counts_for_a_message_that_a_hold_kept_meanwhile() -> None:
    """Covers M06, M23: the date changed after the message was due, and before the store was asked for it."""
    kept = RunOutcome(rule="a", status=RunStatus.HELD, reason=RunReason.ON_HOLD)
    gate = Gate(lambda rule: kept, done)
    clock = VirtualClock({"new": [run("a")]})
    clock.outcomes["a"] = gate
    clock.answers["order.edited"] = answer(clock, dues=[Due(rule="a", at=MORNING + 100 * HOUR)])
    clock.answers["operator.hold"] = answer(clock, held=True)
    clock.answers["operator.resume"] = answer(clock)
    async with life(clock) as order:
        for event in ("new", "order.edited", "operator.hold"):
            await order.event(event)
        gate.open()
        await settle()
        await order.event("operator.resume")
        assert order.automation.next_at() == MORNING + 100 * HOUR
        assert order.status("a") is RunStatus.PLANNED
        await clock.pass_time(101 * HOUR)
        assert order.status("a") is RunStatus.DONE


async def test_a_command_that_comes_while_a_cancelled_automation_drains_is_answered() -> None:
    """Covers M06: the workflow closes only when every command has its answer."""
    gate = Gate(done)
    clock = VirtualClock({"new": [run("a")]})
    clock.outcomes["a"] = gate
    clock.answers["operator.cancel"] = answer(clock, held=True)
    clock.answers["operator.resume"] = answer(clock)
    async with life(clock) as order:
        await order.event("new")
        order.serving.cancel()
        await settle()
        cancel = Event(id="x", type="operator.cancel", source="operator")
        stopping = asyncio.create_task(order.automation.stop(cancel))
        await settle()
        resume = Event(id="y", type="operator.resume", source="operator")
        resuming = asyncio.create_task(order.automation.answer(resume))
        await settle()
        assert not stopping.done()
        gate.open()
        await settle()
        assert resuming.done()
        assert stopping.done()
        assert not order.automation.is_held


class Asked:
    """One order of the store, and the model beside it, asked by hand."""

    def __init__(self) -> None:
        self.both = Both(Scratch())
        self.now = START

    async def ask(self, event: Event) -> Decision:
        visit = self.both.books.visit
        return await self.both.decide(DecideRequest(key=KEY, event=event, now=self.now, visit=visit))

    async def command(self, id: str, name: str, **data: str) -> Decision:
        return await self.ask(Event(id=id, type=f"operator.{name}", source="operator", data={**data, "by": "olga"}))

    async def statuses(self) -> dict[str, RunStatus]:
        return {one.rule: one.status for one in await self.both.runs(visit=self.both.books.visit)}


@asynccontextmanager
async def asked(*stages: StageShape) -> AsyncIterator[Asked]:
    order = Asked()
    shape: Shape = stages
    await order.both.open(shape, now=order.now)
    await order.ask(Event(id=CREATED, type="order.created", source="orders"))
    yield order
    await order.both.store.close()


def stage(id: str, *rules: RuleShape, on: str = "payment.paid") -> StageShape:
    return StageShape(id, False, () if id == "s1" else (TriggerShape(on),), rules)


async def test_a_command_told_again_does_nothing_to_a_later_visit() -> None:
    """Covers M50: rules of two stages may have the same name."""
    waits = RuleShape("r1", "log: Noted", wait="2h")
    async with asked(stage("s1", waits), stage("s2", waits)) as order:
        assert (await order.command("c1", "skip", rule="r1")).skip == ["r1"]
        assert (await order.command("c1", "skip", rule="r1")).skip == ["r1"]  # the answer was lost
        await order.command("c2", "move", stage="s2")
        assert (await order.command("c1", "skip", rule="r1")).skip == []
        assert await order.statuses() == {"r1": RunStatus.PLANNED}


async def test_an_edit_told_again_does_not_bring_an_older_moment_back() -> None:
    """Covers M23, M50."""
    waits = RuleShape("r1", "log: Noted", wait="{before: order.delivery_date, for: 1d}")
    async with asked(stage("s1", waits), stage("s2")) as order:
        first, second = (
            Event(id=id, type="order.edited", source="tests", data={"fields": {"delivery_date": date}})
            for id, date in (("e1", "2026-12-01"), ("e2", "2026-12-24"))
        )
        await order.ask(first)
        later = await order.ask(second)
        again = await order.ask(first)
        assert [due.at for due in again.dues] == [due.at for due in later.dues]


async def test_a_rule_that_a_hold_kept_is_moved_by_an_edit_and_waits_again_after_the_resume() -> None:
    """Covers M06, M23: it was due when the order was held, and its date changed during the hold."""
    waits = RuleShape("r1", "log: Noted", wait="{before: order.delivery_date, for: 1d}")
    async with asked(stage("s1", waits), stage("s2")) as order:
        soon, late = (
            Event(id=id, type="order.edited", source="tests", data={"fields": {"delivery_date": date}})
            for id, date in (("e1", "2026-11-19"), ("e2", "2026-12-24"))
        )
        await order.ask(soon)
        await order.command("c1", "hold")
        item = RunItem(rule="r1", kind="log")
        await order.both.record(RunsRequest(key=KEY, visit=1, now=order.now, items=[item]))
        assert await order.statuses() == {"r1": RunStatus.HELD}
        moved = await order.ask(late)
        await order.command("c2", "resume", deadlines="keep")
        (kept,) = await order.both.runs(visit=1)
    assert (kept.status, kept.reason) == (RunStatus.PLANNED, RunReason.WAITING)
    assert [due.at for due in moved.dues] == [kept.due]
    assert kept.due is not None
    assert kept.due.month == 12


async def test_a_rule_that_was_run_by_hand_does_not_wait_again_in_another_workflow() -> None:
    """Covers M06: the workflow that took the command was terminated before it carried the rule out."""
    async with asked(stage("s1", RuleShape("r1", WEBHOOK, wait="1d")), stage("s2")) as order:
        assert (await order.command("c1", "run_now", rule="r1")).wake == ["r1"]
        request = DecideRequest(key=KEY, event=Event(id="e1", type="webhook.go"), now=order.now, visit=0, is_fresh=True)
        plan = (await order.both.decide(request)).plan
    assert plan is not None
    assert [run.due for run in plan.runs] == [order.now]


async def test_a_chain_written_in_any_order_stops_and_revives_as_a_whole() -> None:
    """Covers M11, M62: `after` may name a rule further down."""
    rules = (
        RuleShape("r3", WEBHOOK, after="r2"),
        RuleShape("r2", WEBHOOK, after="r1"),
        RuleShape("r1", 'log: "{{ order.note }}"'),
    )
    async with asked(stage("s1", *rules), stage("s2")) as order:
        stopped = {"r1": RunStatus.FAILED, "r2": RunStatus.STOPPED, "r3": RunStatus.STOPPED}
        assert await order.statuses() == stopped
        await order.command("c1", "repeat", rule="r1")
        assert set((await order.statuses()).values()) == {RunStatus.PLANNED}


async def test_a_message_that_is_out_is_not_stopped_by_the_failure_of_the_rule_before() -> None:
    """Covers M11, M61: run by hand before its turn, it is recorded as what it is."""
    rules = (RuleShape("r1", WEBHOOK), RuleShape("r2", WEBHOOK, after="r1"))
    async with asked(stage("s1", *rules), stage("s2")) as order:
        row = order.both.books.stays[-1].rows["r2"]
        claim = Claim(
            key=KEY,
            visit=1,
            rule="r2",
            stage="s1",
            channel="webhook",
            provider="webhook",
            address="https://erp.example/hook",
            body_hash="x",
            now=order.now,
            lease=HOUR,
        )
        async with order.both.store.write() as tx:
            assert isinstance(await claims.claim(tx, claim=claim), Claimed)
        row.status, row.is_claimed = RunStatus.RUNNING, True
        item = RunItem(rule="r1", kind="webhook", verdict=RunStatus.FAILED, reason=RunReason.EXPIRED)
        await order.both.record(RunsRequest(key=KEY, visit=1, now=order.now, items=[item]))
        assert await order.statuses() == {"r1": RunStatus.FAILED, "r2": RunStatus.RUNNING}


async def test_a_rule_that_a_failure_stopped_does_not_fail_in_the_same_request() -> None:
    """Covers M11, M64: both were out of time at once; the second ends once, with the first one's failure as reason."""
    rules = (RuleShape("r1", "log: Noted"), RuleShape("r2", WEBHOOK), RuleShape("r3", WEBHOOK, after="r2"))
    async with asked(stage("s1", *rules), stage("s2")) as order:
        late = RunItem(rule="r2", kind="webhook", verdict=RunStatus.FAILED, reason=RunReason.EXPIRED)
        items = [late, late.model_copy(update={"rule": "r3"})]
        told = await order.both.record(RunsRequest(key=KEY, visit=1, now=order.now, items=items))
        ends = [(one.status, one.reason) for one in told.outcomes]
        kept = [(one.status, one.reason) for one in await order.both.runs(visit=1)]
    failed_and_stopped = [
        (RunStatus.FAILED, RunReason.EXPIRED),
        (RunStatus.STOPPED, RunReason.PREVIOUS_FAILED),
    ]
    assert ends == failed_and_stopped
    assert kept == [(RunStatus.DONE, RunReason.DONE), *failed_and_stopped]


async def test_the_creation_of_an_order_is_no_stage_change_of_a_circle() -> None:
    """Covers M08: 20 moves within an hour, whether the order was created in that hour or long before."""
    there = stage("s2", RuleShape("r1", "move: s3"))
    back = stage("s3", RuleShape("r1", "move: s2"), on="webhook.never")
    for pause in (timedelta(0), 3 * HOUR):
        async with asked(stage("s1"), there, back) as order:
            order.now += pause
            told = await order.ask(Event(id="e1", type="payment.paid", source="tests"))
            moves = 1
            while told.outcomes:
                told = await order.ask(told.outcomes[0].events[0])
                moves += told.reason is EventReason.MOVED_BY_RULE
            assert told.reason is EventReason.LOOP
            assert moves == 20
