"""What `orders doctor` finds from outside: each source is asked by the public address, as its vendor would."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from activities.runtime.tokens import Tokens
from activities.store import parked
from activities.store.database import Store
from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from starter.gateway.serving import listening
from tests.chaos.parts import free_port
from tests.commands.running import Orders
from tests.gateway.conftest import no_temporal, parts, published, settings, store
from tests.support.temporal import temporal_client, temporal_server

__all__ = ["no_temporal", "parts", "published", "settings", "store", "temporal_client", "temporal_server"]

PUBLIC_KEY = b64encode(
    generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
SECRET = "whsec_" + b64encode(b"s" * 24).decode()

ACCOUNTS = {
    "ORDERS_TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "ORDERS_TWILIO_AUTH_TOKEN": "12345",
    "ORDERS_SENDGRID_API_KEY": "SG.key",
    "ORDERS_SENDGRID_EVENTS_KEY": PUBLIC_KEY,
    "ORDERS_INBOUND_CODE": "c" * 24,
    "ORDERS_STRIPE_WEBHOOK_SECRET": "whsec_stripe",
    "ORDERS_HOOKS_PAYMENTS": SECRET,
    "ORDERS_HOOKS_ORDERS": SECRET,
    "ORDERS_HOOKS_AFTERSHIP": "aftership",
}

VENDORS = ("Twilio", "SendGrid", "Inbound Parse", "Stripe", "signed webhooks")


@dataclass(frozen=True)
class Place:
    """Where a gateway runs with the accounts, beside the store that the doctor looks at."""

    url: str
    folder: Path

    async def doctor(self, **changed: str) -> dict[str, Any]:
        """Ask the doctor with the same settings, but for those given; return the findings by name."""
        own = {"ORDERS_PUBLIC_URL": self.url, "ORDERS_TOKEN_KEYS": "k" * 32, "ORDERS_TWILIO_BASE": self.url}
        given = ACCOUNTS | own | {"ORDERS_SENDGRID_BASE": self.url} | changed
        ended = await asyncio.to_thread(Orders(self.folder), "doctor", "--json", env=given)
        return {finding["what"]: finding for finding in ended.json}


@pytest_asyncio.fixture
async def place(parts: Parts, tmp_path: Path) -> AsyncIterator[Place]:
    """Run the gateway under its public address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    known = parts.settings.model_copy(update={"public_url": url})
    app = create_app(replace(parts, settings=known, environment=ACCOUNTS, tokens=Tokens(["k" * 32])))
    async with listening(app, host="127.0.0.1", port=port):
        yield Place(url, tmp_path)


async def test_what_the_doctor_asks_unsigned_is_counted_as_is_said(place: Place) -> None:
    before = await refused(place)
    await place.doctor()
    after = await refused(place)
    assert {source: after[source] - before.get(source, 0) for source in after} == {
        source: float(source in ("sendgrid", "mail")) for source in after
    }
    assert "each orders doctor adds one to sendgrid and one to mail" in await figures(place)


async def figures(place: Place) -> str:
    """Read the gateway's figures as Prometheus does."""
    async with ClientSession() as session, session.get(f"{place.url}/metrics") as answer:
        return await answer.text()


async def refused(place: Place) -> dict[str, float]:
    lines = [line for line in (await figures(place)).splitlines() if line.startswith("orders_refused_calls_total{")]
    return {line.split('"')[1]: float(line.rpartition(" ")[2]) for line in lines}


async def test_every_source_is_asked_as_its_vendor_would_and_nothing_is_kept(place: Place, store: Store) -> None:
    found = await place.doctor()
    for vendor in VENDORS:
        assert found[vendor]["is_good"], found[vendor]
        assert "the gateway knows it" in found[vendor]["words"]
    assert f"destination: {place.url}/hooks/sendgrid/inbound?code=YOUR_ORDERS_INBOUND_CODE" in str(found)
    assert ACCOUNTS["ORDERS_INBOUND_CODE"] not in str(found)
    assert found["clock"]["words"] == "it agrees with that of 127.0.0.1"
    async with store.read() as tx:
        assert (await parked.page(tx, now=datetime.now(UTC))).items == []


