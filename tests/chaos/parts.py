"""The parts of the product as processes: kept running as a service manager does, killed -9, stopped and continued."""

import asyncio
import ctypes
import os
import random
import re
import signal
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
#: Below those that systems give to connections (Linux: from 32768, others: from 49152).
_PORTS = range(15_000, 32_000)

_FAULT = re.compile(rb"^fault: (\w+)$", re.MULTILINE)


@dataclass
class Part:
    """One process, started again whenever it ends. `log` holds what all its lives said."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    kills: int = 0
    stops: int = 0
    lives: int = 0
    is_wanted: bool = True
    process: asyncio.subprocess.Process | None = None
    _keeper: "asyncio.Task[None] | None" = None

    def start(self) -> None:
        """Keep it running from now on."""
        self._keeper = asyncio.create_task(self._keep())

    async def end(self) -> None:
        """Kill it for good."""
        self.is_wanted = False
        self._signal(signal.SIGKILL)
        if self._keeper is not None:
            await self._keeper

    def kill(self) -> None:
        """Kill it -9; it is started again."""
        self.kills += 1
        self._signal(signal.SIGKILL)

    async def stop(self, seconds: float) -> None:
        """Stop it as a frozen machine does, and let it go on later."""
        self.stops += 1
        self._signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.go_on()

    def go_on(self) -> None:
        """Continue it if it is stopped."""
        self._signal(signal.SIGCONT)

    async def thaw(self, seconds: float) -> None:
        """Continue it for good if it stopped itself at a step (a fault of kind `stop`), after that time."""
        if self.process is None or _state(self.process.pid) != "T":
            return
        self.stops += 1
        await asyncio.sleep(seconds)
        self.go_on()

    def faults(self) -> Counter[str]:
        """Count the steps at which it killed itself."""
        found = _FAULT.findall(self.log.read_bytes()) if self.log.exists() else []
        return Counter(step.decode() for step in found)

    async def _keep(self) -> None:
        while self.is_wanted:
            with self.log.open("ab") as log:
                self.process = await asyncio.create_subprocess_exec(
                    *self.command,
                    env=dict(self.environment),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=_die_with_parent,
                )
            self.lives += 1
            await self.process.wait()
            await asyncio.sleep(0.3)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)


def own_environment(**settings: str) -> dict[str, str]:
    """Return this process's environment without the product's settings, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORDERS_", "TEMPORAL_"))}
    return kept | settings


def free_port() -> int:
    """Find a port that nobody listens on, nor gets for a connection of theirs while its server is being started."""
    for port in random.sample(_PORTS, k=100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("of a hundred ports none was free")


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
