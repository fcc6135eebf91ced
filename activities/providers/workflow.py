"""Other Temporal workflows: `send` starts one, `lookup` finds it again, `outcome` tells how it ended.

In: a message whose address is the workflow's id. A workflow is started once per id, whatever is repeated: while it runs
the start finds it, and afterwards Temporal refuses another one. The id of the send stands in its memo, so that ours is
told from one of somebody else's. Source: https://docs.temporal.io/workflow-execution/workflowid-runid
"""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.providers.errors import Misconfigured, NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Message, Outcome
from activities.providers.registry import Connecting

#: The memo that holds the id of the send.
_MEMO = "send"

_TIMEOUT = timedelta(seconds=10)

#: Refusals that no repeat changes.
_FINAL = {
    RPCStatusCode.INVALID_ARGUMENT: "Temporal cannot start it so: check its type, its task queue and the input's size",
    RPCStatusCode.FAILED_PRECONDITION: "Temporal cannot start it now: look at the namespace",
    RPCStatusCode.OUT_OF_RANGE: "Temporal cannot start it so: check the input's size",
}

_REFUSES_US = frozenset({RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED})

_ENDS = {
    WorkflowExecutionStatus.CANCELED: "the workflow was cancelled",
    WorkflowExecutionStatus.TERMINATED: "the workflow was terminated",
    WorkflowExecutionStatus.TIMED_OUT: "the workflow ran out of time",
}


class WorkflowProvider:
    """Start workflows in the namespace that the orders live in."""

    name = "workflow"
    channels: tuple[str, ...] = ("workflow",)
    grace = timedelta(seconds=5)
    patience = timedelta(seconds=10)

    def __init__(self, client: Client) -> None:
        self._client = client

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Start the workflow, or find it. Raise NotSent, Unknown, Rejected or Misconfigured."""
        try:
            await self._client.start_workflow(
                message.subject,
                json.loads(message.body),
                id=message.address,
                task_queue=message.headers["task_queue"],
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                memo={_MEMO: str(send_id)},
                rpc_timeout=_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            if await self.lookup(message, send_id=send_id) is None:
                words = "a workflow of this id has run already: let `id` tell the orders and their visits apart"
                raise Rejected("already_started", words) from None
        except RPCError as error:
            raise _refusal(error) from None
        return _accepted(send_id)

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Look whether a workflow of that id was started by this send."""
        try:
            found = await self._described(message)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise NotSent("Temporal could not be asked for the workflow") from None
        return _accepted(send_id) if await found.memo_value(_MEMO, default="") == str(send_id) else None

    async def outcome(self, message: Message, *, send_id: UUID) -> Outcome | None:
        """Say how the workflow ended; None while it runs. Words name types, never what a workflow says."""
        try:
            found = await self._described(message)
            if found.status is WorkflowExecutionStatus.RUNNING:
                return None
            if found.status in _ENDS:
                return Outcome({}, failure=_ENDS[found.status])
            return Outcome({"result": _readable(await self._result(message))})
        except WorkflowFailureError as error:
            return Outcome({}, failure=_words(error))
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Outcome({}, failure="the workflow is not there any more: its retention is over")
            raise NotSent("Temporal could not be asked for the workflow") from None

    async def _described(self, message: Message) -> WorkflowExecutionDescription:
        return await self._client.get_workflow_handle(message.address).describe(rpc_timeout=_TIMEOUT)

    async def _result(self, message: Message) -> Any:
        return await self._client.get_workflow_handle(message.address).result(rpc_timeout=_TIMEOUT)


def connect(given: Connecting) -> WorkflowProvider | None:
    """Build the provider; None where no Temporal is connected."""
    return None if given.client is None else WorkflowProvider(given.client)


def _accepted(send_id: UUID) -> Accepted:
    return Accepted(f"workflow-{send_id}")


def _refusal(error: RPCError) -> NotSent | Unknown | Rejected | Misconfigured:
    if error.status in _FINAL:
        return Rejected(error.status.name.lower(), _FINAL[error.status])
    if error.status in _REFUSES_US:
        return Misconfigured("TEMPORAL_API_KEY", "Temporal does not let us start workflows")
    if error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
        return NotSent("Temporal is busy: the workflow is started later")
    return Unknown("Temporal did not say whether it started the workflow")


def _words(error: WorkflowFailureError) -> str:
    cause = error.cause
    kind = cause.type if isinstance(cause, ApplicationError) and cause.type else type(cause).__name__
    return f"the workflow failed ({kind}): look at it in Temporal"


def _readable(result: Any) -> object:
    """Keep what is JSON; a workflow may return anything that its data converter knows."""
    try:
        return json.loads(json.dumps(result))
    except (TypeError, ValueError):
        return None
