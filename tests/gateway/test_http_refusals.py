"""What bad requests get: always problem+json that says what to do, never a traceback, and nothing accepted."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from activities.runtime.settings import Settings
from activities.store import keys
from activities.store.database import Store
from starter.gateway.access import Rates
from starter.gateway.parts import Parts
from starter.gateway.problems import Problem
from tests.gateway.calling import Answer, Caller, event, order
from tests.gateway.conftest import Serve


def assert_problem(answer: Answer, *, status: int, code: str) -> None:
    assert (answer.status, answer.body["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(answer.body)
    assert answer.body["status"] == status
    assert "Traceback" not in str(answer.body)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({}, id="none"),
        pytest.param({"Authorization": "Bearer oa_wrong"}, id="wrong"),
        pytest.param({"Authorization": "Bearer "}, id="empty"),
        pytest.param({"Authorization": "Basic YTpi"}, id="basic"),
    ],
)
async def test_without_a_known_key_nothing_is_answered(caller: Caller, header: dict[str, str]) -> None:
    async with Caller(caller.url, secret=None) as stranger:
        answer = await stranger.get("/v1/orders", headers=header)
    assert_problem(answer, status=401, code="no-key")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "orders keys create" in answer.body["detail"]


async def test_an_unknown_key_is_refused_before_the_body_is_read(caller: Caller) -> None:
    async with Caller(caller.url, secret=None) as stranger:
        answer = await stranger.post("/v1/orders", None, data="{ not json")
    assert_problem(answer, status=401, code="no-key")


@pytest.mark.parametrize("is_revoked", [pytest.param(True, id="revoked"), pytest.param(False, id="expired")])
async def test_a_key_that_ended_is_refused_at_once(caller: Caller, store: Store, is_revoked: bool) -> None:
    """Covers case 54."""
    now = datetime.now(UTC)
    made, ends = (now, None) if is_revoked else (now - timedelta(days=1), now - timedelta(seconds=1))
    async with store.write() as tx:
        key, secret = await keys.create(tx, name="short", scopes=["orders:read"], now=made, expires_at=ends)
    async with Caller(caller.url, secret=secret) as other:
        if is_revoked:
            assert (await other.get("/v1/orders")).status == 200
            async with store.write() as tx:
                await keys.revoke(tx, id=key.id, now=now)
        assert_problem(await other.get("/v1/orders"), status=401, code="no-key")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        pytest.param("GET", "/v1/orders", "orders:read", id="orders-read"),
        pytest.param("POST", "/v1/orders", "orders:write", id="orders-write"),
        pytest.param("POST", "/v1/orders/1001/events", "events:write", id="events-write"),
        pytest.param("POST", "/v1/events", "events:write", id="customer-events"),
        pytest.param("POST", "/v1/orders/1001/payments", "events:write", id="payments"),
        pytest.param("POST", "/v1/orders/1001/commands/move", "commands:write", id="commands"),
        pytest.param("GET", "/v1/customers", "customers:read", id="customers-read"),
        pytest.param("POST", "/v1/customers", "customers:write", id="customers-write"),
        pytest.param("PUT", "/v1/employees/olga", "admin", id="employees"),
        pytest.param("GET", "/v1/events/dead", "admin", id="dead-events"),
        pytest.param("POST", "/v1/events/dead/1/replay", "admin", id="replay"),
        pytest.param("GET", "/v1/outbox", "customers:read", id="outbox"),
    ],
)
async def test_a_key_without_the_scope_is_told_which(
    serve: Serve, parts: Parts, method: str, path: str, scope: str
) -> None:
    """Covers case 54."""
    every = {"orders:read", "orders:write", "events:write", "customers:read", "customers:write", "commands:write"}
    caller: Caller = await serve(parts, scopes=tuple(sorted(every - {scope})))
    answer = await caller.call(method, path, **({} if method == "GET" else {"json": {}}))
    assert_problem(answer, status=403, code="missing-scope")
    assert scope in answer.body["detail"]


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(caller: Caller) -> None:
    assert_problem(await caller.get("/v1/ordres"), status=404, code="no-such-path")
    answer = await caller.call("DELETE", "/v1/orders/1001")
    assert_problem(answer, status=405, code="method-not-allowed")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b'{"id": "1",\n "type": }', "line 2, column 10", id="syntax"),
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b'{"id": NaN}', "NaN", id="nan"),
        pytest.param(b'{"id": 1e999}', "too large", id="infinite"),
        pytest.param(b'{"id": "\xff"}', "UTF-8", id="not-utf8"),
        pytest.param(b'{"id": "1", "id": "2"}', "stands twice", id="double-key"),
        pytest.param(b'{"id": "a\\u0000b"}', "NUL", id="nul"),
        pytest.param(b'{"id": "\\ud800"}', "surrogate", id="half-a-pair"),
        pytest.param(b'{"data": ' + b"[" * 40 + b"]" * 40 + b"}", "levels deep", id="nested"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="very-nested"),
        pytest.param(b'{"id": ' + b"9" * 5000 + b"}", "not valid JSON", id="long-number"),
    ],
)
async def test_a_malformed_body_is_answered_400_saying_where(caller: Caller, body: bytes, words: str) -> None:
    await caller.created("1001")
    answer = await caller.call(
        "POST", "/v1/orders/1001/events", data=body, headers={"Content-Type": "application/json"}
    )
    assert_problem(answer, status=400, code="malformed")
    assert words in answer.body["detail"]


async def test_a_body_that_is_no_object_is_refused(caller: Caller) -> None:
    await caller.created("1001")
    assert_problem(await caller.post("/v1/orders/1001/events", [1]), status=422, code="invalid-request")


async def test_another_content_type_is_answered_415_with_the_header_to_set(caller: Caller) -> None:
    answer = await caller.call("POST", "/v1/orders", data={"number": "1001"})
    assert_problem(answer, status=415, code="not-json")
    assert "Content-Type: application/json" in answer.body["detail"]


async def test_a_body_over_the_limit_is_refused_by_its_length_alone(caller: Caller) -> None:
    answer = await caller.post("/v1/orders", order("1001", note="x" * 300_000))
    assert_problem(answer, status=413, code="body-too-large")
    assert (await caller.get("/v1/orders/1001")).status == 404


async def test_a_body_without_a_length_is_cut_off_at_the_limit(caller: Caller) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 65_536
            yield b" " * 65_536

    try:
        answer = await caller.call("POST", "/v1/orders", data=chunks(), headers={"Content-Type": "application/json"})
    except OSError:  # the gateway may close before the client has read the answer
        pass
    else:
        assert_problem(answer, status=413, code="body-too-large")
    assert sent < 1000 * 65_536


async def test_a_store_that_is_down_is_answered_503_at_once_and_nothing_is_accepted(
    caller: Caller, parts: Parts, tmp_path: Path, serve: Serve
) -> None:
    await caller.created("1001")
    broken = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'missing' / 'orders.db'}")
    down: Caller = await serve(replace(parts, store=broken))

    answer = await down.post("/v1/orders/1001/events", event())
    ready = await down.get("/readyz")

    assert_problem(answer, status=503, code="store-down")
    assert int(answer.headers["Retry-After"]) > 0
    assert (ready.status, ready.body["store"]) == (503, "down")
    assert (await down.get("/healthz")).status == 200
    assert (await caller.post("/v1/orders/1001/events", event())).status == 202


async def test_too_many_requests_with_a_key_are_answered_429(serve: Serve, parts: Parts) -> None:
    slow = replace(parts, settings=Settings(rate_per_minute=1))
    caller: Caller = await serve(slow)
    assert (await caller.get("/v1/orders")).status == 200
    answer = await caller.get("/v1/orders")
    assert_problem(answer, status=429, code="too-many-requests")
    assert answer.body["detail"].startswith("Too many requests with this key; send the next one in ")
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_bucket_fills_again_with_time() -> None:
    now = 0.0
    rates = Rates(60, clock=lambda: now)
    for _ in range(10):
        rates.take("k")
    with pytest.raises(Problem):
        rates.take("k")
    now = 1.0
    rates.take("k")
    rates.take("other")


async def test_a_failure_of_ours_is_answered_500_without_a_traceback(serve: Serve, parts: Parts) -> None:
    """A part that is missing stands for any bug."""
    caller: Caller = await serve(replace(parts, shelf=None))  # type: ignore[arg-type]  # the bug
    with capture_logs() as logged:
        answer = await caller.post("/v1/orders", order("1001"))
    assert_problem(answer, status=500, code="internal")
    assert [(one["event"], one["path"]) for one in logged] == [("Request failed", "/v1/orders")]
    assert "AttributeError" not in str(answer.body)
    assert (await caller.get("/v1/orders/1001")).status == 404


async def test_what_was_sent_is_not_repeated_in_an_error_of_the_shape(caller: Caller) -> None:
    answer = await caller.post("/v1/customers", {"first_name": ["Anna Nowak"]})
    assert answer.status == 422
    assert "Anna" not in str(answer.body)


async def test_an_empty_database_is_said_to_need_its_schema(parts: Parts, tmp_path: Path, serve: Serve) -> None:
    empty = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}")
    down: Caller = await serve(replace(parts, store=empty))
    ready = await down.get("/readyz")
    await empty.close()
    assert ready.status == 503
    assert "orders db upgrade" in ready.body["words"]
