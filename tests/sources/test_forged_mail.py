"""Who really wrote a mail: what proves one domain proves nothing of another's address in From. Covers T02, case 43."""

import json
from email.message import EmailMessage

import pytest

from activities.store.database import Store
from starter import mails
from tests.gateway.calling import Caller
from tests.sources.test_inbound_mail import MAIL, accounts, events, known, post
from tests.sources.test_payments_and_parcels import parked

__all__ = ["accounts"]


def enveloped(sender: str) -> str:
    return json.dumps({"from": sender, "to": ["shop@example.com"]})


@pytest.mark.parametrize(
    ("envelope", "spf", "dkim"),
    [
        pytest.param("anna@customer.example", "pass", "none", id="SPF"),
        pytest.param("bounces@mail.customer.example", "pass", "none", id="SPF of a domain below"),
        pytest.param("srs@forwarder.example", "fail", "{@customer.example : pass}", id="DKIM, forwarded"),
        pytest.param(
            "b@sender.example", "pass", "{@sender.example : pass, @customer.example : pass}", id="two signatures"
        ),
    ],
)
async def test_a_proved_sender_moves_their_order(
    caller: Caller, store: Store, envelope: str, spf: str, dkim: str
) -> None:
    await known(caller)
    assert await post(caller, MAIL.encode(), spf=spf, envelope=enveloped(envelope), fields={"dkim": dkim}) == 200
    assert [type for type, _ in await events(store)] == ["email.received"]


@pytest.mark.parametrize(
    ("envelope", "spf", "dkim"),
    [
        pytest.param("mallory@evil.example", "pass", "none", id="SPF of another domain"),
        pytest.param("mallory@evil.example", "fail", "{@evil.example : pass}", id="DKIM of another domain"),
        pytest.param("m@notcustomer.example", "pass", "none", id="a name that ends alike"),
        pytest.param("m@example", "pass", "{@example : pass}", id="the top level"),
        pytest.param("anna@customer.example", "fail", "{@customer.example : fail}", id="nothing passed"),
    ],
)
async def test_a_forged_from_moves_nothing_and_waits_for_a_person(
    caller: Caller, store: Store, envelope: str, spf: str, dkim: str
) -> None:
    await known(caller)
    assert await post(caller, MAIL.encode(), spf=spf, envelope=enveloped(envelope), fields={"dkim": dkim}) == 200
    assert await events(store) == []
    assert [problem.partition(":")[0] for problem in await parked(store)] == ["its sender is not proved"]


@pytest.mark.parametrize(
    ("results", "is_proved"),
    [
        ("mx.example; spf=pass smtp.mailfrom=anna@customer.example", True),
        ("mx.example; dkim=pass (2048-bit key; secure) header.d=customer.example header.i=@customer.example", True),
        ("mx.example; spf=fail smtp.mailfrom=a@x.example; dmarc=pass header.from=customer.example", True),
        ("mx.example; spf=pass smtp.mailfrom=mallory@evil.example; dkim=pass header.d=evil.example", False),
        ("mx.example; spf=pass smtp.mailfrom=m@evil.example; dkim=fail header.d=customer.example", False),
        ("mx.example; spf=pass (says spf=pass header.d=customer.example) smtp.mailfrom=m@evil.example", False),
        ("mx.example; spf=pass", False),
        ("", False),
    ],
)
def test_a_mailboxs_own_server_says_which_domain_is_proved(results: str, is_proved: bool) -> None:
    message = EmailMessage()
    message["From"] = "Anna <anna@customer.example>"
    message["Authentication-Results"] = results
    assert mails.read(message.as_bytes()).is_proved == is_proved
