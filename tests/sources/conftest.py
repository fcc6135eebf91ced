"""A gateway that is connected to every vendor, under a public address of its own."""

from dataclasses import replace

import pytest

from activities.runtime.settings import Settings
from activities.runtime.tokens import Tokens
from starter.gateway.parts import Parts
from tests.gateway.conftest import caller, no_temporal, published, serve, store, url_of
from tests.gateway.conftest import parts as plain_parts
from tests.support.temporal import temporal_client, temporal_server

__all__ = [
    "caller",
    "no_temporal",
    "plain_parts",
    "published",
    "serve",
    "store",
    "temporal_client",
    "temporal_server",
]

#: Where vendors reach the gateway: their signatures are over this address, whatever the one they came in by.
PUBLIC = "https://orders.shop.example"


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(store_url=url_of(tmp_path / "orders.db"), gateway_port=0, public_url=PUBLIC)


@pytest.fixture
def accounts() -> dict[str, str]:
    """The settings of the accounts; a test module says which."""
    return {}


@pytest.fixture
def parts(plain_parts: Parts, accounts: dict[str, str]) -> Parts:
    return replace(plain_parts, environment=accounts, tokens=Tokens(["k" * 32]))
