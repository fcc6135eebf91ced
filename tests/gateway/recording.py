"""A stand-in for the workflow `Order`: keeps the signals it got, and answers commands by what they ask."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from temporalio import workflow
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from workflows.contracts.carry import OrderInput
from workflows.contracts.commands import CommandResult, Hold, Move
from workflows.contracts.events import Event
from workflows.contracts.ids import WORKFLOW_TYPE, OrderKey, workflow_id
from workflows.contracts.reasons import EventReason
from workflows.contracts.state import OrderState


@workflow.defn(name=WORKFLOW_TYPE)
class Recorder:
    """Keep what arrives; end at `order.cancelled`."""

    @workflow.init
    def __init__(self, given: OrderInput) -> None:
        self._state = OrderState(shop=given.key.shop, number=given.key.number, stage="new")
        self._events: list[Event] = []
        self._is_over = False

    @workflow.run
    async def run(self, given: OrderInput) -> int:
        await workflow.wait_condition(lambda: self._is_over and workflow.all_handlers_finished())
        return len(self._events)

    @workflow.signal(dynamic=True)
    def take(self, name: str, args: Sequence[RawValue]) -> None:
        event = workflow.payload_converter().from_payload(args[0].payload, Event)
        assert event.type == name
        self._events.append(event)
        self._is_over = self._is_over or name == "order.cancelled"

    @workflow.update
    def move(self, command: Move) -> CommandResult:
        if command.stage == "moon":
            return CommandResult(reason=EventReason.REFUSED, words="There is no stage 'moon'", state=self._state)
        self._state = self._state.model_copy(update={"stage": command.stage})
        return CommandResult(reason=EventReason.MOVED_BY_HAND, words=f"by {command.by}", state=self._state)

    @workflow.update
    def hold(self, command: Hold) -> CommandResult:
        raise ApplicationError("It is on hold already", type="Refused", non_retryable=True)

    @workflow.query
    def state(self) -> OrderState:
        return self._state

    @workflow.query
    def events(self) -> list[Event]:
        return self._events


@asynccontextmanager
async def recording(client: Client, *, queue: str) -> AsyncIterator[None]:
    """Run a worker with the stand-in."""
    async with Worker(client, task_queue=queue, workflows=[Recorder], workflow_runner=UnsandboxedWorkflowRunner()):
        yield


async def events_at(client: Client, *, key: OrderKey) -> list[Event]:
    """Return what an order's stand-in got."""
    handle = client.get_workflow_handle(workflow_id(key))
    events: list[Event] = await handle.query("events", result_type=list[Event])
    return events
