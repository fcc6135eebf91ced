"""Rules of one moment are carried out in one transaction; each sees what the ones before it did."""

from activities.actions import ACTIONS, KINDS
from activities.records import Records
from activities.shelf import Shelf
from activities.store import timeline
from tests.rules.desk import Desk
from workflows.contracts.reasons import RunStatus
from workflows.contracts.runs import RunItem, RunsRequest


async def test_a_rule_sees_the_results_and_the_changes_of_those_before_it(desk: Desk) -> None:
    """Covers M30, M41: what a condition compares and a text says is the order as the rule before left it."""
    key = await desk.order()
    visit = await desk.enter(
        key,
        "id: make-code\ncode: {length: 4}",
        "id: note\nafter: make-code\nset: {note: fragile}",
        'id: told\nafter: note\nwhen: order.note == "fragile"\nlog: "{{ order.note }}: {{ results.make_code.value }}"',
    )
    kinds = {"make-code": "code", "note": "set", "told": "log"}
    items = [RunItem(rule=rule, kind=kind) for rule, kind in kinds.items()]
    request = RunsRequest(key=key, visit=visit, now=desk.now, items=items)
    answer = await Records(desk.store, shelf=Shelf(KINDS), actions=ACTIONS).record(request)
    assert [one.status for one in answer.outcomes] == [RunStatus.DONE] * 3
    code = await desk.carry_out(key, visit=visit, rule="make-code")
    async with desk.store.read() as tx:
        lines = [line.text for line in (await timeline.page(tx, key)).items]
    assert f"fragile: {code.results['value']}" in lines
