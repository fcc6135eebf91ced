"""Who really wrote a mail: what proves one domain proves nothing of another's address in From. Covers T02, case 43."""

import json

import pytest

from activities.store.database import Store
from starter import mails
from tests.gateway.calling import Caller
from tests.sources.test_inbound_mail import MAIL, accounts, events, known, post
from tests.sources.test_payments_and_parcels import parked

__all__ = ["accounts"]


def enveloped(sender: str) -> str:
    return json.dumps({"from": sender, "to": ["shop@example.com"]})


@pytest.mark.parametrize(
    ("envelope", "spf", "dkim"),
    [
        pytest.param("anna@customer.example", "pass", "none", id="SPF"),
        pytest.param("bounces@mail.customer.example", "pass", "none", id="SPF of a domain below"),
        pytest.param("srs@forwarder.example", "fail", "{@customer.example : pass}", id="DKIM, forwarded"),
        pytest.param(
            "b@sender.example", "pass", "{@sender.example : pass, @customer.example : pass}", id="two signatures"
        ),
    ],
)
async def test_a_proved_sender_moves_their_order(
    caller: Caller, store: Store, envelope: str, spf: str, dkim: str
) -> None:
    await known(caller)
    assert await post(caller, MAIL.encode(), spf=spf, envelope=enveloped(envelope), fields={"dkim": dkim}) == 200
    assert [type for type, _ in await events(store)] == ["email.received"]


@pytest.mark.parametrize(
    ("envelope", "spf", "dkim"),
    [
        pytest.param("mallory@evil.example", "pass", "none", id="SPF of another domain"),
        pytest.param("mallory@evil.example", "fail", "{@evil.example : pass}", id="DKIM of another domain"),
        pytest.param("m@notcustomer.example", "pass", "none", id="a name that ends alike"),
        pytest.param("m@example", "pass", "{@example : pass}", id="the top level"),
        pytest.param("anna@customer.example", "fail", "{@customer.example : fail}", id="nothing passed"),
    ],
)
async def test_a_forged_from_moves_nothing_and_waits_for_a_person(
    caller: Caller, store: Store, envelope: str, spf: str, dkim: str
) -> None:
    await known(caller)
    assert await post(caller, MAIL.encode(), spf=spf, envelope=enveloped(envelope), fields={"dkim": dkim}) == 200
    assert await events(store) == []
    assert [problem.partition(":")[0] for problem in await parked(store)] == ["its sender is not proved"]


@pytest.mark.parametrize(
    ("results", "is_proved"),
    [
        ("mx.example; spf=pass smtp.mailfrom=anna@customer.example", True),
        ("mx.example; dkim=pass (2048-bit key; secure) header.d=customer.example header.i=@customer.example", True),
        ("mx.example; spf=fail smtp.mailfrom=a@x.example; dmarc=pass header.from=customer.example", True),
        ("MX.Example 1; spf = pass\n smtp.mailfrom = customer.example", True),
        ('"mx.example"; dkim/1=pass header.d="customer.example"', True),
        ("mx.example; spf=pass smtp.mailfrom=mallory@evil.example; dkim=pass header.d=evil.example", False),
        ("mx.example; spf=pass smtp.mailfrom=m@evil.example; dkim=fail header.d=customer.example", False),
        ("mx.example; spf=pass (says spf=pass header.d=customer.example) smtp.mailfrom=m@evil.example", False),
        ("mx.example; spf=pass (a (b) ; dkim=pass header.d=customer.example) smtp.mailfrom=m@evil.example", False),
        ('mx.example; spf=pass smtp.mailfrom="a; dkim=pass header.d=customer.example"@evil.example', False),
        ('mx.example; spf=pass smtp.mailfrom="anna@customer.example"@evil.example', False),
        ("mx.example; spf=pass smtp.mailfrom==?utf-8?q?a=3Bdkim=3Dpass_header.d=3Dcustomer.example?=@e.example", False),
        ("mx.example; spf=pass (open ; dkim=pass header.d=customer.example", False),
        ("mx.example; spf=pass smtp.helo=customer.example", False),
        ("mx.example; dkim=pass header.from=customer.example", False),
        ("mx.example; spf=pass" + " header.x=y" * 500 + "; dkim=pass header.d=customer.example", False),
        ("mx.example; spf=pass", False),
        ("mx.example; none", False),
        ("", False),
    ],
    ids=range(19),
)
def test_a_mailboxs_own_server_says_which_domain_is_proved(results: str, is_proved: bool) -> None:
    """Nothing that a sender chooses, such as the mailbox of the envelope, is taken for the server's word."""
    raw = f"Authentication-Results: {results}\n{MAIL}".encode()
    assert mails.read(raw, servers=("mx.example",)).is_proved == is_proved


HOP = "Received: from out.customer.example by mx.example; Fri, 20 Nov 2026 10:00:01 +0100\n"


def passed(server: str, domain: str = "customer.example") -> str:
    name = f"{server}; " if server else ""
    return f"Authentication-Results: {name}spf=pass smtp.mailfrom={domain}\n"


@pytest.mark.parametrize(
    ("servers", "headers", "is_proved"),
    [
        pytest.param(["mx.example"], HOP + passed("mx.example"), True, id="its own"),
        pytest.param(
            ["mx.example"], HOP + passed("filter.example", "x.example") + passed("mx.example"), True, id="two"
        ),
        pytest.param(["mx.example", "b.example"], HOP + passed("b.example"), True, id="one of two names"),
        pytest.param(["mx.example"], HOP + passed("evil.example"), False, id="another's"),
        pytest.param(["mx.example"], passed("mx.example.evil.example"), False, id="a name that begins alike"),
        pytest.param(["mx.example"], HOP + passed(""), False, id="without a name"),
        pytest.param(["none"], HOP + passed(""), True, id="none has a name"),
        pytest.param(["none"], HOP + passed("none"), False, id="a server called none"),
        pytest.param(["none"], HOP + passed("", "x.example") + passed(""), False, id="below one without a name"),
        pytest.param(
            ["none"], HOP + "Authentication-Results: " + "x" * 9_000 + "\n" + passed(""), False, id="below a long one"
        ),
        pytest.param([], passed("any.example") + HOP, True, id="above every server's line"),
        pytest.param([], HOP + passed("mx.example"), False, id="below a server's line"),
        pytest.param([], passed("mx.example"), False, id="without a server's line"),
        pytest.param([], passed("a.example", "x.example") + HOP + passed("mx.example"), False, id="not the topmost"),
    ],
)
def test_only_what_the_mailboxs_own_server_wrote_is_believed(servers: list[str], headers: str, is_proved: bool) -> None:
    """Covers case 43: a server that writes no results leaves those standing that a sender wrote (RFC 8601, 5)."""
    assert mails.read((headers + MAIL).encode(), servers=servers).is_proved == is_proved
