"""Calls to addresses that a shop wrote down: only public https hosts are reached, whatever their name resolves to.

In: an address from a pipeline. Out: the status and headers of the answer. Defends against server-side request forgery:
the name is resolved once, every address is checked, the connection goes to a checked address and nowhere else.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from yarl import URL

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver, ResolveResult

#: (host, port) -> the addresses it has now.
Lookup = Callable[[str, int], Awaitable[list[str]]]


class Forbidden(Exception):
    """The address is not one we call; `words` say why, without repeating it."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True)
class Answer:
    """What the host answered. Its body is never read, so its size cannot hurt."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True)
class GuardOptions:
    """How calls are made. `allows_private` lets loopback and private networks through: development and tests only."""

    allows_private: bool = False
    total: timedelta = timedelta(seconds=15)
    connect: timedelta = timedelta(seconds=5)


class Guard:
    """Post to addresses that are not ours. `lookup` and `tls` replace name resolution and trust roots."""

    def __init__(
        self, options: GuardOptions | None = None, *, lookup: Lookup | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._options = options or GuardOptions()
        self._lookup = lookup or _system_lookup
        self._tls = tls

    async def post(self, address: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post once. Raise Forbidden before anything is sent, else what aiohttp raises; redirects are not followed."""
        from aiohttp import ClientSession, ClientTimeout, TCPConnector  # noqa: PLC0415  heavy; by the first call

        url = checked_url(address, allows_private=self._options.allows_private)
        resolver = _CheckedResolver(self._lookup, allows_private=self._options.allows_private, scheme=url.scheme)
        checked = cast("AbstractResolver", resolver)  # in all but its base class, which would have to be loaded
        connector = TCPConnector(resolver=checked, use_dns_cache=False, ssl=self._tls or True)
        timeout = ClientTimeout(
            total=self._options.total.total_seconds(), sock_connect=self._options.connect.total_seconds()
        )
        async with (
            ClientSession(connector=connector, timeout=timeout, trust_env=False, auto_decompress=False) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            return Answer(response.status, dict(response.headers))


def checked_url(address: str, *, allows_private: bool = False) -> URL:
    """Read an address and check all that can be checked without resolving its name; raise Forbidden."""
    try:
        url = URL(address)
        host, port = url.raw_host, url.port
    except ValueError:
        raise Forbidden("the address is not a web address: write it as https://host/path") from None
    if url.scheme not in ("https", "http") or not host:
        raise Forbidden("the address is not a web address: write it as https://host/path")
    if re.search(r"[@\\]", re.split(r"[/?#]", address.partition("://")[2], maxsplit=1)[0]):
        raise Forbidden("the address holds a user name or a password: use a signed webhook instead")
    if url.scheme == "http" and not allows_private:
        raise Forbidden("the address is not encrypted: write it with https://")
    if port is None or not (port in (443, 80) or port >= 1024):
        raise Forbidden("the address names a port of another service: use 443 or one above 1023")
    _check_host(host, scheme=url.scheme, allows_private=allows_private)
    return url


def _check_host(host: str, *, scheme: str, allows_private: bool) -> None:
    if "%" in host:
        raise Forbidden("the address names a network zone: use a host name")
    literal = _literal(host)
    if literal is not None:
        _check_address(literal, scheme=scheme, allows_private=allows_private)
        return
    # What a C library would read as a number (2130706433, 0x7f.1, 0177.0.0.1) is an address in disguise, as the
    # URL standard's "ends in a number" says; an honest one is four plain decimals.
    last = host.rstrip(".").rpartition(".")[2]
    if not last or re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]*", last):
        raise Forbidden("the host is a number in an unusual notation: use a host name")
    is_local = host.rstrip(".").lower() == "localhost" or host.rstrip(".").lower().endswith(".localhost")
    if is_local and not allows_private:
        raise Forbidden(_PRIVATE)


class _CheckedResolver:
    """Resolves a name once and refuses it whole when one of its addresses is not allowed."""

    def __init__(self, lookup: Lookup, *, allows_private: bool, scheme: str) -> None:
        self._lookup = lookup
        self._allows_private = allows_private
        self._scheme = scheme

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> "list[ResolveResult]":
        found = await self._lookup(host, port)
        if not found:
            raise OSError("the name has no address")
        for address in found:
            literal = _literal(address)
            if literal is None:
                raise Forbidden(_PRIVATE)
            _check_address(literal, scheme=self._scheme, allows_private=self._allows_private)
        return [_resolved(host, port, address) for address in found]

    async def close(self) -> None:
        """Nothing is held."""


def _resolved(host: str, port: int, address: str) -> "ResolveResult":
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return {
        "hostname": host,
        "host": address,
        "port": port,
        "family": family,
        "proto": 0,
        "flags": socket.AI_NUMERICHOST,
    }


async def _system_lookup(host: str, port: int) -> list[str]:
    rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PRIVATE = "the host is not on the public internet (set ORDERS_WEBHOOK_ALLOW_PRIVATE=true in development only)"


def _literal(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_address(address: _Address, *, scheme: str, allows_private: bool) -> None:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if allows_private and (address.is_loopback or _is_in(address, _PRIVATE_NETWORKS)):
        if scheme == "http" and not address.is_loopback:
            raise Forbidden("the address is not encrypted: plain http is for loopback only")
        return
    if scheme == "http":
        raise Forbidden("the address is not encrypted: write it with https://")
    if not is_public(address):
        raise Forbidden(_PRIVATE)


def is_public(address: _Address) -> bool:
    """Say whether an address is an ordinary one of the public internet.

    Stricter than `ipaddress.is_global`, which lets NAT64, 6to4, IPv4-compatible, site-local and multicast addresses
    through (Python 3.11); lists: IANA special-purpose address registries.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not _is_in(address, _SPECIAL)
    return address in _GLOBAL_UNICAST and address.is_global and not _is_in(address, _SPECIAL)


def _is_in(address: _Address, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")

_SPECIAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",  # Azure's host agent, public by its number only
        "192.0.0.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "224.0.0.0/3",
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)

_PRIVATE_NETWORKS = tuple(
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
