"""An order lives through its documents: made by a rule, opened by the customer; each moves it on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from activities.actions import KINDS
from activities.papers import documents_beside
from activities.runtime.settings import Settings
from activities.shelf import Shelf
from activities.store import documents
from starter.client import OrdersClient
from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from starter.gateway.serving import listening
from starter.relay import Relay
from tests.gateway.calling import Caller
from tests.life.pipelines import stages
from tests.support.house import House
from workflows.contracts.reasons import RunStatus

BILLED = stages(
    "  new:\n"
    "    rules:\n"
    "      - {id: bill, document: invoice, signature: true}\n"
    "      - {id: slip, document: packing-slip, wait: 30d}\n"
    "  billed:\n    triggers: [{document: created, template: invoice}]\n"
    "    rules: [{id: tell, sms: 'Order {{ order.number }} is billed'}]\n"
    "  read:\n    kind: success\n    triggers: [{document: viewed, template: invoice}]\n"
)

SEEN = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0", "Sec-Fetch-Site": "same-origin"}


@asynccontextmanager
async def gateway_of(house: House) -> AsyncIterator[Caller]:
    """Serve the house's documents; what happens is relayed to its Temporal server."""
    orders = OrdersClient(house.client, shop=house.shop)
    relay = Relay(house.store, orders=orders)
    settings = Settings(shop=house.shop)
    parts = Parts(store=house.store, orders=orders, relay=relay, settings=settings, shelf=Shelf(KINDS))
    delivering = asyncio.create_task(relay.run())
    try:
        async with listening(create_app(parts), host="127.0.0.1", port=0) as url, Caller(url, secret=None) as caller:
            yield caller
    finally:
        delivering.cancel()
        with suppress(asyncio.CancelledError):
            await delivering


async def test_a_document_that_is_made_and_then_viewed_moves_its_order(shop: House) -> None:
    """Covers E13, T21, T22."""
    await shop.publish(BILLED, documents=documents_beside("deploy/pipelines/shop.yaml"))
    await shop.order("1")
    await shop.until_stage("1", "billed")
    bill = await shop.until_run("1", "bill", RunStatus.DONE, visit=1)
    async with shop.store.read() as tx:
        document = await documents.newest(tx, shop.key("1"), name="bill")
    assert document is not None
    assert document.content.startswith(b"%PDF-")
    assert bill.results["url"].endswith(f"/d/{document.token}")
    assert (await shop.runs("1", visit=1))["slip"].status is RunStatus.STOPPED
    await shop.until_run("1", "tell", RunStatus.DONE)
    async with gateway_of(shop) as customer:
        await customer.get(f"/d/{document.token}", headers={"User-Agent": "Slackbot 1.0"})
        await customer.post(f"/d/{document.token}/viewed", headers=SEEN)
        await shop.until_stage("1", "read")
    types = [event.type for event in await shop.events("1")]
    assert types == ["order.created", "document.created", "document.viewed"]
