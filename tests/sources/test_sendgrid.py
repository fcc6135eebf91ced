"""SendGrid's events: verified, folded into the ledger, opens and clicks of people only."""

import asyncio
import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import text
from starlette.datastructures import Headers

from activities.store import journal, ledger, suppressions
from activities.store.database import Store
from activities.store.history import LedgerState
from starter.gateway.signatures import ecdsa
from tests.gateway.calling import Caller
from tests.sources.calls import BREAKAGES, VendorCall, send
from tests.sources.sending import claimed
from tests.sources.test_payments_and_parcels import parked
from workflows.contracts.ids import OrderKey

KEY = OrderKey(shop="shop", number="1001")
ANNA = "anna@customer.example"
MINE, BEFORE, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
PERSON = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari"


def public(key: ec.EllipticCurvePrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@pytest.fixture
def accounts() -> dict[str, str]:
    return {
        "ORDERS_SENDGRID_API_KEY": "SG.key",
        "ORDERS_SENDGRID_EVENTS_KEY": f"{public(MINE)},{public(BEFORE)}",
    }


def batch(*entries: Any, key: ec.EllipticCurvePrivateKey = MINE, at: float = 0) -> VendorCall:
    """Sign a batch as SendGrid does."""
    raw, moment = json.dumps(list(entries)).encode(), str(int(at or time.time()))
    signature = base64.b64encode(key.sign(moment.encode() + raw, ec.ECDSA(SHA256()))).decode()
    headers = {
        "Content-Type": "application/json",
        "X-Twilio-Email-Event-Webhook-Signature": signature,
        "X-Twilio-Email-Event-Webhook-Timestamp": moment,
    }
    return VendorCall("/hooks/sendgrid/events", raw, headers, "X-Twilio-Email-Event-Webhook-Signature")


def entry(name: str, *, send_id: UUID | None, id: str = "", at: float = 0, **more: Any) -> dict[str, Any]:
    told = {
        "event": name,
        "sg_event_id": id or f"{name}-{uuid4()}",
        "sg_message_id": "MSG1.recvd-1",
        "timestamp": int(at or time.time() + 60),
        "email": ANNA,
        **more,
    }
    return told if send_id is None else {**told, "send_id": str(send_id)}


@pytest.fixture
async def sent(caller: Caller, store: Store) -> UUID:
    """A mail to Anna that is on its way."""
    await caller.created("1001", customer={"id": "anna", "first_name": "Anna", "emails": [{"email": ANNA}]})
    return await claimed(store, key=KEY, channel="email", address=ANNA, provider="sendgrid")


async def events(store: Store) -> list[tuple[str, dict[str, object]]]:
    async with store.read() as tx:
        return [(event.type, event.data) for event in (await journal.events_of(tx, KEY)).items][1:]


def test_the_verifier_agrees_with_sendgrids_public_vector() -> None:
    """The vector of the official library's own tests."""
    key = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eN"
        "Ec6wEA3F+g=="
    )
    headers = Headers(
        {
            "X-Twilio-Email-Event-Webhook-Signature": (
                "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
            ),
            "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502",
        }
    )
    told = {
        "email": "hello@world.com",
        "event": "dropped",
        "reason": "Bounced Address",
        "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
        "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
        "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
        "timestamp": 1600112492,
    }
    raw = json.dumps([told], sort_keys=True, separators=(",", ":")).encode() + b"\r\n"
    now = datetime.fromtimestamp(1600112502, UTC)
    assert ecdsa(raw, headers=headers, keys=[key], now=now)
    assert not ecdsa(raw.strip(), headers=headers, keys=[key], now=now)
    assert not ecdsa(raw, headers=headers, keys=[key], now=now + timedelta(hours=1))


@pytest.mark.parametrize("name", BREAKAGES)
async def test_a_batch_with_a_wrong_signature_is_refused(caller: Caller, store: Store, sent: UUID, name: str) -> None:
    """Covers case 33."""
    call = batch(entry("open", send_id=sent, useragent=PERSON))
    assert (await send(caller, BREAKAGES[name](call)))[0] == 403
    assert await events(store) == []


