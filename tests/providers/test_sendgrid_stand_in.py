"""The stand-in of SendGrid itself: a request is accepted once at most, its events are signed and told as promised."""

import asyncio
import base64
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout, web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from activities.providers.sendgrid import body_of
from tests.providers.mails import KEY, MAIL, SEND, mail
from tests.support.stand_ins.sendgrid import (
    HALF,
    EventFaults,
    Events,
    Fate,
    Faults,
    Habits,
    SendGridStandIn,
    StandInOptions,
    signing_key,
)


class Gateway:
    """Notes the events it is told. It answers with `statuses`, one after the other, the last one for good."""

    def __init__(self, *statuses: int) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self._statuses = statuses or (204,)
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self._server = TestServer(app)

    async def __aenter__(self) -> "Gateway":
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, body in self.calls for event in json.loads(body)]

    async def _take(self, request: web.Request) -> web.Response:
        self.calls.append((dict(request.headers), await request.read()))
        return web.Response(status=self._statuses[min(len(self.calls), len(self._statuses)) - 1])


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Gateway() as running:
        yield running


async def post(stand_in: SendGridStandIn, body: object, *, key: str = KEY) -> int:
    """Send a mail; 0 means that no answer came."""
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=60)) as session,
            session.post(
                f"{stand_in.url}/v3/mail/send",
                json=body,
                headers={"Authorization": f"Bearer {key}"},
                allow_redirects=False,
            ) as answer,
        ):
            return answer.status
    except (TimeoutError, ClientError):
        return 0


async def abandon(stand_in: SendGridStandIn, *bodies: object) -> None:
    """Send mails at the same time, and give up as soon as the stand-in has all of them."""
    posting = [asyncio.create_task(post(stand_in, body)) for body in bodies]
    await until(lambda: stand_in.faults.seen.total() == len(bodies))
    for one in posting:
        one.cancel()
    await asyncio.gather(*posting, return_exceptions=True)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110  # a stand-in is watched: there is no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("fate", list(Fate), ids=str)
async def test_request_is_accepted_once_or_not_at_all(fate: Fate) -> None:
    async with SendGridStandIn(StandInOptions(late=0.01)) as stand_in:
        stand_in.faults.next(fate)
        hangs = fate in (Fate.HANG_BEFORE, Fate.HANG_AFTER, Fate.LATE)
        await (abandon if hangs else post)(stand_in, body_of(MAIL, send_id=SEND))
        if fate is Fate.LATE:
            await until(lambda: bool(stand_in.accepted))
        assert stand_in.requests == 1
        assert len(stand_in.accepted) == int(fate.is_accepted or fate is Fate.LATE)


async def test_about_half_of_the_requests_fail_and_no_request_is_accepted_twice() -> None:
    async with SendGridStandIn(faults=Faults(seed=20261121, weights=HALF)) as stand_in:
        await abandon(stand_in, *(body_of(MAIL, send_id=uuid4()) for _ in range(100)))
        numbers = Counter(mail.request for mail in stand_in.accepted)
    assert stand_in.requests == 100
    assert set(numbers.values()) == {1}
    assert 30 <= stand_in.faults.seen[Fate.QUICK] <= 70


async def test_same_seed_draws_the_same_fates() -> None:
    first, second = (Faults(seed=7, weights=HALF) for _ in range(2))
    assert [first.of_request() for _ in range(50)] == [second.of_request() for _ in range(50)]


async def test_only_the_known_key_may_send() -> None:
    async with SendGridStandIn(StandInOptions(key=KEY)) as stand_in:
        assert await post(stand_in, body_of(MAIL, send_id=SEND), key="SG.other") == 401
        assert stand_in.accepted == []


async def test_rehearsal_is_answered_and_not_accepted() -> None:
    body: Any = body_of(MAIL, send_id=SEND)
    async with SendGridStandIn() as stand_in:
        assert await post(stand_in, body | {"mail_settings": {"sandbox_mode": {"enable": True}}}) == 200
        assert stand_in.accepted == []


