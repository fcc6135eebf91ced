"""Customers who want no more mails: their address is blocked and their consent is taken back, as often as they say."""

import pytest

from activities.store import customers, unsubscribing
from activities.store.database import Store
from activities.store.records import NewCustomer
from activities.store.suppressions import fingerprint
from tests.store.conftest import NOW

ADDRESS = "anna@example.com"


@pytest.fixture
async def anna(store: Store) -> str:
    new = NewCustomer.model_validate({"id": "anna", "language": "pl", "emails": [{"email": ADDRESS}]})
    async with store.write() as tx:
        return (await customers.create(tx, new, now=NOW)).id


async def unsubscribe(store: Store, *, customer: str) -> None:
    async with store.write() as tx:
        await unsubscribing.unsubscribe(
            tx, customer=customer, channel="email", address_hash=fingerprint(ADDRESS), now=NOW
        )


async def test_address_is_blocked_and_only_this_consent_is_taken_back(store: Store, anna: str) -> None:
    await unsubscribe(store, customer=anna)
    async with store.read() as tx:
        record = await customers.get(tx, id=anna)
        assert await customers.is_suppressed(tx, channel="email", address=ADDRESS.upper())
        assert not await customers.is_suppressed(tx, channel="sms", address=ADDRESS)
    assert (record.consent.email, record.consent.sms) == (False, True)
    assert [address.email for address in record.emails] == [ADDRESS]


async def test_second_time_changes_nothing(store: Store, anna: str) -> None:
    await unsubscribe(store, customer=anna)
    await unsubscribe(store, customer=anna)
    async with store.read() as tx:
        assert (await customers.get(tx, id=anna)).consent.email is False


async def test_address_of_a_customer_who_is_gone_is_blocked_all_the_same(store: Store) -> None:
    await unsubscribe(store, customer="nobody")
    async with store.read() as tx:
        assert await customers.is_suppressed(tx, channel="email", address=ADDRESS)


async def test_language_is_that_of_the_customer_or_not_known(store: Store, anna: str) -> None:
    async with store.read() as tx:
        assert await unsubscribing.language_of(tx, customer=anna) == "pl"
        assert await unsubscribing.language_of(tx, customer="nobody") == ""
