"""Rules that tell people: log, comment, notify, control. Covers E02, E03, E11, E12."""

import pytest

from activities.store import timeline
from activities.store.history import TimelineKind
from tests.rules.desk import Desk
from workflows.contracts.reasons import RunReason, RunStatus


@pytest.mark.parametrize(("kind", "line"), [("log", TimelineKind.LOG), ("comment", TimelineKind.COMMENT)])
async def test_record_is_written_once_under_the_name_of_its_author(desk: Desk, kind: str, line: TimelineKind) -> None:
    key = await desk.order()
    visit = await desk.enter(key, f"{kind}: Accepted {{{{ order.number }}}}", f"{kind}: Again\nauthor: ERP\nid: again")
    await desk.carry_out(key, visit=visit)
    await desk.carry_out(key, visit=visit)
    await desk.carry_out(key, visit=visit, rule="again")
    async with desk.store.read() as tx:
        written = [entry for entry in (await timeline.page(tx, key)).items if entry.kind is line]
    assert [(entry.text, entry.author, entry.rule) for entry in reversed(written)] == [
        ("Accepted 1001", "automation", kind),
        ("Again", "ERP", "again"),
    ]


async def test_text_with_a_hole_is_not_written(desk: Desk) -> None:
    run = await desk.run(await desk.order(), "comment: 'Closed: {{ order.cancel_reason }}'")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.EMPTY_VALUE)
    assert "order.cancel_reason" in run.words
    assert "default" in run.words


async def test_notice_reaches_everybody_meant_once(desk: Desk) -> None:
    await desk.department("sales")
    await desk.employee("olga", department="sales")
    await desk.employee("marek", roles=["warehouse"])
    key = await desk.order(responsible="olga")
    await desk.run(key, "notify: New order {{ order.number }}\nto: [responsible, sales, '{{ vars.packers }}']")
    found = await desk.notices(key)
    assert sorted((notice.employee, notice.text, notice.sender) for notice in found) == [
        ("marek", "New order 1001", "Demo Shop"),
        ("olga", "New order 1001", "Demo Shop"),
    ]


async def test_notice_goes_to_the_responsible_person_under_the_given_name(desk: Desk) -> None:
    await desk.employee("olga")
    key = await desk.order(responsible="olga")
    await desk.run(key, "notify: Look\nsender: Sales")
    assert [(notice.employee, notice.sender) for notice in await desk.notices(key)] == [("olga", "Sales")]


async def test_notice_to_nobody_is_skipped_and_says_so(desk: Desk) -> None:
    run = await desk.run(await desk.order(), "notify: Look")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_RECIPIENT)
    assert "responsible" in run.words


async def test_control_tells_the_head_of_the_responsible_person_in_the_name_of_the_shop(desk: Desk) -> None:
    await desk.employee("zofia")
    await desk.employee("olga", head="zofia")
    key = await desk.order(responsible="olga")
    await desk.run(key, "control: Order {{ order.number }} waits")
    assert [(notice.employee, notice.text, notice.sender) for notice in await desk.notices(key)] == [
        ("zofia", "Order 1001 waits", "Demo Shop")
    ]


async def test_control_falls_back_on_the_head_of_the_department(desk: Desk) -> None:
    await desk.employee("zofia")
    await desk.department("sales", head="zofia")
    await desk.employee("olga", department="sales")
    key = await desk.order(responsible="olga")
    await desk.run(key, "control: Look")
    assert [notice.employee for notice in await desk.notices(key)] == ["zofia"]


async def test_control_goes_to_others_where_the_rule_says_so(desk: Desk) -> None:
    await desk.employee("zofia", roles=["director"])
    key = await desk.order()
    await desk.run(key, "control: Look\nto: role:director")
    assert [notice.employee for notice in await desk.notices(key)] == ["zofia"]


@pytest.mark.parametrize("responsible", [None, "olga"], ids=["nobody responsible", "no head"])
async def test_control_without_a_head_is_skipped_and_says_what_to_do(desk: Desk, responsible: str | None) -> None:
    await desk.employee("olga")
    run = await desk.run(await desk.order(responsible=responsible), "control: Look")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_RECIPIENT)
    assert "to:" in run.words
