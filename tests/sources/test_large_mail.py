"""Mails of many megabytes over Inbound Parse: they hold nobody up, are signed like others, and are kept in part."""

import asyncio
import base64
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import text

from activities.runtime.settings import Settings
from activities.store import journal, orders
from activities.store.database import Store
from activities.store.records import NewOrder
from starter.gateway.apart import LARGE, Apart
from starter.gateway.hooks import MOST_KEPT
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve, url_of
from tests.sources.test_inbound_mail import ANNA, CODE, KEY, MAIL
from tests.support.postgres import Postgres, postgres_server

_T = TypeVar("_T")

MINE, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

_KEPT = text("SELECT length(raw), raw FROM events WHERE source = 'mail' ORDER BY seq")


def _public(key: ec.EllipticCurvePrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@pytest.fixture(params=["code", "key"])
def accounts(request: pytest.FixtureRequest) -> dict[str, str]:
    """The two ways in which SendGrid proves itself."""
    return {"ORDERS_INBOUND_CODE": CODE} if request.param == "code" else {"ORDERS_INBOUND_KEY": _public(MINE)}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres").emptied_url())
    shutil.copy(request.getfixturevalue("published"), tmp_path / "orders.db")
    return url_of(tmp_path / "orders.db")


@pytest_asyncio.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """An open store, in which Anna has an order."""
    store = await Store.open(url)
    async with store.write() as tx:
        whose = {"id": "anna", "first_name": "Anna", "emails": [{"email": ANNA}]}
        order = NewOrder.model_validate({"number": KEY.number, "total": "9.00", "customer": whose})
        await orders.create(tx, order, now=datetime.now(UTC))
    yield store
    await store.close()


@pytest.fixture
def settings(url: str) -> Settings:
    return Settings(store_url=url, gateway_port=0)


async def events(store: Store) -> list[tuple[str, dict[str, object]]]:
    async with store.read() as tx:
        return [(event.type, event.data) for event in (await journal.events_of(tx, KEY)).items]


class _Held(Apart):
    """Holds large work up, where it is done, until it is told to go on; only a free event loop tells."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.told = threading.Event()

    async def run(self, work: Callable[[], Coroutine[Any, Any, _T]], *, size: int) -> _T:
        if size <= LARGE:
            return await super().run(work, size=size)

        async def held() -> _T:
            assert self.told.wait(60), "the event loop itself is held up"
            return await work()

        self.begun.set()
        return await super().run(held, size=size)


@dataclass(frozen=True)
class _HeldParts(Parts):
    """A gateway whose large work is held up."""

    held: _Held = field(default_factory=_Held)

    @property
    def apart(self) -> _Held:  # type: ignore[override]  # it is made once per gateway, too
        return self.held


async def post(caller: Caller, mail: bytes, *, key: ec.EllipticCurvePrivateKey = MINE) -> int:
    """Send a mail as Inbound Parse does."""
    told = {b"SPF": b"pass", b"envelope": f'{{"from": "{ANNA}"}}'.encode(), b"email": mail}
    head = b'--b0undary\r\nContent-Disposition: form-data; name="'
    body = b"".join(head + name + b'"\r\n\r\n' + value + b"\r\n" for name, value in told.items()) + b"--b0undary--\r\n"
    return await send(caller, body, key=key)


async def send(caller: Caller, body: bytes, *, key: ec.EllipticCurvePrivateKey = MINE) -> int:
    """Send a call, signed and with the code."""
    moment = str(int(time.time()))
    headers = {
        "Content-Type": "multipart/form-data; boundary=b0undary",
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(
            key.sign(moment.encode() + body, ec.ECDSA(SHA256()))
        ).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": moment,
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{caller.url}/hooks/sendgrid/inbound?code={CODE}", data=body, headers=headers) as response,
    ):
        return response.status


async def test_others_are_answered_while_a_large_mail_is_read(serve: Serve, parts: Parts, store: Store) -> None:
    """What is done with it waits for the answers to others, small mails among them."""
    gateway = _HeldParts(**{one.name: getattr(parts, one.name) for one in fields(Parts)})
    caller = await serve(gateway)
    large = asyncio.create_task(post(caller, MAIL.replace("<m1@", "<m2@").encode() + b"x" * LARGE))
    begun = asyncio.create_task(gateway.held.begun.wait())
    await asyncio.wait((large, begun), return_when=asyncio.FIRST_COMPLETED)
    assert begun.done(), "the large mail was read where others wait for it"

    assert (await caller.get("/healthz")).status == 200
    assert await post(caller, MAIL.encode()) == 200
    assert not large.done()
    gateway.held.told.set()
    assert await large == 200
    assert [type for type, _ in await events(store)] == ["email.received"] * 2


async def test_of_a_large_mail_the_beginning_is_kept(caller: Caller, store: Store) -> None:
    """20 MB, whose headers and text come first; what was read of it is the event's."""
    assert await post(caller, MAIL.encode() + b"a line of a very long mail\n" * 800_000) == 200
    assert await events(store) == [("email.received", {"mailbox": "shop@example.com", "subject": "Where is my order?"})]
    async with store.read() as tx:
        [(length, raw)] = await tx.rows(_KEPT)
    assert length == MOST_KEPT
    assert MAIL.encode() in raw


async def test_several_large_mails_at_once_all_arrive(caller: Caller, store: Store) -> None:
    mails = [MAIL.replace("<m1@", f"<large{number}@").encode() + b"x" * 1_000_000 for number in range(8)]
    assert await asyncio.gather(*(post(caller, mail) for mail in mails)) == [200] * 8
    assert len(await events(store)) == 8


async def test_a_large_call_that_holds_no_mail_is_kept(caller: Caller, store: Store) -> None:
    """Covers case 41: two that differ behind what is kept are two."""
    for end in (b"1", b"2"):
        assert await send(caller, b"x" * MOST_KEPT + end) == 200
    async with store.read() as tx:
        assert len(await tx.rows(_KEPT)) == 2


@pytest.mark.parametrize("accounts", ["key"], indirect=True)
async def test_a_large_mail_that_another_signed_is_refused(caller: Caller, store: Store) -> None:
    """Covers case 33."""
    assert await post(caller, MAIL.encode() + b"x" * LARGE, key=OTHER) == 403
    async with store.read() as tx:
        assert not await tx.rows(_KEPT)
