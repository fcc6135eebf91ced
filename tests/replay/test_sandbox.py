"""What the shortcut of the sandbox rests on: no part of our data converters asks what a payload belongs to."""

import base64

import pytest
from pydantic import SecretStr
from temporalio.converter import ActivitySerializationContext, SerializationContext, WorkflowSerializationContext

from activities.runtime.settings import Settings
from activities.runtime.temporal import converter

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
