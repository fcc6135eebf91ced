"""One gateway for all of the fuzz, with an order of a known customer and a mail on its way to her."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from activities.store.database import Store
from starter.gateway import examples
from tests.fuzz.standing import Standing, standing
from tests.gateway.calling import order
from tests.gateway.conftest import _publish as publish
from tests.gateway.conftest import published, url_of
from tests.sources import test_payments_and_parcels, test_sendgrid, test_twilio
from tests.sources.sending import claimed
from tests.store.conftest import postgres
from tests.support.postgres import Postgres
from workflows.contracts.ids import OrderKey

__all__ = ["postgres", "published"]

#: The code of the inbound mails' address.
INBOUND = "c" * 24

ANNA = {
    "id": "anna",
    "first_name": "Anna",
    "phones": [{"number": test_twilio.ANNA}],
    "emails": [{"email": test_sendgrid.ANNA}],
}


@dataclass(frozen=True)
class House:
    """The gateway, its store, and the id of a mail of ours that is on its way."""

    gateway: Standing
    store_url: str
    send_id: UUID


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of each kind, with the schema and a published pipeline."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("fuzz") / "orders.db"
        shutil.copy(request.getfixturevalue("published"), path)
        return url_of(path)
    server: Postgres = request.getfixturevalue("postgres")
    empty = server.url(is_empty=True)
    asyncio.run(publish(empty))
    return empty


@pytest.fixture(scope="session")
def house(url: str) -> Iterator[House]:
    """The gateway on each kind of database, connected to every vendor."""
    accounts = {
        "ORDERS_TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
        "ORDERS_TWILIO_AUTH_TOKEN": test_twilio.TOKEN,
        "ORDERS_SENDGRID_API_KEY": "SG.key",
        "ORDERS_SENDGRID_EVENTS_KEY": test_sendgrid.public(test_sendgrid.MINE),
        "ORDERS_INBOUND_CODE": INBOUND,
        "ORDERS_STRIPE_WEBHOOK_SECRET": test_payments_and_parcels.STRIPE,
        "ORDERS_HOOKS_PAYMENTS": test_payments_and_parcels.STANDARD,
        "ORDERS_HOOKS_SHIPMENTS": test_payments_and_parcels.STANDARD,
        "ORDERS_HOOKS_ORDERS": test_payments_and_parcels.STANDARD,
        "ORDERS_HOOKS_AFTERSHIP": test_payments_and_parcels.PARCELS,
    }
    with standing(url, accounts=accounts) as gateway:
        headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"}
        for placed in (order("1001", customer=ANNA), examples.ORDER):
            assert gateway.post("/v1/orders", json.dumps(placed).encode(), headers) == 201
        yield House(gateway, url, asyncio.run(_mail(url)))


async def _mail(url: str) -> UUID:
    store = await Store.open(url)
    try:
        key = OrderKey(shop="shop", number="1001")
        return await claimed(store, key=key, channel="email", address=test_sendgrid.ANNA, provider="sendgrid")
    finally:
        await store.close()