@pytest.mark.parametrize(
    ("key", "apart", "status"),
    [(MINE, 0, 204), (BEFORE, 0, 204), (OTHER, 0, 403), (MINE, -400, 403), (MINE, 400, 403)],
    ids=["ours", "before", "other", "old", "future"],
)
async def test_keys_and_moments(caller: Caller, key: ec.EllipticCurvePrivateKey, apart: int, status: int) -> None:
    """Covers cases 33, 35 and 50."""
    assert (await send(caller, batch(key=key, at=time.time() + apart)))[0] == status


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (["processed", "delivered"], LedgerState.DELIVERED),
        (["delivered", "processed"], LedgerState.DELIVERED),
        (["delivered", "bounce"], LedgerState.FAILED),
        (["bounce", "delivered"], LedgerState.FAILED),
        (["deferred"], LedgerState.ACCEPTED),
        (["dropped"], LedgerState.FAILED),
    ],
)
async def test_what_became_of_a_mail(
    caller: Caller, store: Store, sent: UUID, told: list[str], state: LedgerState
) -> None:
    """Covers cases 11 and 32."""
    for name in told:
        assert (await send(caller, batch(entry(name, send_id=sent))))[0] == 204
    async with store.read() as tx:
        row = await ledger.row(tx, send_id=sent)
    assert row is not None
    assert (row.state, row.provider_id) == (state, "MSG1")


async def test_a_person_who_opens_and_clicks_is_told(caller: Caller, store: Store, sent: UUID) -> None:
    """Covers T04 and T05."""
    link = "https://shop.example/pay"
    opened = entry("open", send_id=sent, useragent=PERSON)
    clicked = entry("click", send_id=sent, useragent=PERSON, url=link)
    for _ in range(2):
        await send(caller, batch(entry("delivered", send_id=sent), opened, clicked))
    assert await events(store) == [
        ("email.viewed", {"rule": "message"}),
        ("email.link_clicked", {"rule": "message", "url": link}),
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"name": "open", "useragent": PERSON, "sg_machine_open": True},
        {"name": "open", "useragent": "Mozilla/5.0"},
        {"name": "click", "useragent": "Barracuda Sentinel (EE)", "url": "https://shop.example"},
        {"name": "click", "useragent": PERSON, "url": "https://shop.example", "at": 1_700_000_000},
    ],
    ids=["machine open", "privacy proxy", "scanner", "within two seconds"],
)
async def test_machines_count_for_nothing(caller: Caller, store: Store, sent: UUID, more: dict[str, Any]) -> None:
    """Covers case 44."""
    await send(caller, batch(entry(send_id=sent, **more)))
    assert await events(store) == []


@pytest.mark.parametrize(
    ("name", "more", "blocked"),
    [
        ("bounce", {"type": "bounce"}, True),
        ("bounce", {"type": "blocked"}, False),
        ("spamreport", {}, True),
        ("unsubscribe", {}, True),
        ("group_unsubscribe", {}, True),
        ("deferred", {}, False),
    ],
)
async def test_who_wants_no_more_mails_gets_none(
    caller: Caller, store: Store, sent: UUID, name: str, more: dict[str, Any], blocked: bool
) -> None:
    """Covers M63."""
    await send(caller, batch(entry(name, send_id=sent, **more)))
    async with store.read() as tx:
        assert await suppressions.is_suppressed(tx, channel="email", address=ANNA) is blocked


async def test_three_broken_events_of_a_thousand_cost_no_other(caller: Caller, store: Store, sent: UUID) -> None:
    """Covers case 40."""
    good = [entry("open", send_id=sent, id=f"o-{number}", useragent=PERSON) for number in range(397)]
    broken = ["nonsense", {"event": "open"}, {**entry("open", send_id=None), "send_id": "no id"}]
    assert (await send(caller, batch(*good[:200], *broken, *good[200:])))[0] == 204
    assert len(await parked(store)) == 3
    async with store.read() as tx:
        page = await journal.events_of(tx, KEY, limit=1_000)
    assert len(page.items) == 1 + 397


async def test_fifty_copies_of_a_batch_are_one(caller: Caller, store: Store, sent: UUID) -> None:
    """Covers case 31."""
    call = batch(entry("open", send_id=sent, useragent=PERSON), "nonsense")
    answers = await asyncio.gather(*(send(caller, call) for _ in range(50)))
    assert {status for status, _ in answers} == {204}
    assert len(await events(store)) == 1
    assert len(await parked(store)) == 1


async def test_each_event_keeps_its_own_part_of_a_batch(caller: Caller, store: Store, sent: UUID) -> None:
    """Covers E15: the rest is about other people, who may be erased."""
    opened = entry("open", send_id=sent, useragent=PERSON)
    call = batch(
        opened, entry("delivered", send_id=None, email="piotr@others.example"), {"email": "bea@others.example"}
    )
    assert (await send(caller, call))[0] == 204
    async with store.read() as tx:
        rows = await tx.rows(text("SELECT type, raw FROM events WHERE source = 'sendgrid' ORDER BY type"))
    assert [(row.type, json.loads(row.raw)) for row in rows] == [
        ("email.viewed", opened),
        ("sendgrid.unknown", {"email": "bea@others.example"}),
    ]
