"""How much one client's address, or one visitor, may do in one process, where there are no keys."""

from ipaddress import IPv6Address, IPv6Network

from fastapi import Request

from starter.gateway.access import Rates
from starter.gateway.parts import parts_of

#: So many of them are told apart; then counting starts anew, which forgives all of them.
_MOST = 20_000

#: Bits of an IPv6 address that tell one site from another.
_SITE = 64


class Quota:
    """Count what each does; at most `per_minute`, and ten seconds' worth of it at once."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._rates = Rates(per_minute)
        self._seen: set[str] = set()

    def take(self, request: Request) -> None:
        """Count a request of its address; raise Problem (429)."""
        self.count(address_of(request))

    def count(self, key: str) -> None:
        """Count what somebody does; raise Problem (429)."""
        if len(self._seen) >= _MOST:
            self._rates, self._seen = Rates(self._per_minute), set()
        self._seen.add(key)
        self._rates.take(key)


def address_of(request: Request) -> str:
    """Return the address a request comes from; of IPv6 the network, for each customer of a provider has one of them.

    A site's hosts share their first 64 bits (RFC 4291, section 2.5.1), and a host takes others of the rest at will (RFC
    8981): counted one by one, one visitor would have 2^64 quotas.
    """
    host = request.client.host if request.client else ""
    try:
        address = IPv6Address(host)
    except ValueError:  # IPv4, or a socket's path
        return host
    return str(address.ipv4_mapped or IPv6Network((int(address), _SITE), strict=False))


def quota_of(request: Request, *, name: str, per_minute: int) -> Quota:
    """Return this process's quota of that name."""
    state = request.app.state
    if not hasattr(state, name):
        setattr(state, name, Quota(per_minute))
    quota: Quota = getattr(state, name)
    return quota


def page_quota(request: Request) -> Quota:
    """Return the quota of what links in messages open: documents, links, unsubscribing."""
    return quota_of(request, name="page_quota", per_minute=parts_of(request).settings.page_rate_per_minute)


async def within_page_rate(request: Request) -> None:
    """Count what an address opens, before it is looked up; raise Problem (429)."""
    page_quota(request).take(request)
