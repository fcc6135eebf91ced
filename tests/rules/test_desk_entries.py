"""Rules that write for employees: activity, feed, list_item. Covers E01, E04, E14."""

import pytest

from activities.store import lists, posts, tasks
from activities.store.history import TaskKind, TaskStatus
from tests.rules.desk import Desk
from workflows.contracts.reasons import RunReason, RunStatus


async def test_activity_holds_all_that_the_rule_says(desk: Desk) -> None:
    """Covers E01."""
    await desk.employee("olga")
    key = await desk.order(responsible="olga", note="flat 7")
    visit = await desk.enter(
        key,
        """
        activity: Ask about {{ order.number }}
        description: "Mind: {{ order.note }}"
        important: true
        close_on_leave: true
        """,
    )
    for _ in range(2):
        run = await desk.carry_out(key, visit=visit)
    async with desk.store.read() as tx:
        (task,) = await tasks.of_order(tx, key)
    assert (task.kind, task.title, task.description) == (TaskKind.ACTIVITY, "Ask about 1001", "Mind: flat 7")
    assert (task.is_important, task.assignees, task.status) == (True, ["olga"], TaskStatus.OPEN)
    assert run.results == {"task": str(task.id)}


async def test_activity_closes_itself_when_the_order_leaves_the_stage(desk: Desk) -> None:
    """Covers E01."""
    await desk.employee("olga")
    key = await desk.order(responsible="olga")
    await desk.run(key, "activity: Ask\nclose_on_leave: true")
    await desk.enter(key, "log: Later")
    async with desk.store.read() as tx:
        assert [task.status for task in await tasks.of_order(tx, key)] == [TaskStatus.CLOSED]


async def test_activity_of_nobody_is_skipped(desk: Desk) -> None:
    run = await desk.run(await desk.order(), "activity: Ask\nresponsible: role:support")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_RECIPIENT)


async def test_activity_with_a_hole_in_its_text_fails(desk: Desk) -> None:
    await desk.employee("olga")
    key = await desk.order(responsible="olga")
    run = await desk.run(key, "activity: 'Because {{ order.cancel_reason }}'")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.EMPTY_VALUE)


async def test_post_without_readers_is_for_everybody_and_written_once(desk: Desk) -> None:
    """Covers E04."""
    key = await desk.order()
    visit = await desk.enter(key, "feed: Sold {{ order.number }}\ntitle: 'Hooray, {{ order.number }}'")
    for _ in range(2):
        await desk.carry_out(key, visit=visit)
    assert await seen(desk, "anybody") == [("Hooray, 1001", "Sold 1001", "Demo Shop")]


async def test_post_is_seen_by_those_it_is_for_only(desk: Desk) -> None:
    """Covers E04."""
    await desk.department("sales")
    await desk.employee("olga", department="sales")
    await desk.employee("Olga")
    await desk.run(await desk.order(), "feed: For sales\nto: sales\nsender: Head of sales")
    assert await seen(desk, "olga") == [("", "For sales", "Head of sales")]
    assert await seen(desk, "Olga") == []
    assert await seen(desk, "olg") == []


async def test_post_for_nobody_is_skipped(desk: Desk) -> None:
    run = await desk.run(await desk.order(), "feed: Look\nto: role:director")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_RECIPIENT)


async def test_entry_of_a_list_is_made_once_with_its_fields(desk: Desk) -> None:
    """Covers E14."""
    key = await desk.order(note="red")
    rule = "list_item: to-reorder\nfields: {order: '{{ order.number }}', colour: '{{ order.note }}', plain: x}"
    visit = await desk.enter(key, rule)
    for _ in range(2):
        run = await desk.carry_out(key, visit=visit)
    async with desk.store.read() as tx:
        (item,) = (await lists.page(tx, name="to-reorder")).items
        assert (await lists.page(tx, name="other")).items == []
    assert item.fields == {"order": "1001", "colour": "red", "plain": "x"}
    assert (item.number, run.results) == ("1001", {"item": str(item.id)})


async def test_entry_with_a_hole_fails(desk: Desk) -> None:
    run = await desk.run(await desk.order(), "list_item: x\nfields: {a: '{{ order.note }}'}")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.EMPTY_VALUE)


@pytest.mark.parametrize("count", [3])
async def test_lists_and_the_feed_come_in_pages(desk: Desk, count: int) -> None:
    for number in range(count):
        key = await desk.order(str(number))
        visit = await desk.enter(key, "feed: Post {{ order.number }}", "list_item: all\nid: item")
        await desk.carry_out(key, visit=visit)
        await desk.carry_out(key, visit=visit, rule="item")
    async with desk.store.read() as tx:
        first = await lists.page(tx, name="all", limit=2)
        rest = await lists.page(tx, name="all", limit=2, cursor=first.next_cursor)
        assert len({item.id for item in (*first.items, *rest.items)}) == count
        newest = await posts.of_employee(tx, employee="olga", limit=2)
        oldest = await posts.of_employee(tx, employee="olga", limit=2, cursor=newest.next_cursor)
        assert [post.text for post in (*newest.items, *oldest.items)] == ["Post 2", "Post 1", "Post 0"]
        with pytest.raises(ValueError, match="cursor"):
            await lists.page(tx, name="all", cursor="x")


async def seen(desk: Desk, employee: str) -> list[tuple[str, str, str]]:
    async with desk.store.read() as tx:
        found = (await posts.of_employee(tx, employee=employee)).items
    return [(post.title, post.text, post.sender) for post in found]
