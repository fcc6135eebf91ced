"""Mails as raw MIME and in SendGrid's forms: something always comes out of them, for little work and memory."""

from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from starter import mails
from tests.fuzz.conftest import INBOUND, House
from tests.fuzz.hostile import forms, fuzzed, spliced, worst_forms
from tests.fuzz.work import MEGABYTE, bounded, peak
from tests.sources.test_inbound_mail import MAIL

MULTIPART = b"""\
From: =?utf-8?b?QW5uYQ==?= <anna@customer.example>
To: Shop <shop@example.com>, "a, b" <c@example.com>
Subject: =?iso-8859-2?q?Zam=F3wienie?=
In-Reply-To: <6f1a4f0e-3a43-5d0c-9a55-0f8b1c1f7a10@shop.example>
Authentication-Results: mx.example; spf=pass smtp.mailfrom=anna; dkim=pass (2048)
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain; charset=iso-8859-2
Content-Transfer-Encoding: quoted-printable

Zam=F3wienie
--b
Content-Type: application/pdf; name*0*=utf-8''a%20; name*1=b.pdf
Content-Disposition: attachment; filename="=?utf-8?q?b.pdf?="
Content-Transfer-Encoding: base64

JVBERg==
--b
Content-Type: message/rfc822

Subject: inner

text
--b--
"""

SIZE = 40_000


def _header(name: str, value: str) -> bytes:
    return f"From: a@b.example\nTo: c@d.example\n{name}: {value}\n\nx\n".encode()


