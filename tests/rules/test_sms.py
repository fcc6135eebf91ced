"""Text messages to customers and employees. Covers C2, E18, M42."""

import pytest

from tests.rules.desk import Desk
from workflows.contracts.ids import run_id
from workflows.contracts.reasons import RunReason, RunStatus

ANNA = {
    "first_name": "Anna",
    "phones": [{"number": "+48501000111", "type": "work"}, {"number": "+48501000222", "type": "mobile"}],
}


async def test_text_reaches_the_first_phone_of_the_contact(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    run = await desk.run(key, "sms: thanks")
    (sent,) = await desk.outbox()
    assert (sent.channel, sent.address) == ("sms", "+48501000111")
    assert sent.body == "Anna, thank you for order 1001."
    assert run.status is RunStatus.DONE
    assert run.results == {"segments": 1, "language": "en"}


async def test_send_carries_the_id_of_its_run(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    await desk.run(key, "sms: thanks")
    (sent,) = await desk.outbox()
    assert sent.send_id == run_id(key, 1, "sms")
    assert sent.provider_id == f"outbox-{sent.send_id}"


async def test_text_is_written_in_the_language_of_the_customer(desk: Desk) -> None:
    key = await desk.order(customer={**ANNA, "language": "pl"})
    run = await desk.run(key, "sms: thanks")
    (sent,) = await desk.outbox()
    assert sent.body == "Anna, dziękujemy za zamówienie 1001."
    assert run.results["language"] == "pl"


async def test_phone_of_the_named_type_is_used(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    await desk.run(key, "sms: thanks\nphone: mobile")
    assert [sent.address for sent in await desk.outbox()] == ["+48501000222"]


async def test_rule_does_not_run_without_a_phone_of_the_named_type(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    run = await desk.run(key, "sms: thanks\nphone: home")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_SUCH_ADDRESS_TYPE)
    assert "home" in run.words
    assert "phone: auto" in run.words
    assert await desk.outbox() == []


async def test_company_is_written_to_where_the_contact_has_no_phone(desk: Desk) -> None:
    await desk.customer("acme", kind="company", company="ACME", phones=[{"number": "+48221234567", "type": "work"}])
    key = await desk.order(customer={"first_name": "Anna", "company_id": "acme"})
    await desk.run(key, "sms: thanks")
    assert [sent.address for sent in await desk.outbox()] == ["+48221234567"]


async def test_named_type_is_looked_for_at_the_company_too(desk: Desk) -> None:
    await desk.customer("acme", kind="company", company="ACME", phones=[{"number": "+48221234567", "type": "home"}])
    key = await desk.order(customer={**ANNA, "company_id": "acme"})
    await desk.run(key, "sms: thanks\nphone: home")
    assert [sent.address for sent in await desk.outbox()] == ["+48221234567"]


async def test_order_without_a_customer_is_skipped(desk: Desk) -> None:
    run = await desk.run(await desk.order(), "sms: Order {{ order.number }} is accepted.")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_CUSTOMER)


async def test_customer_without_a_phone_is_skipped(desk: Desk) -> None:
    run = await desk.run(await desk.order(customer={"first_name": "Anna"}), "sms: thanks")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_ADDRESS)
    assert "phone" in run.words


async def test_text_of_200_characters_is_sent_whole(desk: Desk) -> None:
    key = await desk.order(customer=ANNA, note="😀" * 200)
    run = await desk.run(key, "sms: '{{ order.note }}'")
    assert [sent.body for sent in await desk.outbox()] == ["😀" * 200]
    assert run.results["segments"] == 6


async def test_text_of_201_characters_is_never_sent_and_never_cut(desk: Desk) -> None:
    """Covers case 17."""
    key = await desk.order(customer=ANNA, note="a" * 201)
    run = await desk.run(key, "sms: '{{ order.note }}'")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.TEXT_TOO_LONG)
    assert "201" in run.words
    assert await desk.outbox() == []


