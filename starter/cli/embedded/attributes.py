"""The search attributes of orders on a Temporal server: which are missing, and registering them. Also who polls."""

import asyncio

from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeIndexedValueType
from temporalio.service import RPCError, RPCStatusCode

from starter.cli.output import Exit, Failure
from workflows.attributes import KEYS
from workflows.contracts.ids import TASK_QUEUE

#: What people write for a type: `--search-attribute OrderStage=Keyword`.
_TYPES = {
    SearchAttributeIndexedValueType.KEYWORD: "Keyword",
    SearchAttributeIndexedValueType.DOUBLE: "Double",
    SearchAttributeIndexedValueType.BOOL: "Bool",
    SearchAttributeIndexedValueType.DATETIME: "Datetime",
    SearchAttributeIndexedValueType.KEYWORD_LIST: "KeywordList",
}

#: A server takes a new attribute up within this time.
_SECONDS = 15.0


def flags() -> list[str]:
    """Return the arguments by which a dev server begins with all of them."""
    return [part for key in KEYS for part in ("--search-attribute", f"{key.name}={_TYPES[key.indexed_value_type]}")]


async def missing(client: Client) -> dict[str, str]:
    """Return the names and types of the attributes that the server does not know."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(request)).custom_attributes
    return {key.name: _TYPES[key.indexed_value_type] for key in KEYS if key.name not in known}


async def register(client: Client) -> None:
    """Register what is missing and wait until the server takes it; safe to repeat. Raise Failure where it refuses."""
    lacking = await missing(client)
    if not lacking:
        return
    wanted = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in KEYS if key.name in lacking}
    request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=wanted)
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise _refused(error, lacking=lacking) from error
    try:
        async with asyncio.timeout(_SECONDS):
            while True:
                if not await missing(client):
                    return
                await asyncio.sleep(0.2)
    except TimeoutError as error:
        raise Failure("Temporal does not take the search attributes up", code=Exit.UNREACHABLE) from error


async def pollers(client: Client) -> list[str]:
    """List the identities of the workers that serve the task queue of orders."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    answer = await client.workflow_service.describe_task_queue(request)
    return [poller.identity for poller in answer.pollers]


def _refused(error: RPCError, *, lacking: dict[str, str]) -> Failure:
    parts = " ".join(f"--name {name} --type {kind}" for name, kind in lacking.items())
    return Failure(
        f"Temporal refused the search attributes: {error.message}",
        help=f"register them yourself: temporal operator search-attribute create {parts}",
        code=Exit.UNREACHABLE,
    )
