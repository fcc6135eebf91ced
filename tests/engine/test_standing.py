"""Runs that a new workflow takes over as they stand: what waits for a person is not begun, a stopped chain says why."""

from tests.engine.test_visit import life, record, sms
from tests.engine.virtual import START, VirtualClock
from workflows.contracts.reasons import RunReason, RunStatus


async def test_a_message_whose_fate_nobody_knows_is_not_sent_by_the_next_run_of_the_workflow() -> None:
    """Covers M61: it may have left; a person repeats or skips it."""
    held = {"status": RunStatus.HELD, "reason": RunReason.OUTCOME_UNKNOWN}
    clock = VirtualClock({"new": [sms("unknown", **held), record("after", after="unknown"), sms("other")]})
    async with life(clock) as order:
        await order.event("new")
        assert order.status("unknown") is RunStatus.HELD
        assert order.status("after") is RunStatus.PLANNED
    assert clock.sent == ["other"]


async def test_the_rules_after_a_stopped_one_say_why_it_was_stopped() -> None:
    """Covers M11: an operator stopped it, it did not fail."""
    stopped = {"status": RunStatus.STOPPED, "reason": RunReason.STOPPED_BY_OPERATOR}
    clock = VirtualClock({"new": [record("first", due=START, **stopped), sms("second", after="first")]})
    async with life(clock) as order:
        await order.event("new")
        visit = order.automation.visit
        assert visit is not None
        assert (visit.runs["second"].status, visit.runs["second"].reason) == tuple(stopped.values())
    assert clock.sent == []