@pytest.mark.parametrize(
    ("vendor", "setting", "value"),
    [
        ("Twilio", "ORDERS_TWILIO_AUTH_TOKEN", "another"),
        ("Stripe", "ORDERS_STRIPE_WEBHOOK_SECRET", "whsec_another"),
        ("signed webhooks", "ORDERS_HOOKS_PAYMENTS", "whsec_" + b64encode(b"o" * 24).decode()),
        ("signed webhooks", "ORDERS_HOOKS_AFTERSHIP", "another"),
    ],
)
async def test_a_key_that_the_gateway_does_not_have_is_found(
    place: Place, vendor: str, setting: str, value: str
) -> None:
    finding = (await place.doctor(**{setting: value}))[vendor]
    assert not finding["is_good"]
    assert "refuses what is signed with this machine's settings" in finding["words"]
    assert setting in finding["help"]
    assert value not in str(finding)


async def test_a_source_that_the_gateway_does_not_know_is_found(place: Place) -> None:
    finding = (await place.doctor(ORDERS_HOOKS_SHIPMENTS=SECRET))["signed webhooks"]
    assert finding["words"].endswith("/hooks/shipments answers 404: the gateway there does not know this source")
    assert "start the gateway with ORDERS_HOOKS_SHIPMENTS" in finding["help"]


@pytest.mark.parametrize(
    ("vendor", "setting", "value", "words"),
    [
        ("SendGrid", "ORDERS_SENDGRID_EVENTS_KEY", "abc", "not the public key"),
        ("Inbound Parse", "ORDERS_INBOUND_KEY", b64encode(b"key").decode(), "not the public key"),
        ("signed webhooks", "ORDERS_HOOKS_ORDERS", "whsec_!", "not a secret of Standard Webhooks"),
        ("mailbox", "ORDERS_IMAP_USER", "anna", "it is missing"),
        ("mail server", "ORDERS_SMTP_2_HOST", "", ""),
    ],
)
async def test_a_key_that_cannot_verify_anything_is_named(
    place: Place, vendor: str, setting: str, value: str, words: str
) -> None:
    if vendor == "mail server":  # the second of two servers, which would send its password in the clear
        more = {"ORDERS_SMTP_HOST": "one.example", setting: "two.example", "ORDERS_SMTP_2_TLS": "none"}
        found = await place.doctor(**more, ORDERS_SMTP_2_USER="anna", ORDERS_SMTP_2_PASSWORD="secret")
        assert found[vendor]["help"] == "correct ORDERS_SMTP_2_TLS"
        return
    finding = (await place.doctor(**{setting: value}))[vendor]
    assert not finding["is_good"]
    assert words in finding["words"]
    assert finding["help"].startswith("correct ORDERS_")


async def test_a_mailbox_that_does_not_open_is_found(place: Place) -> None:
    account = {"HOST": "127.0.0.1", "PORT": "9", "USER": "anna", "PASSWORD": "secret", "TLS": "none"}
    finding = (await place.doctor(**{f"ORDERS_IMAP_{name}": value for name, value in account.items()}))["mailbox"]
    assert (finding["is_good"], "polls it in vain" in finding["words"]) == (False, True)


async def test_a_public_address_of_this_machine_alone_is_a_warning(place: Place) -> None:
    finding = (await place.doctor())["public address"]
    assert (finding["is_good"], finding["is_warning"]) == (True, True)
    assert "only on this machine" in finding["words"]


@asynccontextmanager
async def elsewhere(**headers: str) -> AsyncIterator[str]:
    """Serve something that is not our gateway; with a `Location`, a redirect."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=301 if "Location" in headers else 200, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield "http://127.0.0.1:{1}".format(*runner.addresses[0])
    await runner.cleanup()


async def test_clocks_that_differ_are_told(place: Place) -> None:
    """Covers case 50."""
    async with elsewhere(Date="Mon, 02 Nov 2020 10:00:00 GMT") as url:
        vendors = await place.doctor(ORDERS_TWILIO_BASE=url)
        own = await place.doctor(ORDERS_PUBLIC_URL=url)
    assert not vendors["clock"]["is_good"]
    assert "s from that of 127.0.0.1" in vendors["clock"]["words"]
    assert not own["public address"]["is_good"]
    assert "its clock is" in own["public address"]["words"]


async def test_an_address_that_leads_elsewhere_is_told(place: Place) -> None:
    async with elsewhere(Location=place.url) as url:
        finding = (await place.doctor(ORDERS_PUBLIC_URL=url))["public address"]
    assert (finding["is_good"], "answers 301" in finding["words"]) == (False, True)
    assert "enter the final address" in finding["help"]
