"""Settings from the environment and from files."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from activities.runtime.settings import Settings


def test_a_secret_may_be_a_file_named_like_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ORDERS_STORE_URL").write_text("postgresql+asyncpg://u:p@db/orders")
    monkeypatch.setenv("ORDERS_SECRETS", str(tmp_path))
    monkeypatch.delenv("ORDERS_STORE_URL", raising=False)
    assert Settings().store_url == "postgresql+asyncpg://u:p@db/orders"


def test_the_environment_goes_before_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ORDERS_SHOP").write_text("from-file")
    monkeypatch.setenv("ORDERS_SECRETS", str(tmp_path))
    monkeypatch.setenv("ORDERS_SHOP", "from-environment")
    assert Settings().shop == "from-environment"


def test_an_unknown_kind_of_store_is_refused_with_the_ways_to_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERS_STORE_URL", "mysql://x")
    with pytest.raises(ValidationError, match="postgresql\\+asyncpg://USER:PASSWORD@HOST/DATABASE"):
        Settings()
