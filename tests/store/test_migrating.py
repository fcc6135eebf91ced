"""The schema is upgraded by every process at its start, while others write to the database (case 52)."""

import asyncio

from activities.store import orders
from activities.store.database import Store, StoreDown
from activities.store.schema import migrate
from tests.store.builders import NOW, new_order


async def test_upgrading_a_database_in_use_loses_nothing_and_fails_no_write(url: str, store: Store) -> None:
    """Covers case 52."""
    refused = 0

    async def place(number: int) -> None:
        nonlocal refused
        try:
            async with store.write() as tx:
                await orders.create(tx, new_order(number=str(number), customer=None), now=NOW)
        except StoreDown:
            refused += 1

    await asyncio.gather(*(place(number) for number in range(40)), *(migrate(url) for _ in range(3)))

    async with store.read() as tx:
        kept = await orders.page(tx, filter=orders.OrderFilter(), limit=100)
    assert (len(kept.items), refused) == (40, 0)
