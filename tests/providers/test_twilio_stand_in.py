"""The stand-in itself: it accepts a request once, fails as told, and speaks as Twilio does."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout, encode_basic_auth, web
from aiohttp.test_utils import TestServer
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.support.stand_ins.twilio import ACCOUNT, CallbackFaults, Fate, Faults, StandInOptions, TwilioStandIn
from tests.support.stand_ins.twilio.records import AcceptedTwice

TOKEN = "stand-in-token"
TEXT = {"To": "+48501000111", "From": "+15005550006", "Body": "Hello"}


class Ear:
    """A gateway that notes what it is told. It answers with `statuses`, one after the other, the last one for good."""

    def __init__(self, *, twiml: str = "<Response/>", statuses: tuple[int, ...] = (200,)) -> None:
        self.told: list[tuple[str, dict[str, str], str]] = []
        self._twiml = twiml
        self._statuses = statuses
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self.server = TestServer(app)

    async def __aenter__(self) -> "Ear":
        await self.server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def statuses_told(self) -> list[str]:
        return [form.get("MessageStatus") or form["CallStatus"] for _, form, _ in self.told]

    async def _take(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.told.append((str(request.url), form, request.headers["X-Twilio-Signature"]))
        status = self._statuses[min(len(self.told), len(self._statuses)) - 1]
        return web.Response(status=status, text=self._twiml, content_type="text/xml")


class Mapped(TwilioHttpClient):  # type: ignore[misc]
    """The SDK's own client, led to the stand-in."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=60)
        self._base = base

    def request(self, method: str, url: str, *args: object, **more: object) -> object:
        return super().request(method, url.replace("https://api.twilio.com", self._base), *args, **more)


@pytest.fixture
async def stand_in() -> AsyncIterator[TwilioStandIn]:
    async with TwilioStandIn() as running:
        yield running


async def post(stand_in: TwilioStandIn, form: dict[str, str], *, name: str = "Messages", token: str = TOKEN) -> int:
    """Create something; 0 means that no answer came."""
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=60)) as session,
            session.post(
                f"{stand_in.url}/2010-04-01/Accounts/{ACCOUNT}/{name}.json",
                data=form,
                headers={"Authorization": encode_basic_auth(ACCOUNT, token)},
            ) as answer,
        ):
            await answer.json()
            return answer.status
    except (TimeoutError, ClientError):
        return 0
    except json.JSONDecodeError:
        return answer.status


async def abandon(stand_in: TwilioStandIn, form: dict[str, str]) -> None:
    """Create something, and give up as soon as the stand-in has the request."""
    posting = asyncio.create_task(post(stand_in, form))
    async with asyncio.timeout(60):
        while not stand_in.faults.seen:  # noqa: ASYNC110  # a stand-in is watched: there is no event
            await asyncio.sleep(0.01)
    posting.cancel()
    with suppress(asyncio.CancelledError):
        await posting


@pytest.mark.parametrize("fate", list(Fate))
async def test_request_is_accepted_once_or_not_at_all(stand_in: TwilioStandIn, fate: Fate) -> None:
    stand_in.faults.next(fate)
    hangs = fate in (Fate.HANG_BEFORE, Fate.HANG_AFTER, Fate.LATE)
    await (abandon if hangs else post)(stand_in, TEXT)
    assert len(stand_in.accepted) == (1 if fate.is_accepted else 0)
    assert len(stand_in.messages) == len(stand_in.accepted)


async def test_late_request_is_accepted_once_though_nobody_waits(stand_in: TwilioStandIn) -> None:
    stand_in.faults.next(Fate.LATE)
    await abandon(stand_in, TEXT)
    assert stand_in.accepted == []
    await stand_in.accept_late()
    assert len(stand_in.accepted) == 1


async def test_each_acceptance_has_a_request_of_its_own_and_stands_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "accepted.jsonl"
    async with TwilioStandIn(StandInOptions(accepted=path), faults=Faults(seed=7)) as stand_in:
        await asyncio.gather(*(post(stand_in, TEXT) for _ in range(20)))
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert len({line["request"] for line in lines}) == len({line["sid"] for line in lines}) == 20
        with pytest.raises(AcceptedTwice):
            stand_in.acceptances.accept(stand_in.accepted[0])


async def test_faults_follow_their_seed() -> None:
    weights = {Fate.QUICK: 1, Fate.BUSY: 1, Fate.BROKEN_BEFORE: 1}
    drawn = [[Faults(seed=seed, weights=weights) for _ in range(2)] for seed in (1, 2)]
    fates = [[[faults.of_request() for _ in range(30)] for faults in pair] for pair in drawn]
    assert fates[0][0] == fates[0][1]
    assert fates[0][0] != fates[1][0]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({**TEXT, "To": ""}, 21604),
        ({**TEXT, "To": "12"}, 21211),
        ({**TEXT, "From": ""}, 21603),
        ({**TEXT, "Body": ""}, 21602),
        ({**TEXT, "Body": "a" * 1601}, 21617),
        ({**TEXT, "To": "+15005550001"}, 21211),
        ({**TEXT, "To": "+15005550004"}, 21610),
        ({**TEXT, "From": "+15005550008"}, 21611),
    ],
)
async def test_refusal_has_twilios_code_and_nothing_is_accepted(
    stand_in: TwilioStandIn, form: dict[str, str], code: int
) -> None:
    assert await post(stand_in, form) == 400
    assert json.loads(stand_in.exchanges[-1].content)["code"] == code
    assert stand_in.accepted == []


