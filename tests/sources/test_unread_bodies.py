"""A call whose headers show that nobody signed it is refused before its body is read, whatever its length."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from activities.store.database import Store
from tests.gateway.calling import Caller
from tests.sources import test_payments_and_parcels as payments
from tests.sources.calls import VendorCall
from tests.sources.test_sendgrid import MINE, batch, public
from tests.sources.test_triggers import made
from tests.sources.test_twilio import TOKEN, signed

LENGTH = 60_000

LONG_AGO = time.time() - 3_600

#: Each source's call as its vendor signs it, and the same signed an hour ago where a signature tells the time.
CALLS: dict[str, Callable[[float], VendorCall]] = {
    "twilio": lambda _: signed("/hooks/twilio/message", Body="hello"),
    "sendgrid": lambda at: batch(at=at),
    "inbound": lambda at: replace(batch(at=at), path="/hooks/sendgrid/inbound"),
    "stripe": lambda at: payments.stripe_call(payments.paid(), at=at),
    "standard": lambda at: payments.standard_call("/hooks/payments", {}, at=datetime.fromtimestamp(at, UTC)),
    "aftership": lambda _: payments.parcel("InTransit"),
}

#: What of a signature is wrong at first sight.
WRONG: dict[str, Callable[[VendorCall], VendorCall]] = {
    "missing": lambda call: call.with_header(None),
    "empty": lambda call: call.with_header(""),
    "too short": lambda call: call.with_header(call.headers[call.signature][:20]),
    "not ASCII": lambda call: call.with_header("\u017c\u00f3\u0142w" * 11),
}


@pytest.fixture
def accounts() -> dict[str, str]:
    return {
        "ORDERS_TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
        "ORDERS_TWILIO_AUTH_TOKEN": TOKEN,
        "ORDERS_SENDGRID_API_KEY": "SG.key",
        "ORDERS_SENDGRID_EVENTS_KEY": public(MINE),
        "ORDERS_INBOUND_KEY": public(MINE),
        "ORDERS_STRIPE_WEBHOOK_SECRET": payments.STRIPE,
        "ORDERS_HOOKS_PAYMENTS": payments.STANDARD,
        "ORDERS_HOOKS_AFTERSHIP": payments.PARCELS,
    }


async def answered_unread(caller: Caller, call: VendorCall, *, length: int = LENGTH) -> int:
    """Send the headers of a call and not a byte of the body that they announce; return the answer's status."""
    address = urlsplit(caller.url)
    lines = [f"POST {call.path} HTTP/1.1", f"Host: {address.netloc}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in call.headers.items()]
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode())
        return int((await reader.readline()).split()[1])  # a gateway that waits for the body never answers
    finally:
        writer.close()


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("source", CALLS)
async def test_what_cannot_be_signed_is_refused_unread(caller: Caller, source: str, wrong: str) -> None:
    """Covers case 33."""
    assert await answered_unread(caller, WRONG[wrong](CALLS[source](time.time()))) == 403


@pytest.mark.parametrize("source", ["sendgrid", "inbound", "stripe", "standard"])
async def test_what_was_signed_long_ago_is_refused_unread(caller: Caller, source: str) -> None:
    """Covers case 33."""
    assert await answered_unread(caller, CALLS[source](LONG_AGO)) == 403


async def test_a_signed_trigger_without_a_signature_is_refused_unread(caller: Caller, store: Store) -> None:
    """Covers T16."""
    code, _ = await made(store, is_signed=True)
    call = VendorCall(f"/hooks/trigger/{code}?target=ORDER_1001", b"", {}, "webhook-signature")
    assert await answered_unread(caller, call) == 403


async def test_a_large_mail_that_nobody_signed_takes_no_room(caller: Caller) -> None:
    """Thirty megabytes are announced; the gateway waits for none of them."""
    call = CALLS["inbound"](LONG_AGO)
    assert await answered_unread(caller, call, length=30 * 1024 * 1024) == 403
