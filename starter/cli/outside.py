"""What `orders doctor` says of the world outside: whether the public address leads to the gateway; the clocks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from starter.cli.findings import Finding

#: How far this machine's clock may be from another: signatures five minutes apart are refused.
_MOST_APART = 60.0

_SECONDS = 5.0

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


async def public_address(given: str) -> Finding:
    """Ask the gateway by its public address, as a vendor would, and compare its clock with this machine's."""
    what, url = "public address", given.rstrip("/")
    if not url:
        help = "set ORDERS_PUBLIC_URL to the address under which the gateway is reached from outside"
        return Finding(what, False, "vendors cannot reach the gateway: it is not set", help=help)
    words, status, date = await _got(f"{url}/healthz")
    if words:
        return Finding(what, False, words, help="check the name, the certificate and the way to the gateway")
    if status != 200:
        help = "redirects lose what vendors post: enter the final address"
        return Finding(what, False, f"{url}/healthz answers {status}", help=help)
    apart = _apart(date)
    if apart > _MOST_APART:
        help = "set this machine's clock, or the gateway's: signatures with a moment are refused"
        return Finding(what, False, f"its clock is {apart:.0f} s from this one", help=help)
    if urlsplit(url).hostname in _LOOPBACK:
        help = "set ORDERS_PUBLIC_URL to an address of the internet before a vendor is connected"
        return Finding(what, True, f"{url} answers, but only on this machine", help=help, is_warning=True)
    if not url.startswith("https://"):
        help = "put the gateway behind TLS: what vendors post can be read and changed on the way"
        return Finding(what, True, f"{url} answers, without encryption", help=help, is_warning=True)
    return Finding(what, True, f"{url} answers")


async def clock(apis: Sequence[str]) -> list[Finding]:
    """Compare this machine's clock with that of the first vendor's API that answers; nothing where none is known."""
    known = [api for api in apis if api]
    for api in known:
        words, _, date = await _got(api)
        if words or not date:
            continue
        apart = _apart(date)
        if apart <= _MOST_APART:
            return [Finding("clock", True, f"it agrees with that of {urlsplit(api).hostname}")]
        help = "set this machine's clock (NTP): signatures with a moment are refused"
        return [Finding("clock", False, f"it is {apart:.0f} s from that of {urlsplit(api).hostname}", help=help)]
    if not known:
        return []
    help = "check the way out to the vendors: messages leave by it, too"
    words = f"it could not be compared: {', '.join(str(urlsplit(api).hostname) for api in known)} did not answer"
    return [Finding("clock", True, words, help=help, is_warning=True)]


async def _got(url: str) -> tuple[str, int, str]:
    """Ask an address; return why it did not answer, or its status and date."""
    import aiohttp

    try:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            return "", response.status, response.headers.get("Date", "")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return f"{url.removesuffix('/healthz')} does not answer ({type(error).__name__})", 0, ""


def _apart(date: str) -> float:
    try:
        return abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
