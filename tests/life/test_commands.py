"""Operators' commands as updates of a living order."""

import asyncio
import gc
import logging

import pytest
from temporalio.client import Client

from starter.client import CommandRefused, NoSuchOrder, OrdersClient
from tests.life.pipelines import SHOP, stages
from tests.support.house import House
from workflows.contracts.commands import Deadlines, Hold, OneRule, Resume, StopWaiting
from workflows.contracts.reasons import EventReason, RunReason, RunStatus

WAITING = stages(
    "  new:\n    rules:\n"
    "      - {id: first, wait: 1d, log: first}\n"
    "      - {id: second, after: first, log: second}\n"
    "      - {id: third, after: second, wait: 1h, log: third}\n"
    "  next:\n    triggers: [{webhook: go}]\n"
)


async def test_a_waiting_rule_can_be_run_now_and_its_chain_goes_on(shop: House) -> None:
    """Covers M06."""
    await shop.publish(WAITING)
    await shop.order("1")
    await shop.until_run("1", "first", RunStatus.PLANNED)
    await shop.orders.run_now(shop.key("1"), command=OneRule(rule="first", by="olga"))
    await shop.until_run("1", "second", RunStatus.DONE)
    third = (await shop.runs("1"))["third"]
    assert third.status is RunStatus.PLANNED
    assert third.due is not None


async def test_a_waiting_rule_can_be_skipped_and_its_chain_goes_on(shop: House) -> None:
    """Covers M06, M11."""
    await shop.publish(WAITING)
    await shop.order("1")
    await shop.until_run("1", "first", RunStatus.PLANNED)
    await shop.orders.skip(shop.key("1"), command=OneRule(rule="first", by="olga"))
    await shop.until_run("1", "second", RunStatus.DONE)
    first = (await shop.runs("1"))["first"]
    assert (first.status, first.reason) == (RunStatus.SKIPPED, RunReason.SKIPPED_BY_OPERATOR)


async def test_all_waiting_rules_can_be_stopped(shop: House) -> None:
    """Covers M06."""
    await shop.publish(WAITING)
    await shop.order("1")
    await shop.until_run("1", "first", RunStatus.PLANNED)
    await shop.orders.stop_waiting(shop.key("1"), command=StopWaiting(by="olga"))
    runs = await shop.runs("1")
    assert {run.status for run in runs.values()} == {RunStatus.STOPPED}
    assert {run.reason for run in runs.values()} == {RunReason.STOPPED_BY_OPERATOR}


async def test_a_held_order_keeps_its_events_until_it_is_resumed(shop: House) -> None:
    """Covers M06: nothing is lost by a hold."""
    await shop.publish(WAITING)
    await shop.order("1")
    await shop.until_stage("1", "new")
    await shop.orders.hold(shop.key("1"), command=Hold(by="olga"))
    await shop.event("1", "webhook.go", id="go")
    assert await shop.decision("1", "go") is EventReason.ON_HOLD
    assert (await shop.read("1")).stage == "new"
    await shop.orders.resume(shop.key("1"), command=Resume(by="olga"))
    await shop.until_stage("1", "next")
    assert await shop.decision("1", "go") is EventReason.MOVED


async def test_deadlines_are_shifted_by_the_pause_where_asked(shop: House) -> None:
    """Covers M06."""
    await shop.publish(WAITING)
    await shop.order("1")
    before = (await shop.until_run("1", "first", RunStatus.PLANNED)).due
    await shop.orders.hold(shop.key("1"), command=Hold(by="olga"))
    await asyncio.sleep(0.2)
    await shop.orders.resume(shop.key("1"), command=Resume(deadlines=Deadlines.SHIFT, by="olga"))
    after = (await shop.runs("1"))["first"].due
    assert before is not None
    assert after is not None
    assert after > before


async def test_a_command_for_a_rule_that_does_not_exist_is_refused_with_the_rules(shop: House) -> None:
    """Covers M06."""
    await shop.publish(WAITING)
    await shop.order("1")
    await shop.until_run("1", "first", RunStatus.PLANNED)
    with pytest.raises(CommandRefused, match=r"no rule 'frist' in stage 'new'\. Its rules: first, second, third"):
        await shop.orders.skip(shop.key("1"), command=OneRule(rule="frist"))


async def test_a_rule_that_ended_cannot_be_skipped_or_repeated(shop: House) -> None:
    """Covers M06."""
    await shop.publish(SHOP)
    await shop.order("1")
    await shop.until_run("1", "note", RunStatus.DONE)
    with pytest.raises(CommandRefused, match="does not wait: it is done"):
        await shop.orders.skip(shop.key("1"), command=OneRule(rule="note"))
    with pytest.raises(CommandRefused, match="has not failed: it is done"):
        await shop.orders.repeat(shop.key("1"), command=OneRule(rule="note"))


async def test_cancelling_the_workflow_stops_the_automation_and_not_the_order(shop: House) -> None:
    """A cancel request holds the order, marks it for a person, and loses no later event."""
    await shop.publish(WAITING)
    await shop.order("1")
    await shop.until_run("1", "first", RunStatus.PLANNED)
    await shop.handle("1").cancel()

    async def stopped() -> bool:
        return (await shop.read("1")).attention == "automation-stopped"

    await shop.until(stopped)
    assert (await shop.runs("1"))["first"].reason is RunReason.AUTOMATION_STOPPED
    await shop.event("1", "webhook.go", id="go")
    assert await shop.decision("1", "go") is EventReason.ON_HOLD
    await shop.orders.resume(shop.key("1"), command=Resume(by="olga"))
    await shop.until_stage("1", "next")


async def test_a_command_that_the_server_refuses_is_told_once(
    temporal_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK tells it twice, by the update and by the start: what nobody hears, asyncio logs as an error."""
    elsewhere = OrdersClient(_elsewhere(temporal_client))
    with caplog.at_level(logging.ERROR, logger="asyncio"):
        with pytest.raises(NoSuchOrder):
            await elsewhere.hold("1", command=Hold(by="olga"))
        gc.collect()
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []


def _elsewhere(client: Client) -> Client:
    return Client(client.service_client, namespace="no-such-namespace", data_converter=client.data_converter)
