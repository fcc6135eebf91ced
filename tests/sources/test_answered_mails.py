"""Answers to our mails at the address made for each: it proves them, and names their order. Covers T02, case 43."""

from uuid import UUID

import pytest

from activities.runtime.replies import Replies
from activities.runtime.settings import Settings
from activities.runtime.tokens import Tokens
from activities.store import runs
from activities.store.database import Store
from tests.gateway.calling import Caller
from tests.gateway.conftest import url_of
from tests.sources.sending import claimed
from tests.sources.test_inbound_mail import ANNA, KEY, MAIL, OTHER, accounts, events, known, post
from tests.sources.test_payments_and_parcels import parked

__all__ = ["accounts"]

REPLIES = Replies("reply@in.shop.example", tokens=Tokens(["k" * 32]))


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(store_url=url_of(tmp_path / "orders.db"), gateway_port=0, reply_address="reply@in.shop.example")


async def sent(store: Store) -> UUID:
    """Let the second order's rule write from a mailbox of its own."""
    send_id = await claimed(store, key=OTHER, channel="email", address=ANNA, provider="smtp")
    async with store.write() as tx:
        await runs.keep_choice(tx, run=send_id, choice={"mailbox": "Orders <Orders@Example.com>"})
    return send_id


def to(address: str, mail: str = MAIL) -> bytes:
    return mail.replace("Shop <shop@example.com>", address).encode()


async def test_an_answer_is_taken_for_the_order_whose_mail_it_answers(caller: Caller, store: Store) -> None:
    """From any address, whatever SPF says: a forwarding server breaks it."""
    await known(caller, "1001", "1002")
    address = REPLIES.address(await sent(store))
    elsewhere = MAIL.replace("Anna@Customer.example", "anna@work.example")
    assert await post(caller, to(address, elsewhere), spf="fail") == 200
    assert await events(store, KEY) == []
    told = {"mailbox": "orders@example.com", "subject": "Where is my order?"}
    assert await events(store, OTHER) == [("email.received", told)]


async def test_an_altered_address_proves_nothing(caller: Caller, store: Store) -> None:
    await known(caller, "1001", "1002")
    address = REPLIES.address(await sent(store))
    other = "b" if address[12] == "a" else "a"
    assert await post(caller, to(address[:12] + other + address[13:]), spf="fail") == 200
    assert await events(store, OTHER) == []
    assert [problem.partition(":")[0] for problem in await parked(store)] == ["its sender is not proved"]


async def test_an_answer_to_a_mail_that_is_not_there_is_like_any_other(caller: Caller, store: Store) -> None:
    """Such as one of an order that was deleted meanwhile."""
    await known(caller)
    assert await post(caller, to(REPLIES.address(UUID(int=7))), spf="fail") == 200
    assert await events(store) == []
    assert await post(caller, to(REPLIES.address(UUID(int=7)), MAIL.replace("m1@", "m2@"))) == 200
    assert [type for type, _ in await events(store)] == ["email.received"]


async def test_a_machine_that_answers_moves_nothing(caller: Caller, store: Store) -> None:
    """Covers case 42."""
    await known(caller, "1001", "1002")
    raw = b"Auto-Submitted: auto-replied\n" + to(REPLIES.address(await sent(store)))
    assert await post(caller, raw) == 200
    assert await events(store, OTHER) == []
