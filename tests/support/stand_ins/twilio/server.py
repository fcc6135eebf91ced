"""The stand-in's API: messages and calls created, listed, fetched; refused, accepted, or failing as the faults say."""

import asyncio
import base64
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.stand_ins.twilio import refusals
from tests.support.stand_ins.twilio.answers import cut, error, reset
from tests.support.stand_ins.twilio.callbacks import Callbacks
from tests.support.stand_ins.twilio.control import control
from tests.support.stand_ins.twilio.faults import Fate, Faults
from tests.support.stand_ins.twilio.lives import Lives, Script
from tests.support.stand_ins.twilio.paging import page_of
from tests.support.stand_ins.twilio.records import (
    VERSION,
    Acceptances,
    Accepted,
    CallState,
    MessageState,
    new_sid,
    send_of,
)

ACCOUNT = "AC" + "0" * 32

#: Something that was accepted: how the API shows it, and its life from now on.
Begun = tuple[dict[str, Any], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as they went over the wire."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    status: int
    content: bytes


@dataclass(frozen=True)
class StandInOptions:
    """Who may come in, whom to call back, and how long things take.

    `late` are the seconds after which what hangs with fate `late` is accepted; `longest` are those of any hanging.
    """

    account: str = ACCOUNT
    auth_token: str = "stand-in-token"
    keys: Mapping[str, str] = field(default_factory=dict)
    public_url: str = ""
    accepted: Path | None = None
    pace: float = 0.0
    late: float = 20.0
    longest: float = 60.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    on_exchange: Callable[[Exchange], None] | None = None


class TwilioStandIn:
    """A running stand-in; `async with` starts and stops it. What it holds may be looked at and changed at any time."""

    def __init__(
        self,
        options: StandInOptions = StandInOptions(),
        *,
        faults: Faults | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.options = options
        self.faults = faults or Faults()
        self.script = Script()
        self.messages: dict[str, MessageState] = {}
        self.calls: dict[str, CallState] = {}
        self.acceptances = Acceptances(options.accepted)
        self.callbacks = Callbacks(auth_token=options.auth_token)
        self.exchanges: deque[Exchange] = deque(maxlen=1_000)
        self._lives = Lives(self.callbacks, self.faults, self.script, options.clock, options.pace)
        self._host, self._port = host, port
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._late = asyncio.Event()
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1)

    @property
    def accepted(self) -> list[Accepted]:
        """What was accepted, in its order."""
        return self.acceptances.lines

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self._host}:{self._runner.addresses[0][1]}"

    async def __aenter__(self) -> "TwilioStandIn":
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()

    async def settled(self) -> None:
        """Wait until every callback was sent and every call has ended, but for what is held back by fate `late`."""
        while under_way := self._tasks - self._held:
            await asyncio.gather(*under_way)

    async def accept_late(self) -> None:
        """Accept now what is held back by fate `late`, and wait until all has ended."""
        self._late.set()
        while self._tasks:
            await asyncio.gather(*self._tasks)
        self._late.clear()

    # --- requests --------------------------------------------------------------------------------------------------

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._recorded, self._guarded])
        account = f"/{VERSION}/Accounts/{{account}}"
        for name, create in (("Messages", self._message), ("Calls", self._call)):
            app.router.add_post(f"{account}/{name}.json", create)
            app.router.add_get(f"{account}/{name}.json", self._list)
            app.router.add_get(f"{account}/{name}/{{sid}}.json", self._fetch)
        app.add_routes(control(self))
        return app

    @web.middleware
    async def _recorded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        if isinstance(response, web.Response) and request.path.startswith(f"/{VERSION}"):
            content = response.body if isinstance(response.body, bytes) else b""
            exchange = Exchange(
                request.method,
                request.path,
                dict(request.query),
                dict(request.headers),
                await request.read(),
                response.status,
                content,
            )
            self.exchanges.append(exchange)
            if self.options.on_exchange is not None:
                self.options.on_exchange(exchange)
        return response

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Check the key and the account; what only asks may fail here."""
        if not request.path.startswith(f"/{VERSION}"):
            return await handler(request)  # type: ignore[no-any-return]
        if not self._may_come_in(request.headers.get("Authorization", "")):
            return error(401, code=20003)
        if request.match_info.get("account") != self.options.account:
            return error(404, code=20404)
        if request.method == "GET":
            failed = await self._failed_before(request, fate=self.faults.of_question())
            if failed is not None:
                return failed
        return await handler(request)  # type: ignore[no-any-return]

    def _may_come_in(self, authorization: str) -> bool:
        pairs = {self.options.account: self.options.auth_token, **self.options.keys}
        valid = [f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}" for name, secret in pairs.items()]
        return authorization in valid

    async def _message(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        code = self.script.refusals.get(form.get("To", ""), 0) or refusals.of_message(form)

        def accept(request_id: str) -> Begun:
            status = "accepted" if form.get("MessagingServiceSid") else "queued"
            message = MessageState(new_sid("SM"), self.options.account, form, self.options.clock(), status)
            self._accepted(request_id, message.sid, kind="message", form=form)
            self.messages[message.sid] = message
            return message.as_json(), self._lives.of_message(message)

        return await self._create(request, code=code, accept=accept)

    async def _call(self, request: web.Request) -> web.StreamResponse:
        posted = await request.post()
        form = {name: str(value) for name, value in posted.items()}
        events = tuple(str(event) for event in posted.getall("StatusCallbackEvent", ["completed"]))
        code = self.script.refusals.get(form.get("To", ""), 0) or refusals.of_call(form)

        def accept(request_id: str) -> Begun:
            call = CallState(new_sid("CA"), self.options.account, form, events, self.options.clock())
            self._accepted(request_id, call.sid, kind="call", form=form)
            self.calls[call.sid] = call
            return call.as_json(), self._lives.of_call(call)

        return await self._create(request, code=code, accept=accept)

    def _accepted(self, request: str, sid: str, *, kind: str, form: dict[str, str]) -> None:
        self.acceptances.accept(Accepted(request, sid, kind, form["To"], send_of(form), self.options.clock()))

    async def _create(self, request: web.Request, *, code: int, accept: Callable[[str], Begun]) -> web.StreamResponse:
        request_id = new_sid("RQ")
        fate = self.faults.of_request()
        failed = await self._failed_before(request, fate=fate)
        if failed is not None:
            return failed
        if code:
            return error(401 if code == 20003 else 400, code=code)
        if fate is Fate.LATE:
            held = self._start(self._accept_late(request_id, accept))
            self._held.add(held)
            held.add_done_callback(self._held.discard)
            return await self._hang()
        content, life = accept(request_id)
        task = self._start(life)
        if fate is Fate.OVERTAKEN_AFTER:
            await asyncio.wait([task])
        return await self._answer(request, content, fate=fate)

    async def _failed_before(self, request: web.Request, *, fate: Fate) -> web.StreamResponse | None:
        match fate:
            case Fate.BUSY:
                return error(429, code=20429, headers={"Retry-After": "1"})
            case Fate.BROKEN_BEFORE:
                return self._broken()
            case Fate.HANG_BEFORE:
                return await self._hang()
            case Fate.RESET_BEFORE:
                return reset(request)
        return None

    async def _answer(self, request: web.Request, content: dict[str, Any], *, fate: Fate) -> web.StreamResponse:
        match fate:
            case Fate.BROKEN_AFTER:
                return self._broken()
            case Fate.HANG_AFTER:
                return await self._hang()
            case Fate.RESET_AFTER:
                return reset(request)
            case Fate.EMPTY_AFTER:
                return web.Response(status=201, content_type="application/json")
            case Fate.PAGE_AFTER:
                return web.Response(status=201, text="<html>Created</html>", content_type="text/html")
        answer = web.json_response(content, status=201)
        return await cut(request, answer) if fate is Fate.CUT_AFTER else answer

    async def _list(self, request: web.Request) -> web.Response:
        name = "messages" if "/Messages" in request.path else "calls"
        found: list[MessageState] | list[CallState] = list(
            (self.messages if name == "messages" else self.calls).values()  # type: ignore[arg-type]
        )
        return web.json_response(page_of([one.as_json() for one in reversed(found)], name=name, request=request))

    async def _fetch(self, request: web.Request) -> web.Response:
        sid = request.match_info["sid"]
        found = self.messages.get(sid) or self.calls.get(sid)
        return error(404, code=20404) if found is None else web.json_response(found.as_json())

    # --- what goes wrong, and what goes on behind --------------------------------------------------------------------

    def _broken(self) -> web.Response:
        status = self.faults.broken()
        if status == 502:
            return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
        return error(status, code=20500 if status == 500 else 20503)

    async def _hang(self) -> web.Response:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.options.longest):
                await self._closing.wait()
        return web.Response(status=503)

    async def _accept_late(self, request_id: str, accept: Callable[[str], Begun]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.options.late):
                await self._late.wait()
        _, life = accept(request_id)
        await life

    def _start(self, life: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(life)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
