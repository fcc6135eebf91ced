"""Opens and clicks of mails whose provider does not watch them itself: every link leads by way of the gateway.

In: a mail to a customer. Out: the same mail with its links exchanged, and a pixel at its end. Links to the gateway
itself stay; they tell of their opening anyway.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape, unescape
from uuid import UUID

from activities.providers.protocol import Message
from activities.store import ledger, links, visits
from activities.store.database import Store
from workflows.contracts.ids import OrderKey

# Our own HTML part, which was cleaned: every attribute stands in double quotes.
_HREF = re.compile(r'(<a\b[^>]*?\bhref=")(https?://[^"]+)(?=")', re.IGNORECASE)

# What makes an address longer, so that it is another one.
_GOES_ON = r"(?![.,;:!?]*[\w/%#?&=~+@-])"


@dataclass(frozen=True)
class Tracking:
    """Exchange the links of mails. Without a public address nothing is changed."""

    store: Store
    public_url: str
    clock: Callable[[], datetime]

    async def tracked(self, message: Message, *, send_id: UUID) -> Message:
        """Return the mail as it is to leave; one to employees, or without a row in the ledger, stays as it is."""
        if not self.public_url or message.customer is None:
            return message
        wanted = [*self._addresses(message.html), links.PIXEL]
        async with self.store.write() as tx:
            row = await ledger.row(tx, send_id=send_id)
            if row is None:
                return message
            key = OrderKey(shop=row.shop, number=row.number)
            await visits.lock(tx, key)
            now = self.clock()
            tokens = {
                url: await links.put(tx, key=key, send_id=send_id, rule=row.rule, url=url, now=now) for url in wanted
            }
        pixel = f"{self.public_url}/l/{tokens.pop(links.PIXEL)}.gif"
        leading = {url: f"{self.public_url}/l/{token}" for url, token in tokens.items()}
        return replace(
            message, html=f"{_in_html(message.html, leading=leading)}{_image(pixel)}", body=_in_plain(message, leading)
        )

    def _addresses(self, html: str) -> list[str]:
        found = [unescape(match[2]) for match in _HREF.finditer(html)]
        return list(dict.fromkeys(url for url in found if not url.startswith(f"{self.public_url}/")))


def _in_html(html: str, *, leading: dict[str, str]) -> str:
    def exchanged(match: re.Match[str]) -> str:
        url = unescape(match[2])
        return match[1] + (escape(leading[url]) if url in leading else match[2])

    return _HREF.sub(exchanged, html)


def _in_plain(message: Message, leading: dict[str, str]) -> str:
    if not leading:
        return message.body
    known = "|".join(re.escape(url) for url in sorted(leading, key=len, reverse=True))
    return re.sub(f"(?:{known}){_GOES_ON}", lambda match: leading[match[0]], message.body)


def _image(url: str) -> str:
    return f'<img src="{escape(url)}" width="1" height="1" alt="">\n'
