"""Mails over SMTP, against a real mail server with faults: what it gets, what each of its replies means. Covers C3."""

import email
import socket
import ssl
from collections.abc import AsyncIterator
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import pytest

from activities.accounts.smtp import SmtpAccount
from activities.providers.errors import Misconfigured, NotSent, Rejected, Unknown
from activities.providers.protocol import Attachment
from activities.providers.registry import Connecting, connect
from activities.providers.smtp import SmtpProvider
from activities.store.database import Store
from tests.providers.mail_server import CERTIFICATE, DROP, HANG, MailServer
from tests.providers.mails import MAIL, PDF, SEND, mail


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as running:
        yield running


def provider(server: MailServer, *, trust: ssl.SSLContext | None = None, **changes: Any) -> SmtpProvider:
    return SmtpProvider([account(server, **changes)], trust=trust)


def account(server: MailServer, **changes: Any) -> SmtpAccount:
    given = {"host": "127.0.0.1", "port": server.port, "tls": "none", "timeout_seconds": 20}
    return SmtpAccount.model_validate({**given, **changes})


def patience(reply: str) -> dict[str, int]:
    """Give up soon where no reply comes; any other is waited for, however busy the machine is."""
    return {"timeout_seconds": 2} if reply == HANG else {}


def trust() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    context.check_hostname = False  # the certificate is that of another name
    return context


# --- what the server gets -------------------------------------------------------------------------------------------


