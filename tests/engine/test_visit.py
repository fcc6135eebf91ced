"""The visit engine on a virtual clock: chains, waits, leaving, operators' directives. No server, no store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tests.engine.virtual import START, Life, VirtualClock, done, failed, settle
from workflows.contracts.carry import Carry
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.events import Event
from workflows.contracts.plans import Due, PlannedRun
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.contracts.runs import RunOutcome

HOUR = timedelta(hours=1)


@asynccontextmanager
async def life(clock: VirtualClock) -> AsyncIterator[Life]:
    order = Life(clock)
    yield order
    order.serving.cancel()
    await asyncio.gather(order.serving, return_exceptions=True)


def record(rule: str, **changes: object) -> PlannedRun:
    return PlannedRun.model_validate({"rule": rule, "kind": "log", **changes})


def sms(rule: str, **changes: object) -> PlannedRun:
    return PlannedRun.model_validate({"rule": rule, "kind": "sms", "is_record": False, **changes})


async def test_rules_of_one_moment_and_those_that_follow_go_in_one_request() -> None:
    """Covers M10."""
    clock = VirtualClock({"new": [record("a"), record("b"), record("c", after="a"), record("d", after="c")]})
    async with life(clock) as order:
        await order.event("new")
    assert clock.requests == [["a", "b", "c", "d"]]
    assert all(order.status(rule) is RunStatus.DONE for rule in "abcd")


async def test_a_rule_waits_for_its_moment_and_its_chain_for_it() -> None:
    """Covers M10, M20."""
    clock = VirtualClock({"new": [record("a", due=START + HOUR), sms("b", after="a")]})
    async with life(clock) as order:
        await order.event("new")
        assert clock.requests == []
        await clock.pass_time(2 * HOUR)
    assert clock.requests == [["a"]]
    assert clock.sent == ["b"]


async def test_stage_change_cancels_the_waiting_reminder() -> None:
    """Covers M02, M05, M57."""
    clock = VirtualClock({"new": [sms("remind", due=START + HOUR)], "paid": [record("thank")]})
    async with life(clock) as order:
        await order.event("new")
        await order.event("paid")
        await clock.pass_time(3 * HOUR)
    assert clock.sent == []
    assert clock.requests == [["thank"]]


async def test_a_send_in_flight_when_the_stage_is_left_ends_but_its_chain_does_not_go_on() -> None:
    """Covers M05: what was claimed is completed, nothing after it starts."""
    gate = asyncio.Event()

    async def slow(rule: str) -> RunOutcome:
        try:
            await gate.wait()
        except asyncio.CancelledError:
            await gate.wait()  # as WAIT_CANCELLATION_COMPLETED: the send completes anyway
        return done(rule)

    clock = VirtualClock({"new": [sms("first"), sms("second", after="first")], "paid": []})
    clock.outcomes["first"] = slow
    async with life(clock) as order:
        await order.event("new")
        await order.event("paid")
        gate.set()
        await settle()
    assert clock.sent == ["first"]


async def test_events_of_a_run_whose_stage_was_left_meanwhile_are_not_lost() -> None:
    """Covers M51: what a rule caused has happened, whether its visit goes on or not."""
    gate = asyncio.Event()
    caused = Event(id="x", type="shipment.shipped", source="rule")

    async def slow(rule: str) -> RunOutcome:
        await gate.wait()
        return done(rule).model_copy(update={"events": [caused]})

    clock = VirtualClock({"new": [record("ship")], "paid": [], "shipment.shipped": [record("told")]})
    clock.outcomes["ship"] = slow
    async with life(clock) as order:
        await order.event("new")
        await order.event("paid")
        gate.set()
        await settle()
        assert order.automation.state.stage == "shipment.shipped"


async def test_a_failed_rule_stops_its_chain_and_no_other() -> None:
    """Covers M11."""
    clock = VirtualClock({"new": [sms("a"), sms("b", after="a"), sms("c", after="b"), sms("d")]})
    clock.outcomes["a"] = failed
    async with life(clock) as order:
        await order.event("new")
        assert order.status("b") is RunStatus.STOPPED
        assert order.status("c") is RunStatus.STOPPED
    assert clock.sent == ["a", "d"]


async def test_a_chain_goes_on_after_a_failure_where_the_rule_says_so() -> None:
    """Covers M11: on_failure: continue."""
    clock = VirtualClock({"new": [sms("a", continues_on_failure=True), sms("b", after="a")]})
    clock.outcomes["a"] = failed
    async with life(clock) as order:
        await order.event("new")
    assert clock.sent == ["a", "b"]


async def test_a_chain_goes_on_after_a_skipped_rule() -> None:
    """Covers M11."""
    clock = VirtualClock({"new": [sms("a"), sms("b", after="a")]})
    clock.outcomes["a"] = lambda rule: RunOutcome(rule=rule, status=RunStatus.SKIPPED, reason=RunReason.CONDITION_FALSE)
    async with life(clock) as order:
        await order.event("new")
    assert clock.sent == ["a", "b"]


async def test_the_outcome_of_a_rule_tells_the_moment_of_the_next() -> None:
    """Covers M10, M20."""
    clock = VirtualClock({"new": [record("a"), sms("b", after="a", has_wait=True)]})
    clock.outcomes["a"] = lambda rule: done(rule).model_copy(update={"dues": [Due(rule="b", at=START + HOUR)]})
    async with life(clock) as order:
        await order.event("new")
        assert order.automation.next_at() == START + HOUR
        await clock.pass_time(HOUR)
    assert clock.sent == ["b"]


async def test_a_moment_that_changes_moves_the_waiting_rule() -> None:
    """Covers M23."""
    clock = VirtualClock({"new": [sms("a", due=START + HOUR)]})
    clock.answers["order.edited"] = directive(clock, dues=[Due(rule="a", at=START + 5 * HOUR)])
    async with life(clock) as order:
        await order.event("new")
        await order.event("order.edited")
        await clock.pass_time(2 * HOUR)
        assert clock.sent == []
        await clock.pass_time(4 * HOUR)
    assert clock.sent == ["a"]


def directive(clock: VirtualClock, *, held: bool = False, **changes: object):  # type: ignore[no-untyped-def]
    def answer(request: DecideRequest) -> Decision:
        return Decision.model_validate(
            {
                "event": request.event.id,
                "type": request.event.type,
                "reason": EventReason.COMMAND_DONE,
                "state": clock.state(held=held),
                **changes,
            }
        )

    return answer


async def test_while_held_nothing_runs_and_on_resume_what_is_due_does() -> None:
    """Covers M06: deadlines are kept."""
    clock = VirtualClock({"new": [sms("a", due=START + HOUR)]})
    clock.answers["operator.hold"] = directive(clock, held=True)
    clock.answers["operator.resume"] = directive(clock)
    async with life(clock) as order:
        await order.event("new")
        await order.event("operator.hold")
        await clock.pass_time(3 * HOUR)
        assert clock.sent == []
        await order.event("operator.resume")
    assert clock.sent == ["a"]


async def test_events_kept_by_a_hold_are_decided_before_overdue_rules_run() -> None:
    """Covers M05, M06: the payment that came during the hold stops the reminder that is overdue."""
    clock = VirtualClock({"new": [sms("remind", due=START + HOUR)], "paid": [record("thank")]})
    clock.answers["operator.hold"] = directive(clock, held=True)
    clock.answers["operator.resume"] = directive(clock, requeue=[{"id": "kept", "type": "paid"}])
    async with life(clock) as order:
        await order.event("new")
        await order.event("operator.hold")
        await clock.pass_time(3 * HOUR)
        await order.event("operator.resume")
    assert clock.sent == []
    assert clock.requests == [["thank"]]


async def test_a_resume_that_starts_a_workflow_brings_the_kept_events_along() -> None:
    """Covers M05, M06: the workflow was cancelled or lost meanwhile; its successor knows of no hold."""
    clock = VirtualClock({"new": [sms("remind", due=START + HOUR)], "paid": [record("thank")]})
    clock.answers["operator.resume"] = directive(clock, requeue=[{"id": "kept", "type": "paid"}])
    async with life(clock) as order:
        await order.event("operator.resume")
    assert clock.requests == [["thank"]]


async def test_on_resume_deadlines_can_be_shifted_by_the_pause() -> None:
    """Covers M06."""
    clock = VirtualClock({"new": [sms("a", due=START + HOUR)]})
    clock.answers["operator.hold"] = directive(clock, held=True)
    clock.answers["operator.resume"] = directive(clock, dues=[Due(rule="a", at=START + 4 * HOUR)])
    async with life(clock) as order:
        await order.event("new")
        await order.event("operator.hold")
        await clock.pass_time(3 * HOUR)
        await order.event("operator.resume")
        assert clock.sent == []
        await clock.pass_time(HOUR)
    assert clock.sent == ["a"]


async def test_a_run_that_the_store_held_is_tried_again() -> None:
    """Covers M06: the store knew of a hold before the workflow did."""
    told: list[str] = []

    def held_once(rule: str) -> RunOutcome:
        told.append(rule)
        if len(told) == 1:
            return RunOutcome(rule=rule, status=RunStatus.HELD, reason=RunReason.ON_HOLD)
        return done(rule)

    clock = VirtualClock({"new": [sms("a")]})
    clock.outcomes["a"] = held_once
    async with life(clock) as order:
        await order.event("new")
        await clock.pass_time(timedelta(seconds=10))
        assert order.status("a") is RunStatus.DONE
    assert told == ["a", "a"]


async def test_a_run_that_the_store_held_waits_for_its_moment_in_the_next_workflow() -> None:
    """Covers M06, M23: its moment was moved during the hold."""
    kept = {"status": RunStatus.HELD, "reason": RunReason.ON_HOLD}
    clock = VirtualClock({"new": [sms("later", due=START + HOUR, **kept), sms("now", due=START, **kept)]})
    clock.answers["operator.hold"] = directive(clock, held=True)
    clock.answers["operator.resume"] = directive(clock)
    async with life(clock) as order:
        for event in ("new", "operator.hold", "operator.resume"):
            await order.event(event)
        assert clock.sent == ["now"]
        await clock.pass_time(2 * HOUR)
    assert clock.sent == ["now", "later"]


@pytest.mark.parametrize(
    ("answer", "sent", "status"),
    [
        pytest.param({"wake": ["a"]}, ["a", "b"], RunStatus.DONE, id="run now"),
        pytest.param({"skip": ["a"]}, ["b"], RunStatus.SKIPPED, id="skip"),
        pytest.param({"stop": ["a", "b"]}, [], RunStatus.STOPPED, id="stop waiting"),
    ],
)
async def test_operators_direct_waiting_rules(answer: dict[str, list[str]], sent: list[str], status: RunStatus) -> None:
    """Covers M06."""
    clock = VirtualClock({"new": [sms("a", due=START + HOUR), sms("b", after="a")]})
    clock.answers["operator.x"] = directive(clock, **answer)
    async with life(clock) as order:
        await order.event("new")
        await order.event("operator.x")
        assert order.status("a") is status
        await clock.pass_time(9 * HOUR)
    assert clock.sent == sent


async def test_a_rule_that_is_run_now_while_its_postponement_is_on_its_way_runs() -> None:
    """Covers M06: the store had put it off already when the command came; the workflow had not heard of that yet."""
    clock, told = VirtualClock({"new": [sms("a")]}), asyncio.Event()

    async def put_off(rule: str) -> RunOutcome:
        await told.wait()
        clock.outcomes["a"] = done
        return RunOutcome(rule=rule, status=RunStatus.PLANNED, reason=RunReason.QUIET_HOURS, at=START + 9 * HOUR)

    clock.outcomes["a"] = put_off
    clock.answers["operator.run_now"] = directive(clock, wake=["a"])
    async with life(clock) as order:
        await order.event("new")
        await order.event("operator.run_now")
        told.set()
        await settle()
        assert order.status("a") is RunStatus.DONE
    assert clock.sent == ["a", "a"]


async def test_a_moment_that_changes_moves_a_rule_whose_predecessor_is_being_repeated() -> None:
    """Covers M06, M23: it was past its chain before the repetition, and does not wait for that one's end."""
    clock, told = (
        VirtualClock({"new": [sms("a"), sms("b", after="a", has_wait=True, due=START + 9 * HOUR)]}),
        asyncio.Event(),
    )
    clock.answers["operator.repeat"] = directive(clock, repeat=["a"])
    clock.answers["order.edited"] = directive(clock, dues=[Due(rule="b", at=START + HOUR)])

    async def slowly(rule: str) -> RunOutcome:
        await told.wait()
        return done(rule)

    async with life(clock) as order:
        await order.event("new")
        clock.outcomes["a"] = slowly
        await order.event("operator.repeat")
        await order.event("order.edited")
        await clock.pass_time(2 * HOUR)
        assert order.status("b") is RunStatus.DONE
        told.set()
        await settle()
        assert order.status("a") is RunStatus.DONE
    assert clock.sent == ["a", "b", "a"]


