"""Statements made ready for a driver: written and typed by SQLAlchemy once per process, then handed to the driver.

SQLAlchemy's own execution, made for every database and every way of use, costs ten times what SQLite needs for a
statement; a decision is a dozen and more of them.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, TypeAlias, cast
from uuid import UUID
from weakref import finalize

from sqlalchemy import Dialect, Executable, FromClause, Numeric, Row, Uuid
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeDecorator, TypeEngine

from activities.store.columns import words

#: The values of a statement, by the names of its parameters; one for each row.
Values: TypeAlias = Mapping[str, object]

_Convert: TypeAlias = Callable[[Any], Any]


class Answer:
    """What a statement gave: its rows, and how many it concerned."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: Sequence[Any], *, rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Row[Any]]:
        return iter(self._rows)

    def all(self) -> Sequence[Row[Any]]:
        """Return all rows."""
        return self._rows

    def first(self) -> Row[Any] | None:
        """Return the first row, None if there is none."""
        return self._rows[0] if self._rows else None

    def scalar_one(self) -> Any:
        """Return the first value of the only row."""
        (row,) = self._rows
        return row[0]

    def scalar_one_or_none(self) -> Any:
        """Return the first value of the first row, None if there is none."""
        return self._rows[0][0] if self._rows else None


class Form:
    """SQL for lists of certain lengths, and where each of its values comes from."""

    __slots__ = ("_converted", "_items", "_places", "_plain", "_texts", "sql")

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._places: list[Any] = []
        self._plain: list[tuple[int, str]] = []
        self._texts: list[tuple[int, str]] = []
        self._converted: list[tuple[int, str, _Convert]] = []
        self._items: list[tuple[int, str, int, _Convert | None]] = []

    def fix(self, value: object) -> None:
        """Let the next place of the SQL hold the same value always."""
        self._places.append(value)

    def take(self, name: str, *, item: int | None, convert: _Convert | None) -> None:
        """Let the next place hold what is given under a name, or an item of the list that is."""
        n = len(self._places)
        self._places.append(None)
        if item is not None:
            self._items.append((n, name, item, convert))
        elif convert is words:
            self._texts.append((n, name))
        elif convert is not None:
            self._converted.append((n, name, convert))
        else:
            self._plain.append((n, name))

    def bound(self, values: Values) -> list[Any]:
        """Give the values in the order of the SQL."""
        bound = self._places.copy()
        for n, name in self._plain:
            bound[n] = values[name]
        for n, name in self._texts:  # nearly half of all values, and mostly clean: to look is cheaper than a call
            text = values[name]
            is_clean = type(text) is str and text.isascii() and "\0" not in text
            bound[n] = text if is_clean else words(cast("str | None", text))
        for n, name, convert in self._converted:
            bound[n] = convert(values[name])
        for n, name, item, change in self._items:
            value = cast("Sequence[object]", values[name])[item]
            bound[n] = value if change is None else change(value)
        return bound


