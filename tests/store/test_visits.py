"""Visits and runs: entering, stopping, ending, repeating, once, holding."""

from datetime import timedelta

import pytest

from activities.store import ledger, orders, runs, tasks, timeline, visits
from activities.store.database import NotFound, Store
from activities.store.history import NewTask, TaskStatus, TimelineKind
from activities.store.visits import RunEnd
from tests.store.builders import KEY, NOW, claim_of, entry, later, move, new_order, planned, put_order
from workflows.contracts.ids import OrderKey, run_id
from workflows.contracts.plans import Due, StageCard
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.state import StageKind

DONE = RunEnd(
    RunStatus.DONE, RunReason.DONE, NOW, words="sent", results={"code": "7"}, compared=(("order.paid", "no"),)
)


async def test_entering_a_stage_sets_stage_visit_and_runs_at_once(store: Store) -> None:
    """Covers M01."""
    key = await put_order(store, runs=(planned("a", due=later(hours=3)), planned("b", after="a"), planned("c")))
    async with store.read() as tx:
        now = await visits.standing(tx, key)
        found = await runs.runs_of(tx, key, visit=1)
        lines = (await timeline.page(tx, key)).items
    assert now is not None
    assert (now.stage, now.visit, now.version, now.stage_kind) == ("new", 1, 1, StageKind.OPEN)
    assert [(run.rule, run.reason) for run in found] == [
        ("a", RunReason.WAITING),
        ("b", RunReason.AFTER_RULE),
        ("c", None),
    ]
    assert [(line.kind, line.visit) for line in lines] == [(TimelineKind.STAGE, 1)]


async def test_leaving_a_stage_stops_its_rules(store: Store) -> None:
    """Covers M05."""
    key = await put_order(store, runs=(planned("done"), planned("waits"), planned("next", after="waits")))
    async with store.write() as tx:
        await runs.finish(tx, key, visit=1, rule="done", end=DONE)
        await move(tx, key, visit=2, runs=(planned("fresh"),))
        found = await runs.runs_of(tx, key)
    assert [(run.visit, run.rule, run.status, run.reason) for run in found] == [
        (1, "done", RunStatus.DONE, RunReason.DONE),
        (1, "waits", RunStatus.STOPPED, RunReason.STAGE_LEFT),
        (1, "next", RunStatus.STOPPED, RunReason.STAGE_LEFT),
        (2, "fresh", RunStatus.PLANNED, None),
    ]


async def test_a_claimed_send_is_not_stopped_and_ends_as_what_it_was(store: Store) -> None:
    """Covers M05."""
    key = await put_order(store, runs=(planned("sms"), planned("later")))
    async with store.write() as tx:
        assert isinstance(await ledger.claim(tx, claim=claim_of()), ledger.Claimed)
    async with store.write() as tx:
        await move(tx, key, visit=2)
    async with store.write() as tx:
        assert await runs.finish(tx, key, visit=1, rule="sms", end=DONE)
        found = await runs.runs_of(tx, key, visit=1)
    assert [run.status for run in found] == [RunStatus.DONE, RunStatus.STOPPED]


async def test_a_send_given_back_before_the_stage_is_left_is_stopped(store: Store) -> None:
    """Covers M05: nothing left the house, so nothing of the left stage may start."""
    key = await put_order(store, runs=(planned("sms"),))
    async with store.write() as tx:
        await ledger.claim(tx, claim=claim_of())
        await ledger.released(tx, send_id=run_id(key, 1, "sms"), error="429", now=NOW)
        await move(tx, key, visit=2)
        again = await ledger.claim(tx, claim=claim_of())
        found = await runs.run_of(tx, key, visit=1, rule="sms")
    assert again == ledger.Refused(RunReason.STAGE_LEFT, "The run has ended")
    assert found is not None
    assert found.status is RunStatus.STOPPED


async def test_a_run_ends_once(store: Store) -> None:
    key = await put_order(store, runs=(planned("a"),))
    async with store.write() as tx:
        assert await runs.finish(tx, key, visit=1, rule="a", end=DONE)
        failed = RunEnd(RunStatus.FAILED, RunReason.REJECTED, later(hours=1))
        assert not await runs.finish(tx, key, visit=1, rule="a", end=failed)
        found = await runs.run_of(tx, key, visit=1, rule="a")
    assert found is not None
    assert (found.status, found.words, found.results) == (RunStatus.DONE, "sent", {"code": "7"})
    assert (found.compared, found.ended_at) == ([("order.paid", "no")], NOW)


