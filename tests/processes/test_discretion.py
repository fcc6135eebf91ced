"""The scan for people's data finds what it is to find, and takes ids, moments and figures for what they are."""

import asyncio
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from activities.runtime.tokens import Tokens
from tests.support.discretion import PATTERNS, found_in, found_in_histories, found_in_logs
from tests.support.house import ANNA, PATIENCE
from tests.support.temporal import TEMPORAL, started


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"Refused: {ANNA['last_name']}", "name"),
        ("Оксана does not answer", "name"),
        ("to=ada@mail.example order=shop:7", "mail address"),
        ("Twilio refused '+48601234567'", "phone number"),
        ("body=Thank you, …", "text"),
        ("GET /d/8HqNQv_xZp-K7a0-JhvBOzJVXTBZdjb3 200", "document or link token"),
        pytest.param("?t=" + Tokens(["k" * 32]).sign({"v": 1}, purpose="chat"), "signed token", id="signed token"),
        ("visitor=c-51bfcd4171054b808383a2c93fe24c4b", "visitor"),
        ("Authorization: Bearer ord_1234567890", "secret"),
    ],
)
def test_what_is_nobodys_business_is_found(text: str, kind: str) -> None:
    assert found_in(text)[0].startswith(f"{kind}: ")


def test_every_kind_is_tried() -> None:
    assert len(PATTERNS) == 8


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T00:04:10.526849Z [info] Order moved because=payment.paid left= order=shop:D-1001 stage=new",
        "order=shop:1001 send=eb19df0f-a67e-5deb-9370-8029d3173c48 identity=15007@host at=2026-11-22T00:04:11+00:00",
        'orders_runs_total{kind="sms",reason="done",status="done"} 1.7320508e+09',
        "The mailbox cannot be polled: check ORDERS_IMAP_* reason=ConnectionRefusedError",
    ],
)
def test_ids_moments_and_figures_are_nobodys(text: str) -> None:
    assert found_in(text) == []


def test_log_files_are_found_wherever_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "x" / ".orders" / "logs"
    folder.mkdir(parents=True)
    (folder / "worker.txt").write_text("a +48601234567")
    assert found_in_logs(tmp_path) == []
    (folder / "worker.log").write_text("a +48601234567")
    assert found_in_logs(tmp_path) == ["x/.orders/logs/worker.log: phone number: …a +48601234567…"]
    (folder / "worker.log").unlink()


async def test_histories_are_seen_through() -> None:
    """A server of its own: the suite's may not hold such a history."""
    server = await started(
        lambda: WorkflowEnvironment.start_local(dev_server_existing_path=str(TEMPORAL), dev_server_log_level="error")
    )
    async with server as environment, asyncio.timeout(PATIENCE):
        await environment.client.start_workflow("Order", ANNA, id="order:shop:1", task_queue="nobody")
        while not (found := await found_in_histories(environment.client)):  # noqa: ASYNC110  # a server is watched: there is no event
            await asyncio.sleep(0.05)
    kinds = [one.removeprefix("history order:shop:1: ").partition(":")[0] for one in found]
    assert {"name", "phone number", "mail address"} <= set(kinds)