async def test_a_repeated_rule_revives_the_chain_that_its_failure_stopped() -> None:
    """Covers M06, M62."""
    clock = VirtualClock({"new": [sms("a"), sms("b", after="a")]})
    clock.outcomes["a"] = failed
    clock.answers["operator.repeat"] = directive(clock, repeat=["a"])
    async with life(clock) as order:
        await order.event("new")
        del clock.outcomes["a"]
        await order.event("operator.repeat")
        assert order.status("a") is RunStatus.DONE
        assert order.status("b") is RunStatus.DONE
    assert clock.sent == ["a", "a", "b"]


async def test_a_final_stage_ends_the_automation_when_its_rules_have_ended() -> None:
    """Covers M07."""
    clock = VirtualClock({"won": [sms("review", due=START + 72 * HOUR)]}, final="won")
    async with life(clock) as order:
        await order.event("won")
        await clock.pass_time(71 * HOUR)
        assert not order.serving.done()
        await clock.pass_time(2 * HOUR)
        assert order.serving.done()
    assert clock.sent == ["review"]


async def renewed(order: Life) -> Life:
    """Continue as new: all that survives is the carry, as JSON; Temporal drops the tasks of the run that has ended."""
    order.clock.renews = True
    order.automation.task_ended(None)
    carry = await order.serving
    order.clock.renews = False
    assert isinstance(carry, Carry)
    assert order.automation.visit is not None
    order.automation.visit.leave()
    return Life(order.clock, carry=Carry.model_validate_json(carry.model_dump_json()))


