"""The only client code that speaks to Temporal: signal, ask and command an order's workflow.

For Python services: `orders = await OrdersClient.connect()`, then `await orders.event(...)`. An event sent this way is
journalled by the order's decision; one posted to the HTTP API is journalled before the answer.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.runtime import temporal
from activities.runtime.settings import Settings
from workflows import attributes
from workflows.contracts.base import Tolerant
from workflows.contracts.carry import OrderInput
from workflows.contracts.commands import CommandResult, Hold, Move, OneRule, Resume, StopWaiting, TimelineEntry
from workflows.contracts.events import Event
from workflows.contracts.ids import TASK_QUEUE, WORKFLOW_TYPE, OrderKey, workflow_id
from workflows.contracts.plans import Plan
from workflows.contracts.reasons import EventReason
from workflows.contracts.state import OrderState

#: Bounds of one call. Without them the SDK repeats calls to an unreachable server for ten seconds and more.
CALL = timedelta(seconds=5)
COMMAND = timedelta(seconds=20)
_PAST_COMMAND = COMMAND + CALL

#: The event that begins an order's life: no workflow runs yet.
_FIRST = "order.created"

#: The server is there but cannot be used now, or not with these credentials: the event is not to blame.
_DOWN = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.PERMISSION_DENIED,
    }
)

_Answer = TypeVar("_Answer")


class OrdersError(Exception):
    """Base of this client's errors; the message holds no person's data.

    OrdersError
     ├─ TemporalDown     nothing was taken; try again
     ├─ NoAnswer         taken, but not answered in time; it may still be carried out
     ├─ NoSuchOrder      nothing is known of the order
     └─ CommandRefused   the order or the server said no; the words say why
    """


class TemporalDown(OrdersError):
    """Temporal cannot be reached."""


class NoAnswer(OrdersError):
    """The order did not answer in time; what was sent may still be carried out."""


class NoSuchOrder(OrdersError):
    """Nothing is known of the order, or its workflow has never run."""


class CommandRefused(OrdersError):
    """A command or an event was refused; `words` say why."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class OrdersClient:
    """Speak to the orders of a shop. An order is named by its number, or by an `OrderKey`."""

    def __init__(self, client: Client, *, shop: str = "shop", task_queue: str = TASK_QUEUE) -> None:
        self._client = client
        self._shop = shop
        self._task_queue = task_queue
        self._was_ready = False

    @classmethod
    async def connect(cls, settings: Settings | None = None) -> "OrdersClient":
        """Connect as the environment says (`TEMPORAL_*`, `ORDERS_SHOP`). Raise TemporalDown."""
        known = settings or Settings()
        try:
            client = await temporal.connect(known)
        except temporal.TemporalDown as error:
            raise TemporalDown(str(error)) from error
        return cls(client, shop=known.shop)

    async def ready(self) -> None:
        """Return if Temporal answers; raise TemporalDown if not."""
        try:
            async with asyncio.timeout(CALL.total_seconds()):
                is_serving = await self._client.service_client.check_health(timeout=CALL)
        except (RPCError, RuntimeError, TimeoutError) as error:  # RuntimeError: a lazy client's first connection
            raise TemporalDown("Temporal cannot be reached") from error
        if not is_serving:
            raise TemporalDown("Temporal is starting or stopping")
        self._was_ready = True

    async def event(self, order: str | OrderKey, type: str, *, id: str, data: dict[str, Any] | None = None) -> None:
        """Signal what happened just now: `event("1001", "payment.paid", id="psp-1", data={"amount": "49.00"})`."""
        await self.signal(order, event=Event(id=id, type=type, at=datetime.now(UTC), data=data or {}))

    async def signal(self, order: str | OrderKey, *, event: Event) -> None:
        """Signal an event; start the order's workflow if none runs. The same event id twice is harmless."""
        key = self._key(order)
        try:
            await self._signal(key, event=event)
        except NoSuchOrder as error:  # a start finds its order or makes it: only the namespace can be missing
            raise TemporalDown("Temporal has no such namespace; set TEMPORAL_NAMESPACE") from error

    async def move(self, order: str | OrderKey, *, command: Move) -> CommandResult:
        """Move the order to a stage by hand."""
        return await self._command(order, name="move", command=command)

    async def hold(self, order: str | OrderKey, *, command: Hold) -> CommandResult:
        """Hold the order's automation; its events are kept until it is resumed."""
        return await self._command(order, name="hold", command=command)

    async def resume(self, order: str | OrderKey, *, command: Resume) -> CommandResult:
        """Resume the order's automation."""
        return await self._command(order, name="resume", command=command)

    async def stop_waiting(self, order: str | OrderKey, *, command: StopWaiting) -> CommandResult:
        """Stop every rule of the order that still waits."""
        return await self._command(order, name="stop_waiting", command=command)

    async def run_now(self, order: str | OrderKey, *, command: OneRule) -> CommandResult:
        """Run a waiting rule now."""
        return await self._command(order, name="run_now", command=command)

    async def skip(self, order: str | OrderKey, *, command: OneRule) -> CommandResult:
        """Skip a waiting rule; its chain goes on."""
        return await self._command(order, name="skip", command=command)

    async def repeat(self, order: str | OrderKey, *, command: OneRule) -> CommandResult:
        """Repeat a rule that failed or was not carried out."""
        return await self._command(order, name="repeat", command=command)

    async def state(self, order: str | OrderKey) -> OrderState:
        """Return where the order stands, as its workflow knows it."""
        return await self._query(order, name="state", answer=OrderState)

    async def plan(self, order: str | OrderKey) -> Plan | None:
        """Return the rules of the order's current visit, as its workflow knows them; None before the first."""
        return await self._query(order, name="plan", answer=Plan)

    async def timeline(self, order: str | OrderKey) -> list[TimelineEntry]:
        """Return what the order's workflow has done, newest last."""
        return await self._query(order, name="timeline", answer=list[TimelineEntry])

    async def cancel(self, order: str | OrderKey) -> None:
        """Ask the order's automation to stop. The order itself is not cancelled; it is marked for attention."""
        key = self._key(order)
        async with _translated(key):
            await self._connected()
            await self._handle(key).cancel(rpc_timeout=CALL)

    async def _signal(self, key: OrderKey, *, event: Event) -> None:
        async with _translated(key):
            await self._connected()
            # A running workflow is the rule, and to signal it costs the server half of what a signal with start does.
            if event.type != _FIRST and await self._signalled(key, event=event):
                return
            await self._client.start_workflow(
                WORKFLOW_TYPE,
                OrderInput(key=key),
                **self._start(key),
                start_signal=event.type,
                start_signal_args=[event],
                rpc_timeout=CALL,
            )

    async def _signalled(self, key: OrderKey, *, event: Event) -> bool:
        """Signal an order's running workflow; False if none runs."""
        try:
            await self._handle(key).signal(event.type, event, rpc_timeout=CALL)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def _command(self, order: str | OrderKey, *, name: str, command: Tolerant) -> CommandResult:
        """Send an update; a workflow that has ended is started again for it."""
        key = self._key(order)
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            WORKFLOW_TYPE, OrderInput(key=key), **self._start(key)
        )
        async with _translated(key, within=_PAST_COMMAND), _ready_for_commands(key), _heard(start):
            await self._connected()
            result: CommandResult = await self._client.execute_update_with_start_workflow(
                name,
                command,
                start_workflow_operation=start,
                id=getattr(command, "id", None),
                result_type=CommandResult,
                rpc_timeout=COMMAND,
            )
        if result.reason is EventReason.UNKNOWN_ORDER:
            raise NoSuchOrder(f"There is no order {key.number}")
        if result.reason is EventReason.REFUSED:
            raise CommandRefused(result.words)
        return result

    async def _query(self, order: str | OrderKey, *, name: str, answer: type[_Answer]) -> _Answer:
        key = self._key(order)
        async with _translated(key):
            await self._connected()
            result: _Answer = await self._handle(key).query(name, result_type=answer, rpc_timeout=CALL)
        return result

    async def _connected(self) -> None:
        """Connect a lazy client first, so that its RuntimeError is not mistaken for anything else."""
        if not self._was_ready:
            await self.ready()

    def _start(self, key: OrderKey) -> dict[str, Any]:
        """Return how the order's workflow is started, if none runs."""
        return {
            "id": workflow_id(key),
            "task_queue": self._task_queue,
            "id_reuse_policy": WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            "id_conflict_policy": WorkflowIDConflictPolicy.USE_EXISTING,
            "search_attributes": _attributes(key),
            "static_summary": f"Order {key.number}",
        }

    def _handle(self, key: OrderKey) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(workflow_id(key))

    def _key(self, order: str | OrderKey) -> OrderKey:
        return order if isinstance(order, OrderKey) else OrderKey(shop=self._shop, number=order)


