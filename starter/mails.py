"""Mails that come in, or that people sent: read from raw MIME, whatever its state, and what they tell.

A mail moves an order only if its sender is proved: SPF or DKIM passed for the domain of its From, as DMARC has it. What
machines answer moves nothing, so that two of them never write to each other for ever.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from hashlib import sha256
from uuid import UUID

from activities import addresses
from activities.store import customers, ledger, orders, timeline
from activities.store.database import Tx
from activities.store.history import NewEntry, TimelineKind
from activities.store.journal import Arrival
from activities.store.records import CustomerRef, OrderFilter
from activities.store.values import mail_address
from starter import proofs
from starter.mime import parsed
from workflows.contracts.ids import OrderKey

_SEND_ID = re.compile(r"<([0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})@")

#: Who writes bounces and the like; RFC 5321 and custom.
_MACHINES = ("mailer-daemon", "postmaster", "no-reply", "noreply", "donotreply", "do-not-reply")

#: Charsets of host names, which nobody writes mails in: a megabyte takes minutes.
_COSTLY = ("punycode", "idna")

_LONGEST_SUBJECT = 500


@dataclass(frozen=True)
class Mail:
    """A mail, as far as it could be read. `sends` are ids of ours that it answers to; `files` names of attachments."""

    id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    at: datetime | None
    is_automatic: bool
    is_proved: bool
    sends: tuple[UUID, ...] = ()
    files: tuple[str, ...] = ()


def read(
    raw: bytes,
    *,
    proved: Sequence[str] | None = None,
    envelope_from: str | None = None,
    servers: Sequence[str] = (),
) -> Mail:
    """Read a raw mail; whatever is wrong with it, something comes out. `proved`: domains that SPF or DKIM passed for.

    Where that is not told, the Authentication-Results of the mailbox's own server count, by its names (`proofs.py`).
    """
    message = parsed(raw)
    sender = addresses.split(_header(message, "From"))[1].strip().lower()
    domains = proofs.proved(list(message.raw_items()), servers=servers) if proved is None else proved
    # A Message-ID may hold its writer's name, and the ids of events stand in histories and logs.
    id = _header(message, "Message-ID").strip("<> ").encode("utf-8", "replace") or raw
    return Mail(
        id=sha256(id).hexdigest(),
        sender=sender,
        recipients=_addresses(message),
        subject=" ".join(_header(message, "Subject").split())[:_LONGEST_SUBJECT],
        text=_text(message),
        at=_moment(message),
        is_automatic=_is_automatic(message, sender=sender, envelope_from=envelope_from),
        is_proved=any(_is_aligned(sender, domain=domain) for domain in domains),
        sends=_sends(_header(message, "In-Reply-To"), _header(message, "References")),
        files=tuple(_file_name(part) for part in _attachments(message)),
    )


def arrivals(
    mail: Mail, *, source: str, own: Iterable[str], now: datetime, raw: bytes, is_answer: bool = False
) -> tuple[Arrival, str]:
    """Return the event of a mail that came in, and why it must not be used ("" if it may).

    `is_answer`: it came to the address that only the receiver of a mail of ours knows, which proves it.
    """
    mailbox = next((one for one in mail.recipients if one in set(own)), "")
    at = mail.at if mail.at is not None and mail.at <= now else now
    data = {"mailbox": mailbox or (mail.recipients[0] if mail.recipients else ""), "subject": mail.subject}
    arrival = Arrival(
        source=source,
        id=f"{mail.id}:received",
        type="email.received",
        at=at,
        data=data,
        raw=raw,
        customer=_ref(mail.sender),
    )
    if mail.sender in set(own):
        return arrival, "it is a mail of the shop's own"
    if mail.is_automatic:
        return arrival, "a machine wrote it: an automatic reply, a bounce or a list"
    if not mail.is_proved and not is_answer:
        return arrival, "its sender is not proved: neither SPF nor DKIM passed for the domain of its From"
    return arrival, ""


async def answered(tx: Tx, mail: Mail) -> tuple[OrderKey, ...]:
    """Find the order whose mail it answers, if its sender is that order's customer; else none."""
    ref = _ref(mail.sender)
    if not mail.sends or ref is None:
        return ()
    row = await ledger.row(tx, send_id=mail.sends[-1])
    if row is None:
        return ()
    key = OrderKey(shop=row.shop, number=row.number)
    theirs = [customer.id for customer in await customers.of_order(tx, key)]
    return (key,) if set(theirs) & set(await customers.find(tx, ref=ref)) else ()


