"""Ports on loopback: the usual one, or a free one where it is taken."""

import asyncio
import fcntl
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starter.cli.output import Failure

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Usual:
    """A port: the usual number, the option that sets another, what it is for."""

    number: int
    option: str
    use: str


TEMPORAL = Usual(7233, "--temporal-port", "Temporal")
TEMPORAL_UI = Usual(8233, "--ui-port", "the Temporal UI")
GATEWAY = Usual(8080, "--port", "the gateway")


@dataclass(frozen=True)
class Chosen:
    """The port taken, and a sentence where it is not the usual one."""

    number: int
    words: str = ""


@asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """Wait until no other `orders up` of this user is choosing ports and starting on them."""
    path = Path(tempfile.gettempdir()) / f"orders-up-{os.getuid()}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        while not _is_ours(descriptor):  # noqa: ASYNC110  another process cannot set an event here
            await asyncio.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def _is_ours(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def choose(usual: Usual, *, wanted: int | None) -> Chosen:
    """Choose a port; raise Failure where the one asked for is taken."""
    if wanted is not None:
        if not _is_free(wanted):
            raise Failure(f"Port {wanted} is taken", help=f"name another with {usual.option}, or leave it out")
        return Chosen(wanted)
    if _is_free(usual.number):
        return Chosen(usual.number)
    number = free()
    return Chosen(number, f"Port {usual.number} is taken: {usual.use} listens on {number}")


def _is_free(number: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port in TIME_WAIT counts as free, one that is listened on does not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, number))
        except OSError:
            return False
        return True


def free() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        number: int = probe.getsockname()[1]
        return number
