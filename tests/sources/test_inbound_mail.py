"""Mails that customers write, over SendGrid's Inbound Parse: whatever their shape, none is refused, and none lies."""

import asyncio
import json
from uuid import UUID

import aiohttp
import pytest

from activities.store import journal, timeline
from activities.store.database import Store
from starter import mails
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.sources.sending import claimed
from tests.sources.test_payments_and_parcels import parked
from workflows.contracts.ids import OrderKey

KEY, OTHER = OrderKey(shop="shop", number="1001"), OrderKey(shop="shop", number="1002")
CODE = "c" * 24
ANNA = "anna@customer.example"

MAIL = """\
From: Anna <Anna@Customer.example>
To: Shop <shop@example.com>
Subject: Where is my order?
Message-ID: <m1@customer.example>
Date: Fri, 20 Nov 2026 10:00:00 +0100
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Zażółć gęślą jaźń
"""


@pytest.fixture
def accounts() -> dict[str, str]:
    return {"ORDERS_INBOUND_CODE": CODE}


async def post(
    caller: Caller,
    raw: bytes | None,
    *,
    spf: str = "pass",
    envelope: str = '{"from": "anna@customer.example", "to": ["shop@example.com"]}',
    code: str = CODE,
    fields: dict[str, str] | None = None,
) -> int:
    """Send a mail as Inbound Parse does."""
    form = aiohttp.FormData()
    for name, value in {"SPF": spf, "envelope": envelope, **(fields or {})}.items():
        form.add_field(name, value)
    if raw is not None:
        form.add_field("email", raw, filename="mail.eml", content_type="message/rfc822")
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{caller.url}/hooks/sendgrid/inbound?code={code}", data=form) as response,
    ):
        return response.status


async def known(caller: Caller, *numbers: str) -> None:
    for number in numbers or ("1001",):
        await caller.created(number, customer={"id": "anna", "first_name": "Anna", "emails": [{"email": ANNA}]})


async def events(store: Store, key: OrderKey = KEY) -> list[tuple[str, dict[str, object]]]:
    async with store.read() as tx:
        return [(event.type, event.data) for event in (await journal.events_of(tx, key)).items][1:]


async def test_a_mail_of_the_customer_is_told_to_their_orders(caller: Caller, store: Store) -> None:
    """Covers T02."""
    await known(caller)
    for _ in range(2):
        assert await post(caller, MAIL.encode()) == 200
    told = {"mailbox": "shop@example.com", "subject": "Where is my order?"}
    assert await events(store) == [("email.received", told)]


async def test_an_answer_to_our_mail_goes_to_that_order_alone(caller: Caller, store: Store) -> None:
    """Covers T02 and M56."""
    await known(caller, "1001", "1002")
    send_id = await claimed(store, key=OTHER, channel="email", address=ANNA, provider="smtp")
    assert await post(caller, f"In-Reply-To: <{send_id}@example.com>\n{MAIL}".encode()) == 200
    assert await events(store) == []
    assert len(await events(store, OTHER)) == 1


@pytest.mark.parametrize(
    ("header", "spf", "envelope", "why"),
    [
        ("Auto-Submitted: auto-replied\n", "pass", ANNA, "a machine wrote it"),
        ("Precedence: bulk\n", "pass", ANNA, "a machine wrote it"),
        ("List-Id: <news.example>\n", "pass", ANNA, "a machine wrote it"),
        ("", "pass", "", "a machine wrote it"),
        ("", "fail", ANNA, "its sender is not proved"),
        ("", "softfail", ANNA, "its sender is not proved"),
    ],
    ids=["auto reply", "bulk", "list", "bounce", "spoofed", "soft fail"],
)
async def test_what_machines_and_forgers_write_moves_nothing_and_is_shown(
    caller: Caller, store: Store, header: str, spf: str, envelope: str, why: str
) -> None:
    """Covers cases 42 and 43."""
    await known(caller)
    assert await post(caller, (header + MAIL).encode(), spf=spf, envelope=json.dumps({"from": envelope})) == 200
    assert await events(store) == []
    assert [problem.partition(":")[0] for problem in await parked(store)] == [why]
    async with store.read() as tx:
        lines = [line.text for line in (await timeline.page(tx, KEY)).items]
    assert any(why in line for line in lines)


