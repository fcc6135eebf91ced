"""Answers that are no success: Twilio's own form of a refusal, and connections that break."""

from collections.abc import Mapping

from aiohttp import web


def error(status: int, *, code: int, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer as Twilio refuses. Like its own, the message may hold what was sent; nobody should show it."""
    content = {
        "code": code,
        "message": f"The request was refused ({code})",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return web.json_response(content, status=status, headers=headers)


def reset(request: web.Request) -> web.Response:
    """Break the connection."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


async def cut(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Send half of an answer, then break the connection."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    half = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    reset(request)
    return half
