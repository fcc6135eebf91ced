"""A mail as it crosses SMTP: the message's parts, headers and envelope in the form of RFC 5322 and MIME."""

from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from uuid import UUID

from activities import addresses
from activities.providers.errors import Rejected
from activities.providers.headers import AUTOMATIC, one_line
from activities.providers.protocol import Message

#: Bytes a line may have (RFC 5322, 2.1.1).
_LONGEST_LINE = 998


class _Wire(policy.EmailPolicy):
    """Writes header lines so that they arrive.

    The library's own folding loses spaces between encoded words, and encodes long words such as an address of
    `List-Unsubscribe`, which mail programs then do not understand.
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        """Write one header line: whole where it fits, else by RFC 2047."""
        if name.lower().startswith("content-"):
            return super().fold_binary(name, value)
        line = f"{name}: {value}{self.linesep}".encode()
        if (value.isascii() or self.utf8) and len(line) <= _LONGEST_LINE:
            return line
        if name.lower() not in ("subject", "from"):
            return super().fold_binary(name, value)
        text, address = (value, "") if name.lower() == "subject" else addresses.split(value)
        encoded = Header(str(text), "utf-8", header_name=name).encode(linesep=self.linesep)
        return f"{name}: {encoded}{f' <{address}>' if address else ''}{self.linesep}".encode()


# Not every server takes 8-bit texts (RFC 6152); quoted-printable and base64 pass everywhere.
_WIRE = _Wire(linesep="\r\n", cte_type="7bit")
_WIRE_UTF8 = _Wire(linesep="\r\n", utf8=True)


@dataclass(frozen=True)
class Letter:
    """A mail ready to be handed over: its Message-ID without brackets, the envelope, the whole text."""

    id: str
    sender: str
    recipient: str
    content: bytes

    def needs_utf8(self, is_offered: bool) -> bool:
        """Say whether the server must know SMTPUTF8 (RFC 6531); raise Rejected if it must and does not."""
        if self.sender.isascii() and self.recipient.isascii():
            return False
        if not is_offered:
            words = "The mail server cannot write to addresses with such letters: use another address"
            raise Rejected("smtputf8", words)
        return True


def letter_of(message: Message, *, send_id: UUID, now: datetime) -> Letter:
    """Make the letter. Raise Rejected for an address that cannot stand in a header."""
    sender_name, sender = _split(message.sender)
    _, recipient = _split(message.address)
    is_plain = sender.isascii() and recipient.isascii()
    mail = EmailMessage(_WIRE if is_plain else _WIRE_UTF8)
    id = f"{send_id}@{sender.rpartition('@')[2]}"
    mail["Message-ID"] = f"<{id}>"
    mail["Date"] = format_datetime(now)
    mail["From"] = _address(sender, name=sender_name, whose="The sender's")
    mail["To"] = _address(recipient, whose="The customer's")
    mail["Subject"] = one_line(message.subject)
    for name, value in {**AUTOMATIC, **message.headers}.items():
        mail[one_line(name)] = one_line(value)
    mail.set_content(message.body)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    for attachment in message.attachments:
        kind, _, subtype = one_line(attachment.media_type).partition("/")
        mail.add_attachment(
            attachment.content,
            maintype=kind or "application",
            subtype=subtype or "octet-stream",
            filename=one_line(attachment.name),
        )
    return Letter(id, sender, recipient, mail.as_bytes())


def _split(written: str) -> tuple[str, str]:
    """Return name and address; a domain in other letters is written as DNS knows it (RFC 5890)."""
    name, address = addresses.split(one_line(written))
    local, _, domain = address.rpartition("@")
    try:
        return name, f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return name, address


def _address(address: str, *, name: str = "", whose: str) -> Address:
    local, _, domain = address.rpartition("@")
    try:
        return Address(display_name=name, username=local, domain=domain)
    except (ValueError, IndexError):
        raise Rejected("address", f"{whose} address is no mail address: correct it") from None