async def test_wrong_token_is_refused(stand_in: TwilioStandIn) -> None:
    assert await post(stand_in, TEXT, token="other") == 401
    assert json.loads(stand_in.exchanges[-1].content)["code"] == 20003
    assert stand_in.accepted == []


async def test_official_sdk_creates_lists_and_fetches(stand_in: TwilioStandIn) -> None:
    client = Client(ACCOUNT, TOKEN, http_client=Mapped(stand_in.url))
    to, sender = TEXT["To"], TEXT["From"]
    sent = [await asyncio.to_thread(client.messages.create, to=to, from_=sender, body=f"Text {n}") for n in range(3)]
    await asyncio.to_thread(client.messages.create, to="+48501000222", from_=sender, body="Another")
    await stand_in.settled()
    listed = await asyncio.to_thread(client.messages.list, to=to, from_=sender, page_size=2)
    assert [message.sid for message in listed] == [message.sid for message in reversed(sent)]
    assert listed[0].direction == "outbound-api"
    assert listed[0].date_created is not None
    fetched = await asyncio.to_thread(client.messages(sent[0].sid).fetch)
    assert (fetched.status, fetched.body) == ("delivered", "Text 0")


async def test_official_sdk_calls(stand_in: TwilioStandIn) -> None:
    client = Client(ACCOUNT, TOKEN, http_client=Mapped(stand_in.url))
    call = await asyncio.to_thread(
        client.calls.create, to="+48501000111", from_="+15005550006", twiml="<Response><Say>Hi</Say></Response>"
    )
    await stand_in.settled()
    fetched = await asyncio.to_thread(client.calls(call.sid).fetch)
    assert (fetched.status, fetched.direction) == ("completed", "outbound-api")
    assert [one.sid for one in await asyncio.to_thread(client.calls.list, to="+48501000111")] == [call.sid]
    assert stand_in.calls[call.sid].heard == ["Hi"]


async def test_official_sdk_sees_the_codes_of_refusals(stand_in: TwilioStandIn) -> None:
    client = Client(ACCOUNT, TOKEN, http_client=Mapped(stand_in.url))
    with pytest.raises(TwilioRestException) as caught:
        await asyncio.to_thread(client.messages.create, to="+15005550009", from_="+15005550006", body="Hi")
    assert (caught.value.status, caught.value.code) == (400, 21614)
    stand_in.faults.next(Fate.BUSY)
    with pytest.raises(TwilioRestException) as caught:
        await asyncio.to_thread(client.messages.create, to="+48501000111", from_="+15005550006", body="Hi")
    assert (caught.value.status, caught.value.code) == (429, 20429)


async def test_callbacks_are_signed_over_the_address_without_its_fragment(stand_in: TwilioStandIn) -> None:
    async with Ear() as ear:
        await post(stand_in, {**TEXT, "StatusCallback": f"{ear.url}/status/1?a=b#rc=5&rp=all"})
        await stand_in.settled()
        assert ear.statuses_told() == ["sent", "delivered"]
        for url, form, signature in ear.told:
            assert url == f"{ear.url}/status/1?a=b"
            assert RequestValidator(TOKEN).validate(url, form, signature)
            assert not RequestValidator("other").validate(url, form, signature)


@pytest.mark.parametrize(("fragment", "attempts"), [("", 1), ("#rc=2&rp=all", 3), ("#rc=2&rp=ct", 1)])
async def test_failed_callback_is_repeated_only_as_its_fragment_says(
    stand_in: TwilioStandIn, fragment: str, attempts: int
) -> None:
    stand_in.script.deliveries[TEXT["To"]] = ("sent", 0)
    async with Ear(statuses=(503,)) as ear:
        await post(stand_in, {**TEXT, "StatusCallback": f"{ear.url}/status{fragment}"})
        await stand_in.settled()
        assert len(ear.told) == attempts


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        (CallbackFaults(lost=1), []),
        (CallbackFaults(doubled=1), ["sent", "sent", "delivered", "delivered"]),
        (CallbackFaults(shuffled=1), ["delivered", "sent"]),
    ],
    ids=["lost", "doubled", "shuffled"],
)
async def test_callbacks_go_wrong_as_told(stand_in: TwilioStandIn, faults: CallbackFaults, told: list[str]) -> None:
    stand_in.faults.callbacks = faults
    async with Ear() as ear:
        await post(stand_in, {**TEXT, "StatusCallback": f"{ear.url}/status"})
        await stand_in.settled()
        assert ear.statuses_told() == told


