"""A store in memory for one run of the lab: the same statements on the same schema, gone when it is closed.

One SQLite connection of the calling thread: no file, no other thread, nothing awaited. A statement is compiled once
per process and then handed to SQLite directly; SQLAlchemy's execution, made for many databases, would cost twice that.
"""

import sqlite3
from collections import namedtuple
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Executable, Row, create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.compiler import SQLCompiler

from activities.store.columns import as_json
from activities.store.database import Conflict, Store, Tx
from activities.store.tables import METADATA

_Values = Mapping[str, object] | Sequence[Mapping[str, object]] | None
_Convert = Callable[[Any], Any]

_CONTRADICTION = "The change contradicts a stored record: it exists already, or what it names does not"


class Scratch(Store):
    """An empty store of one thread, with this program's schema."""

    def __init__(self) -> None:
        self._raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=512)
        self._raw.execute("PRAGMA foreign_keys=ON")
        engine = create_engine("sqlite://", poolclass=StaticPool, creator=lambda: self._raw, json_serializer=as_json)
        self._plain = engine.connect()
        METADATA.create_all(self._plain)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """Give a transaction."""
        async with self.write() as tx:
            yield tx

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """Give a transaction: committed at the end of the block, rolled back on any error."""
        self._raw.execute("BEGIN")
        tx = _ScratchTx(self._raw, plain=self._plain)
        try:
            yield tx
            await tx.flush()
        except BaseException:
            self._raw.execute("ROLLBACK")
            raise
        self._raw.execute("COMMIT")

    async def check(self) -> None:
        """Nothing can be wrong with it."""

    async def close(self) -> None:
        """Forget everything."""
        self._raw.close()


class _ScratchTx(Tx):
    __slots__ = ("_plain", "_raw")

    def __init__(self, raw: sqlite3.Connection, *, plain: Connection) -> None:
        super().__init__(cast("AsyncConnection", plain), is_postgres=False)  # what would use it is overridden here
        self._raw = raw
        self._plain = plain

    async def run(self, statement: Executable, values: _Values = None) -> CursorResult[Any]:
        ready = _ready(statement, values)
        if ready is None:
            try:
                return self._plain.execute(statement, values)
            except IntegrityError as error:
                raise Conflict(_CONTRADICTION) from error
        try:
            answer = ready.execute(self._raw, values)
        except sqlite3.IntegrityError as error:
            raise Conflict(_CONTRADICTION) from error
        return cast("CursorResult[Any]", answer)

    async def sync(self, work: Callable[[Connection], None]) -> None:
        work(self._plain)


class _Answer:
    """As much of a result as the store's modules use."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Any], *, rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Row[Any]]:
        return iter(self._rows)

    def all(self) -> Sequence[Row[Any]]:
        return self._rows

    def first(self) -> Row[Any] | None:
        return self._rows[0] if self._rows else None

    def scalar_one(self) -> Any:
        (row,) = self._rows
        return row[0]

    def scalar_one_or_none(self) -> Any:
        return self._rows[0][0] if self._rows else None


class _Form:
    """SQL for lists of certain lengths, and where each of its values comes from."""

    def __init__(self, sql: str, binds: list[tuple[str, int | None, _Convert | None, object]]) -> None:
        self.sql = sql
        self._binds = binds

    def bound(self, values: Mapping[str, Any]) -> list[object]:
        """Give the values in the order of the SQL."""
        bound = []
        for name, place, convert, default in self._binds:
            value = values.get(name, default)
            if place is not None:
                value = value[place]
            bound.append(convert(value) if convert else value)
        return bound


class _Ready:
    """A statement as SQLite takes it, with what turns values into columns and columns into values."""

    def __init__(self, compiled: SQLCompiler) -> None:
        self._compiled = compiled
        self._defaults = compiled.construct_params(_check=False)
        self._lists = [compiled.bind_names[bind] for bind in compiled.post_compile_params]
        self._forms: dict[tuple[int, ...], _Form] = {}
        columns = compiled._result_columns
        names = [column.keyname for column in columns]
        made: Any = namedtuple("made", names, rename=True)  # type: ignore[misc]  # its fields are known only now
        self._row = made._make
        converts = [column.type._cached_result_processor(compiled.dialect, None) for column in columns]
        self._converts = [(place, convert) for place, convert in enumerate(converts) if convert is not None]
        self.returns = bool(columns)

    def execute(self, raw: sqlite3.Connection, values: _Values) -> _Answer:
        """Run the statement, once or for each of several rows."""
        rows = [values or {}] if values is None or isinstance(values, Mapping) else values
        form = self._form(rows[0])
        if len(rows) == 1:
            cursor = raw.execute(form.sql, form.bound(rows[0]))
        else:
            cursor = raw.executemany(form.sql, [form.bound(row) for row in rows])
        if not self.returns:
            return _Answer([], rowcount=cursor.rowcount)
        return _Answer([self._made(found) for found in cursor.fetchall()], rowcount=cursor.rowcount)

    def _form(self, values: Mapping[str, Any]) -> _Form:
        lengths = tuple(len(values.get(name, self._defaults[name])) for name in self._lists) if self._lists else ()
        form = self._forms.get(lengths)
        if form is None:
            form = self._forms[lengths] = self._written(values)
        return form

    def _written(self, values: Mapping[str, Any]) -> _Form:
        state = self._compiled.construct_expanded_state({**self._defaults, **values})
        items = {
            item: (name, place)
            for name, expanded in state.parameter_expansion.items()
            for place, item in enumerate(expanded)
        }
        binds: list[tuple[str, int | None, _Convert | None, object]] = []
        for name in state.positiontup or ():
            whole, place = items.get(name, (name, None))
            convert = cast("_Convert | None", state.processors.get(name) or self._compiled._bind_processors.get(name))
            binds.append((whole, place, convert, self._defaults[whole]))
        return _Form(state.statement, binds)

    def _made(self, found: Sequence[Any]) -> Any:
        if not self._converts:
            return self._row(found)
        row = list(found)
        for place, convert in self._converts:
            row[place] = convert(row[place])
        return self._row(row)


_DIALECT = sqlite.dialect(paramstyle="qmark", json_serializer=as_json)

#: Statements that live as long as their module, by the names of the values they are given; None: SQLAlchemy's way.
_READY: "WeakKeyDictionary[Executable, dict[tuple[str, ...], _Ready | None]]" = WeakKeyDictionary()


def _ready(statement: Executable, values: _Values) -> _Ready | None:
    """Give a statement's ready form from its second use on; one that is built for each use is not compiled for it."""
    known = _READY.get(statement)
    if known is None:
        _READY[statement] = {}
        return None
    rows = [values or {}] if values is None or isinstance(values, Mapping) else values
    names = tuple(rows[0])
    if names not in known:
        known[names] = _prepared(statement, names)
    found = known[names]
    # For many rows at once, SQLite returns nothing.
    return None if found is None or (len(rows) > 1 and found.returns) else found


def _prepared(statement: Executable, names: tuple[str, ...]) -> _Ready | None:
    compiled = statement.compile(dialect=_DIALECT, column_keys=list(names))  # type: ignore[attr-defined]
    if not isinstance(compiled, SQLCompiler) or compiled.literal_execute_params or compiled.isplaintext:
        return None
    return _Ready(compiled)
