"""Tasks for employees. Covers E24."""

from datetime import UTC, datetime

import pytest

from activities.store import tasks
from activities.store.history import TaskRecord
from tests.rules.desk import Desk
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus


async def test_task_holds_all_that_the_rule_says(desk: Desk) -> None:
    await desk.employee("olga")
    await desk.employee("marek")
    key = await desk.order(responsible="olga", note="flat 7")
    run = await desk.run(
        key,
        """
        task: Pack {{ order.number }}
        description: "Mind: {{ order.note }}"
        participants: marek
        due: 2h
        checklist: [Check the address, Add the invoice]
        close_on_leave: true
        """,
    )
    (task,) = await stored(desk, key)
    assert (task.title, task.description) == ("Pack 1001", "Mind: flat 7")
    assert (task.assignees, task.participants) == (["olga"], ["marek"])
    assert task.due == datetime(2026, 3, 10, 11, 0, tzinfo=UTC)
    assert [(item.text, item.is_done) for item in task.checklist] == [
        ("Check the address", False),
        ("Add the invoice", False),
    ]
    assert task.close_on_leave
    assert run.results == {"task": str(task.id)}


@pytest.mark.parametrize(
    ("due", "moment"),
    [
        ("1d", datetime(2026, 3, 11, 9, 0, tzinfo=UTC)),
        ('{for: 1d, at: "10:00"}', datetime(2026, 3, 11, 9, 0, tzinfo=UTC)),
        ('{at: "18:00"}', datetime(2026, 3, 10, 17, 0, tzinfo=UTC)),
        ('{at: "09:00"}', datetime(2026, 3, 11, 8, 0, tzinfo=UTC)),
        ('{before: order.delivery_date, for: 1d, at: "18:00"}', datetime(2026, 3, 29, 16, 0, tzinfo=UTC)),
        ("{after: order.delivery_date, for: 2h}", datetime(2026, 3, 30, 0, 0, tzinfo=UTC)),
        ("20d", datetime(2026, 3, 30, 8, 0, tzinfo=UTC)),
    ],
    ids=[
        "duration",
        "next day at",
        "later today",
        "tomorrow",
        "before a date",
        "after a date",
        "over the clock change",
    ],
)
async def test_due_moment_is_counted_in_the_zone_of_the_shop(desk: Desk, due: str, moment: datetime) -> None:
    await desk.employee("olga")
    key = await desk.order(responsible="olga", delivery_date="2026-03-30")
    await desk.run(key, f"task: Call\ndue: {due}")
    assert [task.due for task in await stored(desk, key)] == [moment]


async def test_task_without_the_date_it_counts_from_has_no_due_moment_and_says_so(desk: Desk) -> None:
    await desk.employee("olga")
    key = await desk.order(responsible="olga")
    run = await desk.run(key, "task: Call\ndue: {before: order.delivery_date, for: 1d}")
    assert [task.due for task in await stored(desk, key)] == [None]
    assert run.status is RunStatus.DONE
    assert "order.delivery_date is empty" in run.words


async def test_task_for_nobody_is_skipped(desk: Desk) -> None:
    key = await desk.order()
    run = await desk.run(key, "task: Pack\nto: role:warehouse")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_RECIPIENT)
    assert await stored(desk, key) == []


async def test_task_is_given_once_however_often_the_rule_is_carried_out(desk: Desk) -> None:
    await desk.employee("olga")
    key = await desk.order(responsible="olga")
    visit = await desk.enter(key, "task: Call")
    for _ in range(3):
        await desk.carry_out(key, visit=visit)
    assert len(await stored(desk, key)) == 1


async def stored(desk: Desk, key: OrderKey) -> list[TaskRecord]:
    async with desk.store.read() as tx:
        return await tasks.of_order(tx, key)
