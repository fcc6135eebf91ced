"""A store that is down for longer than a workflow task lasts: what came due meanwhile runs, and the history replays."""

import asyncio
import sqlite3
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from activities.runtime.workers import sandbox
from tests.life.pipelines import stages
from tests.support.house import PATIENCE, House
from workflows.contracts.reasons import RunStatus
from workflows.order import Order

PIPELINE = stages("""
  new:
    rules:
      - {id: soon, wait: 3s, log: "Soon"}
      - {id: later, after: soon, wait: 1s, log: "Later"}
      - {id: text, sms: "Order {{ order.number }}"}
  done:
    kind: success
    triggers: [{webhook: done}]
""")


async def test_rule_that_came_due_while_its_decision_was_tried_replays(shop: House, tmp_path: Path) -> None:
    """The workflow task of a decision that is tried for long is begun again and again (a heartbeat)."""
    await shop.publish(PIPELINE)
    await shop.order("1001", starts=False)
    other = sqlite3.connect(tmp_path / "orders.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await shop.signal("1001", "order.created", id=f"{shop.key('1001')}:created", source="orders")
    await shop.until(lambda: _began_again(shop, "1001"))
    other.execute("ROLLBACK")
    other.close()
    await shop.until_run("1001", "later", RunStatus.DONE)
    await shop.until_run("1001", "text", RunStatus.DONE)
    await shop.event("1001", "webhook.done")
    async with asyncio.timeout(PATIENCE):
        await shop.handle("1001").result()
    history = await shop.handle("1001").fetch_history()
    replayer = Replayer(workflows=[Order], data_converter=pydantic_data_converter, workflow_runner=sandbox())
    await replayer.replay_workflow(history)


async def _began_again(shop: House, number: str) -> bool:
    """Say whether a second workflow task began: the first one's time was over before its decision was committed."""
    history = await shop.handle(number).fetch_history()
    started = EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED
    return sum(event.event_type == started for event in history.events) > 1
