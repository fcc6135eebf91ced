"""The official document of Twilio's API holds for what we send, and for what the stand-in answers.

The document (twilio/twilio-oai, cut to messages and calls) is not part of the project: ORDERS_SPECS names its folder.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_tz
from pathlib import Path
from uuid import UUID

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from activities.providers.protocol import Message
from tests.providers.phone import Phone
from tests.support.stand_ins.twilio import CallbackFaults, Exchange

FOLDER = Path(os.environ.get("ORDERS_SPECS") or Path(__file__).parents[2].parent / "shared" / "specs")
DOCUMENT = FOLDER / "twilio_api_v2010.messages_calls.json"

pytestmark = pytest.mark.skipif(
    not DOCUMENT.is_file(), reason=f"the official document is not here ({DOCUMENT.name}): set ORDERS_SPECS"
)

#: Formats that are Twilio's own.
OWN_FORMATS = ("phone-number", "endpoint", "currency", "uri-map", "date-time-rfc-2822")

SEND = UUID("8b9f3f36-3ac0-5ef2-9d3a-2f6e6b2f3d11")
TEXT = Message("sms", address="+48501000111", body="Order 1001 is ready")
CALL = Message("voice", address="+48501000111", body="Order 1001 is ready")
CHAT = Message("chat", address="+48501000111", body="Order 1001 is ready", medium="whatsapp", sender="+15005550020")


@pytest.fixture(scope="module")
def document() -> OpenAPI:
    """Load the document once: it takes seconds."""
    config = Config(
        extra_format_validators={"date-time-rfc-2822": is_rfc_2822},
        extra_format_unmarshallers=dict.fromkeys(OWN_FORMATS, str),
    )
    return OpenAPI.from_dict(json.loads(DOCUMENT.read_text()), config=config)


def is_rfc_2822(value: object) -> bool:
    return not isinstance(value, str) or parsedate_tz(value) is not None


def request_of(exchange: Exchange) -> MockRequest:
    return MockRequest(
        "https://api.twilio.com",
        exchange.method.lower(),
        exchange.path,
        args=dict(exchange.query),
        headers=dict(exchange.headers),
        data=exchange.body or None,
        content_type=exchange.headers.get("Content-Type", "application/json"),
    )


def broken_rules(document: OpenAPI, exchange: Exchange) -> Sequence[Exception]:
    """Return how an exchange breaks the document: its request, and its answer."""
    request = request_of(exchange)
    response = MockResponse(data=exchange.content, status_code=exchange.status, content_type="application/json")
    return [
        *document.unmarshal_request(request).errors,
        *document.unmarshal_response(request, response).errors,
    ]


@pytest.fixture(autouse=True)
def deaf(phone: Phone) -> None:
    """Nobody is called back, so that a message stays as it was created."""
    phone.stand_in.faults.callbacks = CallbackFaults(lost=1)
    phone.hooks = "https://shop.example"
    phone.stand_in.script.answers[CALL.address] = "busy"


@pytest.mark.parametrize(
    ("message", "settings"),
    [
        (TEXT, {}),
        (TEXT, {"messaging_service": "MG" + "0" * 32}),
        (replace(TEXT, sender="DemoShop", body="Zażółć 😀 & <b>"), {}),
        (CALL, {}),
        (CHAT, {}),
        (replace(CHAT, template="HX" + "0" * 32, variables={"1": "Zoë"}), {}),
        (replace(CHAT, medium="messenger", address="2840517", sender="1078"), {}),
    ],
    ids=["sms", "service", "name", "voice", "whatsapp", "template", "messenger"],
)
async def test_sending_keeps_to_the_document(
    phone: Phone, document: OpenAPI, message: Message, settings: dict[str, str]
) -> None:
    expires = phone.clock() + timedelta(hours=1)
    await phone.provider(**settings).send(replace(message, expires=expires), send_id=SEND)
    (exchange,) = phone.stand_in.exchanges
    assert exchange.status == 201
    assert broken_rules(document, exchange) == []


@pytest.mark.parametrize("message", [TEXT, CALL, CHAT], ids=["sms", "voice", "whatsapp"])
async def test_asking_keeps_to_the_document(phone: Phone, document: OpenAPI, message: Message) -> None:
    key, visit = await phone.order("sms: thanks")
    send_id = await phone.claim(key, visit, message=message)
    accepted = await phone.provider().send(message, send_id=send_id)
    await phone.accepted(send_id, provider_id=accepted.provider_id)
    await phone.stand_in.settled()
    await phone.provider().lookup(message, send_id=send_id)
    assert await phone.provider(silence="0").outcome(message, send_id=send_id) is not None
    _, listed, fetched = phone.stand_in.exchanges
    assert [exchange.status for exchange in (listed, fetched)] == [200, 200]
    assert broken_rules(document, listed) == []
    assert broken_rules(document, fetched) == []


@pytest.mark.parametrize(
    ("end", "status"), [(("undelivered", 30003), "undelivered"), (("failed", 30007), "failed"), (("sent", 0), "sent")]
)
async def test_every_end_of_a_message_is_one_of_the_document(
    phone: Phone, document: OpenAPI, end: tuple[str, int], status: str
) -> None:
    phone.stand_in.script.deliveries[TEXT.address] = end
    await phone.provider().send(TEXT, send_id=SEND)
    await phone.stand_in.settled()
    await phone.provider().lookup(TEXT, send_id=SEND)
    listed = phone.stand_in.exchanges[-1]
    assert json.loads(listed.content)["messages"][0]["status"] == status
    assert broken_rules(document, listed) == []


async def test_document_finds_what_is_wrong(phone: Phone, document: OpenAPI) -> None:
    """The check itself bites: a form without an address, an answer with a status that does not exist."""
    await phone.provider().send(TEXT, send_id=SEND)
    (exchange,) = phone.stand_in.exchanges
    assert broken_rules(document, replace(exchange, body=b"Body=Hi"))
    nonsense = {**json.loads(exchange.content), "status": "nonsense"}
    assert broken_rules(document, replace(exchange, content=json.dumps(nonsense).encode()))
    undated = {**json.loads(exchange.content), "date_created": "2026-03-10"}
    assert broken_rules(document, replace(exchange, content=json.dumps(undated).encode()))
