"""A person is found in what was journalled, however it is written, and nobody is taken for them."""

import base64
import json
import quopri
from urllib.parse import quote, urlencode

import pytest

from activities.store.mentions import Mentions, unique

PHONE, MAILBOX, BROWSER = "+48501234567", "anna.b+shop@mail.example", "v-" + "1a" * 16

ANNA = Mentions(phones=[PHONE], emails=[MAILBOX], ids=[BROWSER])

_SAID = f"Zażółć, please ring me: 501 234 567. {'x' * 60}"

FOUND = {
    "number": PHONE,
    "number as people write it": "Call +48 501-234-567, please",
    "number without the country": "call (0) 501.234.567!",
    "number with zeros": "0048 501 234 567",
    "form of Twilio": urlencode({"From": PHONE, "Body": "hi"}),
    "form of WhatsApp": urlencode({"From": f"whatsapp:{PHONE}"}),
    "form of an address": urlencode({"email": MAILBOX}),
    "address in a link": f"https://shop.example/?who={quote(MAILBOX)}",
    "address in capitals": "From: Anna <ANNA.B+Shop@Mail.example>",
    "address at the end": f"write to {MAILBOX}.",
    "JSON": json.dumps({"to": MAILBOX}),
    "JSON with escapes": '{"to": "anna.b\\u002bshop\\u0040mail.example"}',
    "browser": f'{{"visitor": "{BROWSER}"}}',
    "quoted-printable": quopri.encodestring(f"Zażółć: {'-' * 60} {PHONE[:6]} {PHONE[6:]}".encode()).decode(),
    "quoted-printable address": "Zg=C5=82asza si=C4=99:\nanna.b+sh=\nop=40mail.example",
    "base64": base64.encodebytes(_SAID.encode()).decode(),
    "base64 that ends with it": base64.encodebytes(f"{'x' * 60} {PHONE}".encode()).decode(),
    "base64 in one line": base64.b64encode(_SAID.encode()).decode(),
}

OTHERS = {
    "longer number": "+485012345678",
    "part of a number": "order 9501234567, 5012345671",
    "part of an id": "sid=AC501234567ff",
    "other address": "xanna.b+shop@mail.example",
    "other domain": f"{MAILBOX}.pl",
    "her name": "Anna Kowalska",
    "nothing": "",
}


@pytest.mark.parametrize("raw", FOUND.values(), ids=FOUND.keys())
def test_a_person_is_found(raw: str) -> None:
    assert ANNA.are_in(raw.encode())


@pytest.mark.parametrize("raw", OTHERS.values(), ids=OTHERS.keys())
def test_others_are_not_taken_for_them(raw: str) -> None:
    assert not ANNA.are_in(raw.encode())


def test_the_data_of_an_event_is_looked_at_too() -> None:
    assert ANNA.are_in(b"", data={"fields": {"phone": "501 234 567"}})
    assert not ANNA.are_in(None, data={"fields": {"phone": "501 234 568"}})


def test_nobody_is_found_nowhere() -> None:
    assert not Mentions()
    assert not Mentions().are_in(b"anything", data={"a": 1})


def test_a_number_that_is_none_is_not_looked_for() -> None:
    assert not Mentions(phones=["4711"])


@pytest.mark.parametrize("raw", [b"A" * 3_000_000, b"=" * 500_000 + b"\n", b"+48 5" * 400_000, b"%" * 1_000_000])
def test_hostile_bodies_are_read_to_the_end(raw: bytes) -> None:
    """The suite's limit of time ends a search that goes wrong."""
    assert not ANNA.are_in(raw)


def test_only_ids_are_kept_as_ids() -> None:
    words = {"Transfer", "invoice of May 2026", "JJD0099", "00340434161094022115", BROWSER}
    assert unique(words) == ["00340434161094022115", BROWSER]