async def test_waiting_chains_survive_continue_as_new() -> None:
    """The carry holds absolute moments; the chain goes on in the next run."""
    clock = VirtualClock({"new": [record("a"), sms("b", after="a", due=START + HOUR), sms("c", after="b")]})
    async with life(clock) as order:
        await order.event("new")
        again = await renewed(order)
        await clock.pass_time(2 * HOUR)
        again.serving.cancel()
    assert clock.requests == [["a"]]
    assert clock.sent == ["b", "c"]


async def test_a_rule_past_its_chain_waits_for_no_second_end_after_continue_as_new() -> None:
    """Covers M06: the rule before it is tried again, in hours."""
    night = RunOutcome(rule="a", status=RunStatus.PLANNED, reason=RunReason.QUIET_HOURS, at=START + 9 * HOUR)
    clock = VirtualClock({"new": [sms("a"), sms("b", after="a", has_wait=True, due=START + HOUR)]})
    clock.answers["operator.repeat"] = directive(clock, repeat=["a"])
    async with life(clock) as order:
        await order.event("new")
        clock.outcomes["a"] = lambda _: night
        await order.event("operator.repeat")
        again = await renewed(order)
        await clock.pass_time(2 * HOUR)
        again.serving.cancel()
    assert clock.sent == ["a", "a", "b"]


async def test_a_bug_in_a_run_stops_the_order_visibly() -> None:
    """An exception in a background task is never lost."""

    def broken(rule: str) -> RunOutcome:
        raise KeyError(rule)

    clock = VirtualClock({"new": [sms("a")]})
    clock.outcomes["a"] = broken
    order = Life(clock)
    await order.event("new")
    with pytest.raises(KeyError):
        await order.serving


async def test_a_command_is_answered_in_its_turn_and_twice_the_same_id_is_one() -> None:
    """Covers M06, M50."""
    clock = VirtualClock({"new": []})
    seen: list[str] = []

    def answer(request: DecideRequest) -> Decision:
        seen.append(request.event.id)
        decision: Decision = directive(clock)(request)
        return decision

    clock.answers["operator.hold"] = answer
    async with life(clock) as order:
        await order.event("new")
        event = Event(id="cmd", type="operator.hold", source="operator")
        first, second = await asyncio.gather(order.automation.answer(event), order.automation.answer(event))
    assert first == second
    assert seen == ["cmd"]
