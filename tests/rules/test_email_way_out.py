"""The way out of mails: headers for one click, a link that people see, in their language. Covers M63, E19, case 29."""

import pytest

from activities.runtime.tokens import Tokens
from activities.store import unsubscribing
from activities.store.suppressions import fingerprint
from tests.rules.desk import Desk
from workflows.contracts.reasons import RunReason, RunStatus

ANNA = {"first_name": "Anna", "emails": [{"email": "anna@example.com"}]}


@pytest.fixture
def signing(desk: Desk) -> Desk:
    """A desk whose gateway is reached from outside, and which signs links."""
    desk.public_url, desk.tokens = "https://shop.example", Tokens(["k" * 32])
    return desk


async def test_customer_can_unsubscribe_with_one_click_and_by_a_link_they_see(signing: Desk) -> None:
    """Covers M63 (RFC 8058)."""
    key = await signing.order(customer={**ANNA, "id": "anna"})
    await signing.run(key, "email: pay-link")
    (sent,) = await signing.outbox()
    url = sent.headers["List-Unsubscribe"].strip("<>")
    assert sent.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert url.startswith("https://shop.example/unsubscribe/")
    assert sent.body.endswith(f"\n\n-- \nUnsubscribe from these e-mails: {url}\n")
    assert f'href="{url}"' in sent.html
    assert signing.tokens is not None
    value = signing.tokens.read(url.rpartition("/")[2], purpose="unsubscribe")
    assert value == {"customer": "anna", "channel": "email", "address": fingerprint("anna@example.com")}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Unsubscribe from these e-mails"),
        ("pl", "Zrezygnuj z otrzymywania tych wiadomości"),
        ("fr-CH", "Se désabonner de ces e-mails"),
        ("de", "Diese E-Mails abbestellen"),
        ("vi", "Hủy đăng ký nhận các email này"),
        ("uk", "Відписатися від цих листів"),
        ("sv", "Unsubscribe from these e-mails"),
        ("", "Unsubscribe from these e-mails"),
    ],
)
async def test_way_out_is_written_in_the_language_of_the_customer(signing: Desk, language: str, words: str) -> None:
    await signing.run(await signing.order(customer={**ANNA, "language": language}), "email: pay-link")
    (sent,) = await signing.outbox()
    assert f"{words}: https://" in sent.body
    assert f">{words}</a>" in sent.html


async def test_transactional_mail_has_no_way_out(signing: Desk) -> None:
    await signing.run(await signing.order(customer=ANNA), "email: pay-link\ntransactional: true")
    (sent,) = await signing.outbox()
    assert (sent.headers, "unsubscribe" in sent.body) == ({}, False)


async def test_mail_to_an_employee_has_no_way_out(signing: Desk) -> None:
    """Covers E19."""
    await signing.employee("olga", email="olga@example.com")
    await signing.run(await signing.order(customer=ANNA), "email: pay-link\nto: olga")
    (sent,) = await signing.outbox()
    assert (sent.headers, "unsubscribe" in sent.body) == ({}, False)


async def test_consent_withdrawn_before_the_mail_leaves_is_heeded(signing: Desk) -> None:
    """Case 29."""
    key = await signing.order(customer={**ANNA, "id": "anna"})
    visit = await signing.enter(key, "email: pay-link")
    async with signing.store.write() as tx:
        address = fingerprint("anna@example.com")
        await unsubscribing.unsubscribe(tx, customer="anna", channel="email", address_hash=address, now=signing.now)
    run = await signing.carry_out(key, visit=visit)
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.UNSUBSCRIBED)
    assert await signing.outbox() == []
