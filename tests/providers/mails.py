"""Mails to send in tests, and the accounts they are sent with."""

from dataclasses import replace
from uuid import UUID

from activities.accounts.sendgrid import SendGridAccount
from activities.providers.protocol import Attachment, Message

KEY = "SG.stand-in.key"

SEND = UUID("6f1c2b90-0000-4000-8000-000000000001")

MAIL = Message(
    channel="email",
    address="anna@example.com",
    subject="Order 1001",
    body="Hello\n",
    html="<p>Hello</p>\n",
    sender="shop@example.com",
    customer="anna",
)

PDF = Attachment("invoice-2026-0001.pdf", "application/pdf", b"%PDF-1.7")


def mail(**changes: object) -> Message:
    """Return the mail with some of its fields changed."""
    return replace(MAIL, **changes)  # type: ignore[arg-type]  # the fields are checked where they are used


def account(base: str, **changes: object) -> SendGridAccount:
    """Return an account whose API is at the address."""
    return SendGridAccount.model_validate({"api_key": KEY, "base": base, "timeout_seconds": 20, **changes})
