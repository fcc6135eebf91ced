"""Statements made ready for a driver: written and typed by SQLAlchemy once per process, then handed to the driver.

SQLAlchemy's own execution, made for every database and every way of use, costs ten times what SQLite needs for a
statement; a decision is a dozen and more of them.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Executable, Numeric, Row
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

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

    __slots__ = ("_binds", "sql")

    def __init__(self, sql: str, binds: "list[tuple[str, int | None, _Convert | None, object]]") -> None:
        self.sql = sql
        self._binds = binds

    def bound(self, values: Values) -> list[Any]:
        """Give the values in the order of the SQL."""
        bound = []
        for name, place, convert, default in self._binds:
            value: Any = values.get(name, default)
            if place is not None:
                value = value[place]
            bound.append(value if convert is None else convert(value))
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
        if not self._converts:
            return [make(row) for row in found]
        return [make(self._converted(row)) for row in found]

    def _converted(self, found: Sequence[Any]) -> list[Any]:
        row = list(found)
        for place, convert in self._converts:
            row[place] = convert(row[place])
        return row

    def _written(self, values: Values) -> Form:
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
        return Form(state.statement, binds)


class Statements:
    """The ready forms of statements for one dialect; they live as long as the statements do."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        #: Whose language they are in: `sqlite` or `postgresql`.
        self.dialect = dialect.name
        self._ready: WeakKeyDictionary[Executable, dict[tuple[str, ...], Ready]] = WeakKeyDictionary()

    def ready(self, statement: Executable, values: Values) -> Ready:
        """Give the form of a statement that takes values of these names."""
        known = self._ready.get(statement)
        if known is None:
            known = self._ready[statement] = {}
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
    return cast("Callable[[Sequence[Any]], Any]", made._make)


def _to_value(kind: TypeEngine[Any], *, dialect: Dialect) -> _Convert | None:
    """Give what turns a column into a value, if it needs any."""
    if dialect.name == "postgresql" and isinstance(_inner(kind, dialect=dialect), Numeric):
        return None  # the driver gives exact numbers
    return cast("_Convert | None", kind._cached_result_processor(dialect, None))


def _inner(kind: TypeEngine[Any], *, dialect: Dialect) -> TypeEngine[Any]:
    return kind.load_dialect_impl(dialect) if isinstance(kind, TypeDecorator) else kind
