"""The folder in which `orders up` keeps everything: databases, logs, the demo's key, and who runs now."""

import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from starter.cli.output import Failure

FOLDER = Path(".orders")

#: Two databases and their logs need this much to begin with.
_LEAST_FREE = 64 * 1024 * 1024

_NOTE = "up.json"


@dataclass(frozen=True)
class Running:
    """Where the parts of a running `orders up` are found; `settings` are those that commands share with them."""

    pid: int
    temporal: str
    gateway: str
    store_url: str
    settings: dict[str, str] = field(default_factory=dict)


class Folder:
    """The folder of one `orders up`, locked as long as it runs."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: IO[str] | None = None

    @property
    def usual(self) -> Path:
        """Where it is unless somebody names another: commands look there by themselves."""
        return FOLDER.absolute()

    @property
    def logs(self) -> Path:
        """Where each child's log is."""
        return self.path / "logs"

    @property
    def temporal_database(self) -> Path:
        """The file of Temporal's dev server."""
        return self.path / "temporal.db"

    @property
    def store_url(self) -> str:
        """The URL of the store in this folder."""
        return f"sqlite+aiosqlite:///{self.path / 'orders.db'}"

    @property
    def key_file(self) -> Path:
        """The file of the demo's API key."""
        return self.path / "demo.key"

    def prepare(self) -> None:
        """Make the folder and lock it; raise Failure where it cannot be used or another `orders up` uses it."""
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self._lock = (self.path / _NOTE).open("a+", encoding="utf-8")
            os.fchmod(self._lock.fileno(), 0o600)  # it holds the stand-ins' keys
        except OSError as error:
            raise Failure(
                f"{self.path} cannot be written ({error.strerror})", help="name another folder with --dir"
            ) from error
        if not _locked(self._lock):
            raise Failure(_taken(self.path), help="stop it with Ctrl+C, or name another folder with --dir")
        free = shutil.disk_usage(self.path).free
        if free < _LEAST_FREE:
            raise Failure(
                f"The disk of {self.path} is almost full ({free // 1024 // 1024} MB left)",
                help="free at least 64 MB, or name another folder with --dir",
            )

    def write_note(self, running: Running) -> None:
        """Say where everything is, so that commands in other terminals find it."""
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.write(json.dumps(asdict(running)))
            self._lock.flush()

    def release(self) -> None:
        """Give the folder free."""
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def key(self) -> str:
        """Read the demo's key; empty if there is none."""
        try:
            return self.key_file.read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def keep_key(self, secret: str) -> None:
        """Keep the demo's key where only this user reads it."""
        _keep_secret(self.key_file, secret)

    def token_key(self) -> str:
        """Return the key that signs links; made once, so that links stay valid at the next start."""
        path = self.path / "token.key"
        if not path.exists():
            _keep_secret(path, secrets.token_hex(32))
        return path.read_text(encoding="utf-8").strip()


def _keep_secret(path: Path, secret: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")


def running(path: Path) -> Running | None:
    """Find the `orders up` that runs in a folder; None if none does."""
    try:
        with (path / _NOTE).open(encoding="utf-8") as file:
            if _locked(file, shared=True):
                return None
            return Running(**json.load(file))
    except (OSError, ValueError, TypeError):
        return None


def _locked(file: IO[str], *, shared: bool = False) -> bool:
    """Lock a file and say whether that was possible. The lock ends with its process, however that ends."""
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _taken(path: Path) -> str:
    found = running(path)
    by = f" (process {found.pid}, {found.gateway})" if found else ""
    return f"Another `orders up` runs in {path}{by}"
