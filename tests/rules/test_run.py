"""Rules that start other workflows: what they are given, and mistakes in the file. Covers E26."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.testing import ActivityEnvironment

from activities.actions import ACTIONS, KINDS
from activities.providers.protocol import Message
from activities.providers.stand_in import StandIn, StandIns
from activities.sends import Sends
from activities.shelf import Shelf
from activities.store.database import Store
from activities.store.schema import migrate
from tests.rules.desk import Desk
from workflows.contracts.ids import run_id
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunsRequest
from workflows.pipeline.loader import load

ANNA: dict[str, Any] = {"id": "anna", "first_name": "Anna"}


@dataclass
class WorkflowDesk(Desk):
    """A shop whose workflows are taken by a stand-in."""

    stand_in: StandIn = field(init=False)

    def __post_init__(self) -> None:
        self.stand_in = StandIn(clock=lambda: self.now)

    async def _send(self, request: RunsRequest, *, shelf: Shelf) -> None:
        providers = StandIns(self.stand_in)
        sends = Sends(self.store, shelf=shelf, actions=ACTIONS, providers=providers, clock=lambda: self.now)
        try:
            await ActivityEnvironment().run(sends.send, request)
        except Exception as error:
            if getattr(error, "type", None) not in list(RunReason):
                raise

    @property
    def started(self) -> list[Message]:
        """The workflows that were started."""
        return [sent.message for sent in self.stand_in.sent]


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[WorkflowDesk]:
    """A shop."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'orders.db'}"
    await migrate(url)
    store = await Store.open(url)
    yield WorkflowDesk(store)
    await store.close()


async def test_a_workflow_gets_the_values_of_the_order_as_json(desk: WorkflowDesk) -> None:
    rule = """
    run:
      workflow: PackParcel
      task_queue: warehouse
      input:
        order: "{{ order.number }}"
        express: true
        weight: 1.5
        pieces: 3
        to: {name: "{{ customer.first_name }}", floors: [1, "{{ order.number }}"]}
    """
    key = await desk.order(customer=ANNA)
    run = await desk.run(key, rule)
    (started,) = desk.started
    assert (started.channel, started.subject, started.headers) == (
        "workflow",
        "PackParcel",
        {"task_queue": "warehouse"},
    )
    assert json.loads(started.body) == {
        "order": "1001",
        "express": True,
        "weight": 1.5,
        "pieces": 3,
        "to": {"name": "Anna", "floors": [1, "1001"]},
    }
    assert started.address == f"run:{run_id(key, 1, 'run')}"
    assert (run.status, run.results) == (RunStatus.DONE, {"workflow": started.address})


async def test_the_id_may_be_the_shops_own(desk: WorkflowDesk) -> None:
    rule = "run: {workflow: A, task_queue: q, id: 'pack-{{ order.number }}', await: true}"
    run = await desk.run(await desk.order(), rule)
    (started,) = desk.started
    assert (started.address, started.awaits_outcome) == ("pack-1001", True)
    assert run.results == {"workflow": "pack-1001", "result": {}}


async def test_an_input_with_a_hole_starts_nothing(desk: WorkflowDesk) -> None:
    rule = "run: {workflow: A, task_queue: q, input: {who: {name: ['{{ customer.first_name }}']}}}"
    run = await desk.run(await desk.order(customer={"id": "x"}), rule)
    assert (run.status, run.reason, desk.started) == (RunStatus.FAILED, RunReason.EMPTY_VALUE, [])
    assert "customer.first_name" in run.words


async def test_an_empty_id_starts_nothing(desk: WorkflowDesk) -> None:
    rule = "run: {workflow: A, task_queue: q, id: \"{{ order.note | default: ' ' }}\"}"
    run = await desk.run(await desk.order(), rule)
    assert (run.status, run.reason, desk.started) == (RunStatus.FAILED, RunReason.TEXT_INVALID, [])


@pytest.mark.parametrize(
    ("rule", "code", "words"),
    [
        pytest.param("{task_queue: q}", "D211", "'run' needs 'workflow'", id="no-workflow"),
        pytest.param("{workflow: A}", "D211", "'run' needs 'task_queue'", id="no-queue"),
        pytest.param("{workflow: A, task_queue: q, wait: true}", "D201", "unknown key 'wait'", id="unknown-key"),
        pytest.param(
            "{workflow: A, task_queue: q, await: perhaps}",
            "D207",
            "'await' must be true or false, and 'perhaps' is not",
            id="await",
        ),
        pytest.param(
            "{workflow: A, task_queue: q, input: [1]}",
            "D207",
            "'input' must be a block of keys, and a list is not",
            id="list",
        ),
        pytest.param(
            "{workflow: A, task_queue: q, input: {a: {b: ['{{ order.nmber }}']}}}",
            "D311",
            "unknown field 'order.nmber'",
            id="unknown-field",
        ),
        pytest.param(
            '{workflow: "A\\n", task_queue: q}', "D218", "'A\n' is not right for 'workflow'", id="control-character"
        ),
    ],
)
def test_a_mistake_is_told_when_the_file_is_read(rule: str, code: str, words: str) -> None:
    won = "  won: {kind: success, triggers: [{payment: paid}]}\n"
    text = f"pipeline: shop\nstages:\n  new:\n    rules:\n      - run: {rule}\n{won}"
    (problem,) = load(text, file="shop.yaml", kinds=KINDS).errors
    assert (problem.code, problem.words) == (code, words)


def test_a_later_rule_may_look_into_the_result() -> None:
    text = """
pipeline: shop
stages:
  new:
    rules:
      - run: {workflow: A, task_queue: q, await: true}
      - {after: run, when: results.run.result.weight > 3, log: "{{ results.run.result.words }}"}
  won: {kind: success, triggers: [{payment: paid}]}
"""
    assert load(text, file="shop.yaml", kinds=KINDS).errors == ()
