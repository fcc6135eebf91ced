"""The official document of SendGrid's API holds for what we send and what the stand-in answers; so does its client.

A defect of the document is known: it types `custom_args` at the top level as a string. We send it elsewhere.
"""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from aiohttp import ClientSession
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from activities.providers.sendgrid import body_of
from tests.providers.mails import KEY, MAIL, PDF, SEND, mail
from tests.support.stand_ins.sendgrid import Fate, SendGridStandIn, StandInOptions

SPEC = Path(__file__).parents[2].parent / "shared" / "specs" / "sendgrid_mail_v3.json"

with_document = pytest.mark.skipif(not SPEC.is_file(), reason=f"the official document is not here ({SPEC})")


@pytest.fixture(scope="module")
def document() -> OpenAPI:
    return OpenAPI.from_file_path(str(SPEC))


def request_of(body: object, *, key: str = KEY) -> MockRequest:
    headers = {"Authorization": f"Bearer {key}"}
    return MockRequest(
        "https://api.sendgrid.com",
        "post",
        "/v3/mail/send",
        headers=headers,
        data=json.dumps(body).encode(),
        content_type="application/json",
    )


async def answer_of(stand_in: SendGridStandIn, body: object, *, key: str = KEY) -> MockResponse:
    async with (
        ClientSession(headers={"Authorization": f"Bearer {key}"}) as session,
        session.post(f"{stand_in.url}/v3/mail/send", json=body) as answer,
    ):
        data, kind = await answer.read(), answer.content_type
        return MockResponse(data=data, status_code=answer.status, content_type=kind)


FULL = mail(
    sender="Demo Shop <shop@example.com>",
    attachments=(PDF,),
    headers={
        "List-Unsubscribe": "<https://shop.example/u>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Reply-To": "reply+token@in.shop.example",
    },
)


@with_document
@pytest.mark.parametrize(
    "message", [MAIL, FULL, mail(html=""), mail(customer=None)], ids=["mail", "full", "plain", "staff"]
)
def test_what_we_send_is_what_the_document_describes(document: OpenAPI, message: Any) -> None:
    document.validate_request(request_of(body_of(message, send_id=SEND)))


@with_document
def test_document_refuses_custom_arguments_at_the_top_level(document: OpenAPI) -> None:
    """The defect: should it be mended, this fails, and the note above can go."""
    body = {**body_of(MAIL, send_id=SEND), "custom_args": {"send_id": str(SEND)}}
    with pytest.raises(Exception, match=r"(?i)body"):
        document.validate_request(request_of(body))


@with_document
@pytest.mark.parametrize(
    ("fate", "body", "key", "status"),
    [
        (Fate.QUICK, body_of(FULL, send_id=SEND), KEY, 202),
        (Fate.QUICK, {}, KEY, 400),
        (Fate.QUICK, body_of(mail(address="nobody"), send_id=SEND), KEY, 400),
        (Fate.QUICK, body_of(MAIL, send_id=SEND), "SG.other", 401),
        (Fate.QUICK, body_of(mail(sender="other@example.com"), send_id=SEND), KEY, 403),
    ],
    ids=["accepted", "empty", "address", "key", "sender"],
)
async def test_what_the_stand_in_answers_is_what_the_document_describes(
    document: OpenAPI, fate: Fate, body: object, key: str, status: int
) -> None:
    options = StandInOptions(key=KEY, senders=frozenset({"shop@example.com"}))
    async with SendGridStandIn(options) as stand_in:
        stand_in.faults.next(fate)
        answer = await answer_of(stand_in, body, key=key)
    assert answer.status_code == status
    document.validate_response(request_of(body, key=key), answer)


async def test_official_client_sends_through_the_stand_in() -> None:
    from sendgrid import SendGridAPIClient

    async with SendGridStandIn(StandInOptions(key=KEY)) as stand_in:
        client = SendGridAPIClient(KEY, host=stand_in.url)
        # Its `send` has no time-out, and would wait for ever.
        answer = await asyncio.to_thread(
            lambda: client.client.mail.send.post(request_body=body_of(MAIL, send_id=SEND), timeout=60)
        )
        (taken,) = stand_in.accepted
    assert answer.status_code == 202
    assert answer.headers["X-Message-Id"] == taken.id
    assert taken.send_id == str(SEND)


async def test_official_client_understands_a_refusal() -> None:
    from python_http_client.exceptions import UnauthorizedError
    from sendgrid import SendGridAPIClient

    async with SendGridStandIn(StandInOptions(key=KEY)) as stand_in:
        client = SendGridAPIClient("SG.other", host=stand_in.url)
        with pytest.raises((UnauthorizedError, HTTPError)) as refused:
            await asyncio.to_thread(
                lambda: client.client.mail.send.post(request_body=body_of(MAIL, send_id=SEND), timeout=60)
            )
    assert refused.value.to_dict["errors"][0]["message"].startswith("The provided authorization grant")
