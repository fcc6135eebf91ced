"""Who is counted as one where there are no keys: addresses of every kind, as the server tells them of a connection."""

import json
from dataclasses import replace

import pytest
from fastapi import FastAPI
from starlette.types import Message

from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from tests.gateway.filling import TOKENS


@pytest.fixture
def app(parts: Parts) -> FastAPI:
    """A gateway on which each may open one page a minute."""
    settings = parts.settings.model_copy(update={"page_rate_per_minute": 1})
    return create_app(replace(parts, settings=settings, tokens=TOKENS))


async def opened(app: FastAPI, host: str | None) -> tuple[int, bytes]:
    """Open a link that leads nowhere, from an address; a machine of one network alone cannot do so over TCP."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/l/none",
        "raw_path": b"/l/none",
        "query_string": b"",
        "headers": [],
        "client": (host, 50_000) if host is not None else None,
        "server": ("testserver", 80),
        "scheme": "http",
        "root_path": "",
    }
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        pytest.param("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True, id="one network of IPv6"),
        pytest.param("2001:db8:1:2::1", "2001:DB8:1:2:0:0:0:1", True, id="one address, written in two ways"),
        pytest.param("2001:db8:1:2::1", "2001:db8:1:3::1", False, id="two networks of IPv6"),
        pytest.param("fe80::1%eth0", "fe80::2%eth0", True, id="one link"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", True, id="one address of IPv4"),
        pytest.param("::ffff:192.0.2.1", "::ffff:192.0.2.2", False, id="two addresses of IPv4 within IPv6"),
        pytest.param("192.0.2.1", "192.0.2.2", False, id="two addresses of IPv4"),
        pytest.param(None, None, True, id="a socket of this machine"),
    ],
)
async def test_who_may_open_as_much_as_one(app: FastAPI, first: str | None, second: str | None, is_one: bool) -> None:
    """A host takes as many addresses of its IPv6 network as it likes, so the network is counted."""
    assert (await opened(app, first))[0] == 404
    assert (await opened(app, second))[0] == (429 if is_one else 404)


async def test_who_has_no_key_is_told_of_none(app: FastAPI) -> None:
    await opened(app, "192.0.2.1")
    _, body = await opened(app, "192.0.2.1")
    problem = json.loads(body)
    assert problem["code"] == "too-many-requests"
    assert problem["detail"].startswith("Too many requests; send the next one in ")