HOSTILE: dict[str, bytes] = {
    "comments in the sender": _header("From", "(" * SIZE),
    "quotes in the sender": _header("From", '"a" ' * (SIZE // 4) + "<a@b.example>"),
    "dots in the sender": _header("From", "a." * (SIZE // 2) + "@b.example"),
    "a long sender": _header("Reply-To", "a" * SIZE + "@b.example"),
    "recipients": _header("Cc", "a@b.c, " * (SIZE // 7)),
    "groups": _header("Cc", "a:" * (SIZE // 2)),
    "brackets": _header("Cc", "<" * SIZE),
    "encoded words": _header("Subject", "=?utf-8?q?a?= " * (SIZE // 14)),
    "open words": _header("Subject", "=?utf-8?q?" * (SIZE // 10)),
    "folds": _header("Subject", "\n a" * (SIZE // 3)),
    "references": _header("References", "<6f1a4f0e-3a43-5d0c-9a55-0f8b1c1f7a10@x> " * (SIZE // 42)),
    "an open id": _header("Message-ID", "<a.b@" + "[" * SIZE),
    "results": _header("Authentication-Results", "spf" + " " * SIZE + "dkim = " * (SIZE // 7)),
    "parameters": _header("Content-Type", "text/plain" + "; a=b" * (SIZE // 5)),
    "numbered parameters": _header("Content-Type", "text/plain" + "".join(f"; a*{n}*=x" for n in range(SIZE // 9))),
    "a parameter that is cut off": _header("Content-Type", "text/plain; a*0"),
    "a parameter of a part that is cut off": b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
    b"--b\nContent-Type: text/plain; name*0\nContent-Disposition: attachment; filename*0\n\nx\n--b--\n",
    "quotes in the results": _header("Authentication-Results", 'mx.example; spf=pass "' + '\\"' * (SIZE // 2)),
    "comments in the type": _header("Content-Type", "text/plain" + "(" * SIZE),
    "comments in the encoding": _header("Content-Transfer-Encoding", "(" * SIZE),
    "parameters of a name": _header("Content-Disposition", "attachment" + "; filename*0*=x" * (SIZE // 15)),
    "comments in the date": _header("Date", "(" * SIZE),
    "headers": b"X: y\n" * (SIZE // 5) + b"\nx",
    "parts": b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * (SIZE // 7),
    "parts with parameters": b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
    + (b"--b\nContent-Type: text/plain" + b"; a=b" * 700 + b"\n\nx\n") * (SIZE // 3_500),
    "parts inside parts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(SIZE // 60)
    ),
    "mails inside mails": b"Content-Type: message/rfc822\n\n" * (SIZE // 30),
    "no base64": b"Content-Transfer-Encoding: base64\n\n" + b"=\n" * (SIZE // 2),
    "a codec that is none of text": b"Content-Type: text/plain; charset=bz2\n\n" + b"z" * SIZE,
    "punycode": b"Content-Type: text/plain; charset=punycode\n\n" + b"z" * MEGABYTE,
    "NUL": b"\0" * SIZE,
}


@fuzzed
@given(raw=spliced(MAIL.encode(), MULTIPART) | st.binary(max_size=200))
@example(b"Content-Type: ;\n\n")
@example(b"From: @\nTo: ,,;:\nDate: 1 Jan 99999999999 0:0:0 +999999\n\n")
def test_something_comes_out_of_any_mail(raw: bytes) -> None:
    mail = mails.read(raw, servers=("mx.example",))
    assert 1 <= len(mail.id) <= 150
    assert len(mail.subject) <= 500
    assert len(mail.text) <= 10_000
    assert len(mail.recipients) <= 50
    assert all("/" not in name and "\\" not in name for name in mail.files)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_takes_little_work_and_memory(name: str) -> None:
    raw = HOSTILE[name]
    bounded(lambda: mails.read(raw), calls=1_500_000)
    assert peak(lambda: mails.read(raw)) < 20 * MEGABYTE


FORM = {
    "envelope": '{"from": "anna@customer.example", "to": ["shop@example.com"]}',
    "SPF": "pass",
    "dkim": "{@customer.example : pass}",
    "email": MAIL,
}
ENDS = ("--\r\n", "", "-")
FIELDS = {**{name: text for name, text in FORM.items() if name != "email"}, "headers": MAIL, "text": "Hello"}


@fuzzed
@given(
    form=forms(FORM, FIELDS), ends=st.sampled_from(["--\r\n", "", "-"]), charset=st.sampled_from(["", "; charset=x"])
)
def test_inbound_forms(house: House, form: dict[str, str], ends: str, charset: str) -> None:
    assert _posted(house, _multipart(form, ends=ends, charset=charset)) == 200


@fuzzed
@given(data=st.data())
def test_inbound_bodies(house: House, data: st.DataObject) -> None:
    assert _posted(house, data.draw(spliced(_multipart(FORM, ends="--\r\n"), b"--b\r\n" + MULTIPART))) == 200


@pytest.mark.parametrize("seed", [FORM, FIELDS], ids=["raw", "fields"])
def test_every_field_of_inbound_forms_at_its_worst(house: House, seed: dict[str, str]) -> None:
    answers = {words: _posted(house, _multipart(form, ends="--\r\n")) for words, form in worst_forms(seed)}
    assert {words: status for words, status in answers.items() if status != 200} == {}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_taken(house: House, name: str) -> None:
    raw = HOSTILE[name].decode("latin-1")
    assert _posted(house, _multipart({**FORM, "email": raw}, ends="--\r\n")) == 200


def _multipart(form: Mapping[str, str], *, ends: str, charset: str = "") -> bytes:
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\nContent-Type: text/plain%s\r\n\r\n%s\r\n'
        % (_name(name), charset.encode(), text.encode("utf-8", "surrogatepass"))
        for name, text in form.items()
    ]
    return b"".join(parts) + b"--b" + ends.encode()


def _name(name: str) -> bytes:
    return name.replace('"', "").replace("\r", "").replace("\n", "").encode("utf-8", "surrogatepass")


def _posted(house: House, body: bytes) -> int:
    path = f"/hooks/sendgrid/inbound?code={INBOUND}"
    return house.gateway.post(path, body, {"Content-Type": "multipart/form-data; boundary=b"})
