"""What `orders doctor` finds in a mailbox, on a real IMAP server: whose results prove who wrote its mails."""

from pathlib import Path
from typing import Any

import pytest

from activities.accounts.mail import ImapAccount
from tests.commands.running import Orders
from tests.sources.test_inbound_mail import MAIL
from tests.sources.test_mailbox import FORGED, PROVED, keeping_server, put

__all__ = ["keeping_server"]


@pytest.fixture(scope="module")
def filled(keeping_server: ImapAccount) -> ImapAccount:
    """A mailbox whose server vouches for three mails of four; one bears only what its sender wrote."""
    for number in range(3):
        put(keeping_server, "INBOX", PROVED + MAIL.replace("<m1@", f"<m{number}@"))
    put(keeping_server, "INBOX", FORGED + MAIL)
    return keeping_server


@pytest.mark.parametrize(
    ("given", "is_warning", "words", "help"),
    [
        pytest.param(
            "", True, "mx.example (3), mx.evil.example (1)", "ORDERS_IMAP_AUTHSERV_ID=mx.example,", id="unset"
        ),
        pytest.param("MX.example", False, "mx.example vouches for them", "", id="the server's name"),
        pytest.param("mail.example", True, "no mail bears results of mail.example", "your own mail server", id="other"),
    ],
)
def test_the_name_to_set_is_told(
    filled: ImapAccount, tmp_path: Path, given: str, is_warning: bool, words: str, help: str
) -> None:
    finding = found(filled, tmp_path, AUTHSERV_ID=given)["senders of mails"]
    assert (finding["is_good"], finding["is_warning"]) == (True, is_warning)
    assert words in finding["words"]
    assert help in finding["help"]


def test_a_folder_that_is_not_there_is_found(filled: ImapAccount, tmp_path: Path) -> None:
    nowhere = found(filled, tmp_path, AUTHSERV_ID="mx.example", INBOX="Nowhere")["mailbox"]
    assert "polls it in vain" in nowhere["words"]


def found(account: ImapAccount, folder: Path, **more: str) -> dict[str, Any]:
    """Ask the doctor; return the findings by name."""
    given = {
        "HOST": account.host,
        "PORT": str(account.port),
        "USER": account.user,
        "PASSWORD": account.password.get_secret_value(),
        "TLS": "none",
    }
    env = {f"ORDERS_IMAP_{name}": value for name, value in (given | more).items()}
    return {finding["what"]: finding for finding in Orders(folder)("doctor", "--json", env=env).json}
