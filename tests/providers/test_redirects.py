"""No provider follows a redirect: the key and the message would go wherever a proxy points. Covers C2, C3."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from activities.providers.errors import Misconfigured
from activities.providers.protocol import Message
from activities.providers.sendgrid import SendGridProvider
from tests.providers.mails import SEND, account, mail
from tests.providers.phone import Phone

TEXT = Message("sms", address="+48501000111", body="Hello")


@asynccontextmanager
async def pointing_elsewhere(status: int) -> AsyncIterator[tuple[str, list[str]]]:
    """Run a server that leads every request to another path; give its address and the paths that were asked."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.path == "/elsewhere":
            return web.Response(status=202, headers={"X-Message-Id": "1"})
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/"), asked


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_mail_does_not_follow_a_redirect(phone: Phone, status: int) -> None:
    async with pointing_elsewhere(status) as (url, asked):
        with pytest.raises(Misconfigured, match="ORDERS_SENDGRID_BASE"):
            await SendGridProvider(account(url), store=phone.store).send(mail(), send_id=SEND)
    assert asked == ["/v3/mail/send"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_text_message_does_not_follow_a_redirect(phone: Phone, status: int) -> None:
    async with pointing_elsewhere(status) as (url, asked):
        with pytest.raises(Misconfigured, match="ORDERS_TWILIO_BASE"):
            await phone.provider(base=url).send(TEXT, send_id=SEND)
    assert [path.rpartition("/")[2] for path in asked] == ["Messages.json"]
