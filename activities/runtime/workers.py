"""How a worker of ours is set up: the sandbox, the queues, the measured limits. Tests and replay use the same."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from activities.runtime.sandbox import ContextFreeSandbox
from workflows.contracts.ids import TASK_QUEUE

#: An order cached by a killed worker waits this long before another takes it (10 s by default).
STICKY = timedelta(seconds=2)

#: About four per core: more makes cold replays run into the two-second deadlock limit.
WORKFLOW_TASKS = 8

#: Sends get this long to end at a deploy; longer than any attempt of a rule, shorter than the platform's patience.
GRACE = timedelta(seconds=45)


def sandbox() -> ContextFreeSandbox:
    """Return the sandbox: on for the workflow module, everything else passed through."""
    return ContextFreeSandbox(restrictions=SandboxRestrictions.default.with_passthrough_all_modules())


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


def sending_worker(client: Client, *, activities: Sequence[Callable[..., Any]], task_queue: str) -> Worker:
    """Return the worker of one kind of provider's queue."""
    return Worker(
        client,
        task_queue=task_queue,
        activities=activities,
        max_concurrent_activities=50,
        graceful_shutdown_timeout=GRACE,
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
    )