async def test_the_plan_comes_back_as_far_as_it_is(store: Store) -> None:
    """Covers M07, M71."""
    line = planned("a", seconds=7, queue="orders-sms", is_record=False)
    async with store.write() as tx:
        await orders.create(tx, new_order(number="1001"), now=NOW)
        await visits.enter(
            tx, KEY, entry=entry(runs=(line, planned("b", after="a", has_wait=True)), card=StageCard(title="Accepted"))
        )
        await runs.finish(tx, KEY, visit=1, rule="a", end=DONE)
        await runs.set_dues(tx, KEY, visit=1, dues=[Due(rule="b", at=later(days=1), words="1 day after a")])
        plan = await runs.plan_of(tx, KEY, visit=1)
        assert await runs.plan_of(tx, KEY, visit=2) is None
    assert plan is not None
    assert plan.card.title == "Accepted"
    assert plan.runs[0] == line.model_copy(update={"status": RunStatus.DONE, "reason": RunReason.DONE, "words": "sent"})
    assert (plan.runs[1].due, plan.runs[1].words) == (later(days=1), "1 day after a")
    assert plan.runs[1].reason is RunReason.WAITING, "the rule before it has ended: it waits for its moment now"


async def test_a_new_moment_does_not_change_what_else_a_run_waits_for(store: Store) -> None:
    """Covers M22."""
    key = await put_order(store, runs=(planned("a"), planned("b", after="a", has_wait=True)))
    async with store.write() as tx:
        await runs.set_status(
            tx, key, visit=1, rules=["a"], status=RunStatus.PLANNED, reason=RunReason.QUIET_HOURS, at=NOW
        )
        await runs.set_dues(tx, key, visit=1, dues=[Due(rule="a", at=later(hours=9), words="quiet hours")])
        found = await runs.runs_of(tx, key, visit=1)
    assert [run.reason for run in found] == [RunReason.QUIET_HOURS, RunReason.AFTER_RULE]


async def test_a_stage_without_rules_still_has_a_plan(store: Store) -> None:
    key = await put_order(store)
    async with store.read() as tx:
        plan = await runs.plan_of(tx, key, visit=1)
    assert plan is not None
    assert plan.runs == []


async def test_runs_change_status_unless_they_have_ended(store: Store) -> None:
    """Covers M06."""
    key = await put_order(store, runs=(planned("a"), planned("b"), planned("c")))
    async with store.write() as tx:
        await runs.finish(tx, key, visit=1, rule="a", end=DONE)
        changed = await runs.set_status(
            tx,
            key,
            visit=1,
            rules=["a", "b"],
            status=RunStatus.STOPPED,
            reason=RunReason.STOPPED_BY_OPERATOR,
            at=later(hours=1),
        )
        assert await runs.set_status(tx, key, visit=1, rules=[], status=RunStatus.HELD, reason=None, at=NOW) == 0
        found = {run.rule: run for run in await runs.runs_of(tx, key, visit=1)}
    assert changed == 1
    assert [found[rule].status for rule in "abc"] == [RunStatus.DONE, RunStatus.STOPPED, RunStatus.PLANNED]
    assert found["b"].ended_at == later(hours=1)


async def test_a_failed_run_can_be_repeated_and_its_send_claimed_anew(store: Store) -> None:
    """Covers M06, M62."""
    key = await put_order(store, runs=(planned("sms"), planned("ok")))
    send_id = run_id(key, 1, "sms")
    async with store.write() as tx:
        await ledger.claim(tx, claim=claim_of())
        await ledger.failed(tx, send_id=send_id, code="21211", words="not a phone", now=NOW)
        await runs.finish(tx, key, visit=1, rule="sms", end=RunEnd(RunStatus.FAILED, RunReason.REJECTED, NOW))
        await runs.finish(tx, key, visit=1, rule="ok", end=DONE)
    async with store.write() as tx:
        assert isinstance(await ledger.claim(tx, claim=claim_of()), ledger.Unsettled)
        assert await runs.repeat(tx, key, visit=1, rules=["sms", "ok"], at=NOW) == 1
        assert await ledger.reopen(tx, key, visit=1, rule="sms", now=NOW) == 1
        assert await ledger.claim(tx, claim=claim_of()) == ledger.Claimed(send_id, attempt=2, until=later(seconds=60))


