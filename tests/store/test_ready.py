"""Statements made ready: those of the modules stay, one that is written for a single call goes with it."""

import gc
from collections.abc import Callable
from weakref import ref

import pytest
from sqlalchemy import Executable, select, update

from activities.store.database import Store
from activities.store.tables import ORDERS


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda: select(ORDERS).where(ORDERS.c.number.in_(["1", "2"])).limit(1), id="select"),
        pytest.param(lambda: update(ORDERS).where(ORDERS.c.id == "none").values(note="x"), id="update"),
    ],
)
async def test_a_statement_written_for_one_call_is_let_go_after_it(
    store: Store, written: Callable[[], Executable]
) -> None:
    statement = written()
    async with store.write() as tx:
        await tx.run(statement)
        await tx.run(statement)
    kept = ref(statement)
    del statement
    gc.collect()
    assert kept() is None
