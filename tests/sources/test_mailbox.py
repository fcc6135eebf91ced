"""A mailbox polled over IMAP, on a real IMAP server (pymap) over TCP."""

import imaplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from activities.accounts.mail import ImapAccount
from activities.store import journal
from activities.store.database import Store
from starter.gateway.mailbox import Mailbox
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.sources.test_inbound_mail import ANNA, KEY, MAIL, known

PROVED = "Authentication-Results: mx.example; spf=pass smtp.mailfrom=customer.example\n"


@pytest.fixture(scope="module")
def server() -> Iterator[ImapAccount]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = "import sys; from pymap.main import main; sys.exit(main())"
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-tls", "dict", "--demo-data"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    account = ImapAccount(host="127.0.0.1", port=port, user="demouser", password="demopass", tls="none", sent="Sent")
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
    put(server, "Sent", sent)
    put(server, "Sent", f"Auto-Submitted: auto-generated\n{sent.replace('<s1@', '<s2@')}")  # a rule's own mail

    box = Mailbox(parts, account=server)
    first = [await box.look(), await box.look()]
    again = await Mailbox(parts, account=server).look()

    assert (first, again) == ([4, 0], 4)
    assert await events(store) == ["email.received", "email.sent"]
    assert b"\\Seen" not in _flags(server, "INBOX").split(b")")[-2]


async def test_a_mailbox_that_cannot_be_reached_says_so(server: ImapAccount, parts: Parts) -> None:
    nowhere = server.model_copy(update={"port": 9})
    with pytest.raises(ConnectionRefusedError):
        await Mailbox(parts, account=nowhere).look()
