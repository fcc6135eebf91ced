"""Opening and clicking are not people: says which requests come from programs, so that they cause no event.

Mail scanners, link previews and prefetching browsers open what they find. Nothing that moves money may rest on the
answer: a scanner that looks exactly like a browser is taken for a person.
"""

import re
from datetime import datetime, timedelta

from starlette.datastructures import Headers

#: What opens a link so soon after the message left is a scanner on its way to the mailbox.
SCANNING = timedelta(seconds=2)

#: Parts of `User-Agent` by which programs tell what they are: crawlers, previews of messengers, scanners, libraries.
#: Messengers open links for people, too: "… Mobile Safari/537.36 Telegram-Android/11" is a person.
_PROGRAMS = re.compile(
    r"(?<!\bcu)bot\b|bot/|crawl|spider|slurp|preview|facebookexternalhit|facebookcatalog|meta-external|whatsapp|"
    r"skypeuri|embedly|iframely|vkshare|^viber/|"
    r"google-(?:safety|inspection|read-aloud)|apis-google|mediapartners|archiver|cfnetwork|"
    r"scan|barracuda|proofpoint|mimecast|safelinks|symantec|fireeye|trendmicro|sophos|ironport|cloudmark|"
    r"headless|phantomjs|puppeteer|playwright|selenium|lighthouse|"
    r"curl|wget|python|httpx|aiohttp|requests|urllib|libwww|okhttp|java/|go-http|axios|node-fetch|undici|ruby|perl\b|"
    r"guzzle|postman|monitor|uptime|pingdom|zabbix",
    re.IGNORECASE,
)

#: Apple's mail privacy proxy opens every mail and says no more than this.
_BARE = "Mozilla/5.0"


def is_machine(headers: Headers, *, method: str = "GET") -> bool:
    """Say whether a program asks: by its method, its name, or because a browser only fetches ahead."""
    agent = headers.get("user-agent", "").strip()
    if method == "HEAD" or agent in ("", _BARE) or _PROGRAMS.search(agent):
        return True
    # https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Purpose, and its forerunners
    purposes = (headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"))
    return any(word in purpose.lower() for purpose in purposes for word in ("prefetch", "prerender", "preview"))


def is_too_soon(now: datetime, *, arrived_at: datetime) -> bool:
    """Say whether a link was opened sooner than a person reads."""
    return now - arrived_at < SCANNING


def is_own_page(headers: Headers, *, host: str) -> bool:
    """Say whether a browser asks on behalf of a page of ours (Fetch Metadata; without it, by its origin)."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return headers.get("origin", "").partition("://")[2] == host


def is_click(headers: Headers, *, host: str) -> bool:
    """Say whether a person followed a link on a page of ours; only browsers send it, and only after a gesture."""
    return headers.get("sec-fetch-user") == "?1" and is_own_page(headers, host=host)