async def show(tx: Tx, mail: Mail, *, words: str, now: datetime) -> None:
    """Write a line on the open orders of a mail's sender: it came, and why it moved nothing."""
    ref = _ref(mail.sender)
    for customer in await customers.find(tx, ref=ref) if ref is not None else ():
        page = await orders.page(tx, filter=OrderFilter(customer=customer), limit=20)
        for order in page.items:
            entry = NewEntry(
                kind=TimelineKind.MESSAGE, text=f"A mail came; {words}.", at=now, ref=f"mail:{mail.id}"[:200]
            )
            await timeline.add(tx, order.key, entry=entry)


def _ref(sender: str) -> CustomerRef | None:
    try:
        return CustomerRef(email=mail_address(sender))
    except ValueError:
        return None


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except Exception:  # the parser of structured headers raises on garbage: IndexError, ValueError, AttributeError
        return str(dict(message.raw_items()).get(name, ""))


def _is_aligned(sender: str, *, domain: str) -> bool:
    """Say whether a proved domain is that of the sender, or the one above or below it (RFC 7489, relaxed).

    Without that, anybody could prove a domain of their own and write somebody else's address into From.
    """
    own, other = sender.rpartition("@")[2].lower().strip("."), domain.lower().strip(".")
    if not own or "." not in other:
        return own != "" and own == other
    return own == other or own.endswith(f".{other}") or other.endswith(f".{own}")


def _addresses(message: EmailMessage) -> tuple[str, ...]:
    written = [_header(message, name) for name in ("To", "Cc", "Delivered-To", "X-Original-To")]
    return tuple(dict.fromkeys(address.strip().lower() for address in addresses.each(written)))[:50]


def _is_automatic(message: EmailMessage, *, sender: str, envelope_from: str | None) -> bool:
    """Say whether a machine wrote it (RFC 3834, and custom before it)."""
    submitted = _header(message, "Auto-Submitted").partition(";")[0].strip().lower()
    precedence = _header(message, "Precedence").strip().lower()
    return (
        submitted not in ("", "no")
        or precedence in ("bulk", "junk", "list", "auto_reply")
        or bool(_header(message, "X-Autoreply") or _header(message, "X-Autorespond"))
        or bool(_header(message, "List-Id") or _header(message, "List-Unsubscribe"))
        or message.get_content_type() == "multipart/report"
        or _header(message, "Return-Path").strip() == "<>"
        or envelope_from == ""
        or sender.partition("@")[0] in _MACHINES
    )


def _moment(message: EmailMessage) -> datetime | None:
    try:
        found = parsedate_to_datetime(_header(message, "Date"))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _text(message: EmailMessage) -> str:
    """Return the beginning of the plain text; "" where there is none."""
    try:
        body = message.get_body(("plain",))
        if body is None or body.get_content_charset() in _COSTLY:
            return ""
        return str(body.get_content())[:10_000]
    except Exception:  # an unknown charset, a broken encoding, a part without end: LookupError, KeyError, ValueError …
        return ""


def _attachments(message: EmailMessage) -> Sequence[EmailMessage]:
    try:
        return [part for part in message.iter_attachments() if isinstance(part, EmailMessage)][:50]
    except Exception:  # a multipart body that is cut off: AttributeError, TypeError
        return []


def _file_name(part: EmailMessage) -> str:
    """Return an attachment's name without any path."""
    try:
        name = part.get_filename() or ""
    except Exception:  # a name in an unknown charset: LookupError
        name = ""
    return re.split(r"[\\/]", name)[-1][:200]


def _sends(*headers: str) -> tuple[UUID, ...]:
    return tuple(UUID(id) for header in reversed(headers) for id in _SEND_ID.findall(header.lower()))[:50]
