"""A mail that was read, on its way into the journal: what a customer wrote (T02), or what a person sent them (T03)."""

from activities.store import customers, journal
from activities.store.database import Tx
from activities.store.records import CustomerRef
from activities.store.values import mail_address
from starter import mails
from starter.gateway.hooks import Happened, Told, take
from starter.gateway.parts import Parts

SOURCE = "mail"


async def take_received(gateway: Parts, mail: mails.Mail, *, raw: bytes) -> None:
    """Journal a mail that came in. One that must move nothing is parked, and shown on its sender's orders."""
    now = gateway.now()
    arrival, problem = mails.arrivals(mail, source=SOURCE, own=own_mailboxes(gateway), now=now, raw=raw)

    async def received(tx: Tx) -> list[Happened]:
        if problem:
            await mails.show(tx, mail, words=problem, now=now)
            await journal.park(tx, arrival, problem=problem, now=now)
            return []
        key = await mails.answered(tx, mail)
        customer = None if key else arrival.customer
        return [Happened(arrival.id, arrival.type, arrival.at, arrival.data, orders=key, customer=customer)]

    await take(gateway, source=SOURCE, told=Told(), raw=raw, also=received)


async def take_sent(gateway: Parts, mail: mails.Mail, *, raw: bytes) -> None:
    """Journal a mail that a person sent, for those of its recipients who are customers; rules' own mails count not."""
    if mail.is_automatic:
        return
    now = gateway.now()
    at = mail.at if mail.at is not None and mail.at <= now else now
    data = {"mailbox": mail.sender, "automation": False, "rule": ""}

    async def sent(tx: Tx) -> list[Happened]:
        known = [ref for recipient in mail.recipients if (ref := _ref(recipient)) and await customers.find(tx, ref=ref)]
        return [
            Happened(f"{mail.id}:sent:{place}", "email.sent", at, data, customer=ref) for place, ref in enumerate(known)
        ]

    await take(gateway, source=SOURCE, told=Told(), raw=raw, also=sent)


def own_mailboxes(gateway: Parts) -> list[str]:
    """List the shop's own mailboxes."""
    settings = gateway.settings
    return [one.strip().lower() for one in (settings.default_mailbox, *settings.mailboxes.split(",")) if one.strip()]


def _ref(address: str) -> CustomerRef | None:
    try:
        return CustomerRef(email=mail_address(address))
    except ValueError:
        return None