def _attributes(key: OrderKey) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [SearchAttributePair(attributes.NUMBER, key.number), SearchAttributePair(attributes.SHOP, key.shop)]
    )


@asynccontextmanager
async def _heard(start: WithStartWorkflowOperation[Any, Any]) -> AsyncIterator[None]:
    """Hear how the start went, which the SDK tells besides the update's answer; else asyncio logs it as an error."""
    hearing = asyncio.ensure_future(start.workflow_handle())
    try:
        yield
    finally:
        await asyncio.sleep(0)  # what is told is heard in the loop's next turn
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


@asynccontextmanager
async def _ready_for_commands(key: OrderKey) -> AsyncIterator[None]:
    """Tell a command that the server does not take now from one that it refuses."""
    try:
        yield
    except RPCError as error:
        # WorkflowNotReady: while a workflow's tasks fail or time out, such as with its worker, updates are turned away.
        if error.status is RPCStatusCode.FAILED_PRECONDITION:
            raise TemporalDown(f"Order {key.number} takes no commands now; is a worker running?") from error
        raise


@asynccontextmanager
async def _translated(key: OrderKey, *, within: timedelta = CALL) -> AsyncIterator[None]:
    """Turn Temporal's errors into this client's, and bound the SDK's repetitions of a call."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            yield
    except TimeoutError as error:
        raise TemporalDown("Temporal cannot be reached") from error
    except RPCError as error:
        if error.status in _DOWN:
            raise TemporalDown(f"Temporal cannot be reached ({error.status.name})") from error
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NoSuchOrder(f"Temporal knows no order {key.number}") from error
        raise CommandRefused(f"Temporal refused it for order {key.number}: {error.message}") from error
    except RPCTimeoutOrCancelledError as error:
        raise NoAnswer(f"Order {key.number} did not answer in time; is a worker running?") from error
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        words = cause.message if isinstance(cause, ApplicationError) else str(cause)
        raise CommandRefused(words) from error
    except WorkflowQueryFailedError as error:
        raise CommandRefused(error.message) from error
