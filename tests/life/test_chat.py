"""A visitor's chat and the life of their order, through the gateway and the product's worker. Covers T19, T20, C4."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from activities.runtime.settings import Settings
from activities.runtime.tokens import Tokens
from activities.shelf import Shelf
from activities.store import keys
from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from starter.gateway.serving import listening
from starter.relay import Relay
from tests.gateway.calling import Caller
from tests.gateway.chatting import Guest
from tests.gateway.pipelines import kinds
from tests.gateway.test_delivery import delivering
from tests.life.pipelines import quiet_at, stages
from tests.support.house import ANNA, House
from workflows.contracts.reasons import RunReason, RunStatus

CHAT = stages(
    "  new:\n    rules: [{id: early, chat: Too early}]\n"
    "  talking:\n    triggers: [{chat: %s, channel: web}]\n"
    "    rules:\n"
    '      - {id: hello, chat: "Hello {{ customer.first_name }}, your order is {{ order.number }}."}\n'
    '      - {id: hint, after: hello, chat: "They ask about {{ order.number }}", whisper: true}\n'
)


@pytest_asyncio.fixture
async def desk(shop: House) -> AsyncIterator[Caller]:
    """A gateway of the house, and an employee who may do everything."""
    relay = Relay(shop.store, orders=shop.orders)
    parts = Parts(
        store=shop.store,
        orders=shop.orders,
        relay=relay,
        settings=Settings(shop=shop.shop),
        shelf=Shelf(kinds()),
        tokens=Tokens(["k" * 32]),
    )
    async with shop.store.write() as tx:
        _, secret = await keys.create(tx, name="tests", scopes=["admin"], now=datetime.now(UTC))
    async with (
        delivering(relay),
        listening(create_app(parts), host="127.0.0.1", port=0) as url,
        Caller(url, secret=secret) as caller,
    ):
        yield caller


@pytest.mark.parametrize("trigger", ["first_message", "message"])
async def test_a_visitors_message_moves_the_order_and_the_stages_rule_answers_in_the_same_chat(
    shop: House, desk: Caller, trigger: str
) -> None:
    await shop.publish(CHAT % trigger)
    await shop.order("1", customer={**ANNA, "id": "anna"})
    early = await shop.until_run("1", "early", RunStatus.SKIPPED)
    assert early.reason is RunReason.NO_CHAT
    token = (await desk.post("/v1/customers/anna/chat-token")).body["token"]
    async with Guest.at(desk.url, customer=token) as anna, anna.socket() as line:
        await line.until("ready")
        await line.send(type="say", ref="message-one", text="Where is my order?")
        await shop.until_stage("1", "talking")
        while "Hello Anna, your order is 1." not in line.texts:
            await line.until("lines")
        run = await shop.until_run("1", "hint", RunStatus.DONE)
        assert run.results["medium"] == "web"
        said = [one["text"] for one in await anna.read()]
        assert said == ["Where is my order?", "Hello Anna, your order is 1."]
    chat = (await desk.get("/v1/chats")).body["items"][0]["id"]
    told = (await desk.get(f"/v1/chats/{chat}/messages")).body["items"]
    assert [one["text"] for one in told if one["is_whisper"]] == ["They ask about 1"]
    shown = (await desk.get("/v1/outbox")).body["items"]
    assert [(one["details"]["medium"], one["body"]) for one in shown] == [("web", "Hello Anna, your order is 1.")]


async def test_a_chat_waits_for_the_end_of_the_quiet_hours_and_a_whisper_does_not(shop: House, desk: Caller) -> None:
    """Covers M22."""
    quiet = quiet_at(datetime.now(ZoneInfo(str(ANNA["time_zone"]))))
    await shop.publish(
        (CHAT % "message").replace("quiet_hours: off", f"quiet_hours: {quiet}").replace(", after: hello", "")
    )
    await shop.order("1", customer={**ANNA, "id": "anna"})
    await shop.until_stage("1", "new")
    token = (await desk.post("/v1/customers/anna/chat-token")).body["token"]
    async with Guest.at(desk.url, customer=token) as anna:
        await anna.say("Where is my order?")
        await shop.until_stage("1", "talking")
        await shop.until_run("1", "hint", RunStatus.DONE)

        async def put_off() -> bool:
            return (await shop.runs("1"))["hello"].reason is RunReason.QUIET_HOURS

        await shop.until(put_off)
        assert [one["text"] for one in await anna.read()] == ["Where is my order?"]
