"""What employees are told leaves the house in their way; orders that a rule deletes. Covers M62, E11, E12, E15."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from temporalio.client import WorkflowExecutionStatus

from activities.courier import Courier, Rhythm
from activities.providers.errors import NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Message
from activities.providers.registry import Providers
from activities.store import erasing, ledger, orders
from activities.store.history import LedgerState
from tests.life.pipelines import SHOP, stages
from tests.support.house import House, working
from workflows.contracts.commands import OneRule
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus


class Post:
    """A provider of every channel that refuses the customer's messages until it is mended."""

    name = "post"
    channels: tuple[str, ...] = ("email", "sms", "staff_chat")
    grace = timedelta(0)

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.taken: dict[UUID, Message] = {}

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        if self.refuses and message.customer is not None:
            raise Rejected("21211", "not a phone number")
        assert send_id not in self.taken, "sent twice"
        self.taken[send_id] = message
        return Accepted(f"post-{send_id}")

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        return Accepted(f"post-{send_id}") if send_id in self.taken else None

    def told(self) -> list[Message]:
        """List what employees were told."""
        return [message for message in self.taken.values() if message.customer is None]


@asynccontextmanager
async def carrying(house: House, post: Post) -> AsyncIterator[None]:
    """Run workers and a courier."""
    providers = Providers([post], channels=dict.fromkeys(post.channels, "post"))
    rhythm = Rhythm(poll=timedelta(milliseconds=20))
    courier = asyncio.create_task(Courier(house.store, providers=providers, rhythm=rhythm).run())
    try:
        async with working(house, providers=providers):
            yield
    finally:
        courier.cancel()


async def test_failed_rule_is_told_by_mail_and_can_be_repeated(house: House) -> None:
    """Covers M62."""
    post = Post(refuses=True)
    async with carrying(house, post):
        await house.publish(SHOP)
        await house.employee("olga", notify="email", email="olga@shop.example")
        await house.order("1", responsible="olga")
        await house.until_run("1", "thanks", RunStatus.FAILED)

        async def told() -> list[Message]:
            return post.told()

        (mail,) = await house.until(told)
        assert (mail.channel, mail.address) == ("email", "olga@shop.example")
        assert "rule thanks of stage new failed" in mail.body
        assert "21211" in mail.body
        post.refuses = False
        await house.orders.repeat(house.key("1"), command=OneRule(rule="thanks", by="olga"))
        await house.until_run("1", "thanks", RunStatus.DONE)
    assert [message.channel for message in post.taken.values()] == ["email", "sms"]


async def test_notify_and_control_reach_their_readers_in_their_ways(house: House) -> None:
    """Covers E11, E12."""
    text = """
  new:
    title: New
    kind: success
    rules:
      - notify: Order {{ order.number }} is here
        to: [responsible, "{{ vars.sales }}"]
      - control: Look after {{ order.number }}
"""
    post = Post()
    async with carrying(house, post):
        await house.publish(stages(text, head="vars: {sales: 'chat:sales-team'}\n"))
        await house.employee("zofia", notify="sms", phone="+48601000111")
        await house.employee("olga", head="zofia", notify="chat", chat="https://chat.example/olga")
        await house.order("1", responsible="olga")

        async def all_told() -> bool:
            return len(post.told()) == 3

        await house.until(all_told)
    assert sorted((message.channel, message.address, message.body) for message in post.told()) == [
        ("sms", "+48601000111", "Look after 1"),
        ("staff_chat", "https://chat.example/olga", "Order 1 is here"),
        ("staff_chat", "room:sales-team", "Order 1 is here"),
    ]


DELETING = """
  new:
    title: New
    rules:
      - id: forget
        delete: true
      - id: bye
        {wait}sms: Bye, {{{{ customer.first_name }}}}
  paid:
    title: Paid
    kind: success
    triggers:
      - payment: paid
{paid}"""


@pytest.mark.parametrize("wait", ["", "wait: 1s\n        "], ids=["at once", "after a wait"])
async def test_order_is_deleted_when_the_last_rule_of_its_visit_has_ended(shop: House, wait: str) -> None:
    """Covers E15."""
    await shop.publish(stages(DELETING.format(wait=wait, paid="")))
    await shop.order("1", note="Ring at Kowalska")
    await until_deleted(shop)
    await until_over(shop)
    order = await shop.read("1")
    assert (order.note, order.customer_id) == ("", None)
    assert {name: run.status for name, run in (await shop.runs("1")).items()} == {
        "forget": RunStatus.DONE,
        "bye": RunStatus.DONE,
    }
    assert [(message.address, message.body) for message in await shop.outbox()] == [("", "")]


