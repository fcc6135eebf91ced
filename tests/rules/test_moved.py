"""A rule whose moment was moved later after it had come, while its send was repeated, waits again."""

from datetime import UTC, datetime, timedelta

import pytest

from activities.actions import ACTIONS, KINDS
from activities.records import Records
from activities.shelf import Shelf
from activities.store import runs
from tests.rules.desk import Desk, days
from workflows.contracts.ids import OrderKey
from workflows.contracts.plans import Due
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunsRequest

ANNA = {"first_name": "Anna", "phones": [{"number": "+48501000111"}]}


async def move(desk: Desk, key: OrderKey, *, visit: int, rule: str, to: datetime) -> None:
    """Move a rule's moment, as an edited date or an operator does."""
    async with desk.store.write() as tx:
        await runs.set_dues(tx, key, visit=visit, dues=[Due(rule=rule, at=to, words="the day before")])


async def test_a_send_in_its_retries_does_not_leave_before_its_new_moment(desk: Desk) -> None:
    """Covers M23, M60."""
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, "id: eve\nsms: thanks")
    async with desk.store.write() as tx:
        await runs.set_status(
            tx,
            key,
            visit=visit,
            rules=["eve"],
            status=RunStatus.PLANNED,
            reason=RunReason.RETRYING,
            at=desk.now,
            words="the provider is down",
        )
    moment = datetime.now(UTC) + days(9)
    await move(desk, key, visit=visit, rule="eve", to=moment)
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.reason, run.due, run.words) == (
        RunStatus.PLANNED,
        RunReason.WAITING,
        moment,
        "the day before",
    )
    assert await desk.outbox() == []


async def test_a_send_leaves_once_its_new_moment_has_come(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, "id: eve\nwait: 1d\nsms: thanks")
    await move(desk, key, visit=visit, rule="eve", to=datetime.now(UTC) - timedelta(minutes=1))
    assert (await desk.carry_out(key, visit=visit)).status is RunStatus.DONE


@pytest.mark.parametrize("follower", ["after: eve", "after: between"])
async def test_of_records_of_one_moment_those_after_a_moved_one_wait_too(desk: Desk, follower: str) -> None:
    """Covers M23: the outcome tells the workflow until when; the chain behind it is not carried out."""
    key = await desk.order()
    visit = await desk.enter(
        key,
        "id: eve\nwait: 1d\nlog: soon",
        "id: between\nafter: eve\nlog: between",
        f"id: last\n{follower}\nlog: last",
        "id: beside\nlog: beside",
    )
    moment = desk.now + days(5)
    await move(desk, key, visit=visit, rule="eve", to=moment)
    names = ("eve", "between", "last", "beside")
    items = [RunItem(rule=name, kind="log") for name in names]
    request = RunsRequest(key=key, visit=visit, now=desk.now + days(1), items=items)
    answer = await Records(desk.store, shelf=Shelf(KINDS), actions=ACTIONS).record(request)
    assert [(one.rule, one.status, one.at) for one in answer.outcomes[:3]] == [
        ("eve", RunStatus.PLANNED, moment),
        ("between", RunStatus.PLANNED, None),
        ("last", RunStatus.PLANNED, None),
    ]
    assert answer.outcomes[3].status is RunStatus.DONE
    async with desk.store.read() as tx:
        rows = await runs.runs_of(tx, key, visit=visit)
    reasons = [RunReason.WAITING, RunReason.AFTER_RULE, RunReason.AFTER_RULE, RunReason.DONE]
    assert [row.reason for row in rows] == reasons
