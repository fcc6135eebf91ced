"""Where a mail is answered to: an address of its own, which proves the answer (T02)."""

from collections.abc import Callable
from uuid import UUID

import pytest

from activities.providers.sendgrid import SendGridProvider
from activities.runtime.replies import Replies
from activities.runtime.tokens import Tokens
from tests.providers.mails import KEY, account
from tests.rules.desk import Desk
from tests.support.stand_ins.sendgrid import SendGridStandIn, StandInOptions

ANNA = {"id": "anna", "first_name": "Anna", "emails": [{"email": "anna@example.com"}]}
REPLIES = Replies("Reply@in.shop.example", tokens=Tokens(["k" * 32]))


@pytest.mark.parametrize("is_transactional", [True, False])
async def test_each_mail_to_a_customer_is_answered_to_an_address_of_its_own(desk: Desk, is_transactional: bool) -> None:
    desk.replies = REPLIES
    for number in ("1001", "1002"):
        key = await desk.order(number, customer={**ANNA, "id": number})
        await desk.run(key, f"email: pay-link\ntransactional: {str(is_transactional).lower()}")
    answered = [REPLIES.send_of([sent.headers["Reply-To"]]) for sent in await desk.outbox()]
    assert answered == [sent.send_id for sent in await desk.outbox()]
    assert len(set(answered)) == 2
    assert all(len(sent.headers["Reply-To"].partition("@")[0]) <= 64 for sent in await desk.outbox())


async def test_without_the_setting_a_mail_is_answered_to_its_mailbox(desk: Desk) -> None:
    await desk.run(await desk.order(customer=ANNA), "email: pay-link")
    (sent,) = await desk.outbox()
    assert "Reply-To" not in sent.headers


async def test_employees_answer_to_the_mailbox(desk: Desk) -> None:
    desk.replies = REPLIES
    await desk.employee("olga", first_name="Olga", last_name="Nowak", email="olga@shop.example")
    await desk.run(await desk.order(customer=ANNA), "email: pay-link\nto: [olga]")
    (sent,) = await desk.outbox()
    assert "Reply-To" not in sent.headers


async def test_sendgrid_is_told_in_the_field_it_has_for_it(desk: Desk) -> None:
    """Among the headers it refuses it: HTTP 400."""
    desk.replies = REPLIES
    async with SendGridStandIn(StandInOptions(key=KEY)) as running:
        desk.connected = (SendGridProvider(account(running.url), store=desk.store),)
        await desk.run(await desk.order(customer=ANNA), "email: pay-link\nprovider: sendgrid")
        (mail,) = running.accepted
    assert REPLIES.send_of([mail.body["reply_to"]["email"]]) is not None
    assert str(REPLIES.send_of([mail.body["reply_to"]["email"]])) == mail.send_id
    assert "Reply-To" not in mail.body["headers"]


@pytest.mark.parametrize(
    "change",
    [
        lambda address: address.replace("+", "+a", 1),
        lambda address: address.replace("@", "a@", 1),
        lambda address: address.replace("in.shop", "out.shop"),
        lambda address: address.replace("reply+", "other+"),
        lambda address: "reply@in.shop.example",
        lambda address: "reply+@in.shop.example",
        lambda address: "reply+żółć@in.shop.example",
        lambda address: "reply+" + "a" * 42 + "@in.shop.example",
        lambda address: Replies("reply@in.shop.example", tokens=Tokens(["x" * 32])).address(UUID(int=7)),
        lambda address: "",
    ],
)
def test_what_is_no_address_of_ours_answers_nothing(change: Callable[[str], str]) -> None:
    address = REPLIES.address(UUID(int=7))
    assert REPLIES.send_of([address]) == UUID(int=7)
    assert REPLIES.send_of([change(address)]) is None


def test_letters_of_any_case_and_exchanged_keys_are_understood() -> None:
    """Servers on the way may change the case; keys are exchanged while mails are under way."""
    address = REPLIES.address(UUID(int=7))
    later = Replies("reply@in.shop.example", tokens=Tokens(["n" * 32, "k" * 32]))
    assert later.send_of(["shop@example.com", address.upper()]) == UUID(int=7)
    assert later.address(UUID(int=7)) != address