async def test_order_whose_only_rule_deletes_it_is_deleted_with_the_decision(shop: House) -> None:
    """Covers E15."""
    await shop.publish(stages("  new:\n    title: New\n    rules:\n      - delete: true\n"))
    await shop.order("1")
    await until_deleted(shop)
    await until_over(shop)
    (event,) = await shop.events("1")
    assert (event.type, event.data, event.verdict) == ("order.created", {}, None)


async def test_order_that_leaves_the_stage_is_deleted_when_the_rules_of_the_next_have_ended(shop: House) -> None:
    """Covers E15."""
    await shop.publish(stages(DELETING.format(wait="wait: 9d\n        ", paid="")))
    await shop.order("1")
    await shop.until_run("1", "forget", RunStatus.DONE)
    assert not (await shop.read("1")).is_deleted
    await shop.event("1", "payment.paid")
    await until_deleted(shop)
    await until_over(shop)
    assert (await shop.runs("1", visit=1))["bye"].reason is RunReason.STAGE_LEFT


async def test_skipping_the_last_rule_by_hand_deletes_the_order(shop: House) -> None:
    """Covers E15."""
    await shop.publish(stages(DELETING.format(wait="wait: 9d\n        ", paid="")))
    await shop.order("1")
    await shop.until_run("1", "bye", RunStatus.PLANNED)
    await shop.until_run("1", "forget", RunStatus.DONE)
    await shop.orders.skip(shop.key("1"), command=OneRule(rule="bye", by="olga"))
    await until_deleted(shop)
    await until_over(shop)


class Silent:
    """A provider whose answers are lost; asked, it is down until `knows` says whether a message arrived."""

    name = "silent"
    channels: tuple[str, ...] = ("sms",)
    grace = timedelta(0)

    def __init__(self) -> None:
        self.knows: bool | None = None
        self.sends = 0
        self.was_asked = asyncio.Event()

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        self.sends += 1
        raise Unknown("no answer")

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        self.was_asked.set()
        if self.knows is None:
            raise NotSent("down", retry_after=timedelta(milliseconds=50))
        return Accepted("theirs") if self.knows else None


async def test_order_with_a_lost_send_is_deleted_when_it_is_settled(house: House) -> None:
    """Covers E15, case 58."""
    silent = Silent()
    async with working(house, providers=Providers([silent], channels={"sms": "silent"})):
        await house.publish(stages(DELETING.format(wait="", paid="")))
        key = await house.order("1")
        await silent.was_asked.wait()
        assert not (await house.read("1")).is_deleted
        silent.knows = True
        await until_deleted(house)
        await until_over(house)
    assert silent.sends == 1
    assert await settled(house, key) is LedgerState.ACCEPTED


@pytest.mark.parametrize("has_arrived", [True, False], ids=["it had arrived", "it had not"])
async def test_lost_send_of_an_erased_customer_settles_and_is_not_sent_again(house: House, has_arrived: bool) -> None:
    """Covers case 58."""
    silent = Silent()
    async with working(house, providers=Providers([silent], channels={"sms": "silent"})):
        await house.publish(SHOP)
        key = await house.order("1")
        await silent.was_asked.wait()
        async with house.store.write() as tx:
            customer = (await orders.get(tx, key)).customer_id
            assert customer is not None
            await erasing.customer(tx, id=customer, now=datetime.now(UTC))
        silent.knows = has_arrived
        await house.until_run("1", "thanks", RunStatus.DONE if has_arrived else RunStatus.SKIPPED)
        await house.signal("1", "order.deleted", id=f"{key}:deleted", source="orders")
        await until_over(house)
    assert silent.sends == 1
    assert await settled(house, key) is (LedgerState.ACCEPTED if has_arrived else LedgerState.PLANNED)


async def settled(house: House, key: OrderKey) -> LedgerState | None:
    async with house.store.read() as tx:
        (row,) = await ledger.rows_of(tx, key)
    return row.state


async def test_event_of_a_deleted_order_starts_nothing(shop: House) -> None:
    """Covers E15."""
    await shop.publish(stages(DELETING.format(wait="", paid="")))
    await shop.order("1")
    await until_deleted(shop)
    await until_over(shop)
    await shop.signal("1", "payment.paid", id="late")
    await until_over(shop)
    assert (await shop.read("1")).stage == "new"


async def until_deleted(house: House, number: str = "1") -> OrderKey:
    async def gone() -> bool:
        return (await house.read(number)).is_deleted

    await house.until(gone)
    return house.key(number)


async def until_over(house: House, number: str = "1") -> None:
    """Wait until the order's workflow has ended by itself."""

    async def over() -> bool:
        return (await house.handle(number).describe()).status is WorkflowExecutionStatus.COMPLETED

    await house.until(over)
