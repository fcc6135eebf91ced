"""Waits of days, on the time-skipping server: what runs when, and on the order as it is then."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from tests.life.pipelines import QUIET, SHOP, quiet_at, stages
from tests.support.house import ANNA, House, store_at, working
from tests.support.temporal import skipping_server
from workflows.contracts.reasons import EventReason, RunReason, RunStatus


class SkippingHouse(House):
    """A house whose days pass in a moment."""

    def __init__(self, house: House, environment: WorkflowEnvironment) -> None:
        super().__init__(house.store, house.client)
        self._environment = environment

    async def pass_time(self, span: timedelta) -> None:
        """Let time pass."""
        await self._environment.sleep(span)

    async def now(self) -> datetime:
        """Return the server's time."""
        return await self._environment.get_current_time()


@pytest_asyncio.fixture
async def days(tmp_path: Path) -> AsyncIterator[SkippingHouse]:
    """A house on a server of its own, where time is skipped."""
    async with skipping_server() as environment, store_at(tmp_path) as store:
        client: Client = environment.client
        house = SkippingHouse(House(store, client), environment)
        async with working(house):
            yield house
        await house.close()


async def test_a_reminder_comes_after_its_days(days: SkippingHouse) -> None:
    """Covers M20."""
    await days.publish(SHOP)
    await days.order("1")
    await days.until_run("1", "thanks", RunStatus.DONE)
    await days.pass_time(timedelta(days=2, hours=2))
    run = await days.until_run("1", "remind", RunStatus.DONE)
    assert run.due is not None
    assert [row.body for row in await days.outbox()][-1] == "Order 1 waits for payment."


async def test_a_condition_is_checked_when_the_rule_is_due(days: SkippingHouse) -> None:
    """Covers M30, M64: on the order as it is then, with the values compared."""
    text = SHOP.replace("    triggers:\n      - payment: paid\n", "")
    await days.publish(text)
    await days.order("1")
    await days.until_run("1", "thanks", RunStatus.DONE)
    await days.event("1", "payment.paid")
    await days.pass_time(timedelta(days=3))
    run = await days.until_run("1", "remind", RunStatus.SKIPPED)
    assert run.reason is RunReason.CONDITION_FALSE
    assert [path for path, _ in run.compared] == ["order.paid"]


async def test_a_wait_before_a_date_moves_with_the_date(days: SkippingHouse) -> None:
    """Covers M20, M23."""
    await days.publish(
        stages(
            "  new:\n    rules:\n"
            "      - {id: eve, wait: {before: order.delivery_date, for: 1d, at: '18:00'}, log: Tomorrow}\n"
        )
    )
    today = (await days.now()).date()
    await days.order("1", delivery_date=str(today + timedelta(days=10)))
    first = await days.until_run("1", "eve", RunStatus.PLANNED)
    assert first.due is not None
    assert first.due == datetime.combine(today + timedelta(days=9), datetime.min.time(), UTC) + timedelta(hours=18)
    moved = today + timedelta(days=4)
    event = await days.event("1", "order.edited", fields={"delivery_date": str(moved)})
    assert await days.decision("1", event) is EventReason.NO_TRIGGER
    await days.pass_time(timedelta(days=4))
    run = await days.until_run("1", "eve", RunStatus.DONE)
    assert run.due is not None
    assert run.due.date() == moved - timedelta(days=1)


async def test_a_moment_already_past_runs_at_once(days: SkippingHouse) -> None:
    """Covers M20."""
    await days.publish(
        stages("  new:\n    rules:\n      - {id: eve, wait: {before: order.delivery_date, for: 1d}, log: Tomorrow}\n")
    )
    await days.order("1", delivery_date="2020-01-01")
    await days.until_run("1", "eve", RunStatus.DONE)


async def test_waiting_for_the_customer_ends_at_the_latest_moment_and_the_chain_goes_on(days: SkippingHouse) -> None:
    """Covers E23."""
    await days.publish(_WAIT_FOR)
    await days.employee("olga")
    await days.order("1", responsible="olga")
    await days.until_run("1", "hello", RunStatus.DONE)
    await days.pass_time(timedelta(days=3, hours=1))
    await days.until_run("1", "then", RunStatus.DONE)
    assert await days.notices("olga")


async def test_waiting_for_the_customer_ends_with_any_activity_of_theirs(days: SkippingHouse) -> None:
    """Covers E23."""
    await days.publish(_WAIT_FOR)
    await days.employee("olga")
    await days.order("1", responsible="olga")
    await days.until_run("1", "hello", RunStatus.DONE)
    await days.event("1", "email.viewed")
    await days.until_run("1", "then", RunStatus.DONE)
    assert await days.notices("olga")


_WAIT_FOR = stages(
    "  new:\n    rules:\n"
    "      - {id: hello, log: Hello}\n"
    "      - {id: answer, after: hello, wait_for: customer, at_most: 3d}\n"
    "      - {id: then, after: answer, log: They answered or not}\n"
)


async def test_a_text_message_waits_for_the_end_of_the_quiet_hours(days: SkippingHouse) -> None:
    """Covers M22."""
    now = await days.now()
    await days.publish(SHOP.replace("quiet_hours: off", f"quiet_hours: {quiet_at(now)}"))
    await days.order("1", customer={**ANNA, "time_zone": "UTC"})

    async def put_off() -> bool:
        run = (await days.runs("1")).get("thanks")
        return run is not None and run.reason is RunReason.QUIET_HOURS

    await days.until(put_off)
    assert await days.outbox() == []
    due = (await days.runs("1"))["thanks"].due
    assert due is not None
    assert due == (now + QUIET).replace(second=0, microsecond=0)
    await days.pass_time(due - await days.now() + timedelta(seconds=1))
    await days.until_run("1", "thanks", RunStatus.DONE)
