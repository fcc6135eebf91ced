"""Choosing the responsible person. Covers E09, T01."""

from tests.rules.desk import NOW, Desk
from workflows.contracts.ids import run_id
from workflows.contracts.reasons import RunReason, RunStatus

AWAY = [{"from": NOW.date().isoformat(), "to": NOW.date().isoformat()}]


async def test_round_robin_takes_turns_over_orders(desk: Desk) -> None:
    await hire(desk)
    chosen = []
    for number in ("1001", "1002", "1003", "1004"):
        key = await desk.order(number)
        await desk.run(key, "assign: {from: [olga, marek, ewa], by: round_robin}")
        chosen.append((await desk.read(key)).responsible)
    assert chosen == ["olga", "marek", "ewa", "olga"]


async def test_choice_is_journalled_and_given_to_later_rules(desk: Desk) -> None:
    await hire(desk)
    key = await desk.order()
    run = await desk.run(key, "assign: {from: olga}")
    (event,) = await desk.events(key)
    assert (event.type, event.data) == ("responsible.changed", {"employee": "olga"})
    assert run.results == {"employee": "olga"}


async def test_first_available_passes_over_the_absent(desk: Desk) -> None:
    await hire(desk)
    await desk.employee("olga", absences=AWAY)
    key = await desk.order()
    await desk.run(key, "assign: {from: [olga, marek, ewa], by: first_available}")
    assert (await desk.read(key)).responsible == "marek"


async def test_absent_are_passed_over_only_where_the_rule_says_so(desk: Desk) -> None:
    await hire(desk)
    await desk.employee("olga", absences=AWAY)
    first, second = await desk.order("1001"), await desk.order("1002")
    await desk.run(first, "assign: {from: olga}")
    run = await desk.run(second, "assign: {from: olga, skip_absent: true}")
    assert (await desk.read(first)).responsible == "olga"
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_RECIPIENT)
    assert "absent" in run.words


async def test_random_choice_spreads_over_orders_and_stays_the_same_for_a_run(desk: Desk) -> None:
    await hire(desk)
    chosen, expected = [], []
    for number in range(1001, 1021):
        key = await desk.order(str(number))
        await desk.run(key, "assign: {from: [olga, marek, ewa], by: random}")
        chosen.append((await desk.read(key)).responsible)
        expected.append(["olga", "marek", "ewa"][run_id(key, 1, "assign").int % 3])
    assert set(chosen) == {"olga", "marek", "ewa"}
    assert chosen == expected


async def test_responsible_person_who_is_chosen_again_stays(desk: Desk) -> None:
    await hire(desk)
    key = await desk.order(responsible="olga")
    run = await desk.run(key, "assign: {from: olga}")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.ALREADY_SO)
    assert await desk.events(key) == []


async def test_candidates_may_be_named_by_role(desk: Desk) -> None:
    await desk.employee("ewa", roles=["sales"])
    key = await desk.order()
    await desk.run(key, "assign: {from: role:sales}")
    assert (await desk.read(key)).responsible == "ewa"


async def test_nobody_to_choose_from_is_skipped(desk: Desk) -> None:
    run = await desk.run(await desk.order(), "assign: {from: role:sales}")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_RECIPIENT)


async def hire(desk: Desk) -> None:
    for id in ("olga", "marek", "ewa"):
        await desk.employee(id)
