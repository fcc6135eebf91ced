"""What happens when a wait for the customer ends. Covers E23."""

from activities.store import runs
from tests.rules.desk import Desk, days
from workflows.contracts.plans import BY_CUSTOMER, Due
from workflows.contracts.reasons import RunStatus


async def test_responsible_person_is_told_that_the_customer_came_in_time(desk: Desk) -> None:
    await desk.employee("olga")
    key = await desk.order(responsible="olga")
    visit = await desk.enter(key, "wait_for: customer\nat_most: 2d")
    desk.now += days(1)
    async with desk.store.write() as tx:
        [waiting] = await runs.runs_of(tx, key, visit=visit)
        await runs.set_dues(tx, key, visit=visit, dues=[Due(rule=waiting.rule, at=desk.now, words=BY_CUSTOMER)])
    run = await desk.carry_out(key, visit=visit)
    assert run.results == {"in_time": True}
    assert [(notice.employee, notice.text) for notice in await desk.notices(key)] == [
        ("olga", "Order 1001: the customer was active.")
    ]


async def test_responsible_person_is_told_that_the_time_is_over(desk: Desk) -> None:
    await desk.employee("olga")
    key = await desk.order(responsible="olga")
    visit = await desk.enter(key, "wait_for: customer\nat_most: 2d")
    desk.now += days(2)
    run = await desk.carry_out(key, visit=visit)
    assert run.results == {"in_time": False}
    assert [notice.text for notice in await desk.notices(key)] == ["Order 1001: no activity of the customer within 2d."]


async def test_own_words_are_used(desk: Desk) -> None:
    await desk.employee("olga")
    key = await desk.order(responsible="olga")
    visit = await desk.enter(key, "wait_for: customer\nat_most: 2d\ntext: Look after {{ order.number }}")
    desk.now += days(2)
    await desk.carry_out(key, visit=visit)
    assert [notice.text for notice in await desk.notices(key)] == ["Look after 1001"]


async def test_chain_goes_on_where_nobody_is_responsible(desk: Desk) -> None:
    key = await desk.order()
    visit = await desk.enter(key, "wait_for: customer\nat_most: 2d")
    desk.now += days(2)
    run = await desk.carry_out(key, visit=visit)
    assert run.status is RunStatus.DONE
    assert "nobody is responsible" in run.words
