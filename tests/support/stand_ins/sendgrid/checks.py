"""What SendGrid refuses a mail for, with its statuses and its form of errors.

Source: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors
"""

import base64
import binascii
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

#: 30 MB for the whole request; its proxy refuses more with a page of its own.
MOST = 30 * 1024 * 1024

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

_FORBIDDEN = frozenset(
    {
        *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
        *("to", "from", "subject", "reply-to", "cc", "bcc"),
    }
)


@dataclass(eq=False)
class Refusal(Exception):
    """An answer that refuses the mail; `field` as SendGrid names it."""

    status: int
    message: str
    field: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The body as SendGrid writes it."""
        shown = {"message": self.message} | ({"field": self.field} if self.field is not None else {})
        return {"errors": [shown]}


def checked(raw: bytes, *, senders: Collection[str]) -> dict[str, Any]:
    """Return the mail; raise Refusal. `senders` are the verified sender identities, none: any."""
    mail = _parsed(raw)
    _check_people(mail, senders=senders)
    _check_content(mail)
    _check_arguments(mail)
    return mail


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        mail = json.loads(raw)
    except ValueError:
        raise Refusal(400, "Bad Request") from None
    if not isinstance(mail, dict):
        raise Refusal(400, "Bad Request")
    return mail


def _check_people(mail: dict[str, Any], *, senders: Collection[str]) -> None:
    groups = mail.get("personalizations")
    if not isinstance(groups, list) or not groups:
        raise Refusal(400, "The personalizations field is required and must have at least one item", "personalizations")
    for place, group in enumerate(groups):
        for number, person in enumerate(group.get("to") or [{}]):
            if not _ADDRESS.fullmatch(str(person.get("email", ""))):
                # The real one repeats the address in some of its messages, which is why we never repeat them.
                words = f"Does not contain a valid address: {person.get('email', '')}"
                raise Refusal(400, words, f"personalizations.{place}.to.{number}.email")
    sender = str((mail.get("from") or {}).get("email", ""))
    if not _ADDRESS.fullmatch(sender):
        raise Refusal(400, "The from email does not contain a valid address.", "from.email")
    if senders and sender.lower() not in senders:
        words = "The from address does not match a verified Sender Identity. Mail cannot be sent until this is resolved"
        raise Refusal(403, words, "from")


def _check_content(mail: dict[str, Any]) -> None:
    if not mail.get("subject"):
        raise Refusal(400, "The subject is required", "subject")
    content = mail.get("content")
    if not content:
        raise Refusal(400, "Unless a valid template_id is provided, the content parameter is required", "content")
    types = [part.get("type") for part in content]
    if types != sorted(types, key=lambda kind: ("text/plain", "text/html").index(kind)):
        raise Refusal(400, "If present, text/plain must be first, followed by text/html", "content")
    if not all(part.get("value") for part in content):
        raise Refusal(400, "The content value must be a string at least one character in length.", "content.0.value")
    for number, attachment in enumerate(mail.get("attachments") or []):
        try:
            base64.b64decode(attachment["content"], validate=True)
        except (binascii.Error, KeyError):
            raise Refusal(
                400, "The attachment content must be base64 encoded", f"attachments.{number}.content"
            ) from None


def _check_arguments(mail: dict[str, Any]) -> None:
    for name in mail.get("headers") or {}:
        if name.lower() in _FORBIDDEN:
            raise Refusal(400, f"The header {name} is a reserved header", "headers")
    for group in mail["personalizations"]:
        arguments = group.get("custom_args") or {}
        if not all(isinstance(value, str) for value in arguments.values()) or len(json.dumps(arguments)) > 10_000:
            raise Refusal(400, "custom_args must be strings of at most 10000 bytes", "personalizations.0.custom_args")
