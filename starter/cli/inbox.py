"""What `orders doctor` says of a mailbox that is polled: whether it opens, and whose word proves its mails' senders."""

import asyncio
import os
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starter.cli import probing
from starter.cli.findings import Finding

if TYPE_CHECKING:
    from activities.accounts.mail import ImapAccount
    from activities.runtime.settings import Settings

#: How many of the newest mails are looked at.
_NEWEST = 20

_SETTING = "ORDERS_IMAP_AUTHSERV_ID"

#: A server's name; what else stands in its place, a sender may have chosen.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


@dataclass(frozen=True)
class _Seen:
    """The newest mails of a mailbox: how many, whose results stand at their top, and whose anywhere."""

    count: int
    topmost: Counter[str]
    servers: frozenset[str]

    @property
    def words(self) -> str:
        """Say what was seen."""
        told = ", ".join(f"{name} ({number})" for name, number in self.topmost.most_common(3)) or "none"
        return f"servers at the top of the newest {self.count} mails: {told}"


async def of_inbox(settings: "Settings") -> list[Finding]:
    """Open the mailbox among the settings, and look at its newest mails."""
    from imap_tools.errors import ImapToolsError

    from activities.accounts.mail import ImapAccount
    from activities.providers.errors import Misconfigured

    try:
        account = ImapAccount.read(os.environ, folder=settings.secrets)
        if account is None:
            return []
        seen = await asyncio.to_thread(_look, account)
    except Misconfigured as error:
        return [Finding("mailbox", False, error.words, help=f"correct {error.setting}")]
    except (OSError, ImapToolsError) as error:
        words = f"it cannot be opened ({type(error).__name__}): the gateway polls it in vain"
        return [Finding("mailbox", False, words, help="check ORDERS_IMAP_* and the mail server")]
    return [Finding("mailbox", True, "it opens; the gateway polls it"), _vouching(account, seen=seen)]


def _look(account: "ImapAccount") -> _Seen:
    """Open each folder, and see who wrote results into the newest mails; raise OSError, ImapToolsError."""
    from starter.gateway.mailbox import heads, opened
    from starter.mime import parsed
    from starter.proofs import NAMELESS, written

    if account.sent:
        with opened(account, folder=account.sent, seconds=probing.SECONDS):
            pass
    with opened(account, folder=account.inbox, seconds=probing.SECONDS) as box:
        found = heads(box, most=_NEWEST)
    mails = [[results.server or NAMELESS for _, results in written(list(parsed(raw).raw_items()))] for raw in found]
    topmost = Counter(names[0] for names in mails if names and _NAME.fullmatch(names[0]))
    return _Seen(len(found), topmost, frozenset(name for names in mails for name in names))


def _vouching(account: "ImapAccount", *, seen: _Seen) -> Finding:
    what = "senders of mails"
    if not account.servers:
        likely = seen.topmost.most_common(1)[0][0] if seen.topmost else "NAME"
        words = f"{_SETTING} is not set: only results above every server's line prove them; {seen.words}"
        help = f"set {_SETTING}={likely}, if that is your own mail server; one without results: ORDERS_REPLY_ADDRESS"
        return Finding(what, True, words, help=help, is_warning=True)
    named = ", ".join(account.servers)
    if seen.count and not seen.servers & set(account.servers):
        words = f"no mail bears results of {named}, so none moves an order; {seen.words}"
        help = f"set {_SETTING} to the name under which your own mail server writes Authentication-Results"
        return Finding(what, True, words, help=help, is_warning=True)
    return Finding(what, True, f"{named} vouches for them; {seen.words}")