async def test_events_are_signed_as_the_official_library_checks_it(gateway: Gateway) -> None:
    from sendgrid.helpers.eventwebhook import EventWebhook

    events = Events(gateway.url, key=signing_key())
    async with SendGridStandIn(events=events) as stand_in:
        await post(stand_in, body_of(mail(html='<a href="https://shop.example/pay">Pay</a>'), send_id=SEND))
        await events.post()
    ((headers, body),) = gateway.calls
    official = EventWebhook(events.public_key)
    signed = (
        headers["X-Twilio-Email-Event-Webhook-Signature"],
        headers["X-Twilio-Email-Event-Webhook-Timestamp"],
    )
    assert official.verify_signature(body.decode(), *signed)
    assert not official.verify_signature(body.decode().replace("open", "shut"), *signed)


async def test_life_of_a_mail_is_told_with_our_id_of_the_send(gateway: Gateway) -> None:
    events = Events(gateway.url, key=signing_key())
    async with SendGridStandIn(events=events) as stand_in:
        await post(stand_in, body_of(mail(html='<a href="https://shop.example/pay">Pay</a>'), send_id=SEND))
        await events.post()
        (accepted,) = stand_in.accepted
    assert [event["event"] for event in gateway.events] == ["processed", "delivered", "open", "click"]
    assert {event["send_id"] for event in gateway.events} == {str(SEND)}
    assert all(event["sg_message_id"].startswith(f"{accepted.id}.") for event in gateway.events)
    assert len({event["sg_event_id"] for event in gateway.events}) == 4


async def test_address_that_bounces_is_told_so(gateway: Gateway) -> None:
    habits = Habits(bounces=frozenset({MAIL.address}))
    events = Events(gateway.url, key=signing_key(), habits=habits)
    async with SendGridStandIn(events=events) as stand_in:
        await post(stand_in, body_of(MAIL, send_id=SEND))
        await events.post()
    assert [event["event"] for event in gateway.events] == ["processed", "bounce"]


async def test_events_come_in_batches_and_again_until_they_are_taken() -> None:
    async with Gateway(503, 204) as gateway:
        events = Events(gateway.url, key=signing_key(), most=2)
        async with SendGridStandIn(events=events) as stand_in:
            for _ in range(2):
                await post(stand_in, body_of(mail(customer=None), send_id=SEND))
            assert [call.status for call in await events.post()] == [503, 204]
            assert [call.status for call in await events.post()] == [204]
    assert [len(json.loads(body)) for _, body in gateway.calls] == [2, 2, 2]


async def test_events_are_lost_doubled_and_shuffled_as_told(gateway: Gateway) -> None:
    faults = EventFaults(lost=0.25, doubled=0.25, is_shuffled=True, seed=3)
    events = Events(gateway.url, key=signing_key(), faults=faults)
    async with SendGridStandIn(events=events) as stand_in:
        for _ in range(40):
            await post(stand_in, body_of(mail(customer=None), send_id=uuid4()))
        await events.post()
    seen = Counter(event["sg_event_id"] for event in gateway.events)
    assert 40 < len(seen) < 80
    assert max(seen.values()) == 2
    kinds = [event["event"] for event in gateway.events]
    assert kinds != sorted(kinds, key=["processed", "delivered"].index)
    orders = {tuple(e["event"] for e in gateway.events if e["send_id"] == id) for id in _ids(gateway)}
    assert ("delivered", "processed") in orders


def _ids(gateway: Gateway) -> set[str]:
    return {event["send_id"] for event in gateway.events}


async def test_it_runs_as_a_process_of_its_own(gateway: Gateway) -> None:
    key = signing_key()
    written = base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.stand_ins.sendgrid", "--public-url", gateway.url, "--pace", "0.05"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "STAND_IN_SIGNING_KEY": written},
    )
    try:
        assert process.stdout is not None
        url = (await asyncio.wait_for(process.stdout.readline(), timeout=90)).decode().strip()
        headers = {"Authorization": f"Bearer {KEY}"}
        async with ClientSession(url, headers=headers) as session:
            async with session.post("/v3/mail/send", json=body_of(MAIL, send_id=SEND)) as answer:
                assert answer.status == 202
            async with session.get("/stand-in/accepted") as shown:
                (taken,) = await shown.json()
        assert taken["send"] == str(SEND)
    finally:
        process.terminate()
        await process.wait()