async def test_composed_characters_count_as_one(desk: Desk) -> None:
    key = await desk.order(customer=ANNA, note="e\u0301" * 200)
    await desk.run(key, "sms: '{{ order.note }}'")
    assert [sent.body for sent in await desk.outbox()] == ["é" * 200]


async def test_text_with_a_hole_fails_and_names_the_field(desk: Desk) -> None:
    """Covers case 18."""
    key = await desk.order(customer={"phones": ANNA["phones"]})
    run = await desk.run(key, "sms: thanks")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.EMPTY_VALUE)
    assert "customer.first_name" in run.words
    assert await desk.outbox() == []


async def test_sender_comes_from_the_rule(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    await desk.run(key, "sms: thanks\nfrom: DemoShop")
    assert [sent.sender for sent in await desk.outbox()] == ["DemoShop"]


async def test_unsubscribed_customer_gets_nothing_but_transactional_texts(desk: Desk) -> None:
    """Covers M63."""
    key = await desk.order(customer={**ANNA, "consent": {"sms": False}})
    run = await desk.run(key, "sms: thanks")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.UNSUBSCRIBED)
    assert await desk.outbox() == []
    await desk.run(key, "sms: thanks\ntransactional: true")
    assert len(await desk.outbox()) == 1


async def test_unknown_provider_names_the_setting(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    run = await desk.run(key, "sms: thanks\nprovider: pigeon")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.MISCONFIGURED)
    assert "ORDERS_SMS_PROVIDER" in run.words


async def test_employees_are_written_to_one_message_each(desk: Desk) -> None:
    await desk.employee("olga", phone="+48600000001", roles=["warehouse"])
    await desk.employee("marek", phone="+48600000002", roles=["warehouse"])
    key = await desk.order(customer=ANNA)
    run = await desk.run(key, "sms: Pack {{ order.number }}\nto: [role:warehouse, olga]")
    sent = await desk.outbox()
    assert [(message.address, message.body) for message in sent] == [
        ("+48600000001", "Pack 1001"),
        ("+48600000002", "Pack 1001"),
    ]
    assert len({message.send_id for message in sent}) == 2
    assert run.status is RunStatus.DONE


async def test_consent_of_the_customer_plays_no_part_for_employees(desk: Desk) -> None:
    await desk.employee("olga", phone="+48600000001")
    key = await desk.order(customer={**ANNA, "consent": {"sms": False}}, responsible="olga")
    await desk.run(key, "sms: Pack {{ order.number }}\nto: responsible")
    assert [sent.address for sent in await desk.outbox()] == ["+48600000001"]


async def test_employees_are_written_to_in_the_language_of_the_shop(desk: Desk) -> None:
    await desk.employee("olga", phone="+48600000001")
    key = await desk.order(customer={**ANNA, "language": "pl"}, responsible="olga")
    await desk.run(key, "sms: thanks\nto: responsible")
    assert [sent.body for sent in await desk.outbox()] == ["Anna, thank you for order 1001."]


@pytest.mark.parametrize("to", ["responsible", "role:nobody"])
async def test_rule_that_means_nobody_is_skipped(desk: Desk, to: str) -> None:
    run = await desk.run(await desk.order(customer=ANNA), f"sms: Pack\nto: {to}")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_RECIPIENT)
    assert to in run.words


async def test_employees_without_a_phone_are_passed_over(desk: Desk) -> None:
    await desk.employee("olga", phone="+48600000001")
    await desk.employee("marek")
    key = await desk.order()
    await desk.run(key, "sms: Pack\nto: [olga, marek]")
    assert [sent.address for sent in await desk.outbox()] == ["+48600000001"]
    run = await desk.run(key, "sms: Pack\nto: marek")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_ADDRESS)


async def test_repeated_activity_sends_nothing_again(desk: Desk) -> None:
    """Covers M61."""
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, "sms: thanks")
    for _ in range(3):
        await desk.carry_out(key, visit=visit)
    assert len(await desk.outbox()) == 1
