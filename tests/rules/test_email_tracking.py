"""Opens and clicks of mails over SMTP, whose servers do not watch them: every link leads by way of the gateway."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from activities.accounts.smtp import SmtpAccount
from activities.providers.smtp import SmtpProvider
from activities.providers.tracking import Tracking
from activities.runtime.tokens import Tokens
from activities.store import links
from activities.store.links import LinkRecord
from tests.providers.mail_server import MailServer
from tests.rules.desk import Desk

ANNA = {"id": "anna", "first_name": "Anna", "emails": [{"email": "anna@example.com"}]}

SHOP = "https://shop.example"

TEXT = (
    "email: 'See [the page](https://a.example/p?x=1&y=2), https://a.example/p and https://a.example/p/q. "
    "Not `https://a.example/pq`, nor https://shop.example/d/token.'\nsubject: Hello\nprovider: smtp"
)


@pytest.fixture
async def server(desk: Desk) -> AsyncIterator[MailServer]:
    async with MailServer() as running:
        account = SmtpAccount(host="127.0.0.1", port=running.port, tls="none", timeout_seconds=20)
        tracking = Tracking(desk.store, SHOP, clock=lambda: datetime.now(UTC))
        desk.connected = (SmtpProvider([account], tracking=tracking),)
        yield running


def parts(server: MailServer) -> tuple[str, str]:
    (taken,) = server.taken
    plain, html = taken.mail.get_body(("plain",)), taken.mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content(), html.get_content()


async def kept(desk: Desk, written: str) -> list[LinkRecord]:
    """Read the links whose tokens stand in a part, in their order."""
    tokens = re.findall(rf"{SHOP}/l/([\w-]+)", written)
    async with desk.store.read() as tx:
        found = [await links.find(tx, token=token) for token in tokens]
    return [link for link in found if link is not None]


async def test_every_link_of_both_parts_leads_by_way_of_the_gateway(desk: Desk, server: MailServer) -> None:
    """Covers T05."""
    key = await desk.order(customer=ANNA)
    await desk.run(key, TEXT)
    plain, html = parts(server)
    wanted = ["https://a.example/p?x=1&y=2", "https://a.example/p", "https://a.example/p/q"]
    assert [link.url for link in await kept(desk, plain)] == wanted
    assert [link.url for link in await kept(desk, html) if not link.is_pixel] == wanted
    assert {(link.key, link.rule) for link in await kept(desk, html)} == {(key, "email")}


async def test_what_is_no_link_and_what_is_ours_stays(desk: Desk, server: MailServer) -> None:
    await desk.run(await desk.order(customer=ANNA), TEXT)
    plain, html = parts(server)
    for part in (plain, html):
        assert "https://a.example/pq" in part
        assert f"{SHOP}/d/token" in part


async def test_opening_is_seen_by_a_pixel_at_the_end(desk: Desk, server: MailServer) -> None:
    """Covers T04."""
    await desk.run(await desk.order(customer=ANNA), TEXT)
    _, html = parts(server)
    assert re.search(rf'<img src="{SHOP}/l/[\w-]+\.gif" width="1" height="1" alt="">\s*$', html)
    assert [link.is_pixel for link in await kept(desk, html)].count(True) == 1


async def test_way_out_does_not_lead_through_anything(desk: Desk, server: MailServer) -> None:
    desk.public_url, desk.tokens = SHOP, Tokens(["k" * 32])
    await desk.run(await desk.order(customer=ANNA), TEXT)
    (taken,) = server.taken
    plain, html = parts(server)
    url = taken.mail["List-Unsubscribe"].strip("<>")
    assert url in plain
    assert url in html


async def test_mail_to_an_employee_is_not_watched(desk: Desk, server: MailServer) -> None:
    """Covers E19."""
    await desk.employee("olga", email="olga@example.com")
    await desk.run(await desk.order(customer=ANNA), f"{TEXT}\nto: olga")
    assert [part for part in parts(server) if "/l/" in part] == []


async def test_repeated_attempt_keeps_its_links(desk: Desk, server: MailServer) -> None:
    server.rcpt.append("451 4.7.1 greylisted")
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, TEXT)
    with pytest.raises(Exception, match="come back later"):
        await desk.carry_out(key, visit=visit)
    await desk.carry_out(key, visit=visit)
    plain, _ = parts(server)
    assert len(await kept(desk, plain)) == 3
