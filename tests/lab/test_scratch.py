"""The lab's store is the product's store: the same statements, the same conflicts, nothing kept of what failed."""

from datetime import UTC, datetime

import pytest

from activities.store import employees, orders
from activities.store.database import Conflict
from activities.store.records import NewEmployee, NewOrder, OrderFilter
from activities.store.scratch import Scratch
from workflows.contracts.ids import OrderKey

_NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


async def test_statements_with_lists_find_the_same_whatever_their_length_and_however_often() -> None:
    store = Scratch()
    async with store.write() as tx:
        for name in ("olga", "marek", "nina"):
            await employees.put(tx, NewEmployee(id=name, roles=["sales"]), now=_NOW)
    key = OrderKey(shop="shop", number="1")
    for _ in range(3):
        for names in ([], ["olga"], ["nina", "olga"], ["role:sales"]):
            async with store.read() as tx:
                found = [one.id for one in await employees.resolve(tx, recipients=names, key=key)]
            assert found == (["marek", "nina", "olga"] if names == ["role:sales"] else names)
    await store.close()


async def test_a_failed_transaction_leaves_nothing_behind() -> None:
    store = Scratch()

    async def twice_the_same() -> None:
        async with store.write() as tx:
            await orders.create(tx, NewOrder(number="1"), now=_NOW)
            await orders.create(tx, NewOrder(number="1"), now=_NOW)

    for _ in range(3):
        with pytest.raises(Conflict):
            await twice_the_same()
        async with store.read() as tx:
            assert (await orders.page(tx, filter=OrderFilter())).items == []
    await store.close()
