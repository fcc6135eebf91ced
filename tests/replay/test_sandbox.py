"""What the sandbox of ours does and leaves out, and what its shortcuts rest on."""

import asyncio
import base64
import gc
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, ClassVar

import pytest
from google.protobuf.message import Message
from pydantic import SecretStr
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import ActivitySerializationContext, SerializationContext, WorkflowSerializationContext
from temporalio.worker import Replayer, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from activities.runtime.sandbox import LeanSandbox
from activities.runtime.settings import Settings
from activities.runtime.temporal import converter
from activities.runtime.workers import sandbox
from tests.replay.record import HISTORIES
from workflows.automation import Automation
from workflows.order import Order

KEYS = SecretStr("key:" + base64.b64encode(b"1" * 32).decode())

CONTEXTS: tuple[SerializationContext, ...] = (
    WorkflowSerializationContext(namespace="default", workflow_id="order:shop:1"),
    ActivitySerializationContext(
        namespace="default",
        activity_id="1.thanks",
        activity_type="sms",
        activity_task_queue="orders-sms",
        workflow_id="order:shop:1",
        workflow_type="Order",
        is_local=False,
    ),
)


@pytest.mark.parametrize("settings", [Settings(), Settings(codec_keys=KEYS)], ids=["plain", "encrypted"])
def test_no_payload_is_written_otherwise_by_what_it_belongs_to(settings: Settings) -> None:
    """Where this fails, the sandbox must answer again: use the SDK's own in `activities/runtime/workers.py`."""
    payloads = converter(settings)
    assert all(payloads.with_context(context) is payloads for context in CONTEXTS)
    assert payloads.external_storage is None


class Watched(LeanSandbox):
    """A sandbox that remembers what it made."""

    def __init__(self) -> None:
        super().__init__(sandbox().restrictions)
        self.made: list[WorkflowInstance] = []

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        self.made.append(super().create_instance(det))
        return self.made[-1]


class WatchedSdk(SandboxedWorkflowRunner):
    """The SDK's own sandbox, watched."""

    made: ClassVar[list[WorkflowInstance]] = []

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        self.made.append(super().create_instance(det))
        return self.made[-1]


async def test_a_parked_order_keeps_no_part_of_an_activation() -> None:
    """A part of a message keeps the memory of the whole. Where this fails, the SDK keeps another part."""
    ours = Watched()
    await _replay(ours)
    kept = _kept(ours.made)
    made_in_the_workflow = {found for found in kept if found.endswith(": UserMetadata")}
    copied = {"last_completion_result: Payloads", "last_failure: Failure"}
    assert {found.removeprefix("_") for found in kept - made_in_the_workflow} <= copied


async def test_the_sdk_keeps_parts_of_activations() -> None:
    """Where this fails, the SDK lets go by itself: `LeanSandbox` has less to do."""
    WatchedSdk.made.clear()
    await _replay(WatchedSdk(restrictions=sandbox().restrictions))
    assert {
        "_deployment_version_for_current_task: WorkerDeploymentVersion",
        "_current_completion: WorkflowActivationCompletion",
        "_current_internal_flags: RepeatedScalarContainer",
        "headers: MessageMapContainer",
    } <= _kept(WatchedSdk.made)


async def test_the_workflow_module_is_the_orders_own_and_the_rest_is_shared() -> None:
    """The sandbox guards what it loads itself; what it passes through is guarded by the linter's bans."""
    ours = Watched()
    await _replay(ours)
    [order] = [found for found in _reachable(ours.made) if type(found).__name__ == "Order"]
    assert type(order) is not Order
    assert type(order.automation) is Automation


async def _replay(runner: WorkflowRunner) -> None:
    text = await asyncio.to_thread((HISTORIES / "waiting.json").read_text)
    replayer = Replayer(workflows=[Order], data_converter=pydantic_data_converter, workflow_runner=runner)
    await replayer.replay_workflow(WorkflowHistory.from_json("order:shop:waiting", text))


def _kept(instances: list[WorkflowInstance]) -> set[str]:
    """Name the protobuf objects that are kept, each behind what holds it."""
    kept = set()
    for holder in _reachable(instances):
        for part in gc.get_referents(holder):
            is_container = type(part).__name__.endswith("Container") and "google" in type(part).__module__
            if not isinstance(part, Message) and not is_container:
                continue
            named = holder if isinstance(holder, dict) else getattr(holder, "__dict__", {})
            names = [str(name) for name, value in named.items() if value is part]
            kept.add(f"{(names or [type(holder).__name__])[0]}: {type(part).__name__}")
    return kept


def _reachable(instances: list[WorkflowInstance]) -> list[Any]:
    """Walk what instances hold, leaving out code."""
    found: dict[int, Any] = {}
    waiting: list[Any] = list(instances)
    while waiting:
        one = waiting.pop()
        if id(one) in found or isinstance(one, type | ModuleType | FunctionType | BuiltinFunctionType | CodeType):
            continue
        if isinstance(one, dict) and "__builtins__" in one and "__temporal_in_sandbox" not in one:
            continue  # a module's names
        found[id(one)] = one
        waiting += gc.get_referents(one)
    return list(found.values())
