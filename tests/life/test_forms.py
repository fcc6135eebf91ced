"""An order is moved by what its customer does on the shop's site: forms, callbacks and visits."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from activities.actions import KINDS
from activities.runtime.settings import Settings
from activities.shelf import Shelf
from activities.store import visitors
from starter.client import OrdersClient
from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from starter.gateway.serving import listening
from starter.relay import Relay
from tests.gateway.calling import Caller
from tests.gateway.filling import PERSON, TOKENS, fill_in, visitor_token
from tests.life.pipelines import stages
from tests.support.house import House
from workflows.contracts.reasons import EventReason, RunStatus

SITE = "https://shop.example"
VISITOR = "v-" + "b" * 32

JOURNEY = stages(
    "  new: {}\n"
    "  called:\n"
    "    triggers: [{callback: requested, name: call-me}]\n"
    "    rules: [{id: call, task: 'Call {{ customer.first_name }}', to: olga}]\n"
    "  asked:\n    triggers: [{form: submitted, name: survey, when: event.fields.happy}]\n"
    "  looking:\n    triggers: [{visit: started, page: '/cups*'}]\n"
    "  back:\n    kind: success\n    triggers: [{visit: returned, name: survey, from: looking}]\n"
    "forms:\n"
    "  call-me:\n    title: Call me\n    callback: true\n    country: PL\n"
    "    fields: {phone: {type: phone, label: Phone, required: true}}\n"
    "  survey:\n    title: Survey\n"
    "    fields: {email: {type: email, label: E-mail}, happy: {type: checkbox, label: Happy}}\n"
)


@asynccontextmanager
async def gateway_of(house: House) -> AsyncIterator[Caller]:
    """Serve the house's forms; what happens is relayed to its Temporal server."""
    orders = OrdersClient(house.client, shop=house.shop)
    relay = Relay(house.store, orders=orders)
    settings = Settings(shop=house.shop, site_origins=SITE)
    parts = Parts(store=house.store, orders=orders, relay=relay, settings=settings, shelf=Shelf(KINDS), tokens=TOKENS)
    delivering = asyncio.create_task(relay.run())
    try:
        async with listening(create_app(parts), host="127.0.0.1", port=0) as url, Caller(url, secret=None) as caller:
            yield caller
    finally:
        delivering.cancel()
        with suppress(asyncio.CancelledError):
            await delivering


async def look_at(site: Caller, page: str) -> None:
    """Tell of a page, as the script on the shop's site does."""
    body = json.dumps({"token": visitor_token(VISITOR), "page": page})
    headers = {"Origin": SITE, "User-Agent": PERSON, "Content-Type": "text/plain"}
    assert (await site.call("POST", "/t/visit", data=body, headers=headers)).status == 200


async def pause(house: House) -> None:
    """Let the visitor have been away for a while: their last page was long ago."""
    from sqlalchemy import text

    then = (datetime.now(UTC) - visitors.PAUSE - timedelta(minutes=1)).isoformat(timespec="microseconds")
    async with house.store.write() as tx:
        await tx.run(text("UPDATE visitors SET seen_at = :then WHERE id = :id"), {"then": then, "id": VISITOR})


async def test_what_a_customer_does_on_the_site_moves_their_order(shop: House) -> None:
    """Covers T08, T09, T17, T18."""
    await shop.publish(JOURNEY)
    await shop.employee("olga")
    await shop.order("1")
    async with gateway_of(shop) as site:
        asked = await fill_in(site, "call-me", {"phone": "601 234 567"}, id="1" * 32)
        assert asked.status == 303
        await shop.until_stage("1", "called")
        await shop.until_run("1", "call", RunStatus.DONE)
        mail = {"email": "anna.kowalska@mail.example"}
        for id, inputs in (("2" * 32, mail), ("3" * 32, mail | {"happy": "yes"})):
            sent = await fill_in(site, "survey", inputs, id=id, visitor=VISITOR)
            assert sent.status == 303
        await shop.until_stage("1", "asked")
        await look_at(site, "/cups/blue")  # the same visit, in which the form was filled in
        await pause(shop)
        await look_at(site, "/cups/blue")
        await shop.until_stage("1", "back")
    happened = [event.type for event in await shop.events("1")]
    assert happened[:4] == ["order.created", "callback.requested", "form.submitted", "form.submitted"]
    assert happened[4:] == ["visit.started", "visit.returned"]
    moves = [event.type for event in await shop.events("1") if event.reason is EventReason.MOVED]
    assert moves == ["callback.requested", "form.submitted", "visit.started", "visit.returned"]
