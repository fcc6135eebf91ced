"""Several works in one transaction, side by side: what they ask for at the same time is one round trip.

In: works that each run one statement after the other. Each round takes the next statement of every work and sends equal
ones to the database together, which executes them one by one: each sees what those before it wrote.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Executable, FromClause, Integer, bindparam
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import Select

from activities.store.database import Tx
from activities.store.ready import Answer, Values

_T = TypeVar("_T")

#: Added to a statement's rows: the place of the work that asked for them.
_PLACE = bindparam("place_of_work", type_=Integer)


@dataclass(frozen=True)
class _Asked:
    place: int
    statement: Executable
    values: Values | Sequence[Values] | None
    answer: "asyncio.Future[Answer]"

    @property
    def rows(self) -> Sequence[Values]:
        return [self.values] if not isinstance(self.values, list | tuple) else self.values  # type: ignore[list-item]

    @property
    def kind(self) -> object:
        """Say what can go together: equal statements, which take values of equal names, and lists of equal lengths."""
        if self.values is None or not self.rows:
            return self.place
        lengths = tuple(len(value) for value in self.rows[0].values() if isinstance(value, list | tuple))
        return (id(self.statement), tuple(self.rows[0]), lengths)


class Rounds:
    """The way in which one process does works side by side."""

    def __init__(self) -> None:
        self._placed: WeakKeyDictionary[Executable, Executable] = WeakKeyDictionary()

    async def together(self, tx: Tx, works: Sequence[Callable[[Tx], Awaitable[_T]]]) -> list[_T]:
        """Do works and give what each gives; raise what the first that fails raises, when all others have stopped.

        They must not wait for each other, nor depend on what another one of them writes.
        """
        table = _Table(tx, seats=len(works), placed=self._placed)
        tasks = [asyncio.create_task(table.seated(place, work)) for place, work in enumerate(works)]
        try:
            await table.serve()
            return [task.result() for task in tasks]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class _Table:
    """The works of one transaction, and what they ask for next."""

    def __init__(self, tx: Tx, *, seats: int, placed: WeakKeyDictionary[Executable, Executable]) -> None:
        self.tx = tx
        self._placed = placed
        self._seats = seats
        self._asked: list[_Asked] = []
        self._failure: BaseException | None = None
        self._all_wait = asyncio.Event()
        self._look()

    async def seated(self, place: int, work: Callable[[Tx], Awaitable[_T]]) -> _T:
        """Do one work."""
        tx = _Seat(self, place=place)
        try:
            answer = await work(tx)
            await tx.flush()
        except BaseException as error:
            self._failure = self._failure or error
            raise
        finally:
            self._seats -= 1
            self._look()
        return answer

    async def ask(self, place: int, statement: Executable, values: Values | Sequence[Values] | None) -> Answer:
        """Wait for the round in which a statement is run."""
        asked = _Asked(place, statement, values, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        self._look()
        return await asked.answer

    async def serve(self) -> None:
        """Run rounds until every work is done; raise what one of them raises, and what `Tx.run` does."""
        while True:
            await self._all_wait.wait()
            self._all_wait.clear()
            if self._failure is not None:
                raise self._failure
            if not self._seats:
                return
            await self._round()

    def _look(self) -> None:
        if self._failure is not None or len(self._asked) == self._seats:
            self._all_wait.set()

    async def _round(self) -> None:
        groups: dict[object, list[_Asked]] = {}
        for asked in sorted(self._asked, key=lambda one: one.place):
            groups.setdefault(asked.kind, []).append(asked)
        self._asked = []
        for group in groups.values():
            placed = self._with_place(group[0].statement) if len(group) > 1 else None
            if placed is None:
                for asked in group:
                    asked.answer.set_result(await self.tx.run(asked.statement, asked.values))
            else:
                await self._run(placed, group)

    async def _run(self, placed: Executable, group: Sequence[_Asked]) -> None:
        found: dict[int, list[Any]] = {asked.place: [] for asked in group}
        for row in await self.tx.run(placed, [{**row, _PLACE.key: one.place} for one in group for row in one.rows]):
            found[row[-1]].append(row)
        for asked in group:
            rows = found[asked.place]
            asked.answer.set_result(Answer(rows, rowcount=len(rows)))

    def _with_place(self, statement: Executable) -> Executable | None:
        """Give a statement whose rows say, in a last column, which work asked; None for one that cannot."""
        placed = self._placed.get(statement)
        if placed is None:
            if isinstance(statement, Select):
                placed = statement.add_columns(_PLACE)
            elif isinstance(statement, UpdateBase):
                placed = statement.returning(_PLACE)
            else:
                return None
            self._placed[statement] = placed
        return placed


class _Seat(Tx):
    """The transaction, as one work sees it."""

    __slots__ = ("_place", "_table")

    def __init__(self, table: _Table, *, place: int) -> None:
        self._connection = table.tx._connection
        self._statements = table.tx._statements
        self._later = {}
        self._kept = {}
        self._table = table
        self._place = place

    async def run(self, statement: Executable, values: Values | Sequence[Values] | None = None) -> Answer:
        """Run a statement in the next round; raise what `Tx.run` raises."""
        return await self._table.ask(self._place, statement, values)

    def keep(self, table: FromClause, key: str, found: object) -> None:
        """Keep nothing: what this work writes is seen by the whole transaction only."""
