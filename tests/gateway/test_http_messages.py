"""Notices and answers whose outcome nobody can tell, over HTTP: listed, sent again, laid aside. Covers M61."""

from datetime import UTC, datetime
from uuid import uuid4

from activities.store.database import Store
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve
from tests.store.test_courier import Clock, Post
from tests.store.test_held import lost, lost_notice


async def test_a_held_notice_is_sent_again_once(caller: Caller, store: Store) -> None:
    post, clock = Post(), Clock()
    id = await lost_notice(store, clock, post)
    [listed] = (await caller.get("/v1/messages/held")).body["items"]
    assert (listed["id"], listed["kind"], listed["to"], listed["state"]) == (str(id), "notice", "olga", "held")
    assert "Pack it" not in str(listed)

    headers = {"Idempotency-Key": "k-1"}
    answers = [await caller.post(f"/v1/messages/{id}/repeat", {"by": "ann"}, headers=headers) for _ in range(2)]

    assert [(answer.status, answer.body["state"]) for answer in answers] == [(200, "planned")] * 2
    assert (await caller.get("/v1/messages/held")).body["items"] == []
    clock.now = datetime.now(UTC)  # it is due from the gateway's present on
    await lost(store, clock, post)
    again = await caller.post(f"/v1/messages/{id}/repeat", {"by": "ann"}, headers=headers)
    assert (again.status, again.body["state"]) == (200, "held")  # the same request: what was held anew stays


async def test_a_held_notice_is_laid_aside_by_the_key_that_says_so(caller: Caller, store: Store) -> None:
    id = await lost_notice(store, Clock(), Post())
    answer = await caller.post(f"/v1/messages/{id}/dismiss")
    assert (answer.status, answer.body["state"], answer.body["words"]) == (200, "skipped", "laid aside by tests")
    refused = await caller.post(f"/v1/messages/{id}/repeat")
    assert (refused.status, refused.body["detail"]) == (409, "The notice is not held: it is skipped")


async def test_other_ids_and_cursors_are_refused(caller: Caller) -> None:
    id = uuid4()
    unknown = await caller.post(f"/v1/messages/{id}/repeat")
    assert (unknown.status, unknown.body["detail"]) == (404, f"There is no notice or answer '{id}'.")
    assert (await caller.post("/v1/messages/x/repeat")).pointers == ["path/id"]
    assert (await caller.get("/v1/messages/held?cursor=zzz")).pointers == ["query/cursor"]


async def test_only_an_administrator_decides(serve: Serve, parts: Parts) -> None:
    caller = await serve(parts, scopes=("commands:write", "orders:read"))
    assert (await caller.get("/v1/messages/held")).status == 403
    assert (await caller.post(f"/v1/messages/{uuid4()}/repeat")).status == 403
