"""A mailbox that is polled over IMAP: an alternative to Inbound Parse, and the way to see what people send.

Each mail is journalled first, then marked with a keyword of ours, which leaves it unread. A server without keywords is
asked for the same mails again; the journal takes each once. Several gateways may poll the same mailbox.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from imap_tools import AND, BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from activities.accounts.mail import ImapAccount
from activities.runtime.logs import log
from activities.store.database import StoreDown
from starter import mails
from starter.gateway.letterbox import take_received, take_sent
from starter.gateway.parts import Parts

#: The keyword that says a mail is in the journal.
TAKEN = "OrdersTaken"

_log = log("mailbox")

#: Most mails of one look, and about how many bytes of them; a full mailbox is taken in several.
_BATCH, _BATCH_BYTES = 50, 16 * 1024 * 1024

_LONGEST_PAUSE = 300.0


@dataclass(frozen=True)
class _Found:
    uid: str
    raw: bytes
    mail: mails.Mail


class Mailbox:
    """Poll one mailbox until cancelled."""

    def __init__(self, gateway: Parts, *, account: ImapAccount) -> None:
        self._gateway = gateway
        self._account = account
        self._taken: dict[tuple[str, str], None] = {}

    async def run(self) -> None:
        """Look again and again; a server that does not answer is asked later and later."""
        pause = float(self._account.every)
        while True:
            try:
                await self.look()
                pause = float(self._account.every)
            except (OSError, ImapToolsError, StoreDown) as error:
                _log.warning("The mailbox cannot be polled: check ORDERS_IMAP_*", reason=type(error).__name__)
                pause = min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def look(self) -> int:
        """Take what is new in both folders; say how many mails were taken."""
        count = 0
        for folder, take in ((self._account.inbox, take_received), (self._account.sent, take_sent)):
            if not folder:
                continue
            found = await asyncio.to_thread(self._fetch, folder)
            for one in found:
                await take(self._gateway, one.mail, raw=one.raw)
            await asyncio.to_thread(self._mark, folder, [one.uid for one in found])
            count += len(found)
        return count

    def _fetch(self, folder: str) -> list[_Found]:
        since = (self._gateway.now() - timedelta(days=self._account.days)).date()
        with opened(self._account, folder=folder) as box:
            uids = box.uids(AND(date_gte=since, no_keyword=TAKEN))
            new = [uid for uid in uids if (folder, uid) not in self._taken]
            found, size = list[_Found](), 0
            for uid in new[:_BATCH]:
                if size > _BATCH_BYTES:
                    break
                raw = _raw(box, uid)
                size += len(raw)
                # Here, in a thread: a large mail takes a second, in which no request would be answered.
                found += [_Found(uid, raw, mails.read(raw, servers=self._account.servers))] if raw else []
            return found

    def _mark(self, folder: str, uids: Sequence[str]) -> None:
        if not uids:
            return
        self._taken |= dict.fromkeys((folder, uid) for uid in uids)
        while len(self._taken) > 10_000:
            del self._taken[next(iter(self._taken))]
        with opened(self._account, folder=folder) as box:
            try:
                box.flag(list(uids), TAKEN, True)
            except ImapToolsError:
                _log.info("The mail server takes no keywords: mails are told apart by their ids alone")


def opened(account: ImapAccount, *, folder: str, seconds: float = 30) -> BaseMailBox:
    """Open a folder of the mailbox, to be left by `with`; raise OSError, ImapToolsError."""
    kinds: dict[str, Any] = {"tls": MailBox, "starttls": MailBoxStartTls, "none": MailBoxUnencrypted}
    box: BaseMailBox = kinds[account.tls](account.host, account.port, timeout=seconds)
    return box.login(account.user, account.password.get_secret_value(), initial_folder=folder)


def heads(box: BaseMailBox, *, most: int) -> list[bytes]:
    """Fetch the headers of the newest mails of an open folder, without marking them as read."""
    uids = box.uids("ALL")[-most:]
    _, data = box.client.uid("FETCH", ",".join(uids), "(BODY.PEEK[HEADER])") if uids else (None, [])
    return [part[1] for part in data if isinstance(part, tuple) and isinstance(part[1], bytes)]


def _raw(box: BaseMailBox, uid: str) -> bytes:
    """Fetch a mail without marking it as read; empty where it has gone meanwhile."""
    _, data = box.client.uid("FETCH", uid, "(BODY.PEEK[])")
    return next((part[1] for part in data if isinstance(part, tuple) and isinstance(part[1], bytes)), b"")
