"""A worker process lets a provider's queue give out no more sends a second than settings say. Covers C2, case 24."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from tests.support.house import store_at
from tests.support.stand_ins.twilio import ACCOUNT
from tests.support.temporal import temporal_client, temporal_server

__all__ = ["temporal_client", "temporal_server"]

ROOT = Path(__file__).parents[2]

TWILIO = {
    "ORDERS_SMS_PROVIDER": "twilio",
    "ORDERS_CHAT_PROVIDER": "twilio",
    "ORDERS_TWILIO_ACCOUNT_SID": ACCOUNT,
    "ORDERS_TWILIO_AUTH_TOKEN": "token",
    "ORDERS_TWILIO_TEXTS_PER_SECOND": "3",
    "ORDERS_TWILIO_CHATS_PER_SECOND": "80",
}
SENDGRID = {
    "ORDERS_EMAIL_PROVIDER": "sendgrid",
    "ORDERS_SENDGRID_API_KEY": "SG.key",
    "ORDERS_SENDGRID_PER_SECOND": "0.5",
}
SMTP = {
    "ORDERS_EMAIL_PROVIDER": "smtp",
    "ORDERS_SMTP_HOST": "localhost",
    "ORDERS_SMTP_PER_SECOND": "5",
    "ORDERS_SMTP_2_HOST": "localhost",
    "ORDERS_SMTP_2_PER_SECOND": "2",
}

#: What Temporal knows of a queue without a limit.
ANY = 100_000.0


async def rate_of(client: Client, queue: str, *, process: str) -> float:
    """Wait until the process serves the queue, and read the rate that the server was told."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    )
    async with asyncio.timeout(60):
        while True:
            answer = await client.workflow_service.describe_task_queue(request)
            for poller in answer.pollers:
                if poller.identity.startswith(f"{process}@"):
                    return poller.rate_per_second
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("settings", "queue", "rate"),
    [
        pytest.param(TWILIO, "orders-sms", 3, id="text-messages"),
        pytest.param(TWILIO, "orders-chat", 80, id="chats"),
        pytest.param(SENDGRID, "orders-email", 0.5, id="mails-over-sendgrid"),
        pytest.param(SMTP, "orders-email", 2, id="mails-over-smtp"),
        pytest.param({**TWILIO, "ORDERS_SMS_PROVIDER": "outbox"}, "orders-sms", ANY, id="another-provider"),
    ],
)
async def test_queue_gives_out_as_many_sends_as_its_provider_takes(
    tmp_path: Path, temporal_client: Client, settings: dict[str, str], queue: str, rate: float
) -> None:
    async with store_at(tmp_path):
        environment = os.environ | {
            "ORDERS_STORE_URL": f"sqlite+aiosqlite:///{tmp_path / 'orders.db'}",
            "ORDERS_PUBLIC_URL": "https://shop.example",
            "TEMPORAL_ADDRESS": temporal_client.service_client.config.target_host,
            **settings,
        }
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "worker", "--queue", queue, cwd=ROOT, env=environment
        )
        try:
            assert await rate_of(temporal_client, queue, process=str(worker.pid)) == pytest.approx(rate)
        finally:
            worker.send_signal(signal.SIGTERM)
            await worker.wait()
