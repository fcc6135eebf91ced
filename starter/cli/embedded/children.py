"""Child processes of `orders up`: each in a group of its own with a log of its own, and none outlives its parent."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from starter.cli.output import Failure

#: A child that was told to end gets this long; then it is killed.
_SECONDS_TO_END = 15.0
_LINES = 12
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """A program to start as a child. `name` is what people call it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path


class Child:
    """A running child."""

    def __init__(self, program: Program, *, process: asyncio.subprocess.Process) -> None:
        self.name = program.name
        self.log = program.log
        self.pid = process.pid
        self._process = process

    @classmethod
    async def start(cls, program: Program) -> "Child":
        """Start a program; its output goes to its log, the log of the start before is kept beside it."""
        with suppress(FileNotFoundError):
            program.log.replace(program.log.with_suffix(".old.log"))
        try:
            with program.log.open("wb") as log:
                process = await asyncio.create_subprocess_exec(
                    *program.command,
                    env=dict(program.environment),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=_dies_with_parent(),
                )
        except OSError as error:
            raise Failure(f"{program.name} cannot be started: {program.command[0]}: {error.strerror}") from error
        return cls(program, process=process)

    @property
    def has_ended(self) -> bool:
        """Say whether it has ended."""
        return self._process.returncode is not None

    async def wait(self) -> int:
        """Wait for its end and return its exit code."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Tell it to end; kill its whole group if it does not."""
        if self.has_ended:
            return
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), _SECONDS_TO_END)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Kill its whole group."""
        if not self.has_ended:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def last_words(self) -> str:
        """Return the last lines of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES:]
        return "\n".join(f"  {line[:300]}" for line in lines)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def _dies_with_parent() -> Callable[[], None] | None:
    """Return what makes a child die with its parent, even by kill -9. Linux does it; elsewhere there is no way."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before it was asked
            os._exit(1)

    return ask