class Ready:
    """A statement as its driver takes it, with what turns values into columns and columns into values."""

    def __init__(self, compiled: SQLCompiler) -> None:
        if compiled.insert_prefetch or compiled.update_prefetch:
            raise TypeError("a column's default made in Python does not reach the driver: give its value")
        self._compiled = compiled
        self._defaults = compiled.construct_params(_check=False)
        self._lists = [compiled.bind_names[bind] for bind in compiled.post_compile_params]
        self._forms: dict[tuple[int, ...], Form] = {}
        #: The table it writes to; None for one that reads, and for SQL that was written by hand.
        self.writes: FromClause | None = (
            compiled.statement.table if isinstance(compiled.statement, UpdateBase) else None
        )
        # Its forms are written without them; with them, a statement made for one call would be kept for ever.
        compiled.statement = compiled.compile_state = compiled.dml_compile_state = None
        columns = compiled._result_columns
        #: Whether rows come back; None for SQL that was written by hand: the driver knows.
        self.returns: bool | None = bool(columns) or (None if compiled.isplaintext else False)
        self._row = _row_type(tuple(column.keyname for column in columns)) if columns else None
        converts = [_to_value(column.type, dialect=compiled.dialect) for column in columns]
        self._converts = [(place, convert) for place, convert in enumerate(converts) if convert is not None]

    def form(self, values: Values) -> Form:
        """Give the SQL for values; the lists among them may not be longer or shorter for the same form."""
        lengths: tuple[int, ...] = ()
        if self._lists:
            lengths = tuple(len(cast("Sequence[object]", values.get(n, self._defaults[n]))) for n in self._lists)
        form = self._forms.get(lengths)
        if form is None:
            form = self._forms[lengths] = self._written(values)
        return form

    def rows(self, found: Sequence[Any], *, names: Sequence[str] | None = None) -> Sequence[Any]:
        """Make what the driver found into rows; `names` are the columns of SQL that was written by hand."""
        make = self._row
        if make is None:
            make = _row_type(tuple(names or ()))
        made = []
        for one in found:
            row = list(one)
            for place, convert in self._converts:
                if row[place] is not None:
                    row[place] = convert(row[place])
            made.append(make(row))
        return made

    def _written(self, values: Values) -> Form:
        state = self._compiled.construct_expanded_state({**self._defaults, **values})
        items = {
            item: (name, place)
            for name, expanded in state.parameter_expansion.items()
            for place, item in enumerate(expanded)
        }
        form = Form(state.statement)
        for name in state.positiontup or ():
            whole, item = items.get(name, (name, None))
            convert = cast("_Convert | None", state.processors.get(name) or self._compiled._bind_processors.get(name))
            if whole in values:
                form.take(whole, item=item, convert=convert)
                continue
            value = self._defaults[whole] if item is None else self._defaults[whole][item]
            form.fix(value if convert is None else convert(value))
        return form


class Statements:
    """The ready forms of statements for one dialect; they live as long as the statements do."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        #: Whose language they are in: `sqlite` or `postgresql`.
        self.dialect = dialect.name
        # By their ids: a dictionary with weak keys makes a reference and compares it, for every statement that is run.
        self._ready: dict[int, dict[tuple[str, ...], Ready]] = {}

    def ready(self, statement: Executable, values: Values) -> Ready:
        """Give the form of a statement that takes values of these names."""
        known = self._ready.get(id(statement))
        if known is None:
            known = self._ready[id(statement)] = {}
            finalize(statement, self._ready.pop, id(statement)).atexit = False
        names = tuple(values)
        ready = known.get(names)
        if ready is None:
            ready = known[names] = self._made(statement, names)
        return ready

    def _made(self, statement: Executable, names: tuple[str, ...]) -> Ready:
        # Else PostgreSQL would be asked for the keys of every row that is inserted.
        asks_for_keys = not getattr(statement, "_returning", ())
        compiled = statement.compile(  # type: ignore[attr-defined]  # every statement of ours can be compiled
            dialect=self._dialect, column_keys=list(names), **({"for_executemany": True} if asks_for_keys else {})
        )
        return Ready(compiled)


@lru_cache(maxsize=2_000)
def _row_type(names: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    made: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # its fields are known only now
    return partial(tuple.__new__, made)  # what its `_make` does, without a call in Python


def _to_value(kind: TypeEngine[Any], *, dialect: Dialect) -> _Convert | None:
    """Give what turns a column into a value, if it needs any."""
    if dialect.name == "postgresql" and isinstance(_inner(kind, dialect=dialect), Numeric):
        return None  # the driver gives exact numbers
    if isinstance(kind, Uuid) and not dialect.supports_native_uuid:
        return _uuid_of  # the ids of a visit's runs are read several times
    return cast("_Convert | None", kind._cached_result_processor(dialect, None))


@lru_cache(maxsize=1_000)
def _uuid_of(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _inner(kind: TypeEngine[Any], *, dialect: Dialect) -> TypeEngine[Any]:
    return kind.load_dialect_impl(dialect) if isinstance(kind, TypeDecorator) else kind
