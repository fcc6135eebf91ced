"""Events and rules at the customer's level: every open order, consent, missing addresses, languages."""

import pytest

from activities.store import customers
from activities.store.records import CustomerPatch, CustomerRef
from tests.life.pipelines import SHOP, stages
from tests.support.house import ANNA, House
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.pipeline.fields import Consent

CALLED = stages(
    "  new: {}\n  called:\n    triggers: [{call: missed}]\n"
    "  latest:\n    triggers: [{call: incoming, orders: latest}]\n"
    "  lost:\n    kind: failure\n  back:\n    triggers: [{chat: message, from: [lost], back: true}]\n"
)


async def test_an_event_without_an_order_goes_to_every_open_order_of_the_customer(shop: House) -> None:
    """Covers M56, T07."""
    await shop.publish(CALLED)
    await shop.order("1", customer={**ANNA, "id": "anna"})
    await shop.order("2", customer=None, customer_id="anna")
    await shop.order("3", customer=None, customer_id="anna", stage="lost")
    for number, stage in (("1", "new"), ("2", "new"), ("3", "lost")):
        await shop.until_stage(number, stage)
    reached = await shop.customer_event("call.missed", ref=CustomerRef(phone="+48601234567"))
    assert {key.number for key in reached} == {"1", "2"}
    await shop.until_stage("1", "called")
    await shop.until_stage("2", "called")
    assert (await shop.read("3")).stage == "lost"


async def test_a_trigger_for_the_latest_order_leaves_the_others(shop: House) -> None:
    """Covers M56: orders: latest."""
    await shop.publish(CALLED)
    await shop.order("1", customer={**ANNA, "id": "anna"})
    await shop.order("2", customer=None, customer_id="anna")
    await shop.until_stage("1", "new")
    await shop.until_stage("2", "new")
    await shop.customer_event("call.incoming", ref=CustomerRef(customer="anna"))
    await shop.until_stage("2", "latest")
    assert (await shop.read("1")).stage == "new"


async def test_a_closed_order_is_reached_where_its_pipeline_can_bring_it_back(shop: House) -> None:
    """Covers M55, M56."""
    await shop.publish(CALLED)
    await shop.order("1", customer={**ANNA, "id": "anna"}, stage="lost")
    await shop.until_stage("1", "lost")
    await shop.customer_event("chat.message", ref=CustomerRef(customer="anna"))
    await shop.until_stage("1", "back")


async def test_somebody_unknown_is_journalled_as_unmatched(shop: House) -> None:
    """Covers M51."""
    await shop.publish(CALLED)
    assert await shop.customer_event("call.missed", ref=CustomerRef(phone="+48609999999")) == ()


@pytest.mark.parametrize("is_transactional", [False, True], ids=["marketing", "transactional"])
async def test_an_unsubscribed_customer_gets_transactional_messages_only(shop: House, is_transactional: bool) -> None:
    """Covers M63."""
    await shop.publish(
        SHOP.replace("sms: thanks", f"sms: thanks\n        transactional: {str(is_transactional).lower()}")
    )
    await shop.order("1", customer={**ANNA, "id": "anna"}, starts=False)
    async with shop.store.write() as tx:
        record = await customers.get(tx, id="anna")
        patch = CustomerPatch(consent=Consent(sms=False))
        await customers.patch(tx, id="anna", patch=patch, now=record.created_at)
    await shop.signal("1", "order.created", id=f"{shop.key('1')}:created", source="orders")
    status = RunStatus.DONE if is_transactional else RunStatus.SKIPPED
    run = await shop.until_run("1", "thanks", status)
    assert run.reason is (RunReason.DONE if is_transactional else RunReason.UNSUBSCRIBED)


async def test_a_customer_without_a_phone_is_skipped_with_the_reason(shop: House) -> None:
    """Covers C2, M11, M64."""
    await shop.publish(SHOP)
    await shop.order("1", customer={**ANNA, "phones": []})
    run = await shop.until_run("1", "thanks", RunStatus.SKIPPED)
    assert run.reason is RunReason.NO_ADDRESS


async def test_the_customer_is_written_to_in_their_language(shop: House) -> None:
    """Covers M42."""
    await shop.publish(SHOP)
    await shop.order("1", customer={**ANNA, "language": "pl-PL"})
    await shop.until_run("1", "thanks", RunStatus.DONE)
    assert [row.body for row in await shop.outbox()] == ["Dziękujemy, Anna!"]


async def test_a_text_with_a_hole_is_not_sent(shop: House) -> None:
    """Covers M40."""
    await shop.publish(SHOP)
    await shop.order("1", customer={**ANNA, "first_name": ""})
    run = await shop.until_run("1", "thanks", RunStatus.FAILED)
    assert run.reason is RunReason.EMPTY_VALUE
    assert await shop.outbox() == []
