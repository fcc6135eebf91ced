"""The `orders` command as a subprocess in an environment of its own; one `orders up` for tests that need it all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.running import Orders, Up


@pytest.fixture
def orders(tmp_path: Path) -> Orders:
    """The command in an empty directory: no store yet, and no Temporal server."""
    return Orders(tmp_path)


@pytest.fixture
def stored(orders: Orders) -> Orders:
    """The command with a migrated store and the example pipeline published; still no Temporal server."""
    orders.must("db", "upgrade")
    orders.must("pipeline", "publish", str(orders.example))
    return orders


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orders]:
    """The command beside a running `orders up --no-demo`, which it finds by its directory alone."""
    directory = tmp_path_factory.mktemp("house")
    up = Up(directory, "--no-demo")
    try:
        up.wait_until_ready()
        yield Orders(directory, is_set=False)
    finally:
        up.stop()


@pytest.fixture(scope="session")
def order(house: Orders) -> str:
    """The number of an order in the first stage, for tests that do not change it."""
    number = house.must("order", "create", "--total", "49.00").out.strip()
    house.settled(number, stage="new")
    return number