async def test_mail_has_both_parts_its_files_and_an_id_made_of_the_send(server: MailServer) -> None:
    headers = {"List-Unsubscribe": "<https://shop.example/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    accepted = await provider(server).send(mail(attachments=(PDF,), headers=headers), send_id=SEND)
    (taken,) = server.taken
    assert (taken.sender, taken.recipients) == ("shop@example.com", ("anna@example.com",))
    assert taken.mail["Message-ID"] == f"<{accepted.provider_id}>" == f"<{SEND}@example.com>"
    assert (taken.mail["From"], taken.mail["To"], taken.mail["Subject"]) == (
        "shop@example.com",
        "anna@example.com",
        "Order 1001",
    )
    plain, html = taken.mail.get_body(("plain",)), taken.mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert (plain.get_content(), html.get_content()) == ("Hello\r\n", "<p>Hello</p>\r\n")
    (file,) = taken.mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("invoice-2026-0001.pdf", "application/pdf")
    assert file.get_content() == PDF.content
    assert {name: taken.mail[name] for name in headers} == headers
    assert taken.mail["Auto-Submitted"] == "auto-generated"
    assert taken.mail["Date"] is not None


async def test_letters_of_every_language_arrive(server: MailServer) -> None:
    words = "Zażółć gęślą jaźń – Đơn hàng – Замовлення 🎉"
    await provider(server).send(
        mail(subject=words, body=f"{words}\n", sender=f"{words} <shop@example.com>"), send_id=SEND
    )
    (taken,) = server.taken
    plain = taken.mail.get_body(("plain",))
    assert plain is not None
    assert (taken.mail["Subject"], plain.get_content()) == (words, f"{words}\r\n")
    # The newer parser finds a space too many in names of several encoded words; RFC 2047 (6.2) has none there.
    name, address = parseaddr(email.message_from_bytes(taken.raw)["From"])
    assert (str(make_header(decode_header(name))), address) == (words, "shop@example.com")
    assert taken.raw.isascii()


async def test_long_address_in_a_header_stays_in_one_piece(server: MailServer) -> None:
    """Mail programs do not decode `List-Unsubscribe`; the library would encode it."""
    url = f"https://shop.example/unsubscribe/{'a' * 300}"
    await provider(server).send(mail(headers={"List-Unsubscribe": f"<{url}>"}), send_id=SEND)
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in server.taken[0].raw


async def test_longest_subject_of_every_kind_arrives(server: MailServer) -> None:
    for subject in ("x" * 250, "ż" * 250, "🎉" * 250, "ab " * 83 + "c"):
        await provider(server).send(mail(subject=subject), send_id=SEND)
        assert server.taken[-1].mail["Subject"] == subject
        assert max(len(line) for line in server.taken[-1].raw.splitlines()) <= 998


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\x00"])
async def test_no_line_break_begins_another_header(server: MailServer, break_: str) -> None:
    bad = f"a{break_}Bcc: all@example.com"
    files = (Attachment(f"{bad}.pdf", "application/pdf", b"x"),)
    written = mail(subject=bad, headers={"X-Shop": bad}, attachments=files, sender=f"{bad} <shop@example.com>")
    await provider(server).send(written, send_id=SEND)
    (taken,) = server.taken
    assert taken.mail["Bcc"] is None
    assert taken.recipients == ("anna@example.com",)


async def test_domain_in_other_letters_is_written_as_dns_knows_it(server: MailServer) -> None:
    await provider(server).send(mail(address="anna@żółw.example"), send_id=SEND)
    assert server.taken[0].recipients == ("anna@xn--w-uga1v8h.example",)


async def test_address_in_other_letters_needs_a_server_that_knows_them() -> None:
    async with MailServer() as knowing:
        await provider(knowing).send(mail(address="łukasz@example.com"), send_id=SEND)
        assert knowing.taken[0].recipients == ("łukasz@example.com",)
    async with MailServer(knows_utf8=False) as other:
        with pytest.raises(Rejected, match="use another address"):
            await provider(other).send(mail(address="łukasz@example.com"), send_id=SEND)
        assert other.taken == []


async def test_each_account_sends_for_its_own_mailboxes() -> None:
    async with MailServer() as general, MailServer() as sales:
        accounts = [account(general), account(sales, mailboxes="sales@example.com, Team <team@example.com>")]
        both = SmtpProvider(accounts)
        for sender in ("shop@example.com", "Sales <SALES@example.com>", "team@example.com"):
            await both.send(mail(sender=sender), send_id=SEND)
        assert (len(general.taken), len(sales.taken)) == (1, 2)


async def test_mailbox_that_no_account_sends_for_names_the_setting(server: MailServer) -> None:
    with pytest.raises(Misconfigured) as wrong:
        await provider(server, mailboxes="sales@example.com").send(MAIL, send_id=SEND)
    assert wrong.value.setting == "ORDERS_SMTP_MAILBOXES"


# --- encryption and login -------------------------------------------------------------------------------------------


async def test_connection_is_encrypted_before_the_login() -> None:
    async with MailServer(has_tls=True, user="shop", password="secret") as server:
        safe = provider(server, trust=trust(), tls="starttls", user="shop", password="secret")
        await safe.send(MAIL, send_id=SEND)
        assert len(server.taken) == 1


async def test_server_without_encryption_gets_neither_password_nor_mail(server: MailServer) -> None:
    with pytest.raises(Misconfigured) as wrong:
        await provider(server, tls="starttls", user="shop", password="secret").send(MAIL, send_id=SEND)
    assert wrong.value.setting == "ORDERS_SMTP_TLS"


async def test_certificate_that_nobody_vouches_for_is_not_trusted() -> None:
    async with MailServer(has_tls=True) as server:
        with pytest.raises(NotSent):
            await provider(server, tls="starttls").send(MAIL, send_id=SEND)
        assert server.taken == []


async def test_wrong_password_names_the_setting_and_nothing_else() -> None:
    """535."""
    async with MailServer(user="shop", password="secret") as server:
        with pytest.raises(Misconfigured) as wrong:
            await provider(server, user="shop", password="guessed").send(MAIL, send_id=SEND)
        assert wrong.value.setting == "ORDERS_SMTP_PASSWORD"
        assert "guessed" not in str(wrong.value)


async def test_server_that_wants_a_login_names_the_setting() -> None:
    """530."""
    async with MailServer(user="shop", password="secret") as server:
        with pytest.raises(Misconfigured) as wrong:
            await provider(server).send(MAIL, send_id=SEND)
        assert wrong.value.setting == "ORDERS_SMTP_USER"


# --- what its replies mean ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "reply", "error"),
    [
        ("mail", "451 4.3.0 try later", NotSent),
        ("mail", "553 5.7.1 not your address", Misconfigured),
        ("mail", "530 5.7.0 log in", Misconfigured),
        ("mail", DROP, NotSent),
        ("mail", HANG, NotSent),
        ("rcpt", "450 4.2.0 greylisted", NotSent),
        ("rcpt", "451 4.7.1 greylisted", NotSent),
        ("rcpt", "421 4.3.2 closing", NotSent),
        ("rcpt", "550 5.1.1 no such user anna@example.com", Rejected),
        ("rcpt", "552 5.2.2 full", Rejected),
        ("rcpt", "554 5.7.1 relay denied", Rejected),
        ("rcpt", DROP, NotSent),
        ("rcpt", HANG, NotSent),
        ("data", "451 4.3.0 try later", NotSent),
        ("data", "552 5.3.4 too large", Rejected),
        ("data", "554 5.6.0 spam", Rejected),
        ("data", DROP, Unknown),
        ("data", HANG, Unknown),
    ],
)
async def test_reply_means_what_its_code_and_its_step_say(
    server: MailServer, at: str, reply: str, error: type[Exception]
) -> None:
    getattr(server, at).append(reply)
    with pytest.raises(error) as failed:
        await provider(server, **patience(reply)).send(MAIL, send_id=SEND)
    assert "anna" not in str(failed.value)
    assert server.seen == 1


