"""A mailbox polled over IMAP, on real IMAP servers (pymap) over TCP."""

import imaplib
import mailbox
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr
from pysasl.hashing import BuiltinHash

from activities.accounts.mail import ImapAccount
from activities.store import journal
from activities.store.database import Store
from starter.gateway.mailbox import TAKEN, Mailbox
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.sources.test_inbound_mail import ANNA, KEY, MAIL, known

PROVED = "Authentication-Results: mx.example; spf=pass smtp.mailfrom=customer.example\n"
FORGED = "Authentication-Results: mx.evil.example; spf=pass smtp.mailfrom=customer.example\n"


@pytest.fixture(scope="module")
def server() -> Iterator[ImapAccount]:
    """A server without keywords."""
    with serving("dict", "--demo-data", user="demouser", password="demopass", sent="Sent") as account:
        yield account


@pytest.fixture(scope="module")
def keeping_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapAccount]:
    """A server whose mailbox keeps our keyword, as Dovecot's and most others do."""
    folder = tmp_path_factory.mktemp("maildir")
    mailbox.Maildir(folder / "shop", create=True)
    (folder / "shop" / "dovecot-keywords").write_text(f"0 {TAKEN}\n")
    (folder / "pymap-etc-passwd").write_text("shop:x::::shop:\n")
    (folder / "pymap-etc-shadow").write_text(f"shop:{BuiltinHash(rounds=1).hash('secret')}:::::::\n")
    with serving("maildir", str(folder), user="shop", password="secret", sent="") as account:
        yield account


@contextmanager
def serving(*backend: str, user: str, password: str, sent: str) -> Iterator[ImapAccount]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = "import sys; from pymap.main import main; sys.exit(main())"
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-tls", *backend]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    account = ImapAccount(
        host="127.0.0.1",
        port=port,
        user=user,
        password=SecretStr(password),
        tls="none",
        sent=sent,
        authserv_id="mx.example",
    )
    try:
        for _ in range(200):
            try:
                _login(account).logout()
                break
            except OSError:
                time.sleep(0.1)
        yield account
    finally:
        process.kill()
        process.wait()


def _login(account: ImapAccount) -> imaplib.IMAP4:
    box = imaplib.IMAP4(account.host, account.port)
    box.login(account.user, account.password.get_secret_value())
    return box


def put(account: ImapAccount, folder: str, raw: str) -> None:
    """Let a mail be in a folder."""
    box = _login(account)
    box.append(folder, "", imaplib.Time2Internaldate(time.time()), raw.encode())
    box.logout()


def _flags(account: ImapAccount, folder: str) -> bytes:
    """Give the flags of a folder's mails, the newest last."""
    box = _login(account)
    box.select(folder, readonly=True)
    _, data = box.fetch("1:*", "(FLAGS)")
    box.logout()
    return b" ".join(part for part in data if isinstance(part, bytes))


async def events(store: Store) -> list[str]:
    async with store.read() as tx:
        return [event.type for event in (await journal.events_of(tx, KEY)).items][1:]


async def test_a_mailbox_is_polled_and_each_mail_counts_once(
    server: ImapAccount, caller: Caller, parts: Parts, store: Store
) -> None:
    """Covers T02 and T03. This server keeps no keywords: another gateway reads the mails again, and they count once."""
    await known(caller)
    await Mailbox(parts, account=server).look()  # what the server's demonstration holds
    sent = f"From: shop@example.com\nTo: {ANNA}\nSubject: Hello\nMessage-ID: <s1@example.com>\n\nHello\n"
    put(server, "INBOX", PROVED + MAIL)
    put(server, "INBOX", MAIL.replace("<m1@", "<m2@"))  # its sender is not proved
    put(server, "INBOX", FORGED + MAIL.replace("<m1@", "<m3@"))  # the sender says so, not the server
    put(server, "Sent", sent)
    put(server, "Sent", f"Auto-Submitted: auto-generated\n{sent.replace('<s1@', '<s2@')}")  # a rule's own mail

    box = Mailbox(parts, account=server)
    first = [await box.look(), await box.look()]
    again = await Mailbox(parts, account=server).look()

    assert (first, again) == ([5, 0], 5)
    assert await events(store) == ["email.received", "email.sent"]
    assert b"\\Seen" not in _flags(server, "INBOX").split(b")")[-2]


async def test_a_server_with_keywords_tells_every_gateway_what_was_taken(
    keeping_server: ImapAccount, caller: Caller, parts: Parts, store: Store
) -> None:
    """The keyword stays with the mail, which stays unread; other gateways, and this one after a restart, pass it by."""
    await known(caller)
    put(keeping_server, "INBOX", PROVED + MAIL)
    first = await Mailbox(parts, account=keeping_server).look()
    again = await Mailbox(parts, account=keeping_server).look()
    put(keeping_server, "INBOX", PROVED + MAIL.replace("<m1@", "<m3@"))

    assert (first, again, await Mailbox(parts, account=keeping_server).look()) == (1, 0, 1)
    assert await events(store) == ["email.received", "email.received"]
    flags = _flags(keeping_server, "INBOX")
    assert flags.count(TAKEN.encode()) == 2
    assert b"\\Seen" not in flags


async def test_large_mails_are_taken_in_several_looks(
    keeping_server: ImapAccount, caller: Caller, parts: Parts, store: Store
) -> None:
    """Of a mailbox full of large mails, a few at a time are in memory."""
    await known(caller)
    large = "a line of a very long mail\n" * 700_000  # 19 MB
    for number in range(3):
        put(keeping_server, "INBOX", PROVED + MAIL.replace("<m1@", f"<large{number}@") + large)
    box = Mailbox(parts, account=keeping_server)
    assert [await box.look() for _ in range(4)] == [1, 1, 1, 0]
    assert await events(store) == ["email.received"] * 3


async def test_a_mailbox_that_cannot_be_reached_says_so(server: ImapAccount, parts: Parts) -> None:
    nowhere = server.model_copy(update={"port": 9})
    with pytest.raises(ConnectionRefusedError):
        await Mailbox(parts, account=nowhere).look()
