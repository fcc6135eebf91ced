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
        try:
            yield _ScratchTx(self._raw, plain=self._plain)
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
        self._raw = raw
        self._plain = plain
        self.is_postgres = False

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


class _Ready:
    """A statement as SQLite takes it, with what turns values into columns and columns into values."""

    def __init__(self, compiled: SQLCompiler) -> None:
        dialect = compiled.dialect
        defaults = compiled.construct_params(_check=False)
        binds = cast("Mapping[str, _Convert]", compiled._bind_processors)
        self._sql = compiled.string
        self._binds = [(name, binds.get(name), defaults[name]) for name in compiled.positiontup or ()]
        columns = compiled._result_columns
        made: Any = namedtuple("made", [column.keyname for column in columns], rename=True)
        self._row = made._make
        converts = [column.type._cached_result_processor(dialect, None) for column in columns]
        self._converts = [(place, convert) for place, convert in enumerate(converts) if convert is not None]
        self.returns = bool(columns)

    def execute(self, raw: sqlite3.Connection, values: _Values) -> _Answer:
        if values is None or isinstance(values, Mapping):
            cursor = raw.execute(self._sql, self._bound(values or {}))
        elif len(values) == 1:
            cursor = raw.execute(self._sql, self._bound(values[0]))
        else:
            cursor = raw.executemany(self._sql, [self._bound(row) for row in values])
        if not self.returns:
            return _Answer([], rowcount=cursor.rowcount)
        rows = [self._made(found) for found in cursor.fetchall()]
        return _Answer(rows, rowcount=cursor.rowcount)

    def _bound(self, values: Mapping[str, object]) -> list[object]:
        return [
            convert(values.get(name, default)) if convert else values.get(name, default)
            for name, convert, default in self._binds
        ]

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
    one = values if values is None or isinstance(values, Mapping) else values[0]
    names = tuple(one) if one else ()
    if names not in known:
        known[names] = _prepared(statement, names)
    found = known[names]
    is_many = not (values is None or isinstance(values, Mapping)) and len(values) > 1
    return None if found is None or (is_many and found.returns) else found


def _prepared(statement: Executable, names: tuple[str, ...]) -> _Ready | None:
    compiled = statement.compile(dialect=_DIALECT, column_keys=list(names))  # type: ignore[attr-defined]
    is_plain = isinstance(compiled, SQLCompiler) and not compiled.post_compile_params | compiled.literal_execute_params
    if not is_plain or (compiled._result_columns == [] and compiled.isplaintext):
        return None
    return _Ready(compiled)
