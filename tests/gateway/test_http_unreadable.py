"""A published version that this release cannot read: who needs it is asked to come again; everything else is served."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from activities.store import pipelines
from activities.store.database import Store
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve
from tests.gateway.filling import TOKENS
from tests.gateway.pipelines import SHOP, frozen

BROWSER = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "pl-PL"}


async def publish(store: Store, frozen_json: str) -> None:
    async with store.write() as tx:
        await pipelines.publish(
            tx,
            name="shop",
            text=f"{SHOP}# {frozen_json}",
            frozen_json=frozen_json,
            reopens=[],
            fields={"gift_wrap": "bool"},
            author="tests",
            now=datetime.now(UTC),
        )


async def test_an_order_is_asked_for_again_and_taken_once_a_readable_version_is_published(
    caller: Caller, store: Store
) -> None:
    await publish(store, '{"stages": "of another release"}')
    order = {"number": "1001", "total": "49.00", "currency": "EUR", "stage": "paid"}
    refused = await caller.post("/v1/orders", order)
    assert (refused.status, refused.body["code"]) == (503, "pipeline-unreadable")
    assert refused.headers["Retry-After"] == "60"
    assert "Version 2 of pipeline 'shop'" in refused.body["detail"]
    assert "another release" not in str(refused.body)
    assert (await caller.get("/v1/orders/1001")).status == 404
    assert (await caller.get("/v1/orders")).status == 200

    await publish(store, frozen())
    assert (await caller.post("/v1/orders", order)).status == 201


@pytest.mark.parametrize("path", ["/f/survey", "/f/survey/thanks"])
async def test_who_opens_a_form_is_asked_to_come_back_in_their_language(
    serve: Serve, parts: Parts, store: Store, path: str
) -> None:
    await publish(store, "{}")
    caller = await serve(replace(parts, tokens=TOKENS))
    async with Caller(caller.url, secret=None) as browser:
        answer = await browser.get(path, headers=BROWSER)
    assert (answer.status, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert "za minutę" in str(answer.body)
    assert "pipeline" not in str(answer.body)