@pytest.mark.parametrize("code", ["", "wrong", "c" * 23, "ż"])
async def test_a_call_without_the_code_is_refused(caller: Caller, store: Store, code: str) -> None:
    """Covers case 33."""
    await known(caller)
    assert await post(caller, MAIL.encode(), code=code) == 403
    assert await events(store) == []


async def test_without_an_account_there_is_no_such_source(serve, plain_parts: Parts) -> None:
    assert await post(await serve(plain_parts), MAIL.encode()) == 404


def _large() -> bytes:
    html = "<p>" + "x" * 1_200_000 + "</p>"
    return MAIL.replace("text/plain", "text/html").replace("Zażółć gęślą jaźń", html).encode()


@pytest.mark.parametrize(
    "raw",
    [
        _large(),
        MAIL.replace("charset=utf-8", "charset=windows-1251").encode("utf-8"),
        MAIL.replace("charset=utf-8", "charset=klingon").encode(),
        MAIL.replace("text/plain; charset=utf-8", "multipart/mixed; boundary=b").encode() + b"--b\r\nContent-Ty",
        MAIL.replace("text/plain; charset=utf-8", "multipart/mixed").encode(),
        MAIL.replace("Subject: Where is my order?", "Subject: =?utf-8?b?%%%?=").encode(),
        MAIL.replace("Date: Fri, 20 Nov 2026", "Date: Blursday").encode(),
    ],
    ids=["1.2 MB of HTML", "windows-1251", "unknown charset", "cut off", "no boundary", "broken subject", "no date"],
)
async def test_a_mail_of_any_shape_arrives(caller: Caller, store: Store, raw: bytes) -> None:
    """Covers case 41."""
    await known(caller)
    assert await post(caller, raw) == 200
    assert [event for event, _ in await events(store)] == ["email.received"]


async def test_a_thousand_fields_are_no_reason_to_lose_a_mail(caller: Caller, store: Store) -> None:
    """Covers case 41."""
    await known(caller)
    fields = {f"attachment{number}": "x" for number in range(1_001)}
    assert await post(caller, MAIL.encode(), fields=fields) == 200
    assert len(await events(store)) == 1


async def test_sendgrids_own_fields_make_a_mail_too(caller: Caller, store: Store) -> None:
    headers, _, text = MAIL.partition("\n\n")
    await known(caller)
    assert (
        await post(caller, None, fields={"headers": headers, "text": text, "dkim": "{@customer.example : pass}"}) == 200
    )
    assert [data["subject"] for _, data in await events(store)] == ["Where is my order?"]


@pytest.mark.parametrize("raw", [b"", b"garbage", b"\x00" * 64, b"--b--"], ids=repr)
async def test_a_call_that_holds_no_mail_is_kept(caller: Caller, store: Store, raw: bytes) -> None:
    """Covers cases 39 and 41: a cut-off body reads as one without fields."""
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{caller.url}/hooks/sendgrid/inbound?code={CODE}", data=raw, headers=headers) as response,
    ):
        assert response.status == 200
    assert await parked(store) == ["the call cannot be read"]


async def test_fifty_copies_of_a_mail_are_one(caller: Caller, store: Store) -> None:
    """Covers case 31."""
    await known(caller)
    answers = await asyncio.gather(*(post(caller, MAIL.encode()) for _ in range(50)))
    assert set(answers) == {200}
    assert len(await events(store)) == 1


def test_names_of_attachments_lead_nowhere() -> None:
    """Covers case 41."""
    raw = (
        MAIL.replace("text/plain; charset=utf-8", "multipart/mixed; boundary=b").partition("\n\n")[0]
        + '\n\n--b\nContent-Type: application/pdf; name="x"\n'
        + 'Content-Disposition: attachment; filename="../../etc/x.pdf"\n\n%PDF\n--b--\n'
    )
    assert mails.read(raw.encode()).files == ("x.pdf",)


def test_the_id_of_a_send_is_found_in_what_a_mail_answers_to() -> None:
    id = UUID("6f1a4f0e-3a43-5d0c-9a55-0f8b1c1f7a10")
    assert mails.read(f"References: <x@y> <{id}@shop.example>\n{MAIL}".encode()).sends == (id,)
