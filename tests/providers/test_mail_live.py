"""Real accounts, where their keys are in the environment: ORDERS_SENDGRID_… or ORDERS_SMTP_…, and two addresses.

ORDERS_LIVE_MAILBOX is a mailbox that may send, ORDERS_LIVE_MAIL an address of one's own. python -m pytest -m live
"""

import os
from uuid import uuid4

import pytest

from activities.providers import sendgrid, smtp
from activities.providers.errors import Misconfigured, Rejected
from activities.providers.registry import Connecting
from activities.store.database import Store
from tests.providers.mails import PDF, mail

MAILBOX, ADDRESS = os.environ.get("ORDERS_LIVE_MAILBOX", ""), os.environ.get("ORDERS_LIVE_MAIL", "")

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not (MAILBOX and ADDRESS), reason="no addresses: set ORDERS_LIVE_MAILBOX and ORDERS_LIVE_MAIL"),
]

with_sendgrid = pytest.mark.skipif(
    not os.environ.get("ORDERS_SENDGRID_API_KEY"), reason="no account with SendGrid: set ORDERS_SENDGRID_API_KEY"
)
with_smtp = pytest.mark.skipif(not os.environ.get("ORDERS_SMTP_HOST"), reason="no mail server: set ORDERS_SMTP_…")

MAIL = mail(sender=MAILBOX, address=ADDRESS, subject="Test of order-automation", attachments=(PDF,))


def connecting(store: Store, **settings: str) -> Connecting:
    return Connecting(store=store, environment={**os.environ, **settings})


@with_sendgrid
async def test_sendgrid_accepts_a_mail_and_gives_it_an_id(store: Store) -> None:
    provider = sendgrid.connect(connecting(store))
    assert provider is not None
    send_id = uuid4()
    assert (await provider.send(MAIL, send_id=send_id)).provider_id != f"sendgrid-{send_id}"


@with_sendgrid
async def test_sendgrid_refuses_an_address_that_is_none(store: Store) -> None:
    provider = sendgrid.connect(connecting(store))
    assert provider is not None
    with pytest.raises(Rejected) as refused:
        await provider.send(mail(sender=MAILBOX, address="nobody"), send_id=uuid4())
    assert "correct it on the customer's card" in refused.value.words


@with_sendgrid
async def test_sendgrid_does_not_know_another_key(store: Store) -> None:
    provider = sendgrid.connect(connecting(store, ORDERS_SENDGRID_API_KEY="SG.wrong.key"))
    assert provider is not None
    with pytest.raises(Misconfigured):
        await provider.send(MAIL, send_id=uuid4())


@with_smtp
async def test_mail_server_accepts_a_mail(store: Store) -> None:
    provider = smtp.connect(connecting(store))
    assert provider is not None
    send_id = uuid4()
    assert (await provider.send(MAIL, send_id=send_id)).provider_id.startswith(str(send_id))


@with_smtp
async def test_mail_server_does_not_know_another_password(store: Store) -> None:
    provider = smtp.connect(connecting(store, ORDERS_SMTP_PASSWORD="wrong"))
    assert provider is not None
    with pytest.raises(Misconfigured):
        await provider.send(MAIL, send_id=uuid4())
