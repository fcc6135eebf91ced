"""The HTTP side: takes mails as `POST /v3/mail/send` does, each request at most once, with the fate it draws."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from tests.support.stand_ins.sendgrid.checks import MOST, Refusal, checked
from tests.support.stand_ins.sendgrid.events import Events
from tests.support.stand_ins.sendgrid.faults import Fate, Faults


@dataclass(frozen=True)
class Exchange:
    """One request and how it was answered (0: not at all)."""

    method: str
    path: str
    status: int


@dataclass(frozen=True)
class Mail:
    """A mail that was accepted: its id, the number of the request that brought it, what it says."""

    id: str
    request: int
    body: dict[str, Any]

    @property
    def send_id(self) -> str:
        """The id of the send it belongs to."""
        return str(self.body["personalizations"][0].get("custom_args", {}).get("send_id", ""))

    @property
    def to(self) -> str:
        """The address it goes to."""
        return str(self.body["personalizations"][0]["to"][0]["email"])


@dataclass(frozen=True)
class StandInOptions:
    """`key` is the only API key that is known (none: any), `senders` the verified mailboxes (none: any).

    `accepted` is a file for the log of what was accepted. A mail of the fate `late` is accepted after `late` seconds.
    With `pace` events are posted by themselves, so often.
    """

    key: str = ""
    senders: frozenset[str] = frozenset()
    accepted: Path | None = None
    late: float = 0.05
    pace: float | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    on_exchange: Callable[[Exchange], None] = lambda exchange: None


@dataclass
class SendGridStandIn:
    """Serve while it is entered. `accepted` is what it took, `requests` how often it was called."""

    options: StandInOptions = field(default_factory=StandInOptions)
    faults: Faults = field(default_factory=Faults)
    events: Events | None = None
    host: str = "127.0.0.1"
    port: int = 0
    accepted: list[Mail] = field(default_factory=list)
    requests: int = 0
    url: str = ""

    async def __aenter__(self) -> Self:
        self._closing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        app = web.Application(client_max_size=MOST + 1024 * 1024)
        app.router.add_post("/v3/mail/send", self._take)
        app.router.add_get("/stand-in/accepted", self._show)
        app.router.add_post("/stand-in/faults", self._set_faults)
        app.router.add_get("/healthz", self._healthy)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        self.url = f"http://{self.host}:{self.port}"
        if self.options.pace is not None:
            self._tasks.append(asyncio.create_task(self._post_events(self.options.pace)))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        number = self.requests
        answer = await self._answer(request, number=number)
        self.options.on_exchange(Exchange("POST", "/v3/mail/send", answer.status if answer is not None else 0))
        if answer is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return answer

    async def _answer(self, request: web.Request, *, number: int) -> web.StreamResponse | None:
        """Answer one request; None breaks the connection."""
        if self.options.key and request.headers.get("Authorization") != f"Bearer {self.options.key}":
            words = "The provided authorization grant is invalid, expired, or revoked"
            return web.json_response(Refusal(401, words).body, status=401)
        if (request.content_length or 0) > MOST:
            return _page(413, "Request Entity Too Large")
        try:
            mail = checked(await request.read(), senders=self.options.senders)
        except Refusal as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        if mail.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            return web.Response(status=200)
        return await self._fated(self.faults.of_request(), request=request, mail=mail, number=number)

    async def _fated(
        self, fate: Fate, *, request: web.Request, mail: dict[str, Any], number: int
    ) -> web.StreamResponse | None:
        id = self._accept(mail, number=number) if fate.is_accepted else ""
        match fate:
            case Fate.QUICK:
                return web.Response(status=202, headers={"X-Message-Id": id})
            case Fate.BUSY:
                return _too_many({"Retry-After": "1"})
            case Fate.LIMITED:
                reset = int(self.options.clock().timestamp()) + 2
                return _too_many({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)})
            case Fate.BROKEN_BEFORE | Fate.BROKEN_AFTER:
                status = self.faults.broken()
                return web.json_response(Refusal(status, "internal server error").body, status=status)
            case Fate.PAGE_BEFORE:
                return _page(502, "Bad Gateway")
            case Fate.REDIRECT_BEFORE:
                return web.Response(status=302, headers={"Location": f"{self.url}/v3/mail/send"})
            case Fate.HANG_BEFORE | Fate.HANG_AFTER:
                await self._closing.wait()
                return None
            case Fate.LATE:
                self._tasks.append(asyncio.create_task(self._accept_late(mail, number=number)))
                await self._closing.wait()
                return None
            case Fate.RESET_BEFORE | Fate.RESET_AFTER:
                return None
            case Fate.CUT_AFTER:
                return await _cut(request, id=id)

    def _accept(self, mail: dict[str, Any], *, number: int) -> str:
        if any(known.request == number for known in self.accepted):
            raise AssertionError(f"request {number} was accepted twice by the stand-in itself")
        digest = hashlib.sha256(f"{self.faults.seed}:{number}".encode()).digest()[:16]
        accepted = Mail(base64.urlsafe_b64encode(digest).decode().rstrip("="), number, mail)
        self.accepted.append(accepted)
        if self.options.accepted is not None:
            with self.options.accepted.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"id": accepted.id, "request": number, "send": accepted.send_id}) + "\n")
        if self.events is not None:
            self.events.note(mail, message_id=accepted.id)
        return accepted.id

    async def _accept_late(self, mail: dict[str, Any], *, number: int) -> None:
        await asyncio.sleep(self.options.late)
        self._accept(mail, number=number)

    async def _post_events(self, pace: float) -> None:
        while self.events is not None:
            await asyncio.sleep(pace)
            await self.events.post()

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(
            [{"id": mail.id, "request": mail.request, "send": mail.send_id} for mail in self.accepted]
        )

    async def _set_faults(self, request: web.Request) -> web.Response:
        """Take {"seed": 1, "weights": {"quick": 50, "hang-after": 10}, "next": ["reset-after"]}."""
        told = await request.json()
        if "seed" in told:
            self.faults.reseed(told["seed"])
        if "weights" in told:
            self.faults.weights = {Fate(name): weight for name, weight in told["weights"].items()}
        self.faults.next(*(Fate(name) for name in told.get("next", ())))
        return web.Response(status=204)

    async def _healthy(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})


async def _cut(request: web.Request, *, id: str) -> web.StreamResponse:
    response = web.StreamResponse(status=202, headers={"X-Message-Id": id, "Content-Length": "100"})
    with suppress(ConnectionError):
        await response.prepare(request)
        await response.write(b"{")
    if request.transport is not None:
        request.transport.abort()
    return response


def _too_many(headers: dict[str, str]) -> web.Response:
    return web.json_response(Refusal(429, "too many requests").body, status=429, headers=headers)


def _page(status: int, title: str) -> web.Response:
    return web.Response(status=status, text=f"<html><h1>{status} {title}</h1>nginx</html>", content_type="text/html")