@pytest.mark.parametrize(
    ("greeting", "error"),
    [("421 4.3.2 busy", NotSent), ("554 5.7.1 not from you", Misconfigured), (DROP, NotSent), (HANG, NotSent)],
)
async def test_server_that_does_not_let_us_in_has_got_nothing(greeting: str, error: type[Exception]) -> None:
    async with MailServer(greeting=greeting) as server:
        with pytest.raises(error):
            await provider(server, **patience(greeting)).send(MAIL, send_id=SEND)


async def test_refused_connection_is_safe_to_repeat(server: MailServer) -> None:
    """Case 24."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = taken.getsockname()[1]
    with pytest.raises(NotSent, match="tried again"):
        await provider(server, port=free).send(MAIL, send_id=SEND)


async def test_greylisted_mail_arrives_at_the_second_attempt(server: MailServer) -> None:
    server.rcpt.append("451 4.7.1 greylisted")
    sending = provider(server)
    with pytest.raises(NotSent):
        await sending.send(MAIL, send_id=SEND)
    await sending.send(MAIL, send_id=SEND)
    assert len(server.taken) == 1


async def test_nobody_can_be_asked_about_a_mail(server: MailServer) -> None:
    with pytest.raises(Unknown):
        await provider(server).lookup(MAIL, send_id=SEND)


# --- how it is connected --------------------------------------------------------------------------------------------


def test_several_accounts_are_read_by_their_numbers() -> None:
    environment = {
        "ORDERS_SMTP_HOST": "mail.example.com",
        "ORDERS_SMTP_2_HOST": "mail.example.org",
        "ORDERS_SMTP_2_TLS": "tls",
        "ORDERS_SMTP_2_MAILBOXES": "sales@example.org",
    }
    first, second = SmtpAccount.all(environment)
    assert (first.host, first.own_port, first.addresses) == ("mail.example.com", 587, frozenset())
    assert (second.host, second.own_port, second.addresses) == ("mail.example.org", 465, {"sales@example.org"})


@pytest.mark.parametrize(
    ("environment", "setting"),
    [
        ({"ORDERS_SMTP_USER": "shop"}, "ORDERS_SMTP_HOST"),
        ({"ORDERS_SMTP_HOST": "a", "ORDERS_SMTP_2_PORT": "25"}, "ORDERS_SMTP_2_HOST"),
        ({"ORDERS_SMTP_HOST": "a", "ORDERS_SMTP_TLS": "ssl"}, "ORDERS_SMTP_TLS"),
        ({"ORDERS_SMTP_HOST": "a", "ORDERS_SMTP_USER": "shop", "ORDERS_SMTP_TLS": "none"}, "ORDERS_SMTP_TLS"),
    ],
    ids=["no-host", "second", "mode", "password-in-the-clear"],
)
def test_half_an_account_is_refused_by_the_setting_that_is_wrong(environment: dict[str, str], setting: str) -> None:
    with pytest.raises(Misconfigured) as wrong:
        SmtpAccount.all(environment)
    assert wrong.value.setting == setting


def test_account_of_the_settings_connects_it(store: Store) -> None:
    given = Connecting(store=store, channels={"email": "smtp"}, environment={"ORDERS_SMTP_HOST": "mail.example.com"})
    assert connect(given).choose("email").name == "smtp"
