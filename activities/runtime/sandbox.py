"""The SDK's sandbox, without two of its costs: questions for contexts, and activations that outlive their task.

Questions: for every payload the SDK asks the workflow, inside the sandbox, what it belongs to, so that converters,
codecs and external storage may differ by that. Ours do not, so the answer can be given outside: a third of a replay.

Activations: a part of a protobuf message keeps the memory of the whole message, and the SDK's instance keeps parts of
its first and its last activation, and its last commands. For a parked order that was a tenth of its memory.
"""

from dataclasses import replace
from typing import Any, TypeVar

from google.protobuf.message import Message
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info

_NO_STORE = StorageDriverStoreContext(target=None)

#: What the SDK's instance keeps of an activation until the next one, which sets it anew.
_NOTHING = {"_current_completion": None, "_deployment_version_for_current_task": None, "_current_internal_flags": ()}

Kept = TypeVar("Kept", bound=Message)


class LeanSandbox(SandboxedWorkflowRunner):
    """Run workflows in the sandbox, for a data converter that takes no context and stores nothing outside."""

    def __init__(self, restrictions: SandboxRestrictions) -> None:
        super().__init__(restrictions=restrictions, runner_class=_LeanRunner)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Make the instance of one workflow's run."""
        failure = None if det.last_failure is None else _apart(det.last_failure)
        apart = replace(det, last_completion_result=_apart(det.last_completion_result), last_failure=failure)
        return _ContextFree(super().create_instance(apart))


class _ContextFree(WorkflowInstance):
    def __init__(self, sandboxed: WorkflowInstance) -> None:
        self._sandboxed = sandboxed

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return self._sandboxed.activate(act)

    def get_serialization_context(self, command_info: object) -> None:
        """Say that no payload has a context."""

    def get_external_store_context(self, command_info: object) -> StorageDriverStoreContext:
        return _NO_STORE

    def get_info(self) -> Info:
        return self._sandboxed.get_info()

    def get_thread_id(self) -> int | None:
        return self._sandboxed.get_thread_id()


class _LeanRunner(UnsandboxedWorkflowRunner):
    """What runs inside the sandbox."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Forgetful(super().create_instance(det))


class _Forgetful(WorkflowInstance):
    """An instance that keeps nothing of an activation once its commands are told."""

    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = self._instance.activate(act)
        kept = vars(self._instance)
        kept.update(_NOTHING)
        given = kept["_workflow_input"]
        if given is not None and not isinstance(given.headers, dict):
            given.headers = {name: _apart(payload) for name, payload in given.headers.items()}
        return completion

    def get_serialization_context(self, command_info: Any) -> Any:
        return self._instance.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        return self._instance.get_external_store_context(command_info)

    def get_info(self) -> Info:
        return self._instance.get_info()


def _apart(message: Kept) -> Kept:
    """Copy a part of a message into memory of its own."""
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