async def test_undelivered_message_tells_its_code(stand_in: TwilioStandIn) -> None:
    stand_in.script.deliveries[TEXT["To"]] = ("undelivered", 30003)
    async with Ear() as ear:
        await post(stand_in, {**TEXT, "StatusCallback": f"{ear.url}/status"})
        await stand_in.settled()
        assert [(form["MessageStatus"], form.get("ErrorCode")) for _, form, _ in ear.told] == [
            ("sent", None),
            ("undelivered", "30003"),
        ]


CALL = {"To": "+48501000111", "From": "+15005550006", "MachineDetection": "DetectMessageEnd"}


async def test_answered_call_fetches_its_words_and_speaks_them(stand_in: TwilioStandIn) -> None:
    twiml = "<Response><Say>One &amp; two</Say><Play>https://a.example/b.mp3</Play><Hangup/><Say>No</Say></Response>"
    async with Ear(twiml=twiml) as ear:
        await post(stand_in, {**CALL, "Url": f"{ear.url}/voice", "StatusCallback": f"{ear.url}/status"}, name="Calls")
        await stand_in.settled()
        (call,) = stand_in.calls.values()
        assert call.heard == ["One & two", "https://a.example/b.mp3"]
        assert [url.rpartition("/")[2] for url, _, _ in ear.told] == ["voice", "status"]
        assert [(form["CallStatus"], form["AnsweredBy"]) for _, form, _ in ear.told] == [
            ("in-progress", "human"),
            ("completed", "human"),
        ]
        url, form, signature = ear.told[0]
        assert RequestValidator(TOKEN).validate(url, form, signature)


@pytest.mark.parametrize("answer", ["busy", "no-answer", "failed", "canceled"])
async def test_call_that_nobody_takes_fetches_nothing(stand_in: TwilioStandIn, answer: str) -> None:
    stand_in.script.answers[CALL["To"]] = answer
    async with Ear() as ear:
        await post(stand_in, {**CALL, "Url": f"{ear.url}/voice", "StatusCallback": f"{ear.url}/status"}, name="Calls")
        await stand_in.settled()
        assert ear.statuses_told() == [answer]


async def test_call_falls_back_where_its_words_cannot_be_fetched(stand_in: TwilioStandIn) -> None:
    async with Ear(twiml="<Response><Say>Sorry</Say></Response>", statuses=(503, 200)) as ear:
        await post(stand_in, {**CALL, "Url": f"{ear.url}/voice", "FallbackUrl": f"{ear.url}/fallback"}, name="Calls")
        await stand_in.settled()
        (call,) = stand_in.calls.values()
        assert (call.heard, call.errors) == (["Sorry"], [11200])
        assert ear.told[1][1]["ErrorCode"] == "11200"


@pytest.mark.parametrize(("twiml", "error"), [("<Response><Say>\x01</Say></Response>", 12100), ("<Html/>", 12200)])
async def test_unreadable_words_are_an_error_of_the_call(stand_in: TwilioStandIn, twiml: str, error: int) -> None:
    async with Ear(twiml=twiml) as ear:
        await post(stand_in, {**CALL, "Url": f"{ear.url}/voice"}, name="Calls")
        await stand_in.settled()
        (call,) = stand_in.calls.values()
        assert (call.heard, call.errors) == ([], [error])


async def test_another_process_controls_it(stand_in: TwilioStandIn) -> None:
    async with ClientSession(stand_in.url) as session:
        told = {"seed": 3, "weights": {"quick": 1}, "callbacks": {"lost": 1.0}, "next": ["busy"]}
        assert (await session.post("/stand-in/faults", json=told)).status == 204
        assert await post(stand_in, TEXT) == 429
        assert await post(stand_in, TEXT) == 201
        (line,) = await (await session.get("/stand-in/accepted")).json()
        assert (line["kind"], line["to"]) == ("message", TEXT["To"])
        await session.post("/stand-in/script", json={"refusals": {TEXT["To"]: 30034}})
        assert await post(stand_in, TEXT) == 400


async def test_message_that_comes_in_is_signed() -> None:
    async with Ear() as ear, TwilioStandIn(StandInOptions(public_url=ear.url)) as stand_in:
        async with ClientSession(stand_in.url) as session:
            told = {"path": "/hooks/twilio/message", "form": {"From": "+48501000111", "Body": "STOP"}}
            assert (await (await session.post("/stand-in/incoming", json=told)).json())["status"] == 200
        ((url, form, signature),) = ear.told
        assert RequestValidator(TOKEN).validate(url, form, signature)


async def test_it_runs_as_a_process_until_it_is_told_to_stop() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.stand_ins.twilio", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "STAND_IN_AUTH_TOKEN": TOKEN},
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    client = Client(ACCOUNT, TOKEN, http_client=Mapped(url))
    message = await asyncio.to_thread(client.messages.create, to=TEXT["To"], from_=TEXT["From"], body="Hi")
    process.terminate()
    _, log = await process.communicate()
    assert process.returncode == 0
    assert message.sid.startswith("SM")
    assert TEXT["To"] not in log.decode()
