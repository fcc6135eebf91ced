"""The real Twilio, where its keys are in the environment: ORDERS_TWILIO_… and ORDERS_LIVE_PHONE, a phone of one's own.

python -m pytest -m live
"""

import os
from dataclasses import replace
from uuid import uuid4

import pytest

from activities.accounts.twilio import TwilioAccount
from activities.providers.errors import Misconfigured, Rejected
from activities.providers.protocol import Message
from activities.providers.registry import Connecting
from activities.providers.twilio import connect
from activities.store.database import Store

PHONE = os.environ.get("ORDERS_LIVE_PHONE", "")

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        not (PHONE and os.environ.get("ORDERS_TWILIO_AUTH_TOKEN")),
        reason="no account with Twilio: set ORDERS_TWILIO_… and ORDERS_LIVE_PHONE",
    ),
]

TEXT = Message("sms", address=PHONE, body="Test of order-automation")


def connecting(store: Store, **settings: str) -> Connecting:
    url = os.environ.get("ORDERS_PUBLIC_URL", "https://shop.example")
    return Connecting(store=store, environment={**os.environ, **settings}, public_url=url)


async def test_text_is_accepted_and_found_in_the_list(store: Store) -> None:
    provider = connect(connecting(store))
    assert provider is not None
    send_id = uuid4()
    message = replace(TEXT, body=f"{TEXT.body} {send_id}")
    accepted = await provider.send(message, send_id=send_id)
    assert accepted.provider_id.startswith("SM")
    assert await provider.lookup(message, send_id=send_id) == accepted


async def test_number_that_is_none_is_refused(store: Store) -> None:
    provider = connect(connecting(store))
    assert provider is not None
    with pytest.raises(Rejected) as caught:
        await provider.send(replace(TEXT, address="+1234"), send_id=uuid4())
    assert caught.value.code == "21211"


async def test_wrong_token_is_a_setting(store: Store) -> None:
    names = {f"{TwilioAccount.prefix}AUTH_TOKEN": "0" * 32, f"{TwilioAccount.prefix}API_KEY": ""}
    provider = connect(connecting(store, **names))
    assert provider is not None
    with pytest.raises(Misconfigured) as caught:
        await provider.send(TEXT, send_id=uuid4())
    assert caught.value.setting == f"{TwilioAccount.prefix}AUTH_TOKEN"
