"""Runs the `orders` command as people do: a process, its exit code, what it printed on which stream."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

#: A port on which nothing listens.
NOWHERE = "127.0.0.1:9"

#: How long a test waits for what must come; far above what a slow machine needs.
_SECONDS = 180
_COMMAND = [sys.executable, "-m", "starter.cli"]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read as JSON."""
        return json.loads(self.out)


class Orders:
    """Run commands in a directory. `is_set`: the environment names a store in it and a server that is down."""

    example = ROOT / "deploy" / "pipelines" / "shop.yaml"

    def __init__(self, directory: Path, *, is_set: bool = True) -> None:
        self.directory = directory
        self.environment = environment(directory)
        if is_set:
            self.environment["ORDERS_STORE_URL"] = f"sqlite+aiosqlite:///{directory / 'orders.db'}"
            self.environment["TEMPORAL_ADDRESS"] = NOWHERE

    def __call__(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Ended:
        """Run a command to its end."""
        done = subprocess.run(
            [*_COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            cwd=self.directory,
            env=self.environment | dict(env or {}),
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def must(self, *arguments: str, stdin: str = "") -> Ended:
        """Run a command that must succeed."""
        ended = self(*arguments, stdin=stdin)
        assert ended.code == 0, ended.err
        return ended

    def settled(self, number: str, *, stage: str) -> None:
        """Wait until an order is in a stage."""

        def is_there() -> bool:
            return bool(self.must("order", "show", number, "--json").json["stage"] == stage)

        until(is_there, what=f"stage {stage} of order {number}")


class Up:
    """A running `orders up`. Its ports are free ones, whatever else runs on the machine."""

    def __init__(self, directory: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self._out = directory / "up.out"
        self._err = directory / "up.err"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                [*_COMMAND, "up", *arguments],
                stdout=out,
                stderr=err,
                cwd=directory,
                env=environment(directory) | dict(env or {}),
            )

    @property
    def out(self) -> str:
        """What it printed on stdout so far."""
        return self._out.read_text()

    @property
    def err(self) -> str:
        """What it printed on stderr so far."""
        return self._err.read_text()

    def wait_until_ready(self) -> None:
        """Wait until everything runs and the links are printed."""
        until(lambda: " order why " in self.out or self.process.poll() is not None, what="orders up")
        assert self.process.poll() is None, self.err

    def children(self) -> list[int]:
        """List the process ids of its children (Linux)."""
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in tasks.read_text().split()]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and wait for the end; return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(_SECONDS)


def environment(directory: Path) -> dict[str, str]:
    """Return an environment without any setting of this machine."""
    ours = ("ORDERS_", "TEMPORAL_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"HOME": str(directory), "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}


def until(is_so: Callable[[], bool], *, what: str) -> None:
    """Wait until something is so; fail with its name where it does not come."""
    end = time.monotonic() + _SECONDS
    while not is_so():
        assert time.monotonic() < end, f"{what} did not come within {_SECONDS} s"
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    """Say whether a process lives; one that has ended and is not yet collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
