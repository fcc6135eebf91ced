"""A mail that was read, on its way into the journal: what a customer wrote (T02), or what a person sent them (T03)."""

from activities import addresses
from activities.store import customers, journal, ledger, runs
from activities.store.database import Tx
from activities.store.history import LedgerRecord
from activities.store.records import CustomerRef
from activities.store.values import mail_address
from starter import mails
from starter.gateway.hooks import Happened, Told, take
from starter.gateway.parts import Parts
from workflows.contracts.ids import OrderKey

SOURCE = "mail"


async def take_received(gateway: Parts, mail: mails.Mail, *, raw: bytes) -> None:
    """Journal a mail that came in. One that must move nothing is parked, and shown on its sender's orders."""
    now, own = gateway.now(), own_mailboxes(gateway)
    to_send = gateway.replies.send_of(mail.recipients) if gateway.replies is not None else None

    async def received(tx: Tx) -> list[Happened]:
        sent = await ledger.row(tx, send_id=to_send) if to_send is not None else None
        arrival, problem = mails.arrivals(mail, source=SOURCE, own=own, now=now, raw=raw, is_answer=sent is not None)
        if problem:
            await mails.show(tx, mail, words=problem, now=now)
            await journal.park(tx, arrival, problem=problem, now=now)
            return []
        if sent is not None:
            key = OrderKey(shop=sent.shop, number=sent.number)
            data = {**arrival.data, "mailbox": await _written_from(tx, key, sent=sent) or arrival.data["mailbox"]}
            return [Happened(arrival.id, arrival.type, arrival.at, data, orders=(key,))]
        keys = await mails.answered(tx, mail)
        customer = None if keys else arrival.customer
        return [Happened(arrival.id, arrival.type, arrival.at, arrival.data, orders=keys, customer=customer)]

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


async def _written_from(tx: Tx, key: OrderKey, *, sent: LedgerRecord) -> str:
    """Return the mailbox that a mail of ours was written from: an answer is one to that, whatever Reply-To said."""
    run = await runs.run_of(tx, key, visit=sent.visit, rule=sent.rule)
    return addresses.split(str(run.results.get("mailbox", "")))[1].lower() if run is not None else ""


def own_mailboxes(gateway: Parts) -> list[str]:
    """List the shop's own mailboxes."""
    settings = gateway.settings
    return [one.strip().lower() for one in (settings.default_mailbox, *settings.mailboxes.split(",")) if one.strip()]


def _ref(address: str) -> CustomerRef | None:
    try:
        return CustomerRef(email=mail_address(address))
    except ValueError:
        return None
