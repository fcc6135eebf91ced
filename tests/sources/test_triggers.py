"""Webhook triggers: a code in the address fires an event on the order that the address names (T16)."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from standardwebhooks.webhooks import Webhook

from activities.runtime.settings import Settings
from activities.store import hook_codes, journal
from activities.store.database import Store
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve, url_of
from workflows.contracts.ids import OrderKey

KEY = OrderKey(shop="shop", number="1001")


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(store_url=url_of(tmp_path / "orders.db"), gateway_port=0, hook_rate_per_minute=600)


async def made(store: Store, *, overlap: timedelta = timedelta(0), is_signed: bool = False) -> tuple[str, str]:
    """Make a code of the webhook `packed`; give it and its secret."""
    async with store.write() as tx:
        record, code = await hook_codes.create(
            tx, trigger="packed", now=datetime.now(UTC), overlap=overlap, is_signed=is_signed
        )
    return code, record.secret


async def call(
    caller: Caller, path: str, *, method: str = "POST", body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str]]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, caller.url + path, data=body, headers=headers or {}) as response,
    ):
        return response.status, dict(response.headers)


async def events(store: Store) -> list[tuple[str, dict[str, object]]]:
    async with store.read() as tx:
        return [(event.type, event.data) for event in (await journal.events_of(tx, KEY)).items][1:]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_address_fires_the_trigger_on_its_order(caller: Caller, store: Store, method: str) -> None:
    """Covers T16."""
    await caller.created("1001")
    code, _ = await made(store)
    status, _ = await call(caller, f"/hooks/trigger/{code}?target=ORDER_1001&box=7", method=method)
    assert status == 202
    assert await events(store) == [("webhook.packed", {"box": "7"})]


async def test_the_body_is_the_events_data(caller: Caller, store: Store) -> None:
    await caller.created("1001")
    code, _ = await made(store)
    body, headers = json.dumps({"weight": 2.5}).encode(), {"Content-Type": "application/json"}
    await call(caller, f"/hooks/trigger/{code}?target=ORDER_1001", body=body, headers=headers)
    assert await events(store) == [("webhook.packed", {"weight": 2.5})]


@pytest.mark.parametrize(
    ("suffix", "body", "status"),
    [
        ("", b"", 422),
        ("?target=1001", b"", 422),
        ("?target=ORDER_", b"", 422),
        ("?target=ORDER_1001", b"{", 400),
        ("?target=ORDER_1001", b"[" * 10_000, 400),
        ("?target=ORDER_1001", b"x" * 263_168, 413),
        ("?target=ORDER_9999", b"", 202),  # kept for a person: the caller may not learn which orders there are
    ],
)
async def test_a_call_that_cannot_be_used_says_why(
    caller: Caller, store: Store, suffix: str, body: bytes, status: int
) -> None:
    """Covers case 46."""
    await caller.created("1001")
    code, _ = await made(store)
    headers = {"Content-Type": "application/json"}
    assert (await call(caller, f"/hooks/trigger/{code}{suffix}", body=body, headers=headers))[0] == status
    assert await events(store) == []


@pytest.mark.parametrize("code", ["nope", "%00", "%F0%9F%92%A9", "a" * 300, ".."])
async def test_an_unknown_code_is_no_address(caller: Caller, code: str) -> None:
    """Covers case 46."""
    assert (await call(caller, f"/hooks/trigger/{code}?target=ORDER_1001"))[0] == 404


async def test_an_exchanged_code_counts_for_its_overlap_only(caller: Caller, store: Store) -> None:
    """Covers case 35."""
    await caller.created("1001")
    old, _ = await made(store)
    await made(store, overlap=timedelta(hours=1))
    assert (await call(caller, f"/hooks/trigger/{old}?target=ORDER_1001"))[0] == 202
    await made(store, overlap=timedelta(0))
    assert (await call(caller, f"/hooks/trigger/{old}?target=ORDER_1001"))[0] == 404


async def test_a_signed_webhook_needs_its_signature(caller: Caller, store: Store) -> None:
    """Covers case 33."""
    await caller.created("1001")
    code, secret = await made(store, is_signed=True)
    path, now = f"/hooks/trigger/{code}?target=ORDER_1001", datetime.now(UTC)
    signature = Webhook(secret).sign(msg_id="m-1", timestamp=now, data='{"a": 1}')
    headers = {
        "Content-Type": "application/json",
        "webhook-id": "m-1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    assert (await call(caller, path, body=b'{"a": 1}', headers=headers))[0] == 202
    assert (await call(caller, path, body=b'{"a": 2}', headers=headers))[0] == 403
    assert (await call(caller, path, body=b'{"a": 1}'))[0] == 403
    assert await events(store) == [("webhook.packed", {"a": 1})]


async def test_a_signed_webhook_needs_no_body(caller: Caller, store: Store) -> None:
    """The official verifier reads the body as JSON where it is not told otherwise, and fails without one."""
    await caller.created("1001")
    code, secret = await made(store, is_signed=True)
    path, now = f"/hooks/trigger/{code}?target=ORDER_1001", datetime.now(UTC)
    headers = {
        "webhook-id": "m-1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(msg_id="m-1", timestamp=now, data=""),
    }
    assert (await call(caller, path, method="GET", headers=headers))[0] == 202
    assert await events(store) == [("webhook.packed", {})]


async def test_fifty_copies_with_one_id_are_one_event(caller: Caller, store: Store) -> None:
    """Covers case 31 and M50."""
    await caller.created("1001")
    code, _ = await made(store)
    path = f"/hooks/trigger/{code}?target=ORDER_1001&id=p-1"
    answers = await asyncio.gather(*(call(caller, path) for _ in range(50)))
    assert {status for status, _ in answers} == {202}
    assert len(await events(store)) == 1


async def test_a_code_that_is_called_too_often_has_to_wait_and_others_do_not(
    serve: Serve, parts: Parts, store: Store
) -> None:
    """Covers case 46."""
    settings = parts.settings.model_copy(update={"hook_rate_per_minute": 1})
    caller = await serve(replace(parts, settings=settings))
    await caller.created("1001")
    code, _ = await made(store)
    path = f"/hooks/trigger/{code}?target=ORDER_1001"
    answers = await asyncio.gather(*(call(caller, path) for _ in range(20)))
    limited = [headers for status, headers in answers if status == 429]
    assert len(limited) == 19
    assert all(int(headers["Retry-After"]) >= 1 for headers in limited)
    other, _ = await made(store, overlap=timedelta(hours=1))
    assert (await call(caller, f"/hooks/trigger/{other}?target=ORDER_1001&id=x"))[0] == 202
