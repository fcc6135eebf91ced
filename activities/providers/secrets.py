"""Secrets by name: a pipeline names one, the environment or a file of the secrets folder holds it."""

import re
from collections.abc import Mapping
from pathlib import Path

from activities.providers.errors import Misconfigured

SECRET_PREFIX = "ORDERS_SECRET_"

SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,60}")


class Secrets:
    """Look secrets up: `ORDERS_SECRET_<NAME>` of the environment, else the file NAME in the folder."""

    def __init__(self, environment: Mapping[str, str], *, folder: Path | None = None) -> None:
        self._environment = environment
        self._folder = folder

    def __repr__(self) -> str:
        return "Secrets(…)"

    def get(self, name: str) -> str:
        """Return the secret; raise Misconfigured, naming the setting, when there is none."""
        setting = f"{SECRET_PREFIX}{name}"
        if not SECRET_NAME.fullmatch(name):
            raise Misconfigured(f"{SECRET_PREFIX}<NAME>", "the rule's secret is not a name")
        value = self._environment.get(setting, "") or self._file(name)
        if not value:
            raise Misconfigured(setting, f"the secret {name} is not there")
        return value

    def _file(self, name: str) -> str:
        path = self._folder / name if self._folder is not None else None
        return path.read_text(encoding="utf-8").strip() if path is not None and path.is_file() else ""
