"""The gateway's front door: bounds the body, counts and times the request, and turns every error into a problem.

A plain ASGI middleware: what it refuses, it refuses before a byte of the body is read.
"""

import time
from collections.abc import Mapping

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from activities.runtime.logs import log
from starter.gateway.metrics import Metrics
from starter.gateway.problems import KNOWN, Problem, problem_of

_log = log("gateway")


class Front:
    """Stand before the application. `limit` is the most bytes of a body, `larger` that of single paths."""

    def __init__(self, app: ASGIApp, *, limit: int, larger: Mapping[str, int], metrics: Metrics) -> None:
        self._app = app
        self._limit = limit
        self._larger = larger
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        passage = _Passage(receive, send, limit=self._larger.get(scope["path"], self._limit))
        try:
            passage.check_length(Headers(scope=scope))
            await self._app(scope, passage.receive, passage.send)
        except Exception as error:
            if passage.status:  # the answer has begun: nothing can be put right
                _log.exception("Request failed while it was answered", path=_route(scope))
                return
            await _refusal(scope, receive, error).response()(scope, receive, passage.send)
        finally:
            self._metrics.request(scope, status=passage.status, seconds=time.perf_counter() - started)


class _Passage:
    """One request's way in and out."""

    def __init__(self, receive: Receive, send: Send, *, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self._size = 0
        self.status = 0

    def check_length(self, headers: Headers) -> None:
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._limit:
            raise self._too_large()

    async def receive(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self._limit:
            raise self._too_large()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    def _too_large(self) -> Problem:
        detail = f"The body is larger than {self._limit} bytes; send less, or in several requests."
        # The rest of the body stays unread, so the connection cannot be used again.
        return Problem(413, code="body-too-large", detail=detail).with_headers({"Connection": "close"})


def _route(scope: Scope) -> str:
    """Return the pattern of the path: paths themselves hold numbers and tokens, which no log may hold."""
    return str(getattr(scope.get("route"), "path", ""))


def _refusal(scope: Scope, receive: Receive, error: Exception) -> Problem:
    request = Request(scope, receive)
    if isinstance(error, KNOWN):
        return problem_of(request, error)
    _log.error("Request failed", path=_route(scope), exc_info=error)
    detail = "The gateway failed; this is a bug. Nothing was accepted unless a repetition says it is a duplicate."
    return Problem(500, code="internal", detail=detail)
