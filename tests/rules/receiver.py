"""A stand-in for a shop's own system: a real web server that notes every call and answers as told."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

#: A certificate of `erp.example` with its key, signed by itself; good for nothing but these tests.
_CERTIFICATE = Path(__file__).parent / "erp.example.pem"


async def erp_lookup(host: str, port: int) -> list[str]:
    """Resolve every name to this machine, as a name server of the test would."""
    return ["127.0.0.1"]


def erp_trust() -> ssl.SSLContext:
    """Return what a client needs to trust `erp.example`."""
    return ssl.create_default_context(cafile=str(_CERTIFICATE))


@dataclass(frozen=True)
class Call:
    """One call as it arrived."""

    path: str
    headers: dict[str, str]
    body: str


class Receiver:
    """Answers with the given statuses, one after the other, the last one for good."""

    def __init__(
        self,
        *statuses: int,
        headers: dict[str, str] | None = None,
        endless: bool = False,
        silent: bool = False,
        secure: bool = False,
    ) -> None:
        self._statuses = statuses or (200,)
        self._headers = headers or {}
        self._endless = endless
        self._silent = silent
        self.calls: list[Call] = []
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if secure else None
        if self._tls is not None:
            self._tls.load_cert_chain(_CERTIFICATE)
        self._server = TestServer(app)
        self._closing = asyncio.Event()

    async def __aenter__(self) -> "Receiver":
        await self._server.start_server(ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._server.close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.port or 0)

    @property
    def url(self) -> str:
        """Its address; a secure one goes by name."""
        return f"https://erp.example:{self.port}/hook" if self._tls else f"http://127.0.0.1:{self.port}/hook"

    async def _take(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.calls.append(Call(request.path, headers, await request.text()))
        if self._silent:
            await self._closing.wait()
        status = self._statuses[min(len(self.calls), len(self._statuses)) - 1]
        if not self._endless:
            return web.Response(status=status, headers=self._headers)
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while not self._closing.is_set():
                await response.write(b"x" * 65536)
        except ConnectionError:
            pass
        return response
