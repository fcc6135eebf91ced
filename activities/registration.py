"""Which activity runs on which task queue: the decision and records on `orders`, each kind of provider on its own."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from temporalio import activity

from activities.actions.protocol import Action
from activities.decide import Decisions
from activities.records import Records
from activities.sends import Sends
from workflows.contracts.ids import TASK_QUEUE
from workflows.contracts.runs import RunsOutcome, RunsRequest

#: Activity type of a request that carries out several record-only rules at once.
SEVERAL = "rules"

_CarryOut = Callable[[RunsRequest], Awaitable[RunsOutcome]]


def by_queue(
    actions: Mapping[str, Action], *, decisions: Decisions, records: Records, sends: Sends
) -> dict[str, list[Callable[..., Any]]]:
    """Return the activities of each task queue; an activity's type is its rule kind."""
    queues: dict[str, list[Callable[..., Any]]] = {
        TASK_QUEUE: [decisions.decide, _activity(SEVERAL, carry_out=records.record)]
    }
    for name, action in actions.items():
        carry_out = records.record if action.kind.is_record else sends.send
        queues.setdefault(action.kind.queue, []).append(_activity(name, carry_out=carry_out))
    return queues


def _activity(name: str, *, carry_out: _CarryOut) -> Callable[..., Any]:
    async def run(request: RunsRequest) -> RunsOutcome:
        return await carry_out(request)

    return activity.defn(name=name)(run)
