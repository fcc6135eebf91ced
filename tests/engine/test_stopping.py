"""A workflow that was cancelled in Temporal stops for good: what a person resumes is for the run that follows it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from tests.engine.virtual import START, Life, VirtualClock, settle
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.events import Event
from workflows.contracts.plans import Due, PlannedRun
from workflows.contracts.reasons import EventReason

HOUR = timedelta(hours=1)


def sms(rule: str, **changes: object) -> PlannedRun:
    return PlannedRun.model_validate({"rule": rule, "kind": "sms", "is_record": False, **changes})


def told(clock: VirtualClock, *, held: bool, **changes: object) -> Callable[[DecideRequest], Decision]:
    def answer(request: DecideRequest) -> Decision:
        event = request.event
        values = {"event": event.id, "type": event.type, "reason": EventReason.COMMAND_DONE, **changes}
        return Decision.model_validate({**values, "state": clock.state(held=held)})

    return answer


async def stop(order: Life, *then: str) -> None:
    """Cancel the workflow; events come while it does not know of the cancel yet."""
    order.serving.cancel()
    with suppress(asyncio.CancelledError):
        await order.serving
    for event_type in then:
        order.automation.take(Event(id=event_type, type=event_type, source="operator"))
    await order.automation.stop(Event(id="cancel", type="operator.cancel", source="operator"))


async def test_a_stage_entered_while_a_cancelled_workflow_stops_is_left_to_the_run_that_follows() -> None:
    """Covers M05, M06: its rules would begin only to be stopped, as if their stage were left."""
    clock = VirtualClock({"new": [], "operator.move": [sms("a"), sms("b", after="a")]})
    clock.answers["operator.cancel"] = told(clock, held=True)
    clock.answers["operator.resume"] = told(clock, held=False)
    order = Life(clock)
    await order.event("new")
    await stop(order, "operator.move", "operator.resume")
    assert clock.sent == []
    assert not order.automation.is_held
    following = Life(clock)
    await following.event("operator.move")
    assert clock.sent == ["a", "b"]
    following.serving.cancel()
    await settle()


async def test_a_deadline_shifted_while_a_cancelled_workflow_stops_is_left_to_the_run_that_follows() -> None:
    """Covers M06: a visit that was left does not begin again, not even for a resume that shifts what is due now."""
    clock = VirtualClock({"new": [sms("a", due=START + HOUR)]})
    clock.answers["operator.cancel"] = told(clock, held=True)
    clock.answers["operator.resume"] = told(clock, held=False, dues=[Due(rule="a", at=START)])
    order = Life(clock)
    await order.event("new")
    await stop(order, "operator.resume")
    assert clock.sent == []
    assert not order.automation.is_held
