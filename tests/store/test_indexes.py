"""An index for every read: the query plan of every statement of the store, asked of SQLite itself.

If this fails: add an index to the table (and a revision), or change the query so that one serves.
"""

import dataclasses
import importlib
import itertools
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Delete, Select, Update, text
from sqlalchemy.dialects import sqlite

import activities.store
from activities.store import customers, orders, outbox, tasks
from activities.store.cursors import moment_cursor
from activities.store.database import Store
from activities.store.records import OrderFilter
from tests.store.builders import NOW
from tests.store.watching import watched

#: Tables with a few rows for ever: everything of them is read on purpose.
SMALL = {"departments", "api_keys", "pipelines", "hook_codes"}

#: Beginnings that other statements go on from; they are never run as they are.
BEGINNINGS = {
    "facts._CHANGE",
    "notices._NOTICE",
    "conversations._LINE",
    "tasks._TASK",
    "relay._DELIVERY",
    "outbox._NEWEST",
    "documents._DOCUMENT",
    "held._NOTICE",
    "held._ANSWER",
}

#: Indexes that hold only the rows that are wanted.
PARTIAL = ("ix_orders_attention", "ix_deliveries_new", "ix_deliveries_dead", "ix_ledger_leases", "_held")


def statements() -> Iterator[tuple[str, Any]]:
    """Every statement that the store's modules keep at their top level, by itself or with others of one table."""
    for found in pkgutil.iter_modules(activities.store.__path__, "activities.store."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            for full, statement in _within(f"{found.name.rpartition('.')[2]}.{name}", value):
                if isinstance(statement, (Select, Update, Delete)) and full not in BEGINNINGS:
                    yield full, statement


def _within(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield name, value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _within(f"{name}.{field.name}", getattr(value, field.name))


def sql_of(statement: Any) -> str:
    """The statement as SQLite gets it, with two values for every list."""
    return re.sub(r"\(__\[POSTCOMPILE_\w+\]\)", "(?, ?)", str(statement.compile(dialect=sqlite.dialect())))


def scans(plan: list[str]) -> list[str]:
    """The lines of a plan that read a whole table."""
    found = []
    for line in plan:
        scanned = re.match(r"SCAN (\w+)(.*)", line)
        if scanned and scanned[1] not in SMALL and not scanned[2].endswith(PARTIAL) and "CONSTANT" not in line:
            found.append(line)
    return found


async def plan_of(store: Store, sql: str) -> list[str]:
    numbers = itertools.count()
    numbered = re.sub(r"\?", lambda _: f":p{next(numbers)}", sql)
    async with store.read() as tx:
        values = {f"p{n}": None for n in range(next(numbers))}
        rows = await tx.rows(text(f"EXPLAIN QUERY PLAN {numbered}"), values)
    return [row[3] for row in rows]


@pytest.fixture
async def sqlite_store(sqlite_url: str) -> Any:
    """A store on SQLite, whose planner says how it reads."""
    opened = await Store.open(sqlite_url)
    yield opened
    await opened.close()


async def test_no_statement_reads_a_whole_table(sqlite_store: Store) -> None:
    bad = {}
    names = []
    for name, statement in statements():
        names.append(name)
        found = scans(await plan_of(sqlite_store, sql_of(statement)))
        if found:
            bad[name] = found
    print(f"{len(names)} statements looked at")
    assert len(names) > 60
    assert bad == {}


CURSOR = moment_cursor(NOW, id="shop:1")
FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "stage": {"stage": "new"},
    "stage kind": {"stage_kind": "open"},
    "attention": {"attention": True},
    "responsible": {"responsible": "olga"},
    "customer": {"customer": "anna"},
    "search": {"q": "anna"},
}


@pytest.mark.parametrize("cursor", [None, CURSOR], ids=["first page", "next page"])
@pytest.mark.parametrize("filter", FILTERS.values(), ids=FILTERS.keys())
async def test_lists_of_orders_use_an_index(sqlite_store: Store, filter: dict[str, Any], cursor: str | None) -> None:
    asked: list[str] = []
    async with watched(sqlite_store, asked.append).read() as tx:
        await orders.page(tx, filter=OrderFilter(**filter), cursor=cursor)
    (sql,) = asked
    plan = await plan_of(sqlite_store, sql)
    if filter:
        assert scans(plan) == [], plan
    else:
        assert "USING INDEX ix_orders_created_at_id" in plan[0], plan
    if "q" not in filter:
        assert not any("TEMP B-TREE" in line for line in plan), plan


async def test_the_other_lists_walk_along_an_index(sqlite_store: Store) -> None:
    asked: list[str] = []
    async with watched(sqlite_store, asked.append).read() as tx:
        await customers.page(tx)
        await customers.page(tx, cursor="a")
        await customers.page(tx, q="anna")
        await outbox.page(tx)
        await outbox.page(tx, cursor=moment_cursor(NOW, id="6f1a4f0e-3a43-5d0c-9a55-0f8b1c1f7a10"))
        await tasks.of_employee(tx, employee="olga")
    for sql in list(asked):
        plan = await plan_of(sqlite_store, sql)
        assert all("USING INDEX" in line or "USING COVERING INDEX" in line for line in scans(plan)), (sql, plan)
