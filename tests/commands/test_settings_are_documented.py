"""Every setting of the product stands in its documentation."""

import importlib
import pkgutil
from pathlib import Path

import activities.accounts
from activities.accounts.reading import Account
from activities.runtime.settings import Settings
from tests.commands.running import ROOT


def _settings() -> list[str]:
    found = [f"ORDERS_{name.upper()}" for name in Settings.model_fields]
    for module in pkgutil.iter_modules(activities.accounts.__path__, "activities.accounts."):
        for kind in vars(importlib.import_module(module.name)).values():
            if isinstance(kind, type) and issubclass(kind, Account) and kind is not Account:
                found += [f"{kind.prefix}{name.upper()}" for name in kind.model_fields]
    return found


def test_every_setting_is_documented() -> None:
    pages = [ROOT / "README.md", *sorted(Path(ROOT / "docs").glob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    assert [name for name in _settings() if f"`{name}`" not in text] == []
