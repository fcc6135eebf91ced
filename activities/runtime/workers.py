"""How a worker of ours is set up: the sandbox, the queues, the measured limits. Tests and replay use the same."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxRestrictions

import workflows
from activities.runtime.sandbox import LeanSandbox
from workflows.contracts.ids import TASK_QUEUE

#: An order cached by a killed worker waits this long before another takes it (10 s by default).
STICKY = timedelta(seconds=2)

#: About four per core: more makes cold replays run into the two-second deadlock limit.
WORKFLOW_TASKS = 8

#: Sends get this long to end at a deploy; longer than any attempt of a rule, shorter than the platform's patience.
GRACE = timedelta(seconds=45)


class _AllBut(set[str]):
    """The names of every module but these."""

    def __contains__(self, name: object) -> bool:
        return not super().__contains__(name)


def sandbox() -> LeanSandbox:
    """Return the sandbox: on for the workflow module, everything else passed through.

    The SDK's `with_passthrough_all_modules` passes the workflow module through as well.
    """
    passed = _AllBut(["workflows", "workflows.order"])
    return LeanSandbox(replace(SandboxRestrictions.default, passthrough_modules=passed))


@cache
def build() -> str:
    """Name the code that histories replay against, by what its files hold. Histories tell it of every workflow task.

    Left to itself, the SDK reads every loaded module once more, which takes a fifth of a start.
    """
    folder = Path(workflows.__path__[0])
    files = sorted([*folder.glob("*.py"), *folder.glob("contracts/*.py")])
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def orders_worker(
    client: Client,
    *,
    activities: Sequence[Callable[..., Any]],
    task_queue: str = TASK_QUEUE,
    cached: int = 1_000,
    failure_types: Sequence[type[BaseException]] = (),
) -> Worker:
    """Return the worker of the workflow, the decision and the rules on our own records."""
    from workflows.order import Order  # noqa: PLC0415  keeps the workflow out of processes that only send

    return Worker(
        client,
        task_queue=task_queue,
        build_id=build(),
        workflows=[Order],
        activities=activities,
        workflow_runner=sandbox(),
        max_cached_workflows=cached,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS,
        max_concurrent_activities=50,
        max_concurrent_local_activities=50,
        sticky_queue_schedule_to_start_timeout=STICKY,
        graceful_shutdown_timeout=GRACE,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        workflow_failure_exception_types=failure_types,
    )


def sending_worker(
    client: Client, *, activities: Sequence[Callable[..., Any]], task_queue: str, per_second: float | None = None
) -> Worker:
    """Return the worker of one kind of provider's queue, which gives out so many sends a second to all workers."""
    return Worker(
        client,
        task_queue=task_queue,
        build_id=build(),
        activities=activities,
        max_concurrent_activities=50,
        max_task_queue_activities_per_second=per_second,
        graceful_shutdown_timeout=GRACE,
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
    )
