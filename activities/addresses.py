"""Mail addresses as people and their programs write them: `Name <address>`, whatever signs the name holds.

Python's parser refuses, since its security releases of 2023, names that are not quoted though they hold an @ or a
comma (and with one of them a whole list); before, it took them apart in the wrong place. Programs write them all the
time.
"""

import re
from collections.abc import Iterable
from email.utils import getaddresses, parseaddr

#: What stands in the last brackets is the address: so every program that shows a mail takes it.
_NAMED = re.compile(r"^(?P<name>.*)<\s*(?P<address>[^<>\s]+@[^<>\s]+?)\s*>\s*$", re.DOTALL)

_ADDRESS = re.compile(r"[^\s<>,;:()\"]+@[^\s<>,;:()\"]+")


def split(written: str) -> tuple[str, str]:
    """Return name and address; ("", "") where there is none."""
    found = _NAMED.match(written)
    if found is None:
        return parseaddr(written)
    name = found["name"].strip()
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name, found["address"]


def each(headers: Iterable[str]) -> list[str]:
    """List the addresses of headers that may hold several each."""
    found: list[str] = []
    for written in headers:
        parsed = [address for _, address in getaddresses([written]) if "@" in address]
        found += parsed or _ADDRESS.findall(written)
    return found
