"""The names of all settings, and those given that nobody reads: a misspelt one would be ignored without a word.

Names only; what a setting holds is never looked at.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from activities import accounts
from activities.accounts.reading import Account
from activities.accounts.smtp import SmtpAccount
from activities.runtime.settings import Settings
from workflows.pipeline.mistakes import nearest

_PREFIX = "ORDERS_"

#: Secrets by name (`activities/providers/secrets.py`): the environment has them with this prefix, files without it.
_SECRET = re.compile(r"ORDERS_SECRET_([A-Z][A-Z0-9_]{0,60})")

#: Read besides: where `orders up` keeps its data, the crash run's faults, and what the project's own tests are told.
_OTHERS = (
    "ORDERS_DIR",
    "ORDERS_FAULTS",
    "ORDERS_SPECS",
    "ORDERS_LIVE_PHONE",
    "ORDERS_LIVE_MAIL",
    "ORDERS_LIVE_MAILBOX",
)

#: What Kubernetes tells every container of a service whose name begins with `orders-`.
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_OF_KUBERNETES = re.compile(r"(.+?)_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP)(_.+)?)?)")

#: As other programs let a file be named. Ours are in the folder of the secrets, each named like its variable.
_FILE = "_FILE"


@dataclass(frozen=True)
class Unread:
    """A setting that nobody reads. `advice` says what it is to be called; empty where nothing is like it."""

    name: str
    advice: str

    def __str__(self) -> str:
        """Say so in a line."""
        return f"no setting is called {self.name}, so it is not read{f': {self.advice}' if self.advice else ''}"


def unread(environment: Mapping[str, str], *, folder: Path | None = None) -> list[Unread]:
    """Return those settings of the environment, and of the secrets' folder, that nobody reads; sorted by name."""
    given = sorted(name for name in environment if name.upper().startswith(_PREFIX))
    files = sorted(path.name for path in _listed(folder) if path.name.upper().startswith(_PREFIX))
    known = set(_known()) | set(_further([*given, *files]))
    others = [name for name in given if not _is_read(name, known=known) and not _is_of_kubernetes(name, given=given)]
    found = [Unread(name, _advice(name, known=known)) for name in others]
    return found + [Unread(name, _advice_for_file(name, known=known)) for name in files if name not in known]


def _is_read(name: str, *, known: set[str]) -> bool:
    # Of the general settings capitals make no difference; a vendor's are read as they are written here.
    is_general = name.lower().removeprefix(_PREFIX.lower()) in Settings.model_fields
    return name in known or is_general or bool(_SECRET.fullmatch(name))


def _is_of_kubernetes(name: str, *, given: list[str]) -> bool:
    found = _OF_KUBERNETES.fullmatch(name)
    return found is not None and f"{found[1]}_SERVICE_HOST" in given


def _advice(name: str, *, known: set[str]) -> str:
    if name.removesuffix(_FILE) in known and name.endswith(_FILE):
        return f"put a file named {name.removesuffix(_FILE)} into the folder that ORDERS_SECRETS names"
    close = nearest(name.upper().removeprefix(_PREFIX), sorted(one.removeprefix(_PREFIX) for one in known))
    return f"did you mean {_PREFIX}{close}?" if close else ""


def _advice_for_file(name: str, *, known: set[str]) -> str:
    secret = _SECRET.fullmatch(name)
    return f"name the file {secret[1]}" if secret else _advice(name, known=known)


def _listed(folder: Path | None) -> Iterable[Path]:
    try:
        return list(folder.iterdir()) if folder is not None else ()
    except OSError:
        return ()  # whoever needs a secret of it says so


@cache
def _known() -> tuple[str, ...]:
    """Return every setting's name: of the product, and of the vendors' accounts."""
    names = [f"{_PREFIX}{name.upper()}" for name in Settings.model_fields]
    return (*names, *(f"{kind.prefix}{field.upper()}" for kind in _accounts() for field in kind.model_fields), *_OTHERS)


def _accounts() -> Iterator[type[Account]]:
    for module in pkgutil.iter_modules(accounts.__path__, f"{accounts.__name__}."):
        for kind in vars(importlib.import_module(module.name)).values():
            if isinstance(kind, type) and issubclass(kind, Account) and kind is not Account:
                yield kind


def _further(given: list[str]) -> Iterator[str]:
    """Give the names of mail servers' further accounts: as far as they are read, and those of the next one."""
    number, is_given = 2, True
    while is_given:
        prefix = f"{SmtpAccount.prefix}{number}_"
        names = [f"{prefix}{field.upper()}" for field in SmtpAccount.model_fields]
        yield from names
        number, is_given = number + 1, not set(names).isdisjoint(given)
