"""The life of an order: created, paid, shipped, delivered; and the ways it can go otherwise."""

import asyncio

import pytest
from temporalio.client import WorkflowExecutionStatus

from tests.life.pipelines import SHOP, stages
from tests.support.house import PATIENCE, House
from workflows.contracts.commands import Move
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.contracts.state import StageKind


async def test_an_order_lives_from_creation_to_delivery(shop: House) -> None:
    """Covers M01, M05, M07, M10, M41, M42, M51, M57."""
    await shop.publish(SHOP)
    await shop.employee("olga", first_name="Olga")
    await shop.order("1", responsible="olga")
    await shop.until_run("1", "check", RunStatus.DONE)
    await shop.until_run("1", "thanks", RunStatus.DONE)
    await shop.event("1", "payment.paid")
    await shop.until_stage("1", "paid")
    await shop.event("1", "shipment.shipped")
    await shop.until_run("1", "on-the-way", RunStatus.DONE, visit=3)
    await shop.event("1", "shipment.delivered")
    state = await asyncio.wait_for(shop.handle("1").result(), PATIENCE)
    order = await shop.read("1")
    assert (order.stage, order.stage_kind, order.paid, order.shipped) == ("completed", StageKind.SUCCESS, True, True)
    assert state["stage"] == "completed"
    first = await shop.runs("1", visit=1)
    assert first["remind"].status is RunStatus.STOPPED
    assert first["remind"].reason is RunReason.STAGE_LEFT
    sent = await shop.outbox()
    assert [(row.channel, row.address) for row in sent] == [
        ("sms", "+48601234567"),
        ("email", "anna.kowalska@mail.example"),
    ]
    assert sent[0].body == "Thank you, Anna!"
    assert "<strong>left</strong>" in sent[1].html


@pytest.mark.parametrize("stage", ["new", "shipped"])
async def test_creation_in_any_stage_starts_its_rules(shop: House, stage: str) -> None:
    """Covers M01."""
    await shop.publish(SHOP)
    await shop.order("1", stage=stage)
    await shop.until_stage("1", stage)
    await shop.until_run("1", "thanks" if stage == "new" else "on-the-way", RunStatus.DONE)


async def test_a_jump_runs_only_the_target_stages_rules(shop: House) -> None:
    """Covers M02."""
    await shop.publish(SHOP)
    await shop.order("1")
    await shop.until_run("1", "thanks", RunStatus.DONE)
    await shop.event("1", "shipment.shipped")
    await shop.until_run("1", "on-the-way", RunStatus.DONE)
    assert "pack" not in {run for visit in (1, 2) for run in await shop.runs("1", visit=visit)}


async def test_entering_again_runs_the_rules_again_but_once_only_once(shop: House) -> None:
    """Covers M04, M54."""
    await shop.publish(
        stages(
            "  new:\n    triggers: [{webhook: back, back: true}]\n    rules:\n"
            "      - {id: always, log: again}\n      - {id: first, log: only once, once: true}\n"
            "  next:\n    triggers: [{webhook: go}]\n"
        )
    )
    await shop.order("1")
    await shop.until_run("1", "first", RunStatus.DONE)
    await shop.event("1", "webhook.go")
    await shop.until_stage("1", "next")
    await shop.event("1", "webhook.back")
    again = await shop.until_run("1", "always", RunStatus.DONE, visit=3)
    first = await shop.until_run("1", "first", RunStatus.SKIPPED, visit=3)
    assert again.visit == 3
    assert first.reason is RunReason.ONCE_DONE


async def test_the_same_event_twice_is_handled_once(shop: House) -> None:
    """Covers M50."""
    await shop.publish(SHOP)
    await shop.order("1")
    await shop.until_stage("1", "new")
    await shop.event("1", "payment.paid", id="psp-1")
    await shop.until_run("1", "pack", RunStatus.DONE)
    for _ in range(3):
        await shop.event("1", "payment.paid", id="psp-1")
    await shop.event("1", "webhook.unused", id="last")
    await shop.decision("1", "last")
    order = await shop.read("1")
    assert (order.stage, order.visit) == ("paid", 2)


