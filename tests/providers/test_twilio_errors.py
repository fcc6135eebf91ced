"""Each class of error: what may be tried again, what nobody can tell, what is final, what a person must set right."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from activities.accounts import twilio_codes
from activities.providers.errors import Misconfigured, NoAccess, NotSent, ProviderError, Rejected, Unknown
from activities.providers.protocol import Message
from activities.providers.twilio_transport import Transport
from tests.providers.phone import Phone
from tests.support.stand_ins.twilio import Fate

SEND = UUID("8b9f3f36-3ac0-5ef2-9d3a-2f6e6b2f3d11")
TEXT = Message("sms", address="+48501000111", body="Order 1001 is ready")


async def failure_of(phone: Phone, message: Message = TEXT, **settings: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await phone.provider(**settings).send(message, send_id=SEND)
    return caught.value


@pytest.mark.parametrize("code", sorted(twilio_codes.LATER))
async def test_what_was_never_processed_may_be_tried_again(phone: Phone, code: int) -> None:
    phone.stand_in.script.refusals[TEXT.address] = code
    assert isinstance(await failure_of(phone), NotSent)


@pytest.mark.parametrize("code", sorted(twilio_codes.SETTINGS))
async def test_wrong_setting_is_named(phone: Phone, code: int) -> None:
    phone.stand_in.script.refusals[TEXT.address] = code
    failure = await failure_of(phone)
    assert isinstance(failure, Misconfigured)
    assert failure.setting.startswith(("ORDERS_TWILIO_", "ORDERS_PUBLIC_URL"))
    assert str(code) in str(failure)


@pytest.mark.parametrize("code", sorted(twilio_codes.REFUSED))
async def test_refusal_is_final_and_says_what_to_do(phone: Phone, code: int) -> None:
    phone.stand_in.script.refusals[TEXT.address] = code
    failure = await failure_of(phone)
    assert isinstance(failure, Rejected)
    assert failure.code == str(code)
    assert failure.words.startswith("Twilio refused it, ")


async def test_unknown_code_is_final(phone: Phone) -> None:
    phone.stand_in.script.refusals[TEXT.address] = 29999
    failure = await failure_of(phone)
    assert isinstance(failure, Rejected)
    assert failure.code == "29999"


async def test_classes_do_not_overlap() -> None:
    tables = [set(twilio_codes.LATER), set(twilio_codes.SETTINGS), set(twilio_codes.REFUSED)]
    assert sum(map(len, tables)) == len(set.union(*tables))


async def test_words_hold_neither_number_nor_text(phone: Phone) -> None:
    """Covers case 53."""
    for code in (21211, 21614, 20003, 20429, 29999):
        phone.stand_in.script.refusals[TEXT.address] = code
        failure = await failure_of(phone)
        chain = f"{failure!s} {failure!r} {failure.__context__ if not failure.__suppress_context__ else ''}"
        assert "501000111" not in chain
        assert "ready" not in chain


async def test_too_many_requests_wait_as_long_as_twilio_says(phone: Phone) -> None:
    """Covers case 8."""
    phone.stand_in.faults.next(Fate.BUSY)
    failure = await failure_of(phone)
    assert isinstance(failure, NotSent)
    assert failure.retry_after == timedelta(seconds=1)


@pytest.mark.parametrize(
    "fate",
    [
        Fate.BROKEN_BEFORE,
        Fate.BROKEN_AFTER,
        Fate.HANG_BEFORE,
        Fate.HANG_AFTER,
        Fate.LATE,
        Fate.RESET_BEFORE,
        Fate.RESET_AFTER,
        Fate.CUT_AFTER,
        Fate.EMPTY_AFTER,
        Fate.PAGE_AFTER,
    ],
)
async def test_lost_answer_is_unknown_whatever_became_of_the_message(phone: Phone, fate: Fate) -> None:
    """Covers cases 1, 3, 9, 10."""
    phone.stand_in.faults.next(fate)
    assert isinstance(await failure_of(phone), Unknown)
    assert phone.stand_in.faults.seen[fate] == 1


async def test_nothing_left_where_nobody_listens(phone: Phone) -> None:
    """Covers case 3."""
    assert isinstance(await failure_of(phone, base="http://127.0.0.1:9"), NotSent)
    assert isinstance(await failure_of(phone, base="http://nowhere.invalid"), NotSent)


async def test_revoked_key_names_the_setting(phone: Phone) -> None:
    """Covers case 13."""
    failure = await failure_of(phone, auth_token="revoked")
    assert isinstance(failure, Misconfigured)
    assert failure.setting == "ORDERS_TWILIO_AUTH_TOKEN"


@asynccontextmanager
async def answering(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Run a server in Twilio's place."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(app)
    await server.start_server()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        await server.close()


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (400, "<html>", Rejected),
        (400, '{"code": "21211"}', Rejected),
        (401, "", NoAccess),
        (403, "<html>", NoAccess),
        (404, '{"code": 20404}', Misconfigured),
        (408, "", Unknown),
        (409, "[]", Rejected),
        (429, "<html>", NotSent),
        (500, '{"code": 20500}', Unknown),
        (502, "<html>", Unknown),
        (503, '{"code": 20503}', Unknown),
        (504, "", Unknown),
        (201, "", Unknown),
        (201, "{}", Unknown),
        (201, "[]", Unknown),
        (200, "OK", Unknown),
    ],
)
async def test_every_status_has_a_class(phone: Phone, status: int, text: str, expected: type[ProviderError]) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    async with answering(answer) as base:
        assert type(await failure_of(phone, base=base)) is expected


async def test_redirect_is_not_followed(phone: Phone) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.method)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with answering(answer) as base:
        failure = await failure_of(phone, base=base)
    assert isinstance(failure, Misconfigured)
    assert asked == ["POST"]


async def test_request_is_made_once_whatever_the_answer(phone: Phone) -> None:
    """Covers case 9."""
    for fate in (Fate.BROKEN_BEFORE, Fate.RESET_BEFORE, Fate.HANG_BEFORE, Fate.BUSY):
        phone.stand_in.faults.next(fate)
        await failure_of(phone)
    assert sum(phone.stand_in.faults.seen.values()) == 4


async def test_json_goes_as_json() -> None:
    """The SDK's own asynchronous client sends it as a form."""
    got: list[object] = []

    async def answer(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.json_response({})

    async with answering(answer) as base:
        await Transport(base=base).request(
            "POST",
            "https://content.twilio.com/v1/Content",
            data={"types": {"twilio/text": {"body": "Hi"}}},
            headers={"Content-Type": "application/json"},
        )
    assert got == [{"types": {"twilio/text": {"body": "Hi"}}}]


async def test_other_hosts_than_twilios_are_not_led_elsewhere() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({})

    async with answering(answer) as base:
        assert (await Transport(base="http://127.0.0.1:9").request("GET", f"{base}/x")).status_code == 200


async def test_proxies_of_the_environment_are_not_used(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("TWILIO_REGION", "elsewhere")
    assert (await phone.provider().send(TEXT, send_id=SEND)).provider_id.startswith("SM")


async def test_logs_hold_neither_number_nor_text_nor_key(phone: Phone, caplog: pytest.LogCaptureFixture) -> None:
    """Covers case 53: the SDK's own client logs the addresses it asks, which hold numbers."""
    caplog.set_level(logging.DEBUG)
    await phone.provider().send(TEXT, send_id=SEND)
    await phone.provider().lookup(TEXT, send_id=SEND)
    phone.stand_in.faults.next(Fate.RESET_AFTER)
    await failure_of(phone)
    logged = caplog.text
    assert "501000111" not in logged
    assert "ready" not in logged
    assert phone.stand_in.options.auth_token not in logged
