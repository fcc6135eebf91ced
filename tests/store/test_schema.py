"""Migrations: complete, repeatable, safe side by side; values come back from both databases as they went in."""

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.dialects import sqlite

from activities.store import ledger, orders, outbox, payments, timeline
from activities.store.columns import as_json, cleaned, in_utc
from activities.store.database import SCHEMA, Store
from activities.store.history import NewEntry, TimelineKind
from activities.store.schema import differences, migrate
from activities.store.tables import METADATA, ORDERS
from tests.store.builders import KEY, NOW, arrival, claim_of, planned, put_order, take
from tests.support.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without a schema, of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.url(is_empty=True)


async def test_the_migrated_database_is_what_the_models_say(empty_url: str) -> None:
    """If this fails: write the next revision with schema.write_revision and raise database.SCHEMA."""
    assert await migrate(empty_url) == SCHEMA
    assert await differences(empty_url) == []


async def test_every_type_and_default_of_the_models_is_in_the_migrations(sqlite_url: str) -> None:
    """Alembic's comparison passes over types; the columns' own words are compared here."""
    store = await Store.open(sqlite_url)
    async with store.read() as tx:
        for table in METADATA.sorted_tables:
            rows = await tx.rows(text(f"PRAGMA table_info({table.name})"))
            stored = {row.name: (row.type, bool(row.notnull)) for row in rows}
            wanted = {c.name: (c.type.compile(sqlite.dialect()), not c.nullable) for c in table.columns}
            assert stored == wanted, table.name
    await store.close()


async def test_migrating_again_and_side_by_side_changes_nothing(empty_url: str) -> None:
    assert await asyncio.gather(*(migrate(empty_url) for _ in range(3))) == [SCHEMA] * 3
    store = await Store.open(empty_url)
    await store.check()
    await put_order(store)
    assert await migrate(empty_url) == SCHEMA
    async with store.read() as tx:
        assert (await orders.get(tx, KEY)).number == "1001"
    await store.close()


@pytest.mark.parametrize("amount", ["0.10", "0.1", "19.99", "123456789012345.123456", "1E+3", "0.000001", "100"])
async def test_money_comes_back_exact(store: Store, amount: str) -> None:
    total = Decimal(amount)
    await put_order(store, total=total)
    async with store.read() as tx:
        found = (await orders.get(tx, KEY)).total
    assert found == total
    assert isinstance(found, Decimal)


async def test_cents_add_up_exactly(store: Store) -> None:
    await put_order(store, total="0.30")
    await take(store, arrival(id="p1", data={"amount": 0.1}))
    taken = await take(store, arrival(id="p2", data={"amount": 0.2}))
    assert [event.type for event in taken.follows] == ["payment.paid"]
    async with store.read() as tx:
        assert [p.amount for p in await payments.of_order(tx, KEY)] == [Decimal("0.1"), Decimal("0.2")]


@pytest.mark.parametrize(
    "moment",
    [
        NOW,
        datetime(2026, 10, 25, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1))),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12))),
    ],
    ids=["plain", "another zone", "the first day", "the last day"],
)
async def test_moments_come_back_in_utc(store: Store, moment: datetime) -> None:
    await put_order(store)
    async with store.write() as tx:
        await timeline.add(tx, KEY, entry=NewEntry(kind=TimelineKind.LOG, text="x", at=moment))
        found = (await timeline.page(tx, KEY)).items[0].at
    assert found == in_utc(moment)
    assert found.utcoffset() == timedelta(0)


async def test_a_naive_moment_is_refused(store: Store) -> None:
    await put_order(store)
    with pytest.raises(Exception, match="without a zone"):
        async with store.write() as tx:
            await timeline.add(tx, KEY, entry=NewEntry(kind=TimelineKind.LOG, text="x", at=NOW.replace(tzinfo=None)))


async def test_dates_and_lists_come_back(store: Store) -> None:
    await put_order(store, delivery_date="2026-12-24", tags=["a", "ü"], items=[{"sku": "x", "price": "0.10"}])
    async with store.read() as tx:
        order = await orders.get(tx, KEY)
        row = await tx.first(select(ORDERS.c.delivery_date))
    assert (order.delivery_date, order.tags, order.items[0].price) == (date(2026, 12, 24), ["a", "ü"], Decimal("0.10"))
    assert row is not None


@given(st.text(alphabet=st.characters(codec=None), max_size=50))
def test_cleaned_text_can_always_be_written(value: str) -> None:
    found = cleaned(value)
    assert "\0" not in found
    found.encode()
    assert cleaned(found) == found
    if value.isprintable() and value.isascii():
        assert found == value


def test_json_knows_money_and_times_and_refuses_what_is_none() -> None:
    assert as_json({"a": Decimal("1.50"), "b": datetime(2026, 1, 1, tzinfo=UTC)}) == (
        '{"a":"1.50","b":"2026-01-01T00:00:00+00:00"}'
    )
    with pytest.raises(ValueError, match="JSON"):
        as_json(float("nan"))


async def test_personal_data_stays_where_it_belongs(store: Store) -> None:
    """The ledger, runs and visits know nobody's name or number."""
    await put_order(store, runs=(planned("sms"),))
    async with store.write() as tx:
        await ledger.claim(tx, claim=claim_of())
        for table in ("ledger", "runs", "visits", "deliveries", "suppressions"):
            dump = str([tuple(row) for row in await tx.rows(text(f"SELECT * FROM {table}"))])
            assert not any(word in dump for word in ("501234567", "Anna", "Kowalska", "example.com")), table
        assert (await outbox.page(tx)).items == []