@pytest.mark.parametrize(
    ("event", "stage", "reason"),
    [
        pytest.param("payment.paid", "paid", EventReason.SAME_STAGE, id="present stage"),
        pytest.param("payment.paid", "shipped", EventReason.WOULD_MOVE_BACK, id="earlier stage"),
        pytest.param("payment.paid", "completed", EventReason.FINAL_STAGE, id="final stage"),
        pytest.param("call.missed", "new", EventReason.NO_TRIGGER, id="no trigger listens"),
        pytest.param("nonsense.event", "new", EventReason.UNKNOWN_TYPE, id="unknown type"),
        pytest.param("operator.move", "new", EventReason.UNKNOWN_TYPE, id="a command as a signal"),
        pytest.param("rule.move", "new", EventReason.UNKNOWN_TYPE, id="a rule's move as a signal"),
    ],
)
async def test_an_event_that_does_not_move_the_order_says_why(
    shop: House, event: str, stage: str, reason: EventReason
) -> None:
    """Covers M53, M54, M55, M64."""
    await shop.publish(SHOP)
    await shop.order("1", stage=stage)
    await shop.until_stage("1", stage)
    await shop.signal("1", event, id="probe")
    assert await shop.decision("1", "probe") is reason
    assert (await shop.read("1")).visit == 1


async def test_the_earliest_stage_wins_and_the_other_trigger_is_beaten(shop: House) -> None:
    """Covers M52."""
    await shop.publish(
        stages(
            "  new: {}\n  later:\n    triggers: [{webhook: go}]\n  last:\n    triggers: [{webhook: go, title: other}]\n"
        )
    )
    await shop.order("1")
    await shop.until_stage("1", "new")
    await shop.event("1", "webhook.go", id="go")
    assert await shop.decision("1", "go") is EventReason.MOVED
    order = await shop.read("1")
    assert order.stage == "later"
    verdict = next(event.verdict for event in await shop.events("1") if event.id == "go")
    assert verdict is not None
    assert [one["reason"] for one in verdict["considered"]] == ["moved", "beaten"]


async def test_a_late_event_starts_a_completed_order_again_from_the_stored_state(shop: House) -> None:
    """Covers M07, M55."""
    await shop.publish(SHOP)
    await shop.order("1", stage="completed")
    await asyncio.wait_for(shop.handle("1").result(), PATIENCE)
    await shop.event("1", "order.cancelled", reason="changed my mind")
    await shop.until_run("1", "sorry", RunStatus.DONE)
    order = await shop.read("1")
    assert (order.stage, order.visit, order.cancelled) == ("cancelled", 2, True)
    description = await shop.handle("1").describe()
    assert description.status in (WorkflowExecutionStatus.COMPLETED, WorkflowExecutionStatus.RUNNING)


async def test_an_event_before_the_creation_was_decided_still_counts(shop: House) -> None:
    """Covers M01, M51: signals may overtake each other."""
    await shop.publish(SHOP)
    await shop.order("1", starts=False)
    await shop.event("1", "payment.paid")
    await shop.until_stage("1", "paid")
    assert (await shop.read("1")).visit == 2
    await shop.signal("1", "order.created", id=f"{shop.key('1')}:created", source="orders")
    await shop.decision("1", f"{shop.key('1')}:created")
    assert (await shop.read("1")).stage == "paid"


async def test_a_terminated_workflow_goes_on_from_the_store(shop: House) -> None:
    """Covers M07: the next event takes up what still waited."""
    await shop.publish(SHOP)
    await shop.order("1")
    await shop.until_run("1", "thanks", RunStatus.DONE)
    await shop.handle("1").terminate("an accident")
    await shop.event("1", "call.missed", id="call")
    await shop.decision("1", "call")
    plan = await shop.orders.plan(shop.key("1"))
    assert plan is not None
    assert {run.rule: run.status for run in plan.runs}["remind"] is RunStatus.PLANNED
    assert len(await shop.outbox()) == 1


async def test_a_move_to_an_unknown_stage_is_refused_with_the_known_ones(shop: House) -> None:
    """Covers M06."""
    await shop.publish(SHOP)
    await shop.order("1")
    await shop.until_stage("1", "new")
    with pytest.raises(Exception, match=r"no stage 'shiped'\. Did you mean 'shipped'") as refused:
        await shop.orders.move(shop.key("1"), command=Move(stage="shiped"))
    assert "new, paid, shipped, completed, cancelled" in str(refused.value)
    await shop.orders.move(shop.key("1"), command=Move(stage="shipped", by="olga"))
    assert (await shop.read("1")).stage == "shipped"