@pytest.mark.parametrize("is_finished", [True, False], ids=["finished", "only claimed"])
async def test_a_once_rule_counts_what_an_earlier_visit_sent(store: Store, is_finished: bool) -> None:
    """Covers M04."""
    key = await put_order(store, runs=(planned("sms"),))
    async with store.write() as tx:
        assert not await runs.was_done_before(tx, key, rule="sms", stage="new", before_visit=2)
        await ledger.claim(tx, claim=claim_of())
        if is_finished:
            await runs.finish(tx, key, visit=1, rule="sms", end=DONE)
        await move(tx, key, visit=2, stage="paid", runs=(planned("sms"),))
        await move(tx, key, visit=3, stage="new", runs=(planned("sms"),))
        assert await runs.was_done_before(tx, key, rule="sms", stage="new", before_visit=3)
        assert not await runs.was_done_before(tx, key, rule="sms", stage="paid", before_visit=3)
        refused = await ledger.claim(tx, claim=claim_of(visit=3, once=True))
    assert refused == ledger.Refused(RunReason.ONCE_DONE, "It was done in an earlier visit")


async def test_automatic_moves_are_counted_and_those_of_people_are_not(store: Store) -> None:
    """Covers M08."""
    key = await put_order(store)
    async with store.write() as tx:
        for visit in range(2, 6):
            moved = entry(visit, "paid", is_automatic=visit != 3, at=later(minutes=visit))
            await visits.enter(tx, key, entry=moved)
        assert await visits.automatic_moves(tx, key, since=later(minutes=2)) == 3
        assert await visits.automatic_moves(tx, key, since=later(minutes=6)) == 0


async def test_holding_and_resuming_give_the_length_of_the_pause(store: Store) -> None:
    """Covers M06."""
    key = await put_order(store)
    async with store.write() as tx:
        assert await visits.hold(tx, key, at=NOW, by="olga")
        assert not await visits.hold(tx, key, at=later(hours=1), by="olga")
        assert await visits.resume(tx, key, at=later(hours=5), by="olga") == timedelta(hours=5)
        assert await visits.resume(tx, key, at=later(hours=6), by="olga") is None
        lines = [(line.text, line.author) for line in (await timeline.page(tx, key)).items]
        with pytest.raises(NotFound):
            await visits.resume(tx, OrderKey(shop="shop", number="404"), at=NOW, by="olga")
    assert lines[:2] == [("Automation resumed", "olga"), ("Automation held", "olga")]


async def test_attention_is_set_and_taken_away(store: Store) -> None:
    key = await put_order(store)
    async with store.write() as tx:
        await visits.set_attention(tx, key, text="a rule failed")
        marked = await visits.standing(tx, key)
        await visits.set_attention(tx, key, text="")
        cleared = await visits.lock(tx, key)
    assert marked is not None
    assert cleared is not None
    assert (marked.attention, cleared.attention) == ("a rule failed", "")


async def test_the_newest_open_order_of_a_customer_is_the_latest(store: Store) -> None:
    """Covers 1 (orders: latest)."""
    async with store.write() as tx:
        keys = [
            (await orders.create(tx, new_order(number=n), now=later(minutes=i))).key for i, n in enumerate(("A", "B"))
        ]
        alone = (await orders.create(tx, new_order(number="C", customer=None), now=NOW)).key
        assert [await visits.is_latest_open(tx, key) for key in (*keys, alone)] == [False, True, True]
        await visits.enter(tx, keys[1], entry=entry(1, "done", stage_kind=StageKind.SUCCESS))
        assert [await visits.is_latest_open(tx, key) for key in keys] == [True, False]


async def test_an_unknown_order_stands_nowhere(store: Store) -> None:
    async with store.write() as tx:
        assert await visits.lock(tx, KEY) is None
        assert await visits.standing(tx, KEY) is None
        assert await visits.visit_of(tx, KEY, visit=1) is None
        assert await runs.run_of(tx, KEY, visit=1, rule="a") is None


async def test_a_task_that_closes_on_leave_closes_with_the_stage(store: Store) -> None:
    """Covers E24."""
    key = await put_order(store)
    closing, staying = run_id(key, 1, "t1"), run_id(key, 1, "t2")
    async with store.write() as tx:
        await tasks.add(tx, key, task=NewTask(id=closing, title="Call", close_on_leave=True), now=NOW)
        await tasks.add(tx, key, task=NewTask(id=staying, title="Pack"), now=NOW)
        await move(tx, key, visit=2)
        assert (await tasks.get(tx, id=closing)).status is TaskStatus.CLOSED
        assert (await tasks.get(tx, id=staying)).status is TaskStatus.OPEN


async def test_visits_tell_their_cause(store: Store) -> None:
    """Covers M64."""
    key = await put_order(store)
    async with store.read() as tx:
        visit = await visits.visit_of(tx, key, visit=1)
        assert [visit] == await visits.visits_of(tx, key)
    assert visit is not None
    assert (visit.cause_source, visit.cause_id, visit.cause_type) == ("orders", "cause-1", "order.created")
