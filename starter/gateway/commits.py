"""Calls that come in together are journalled in one transaction: one commit, and one wait for the disk, for all.

Those that wait while others are written go together. Each is answered after that commit only. Where one of them fails,
nothing is kept, and each gets a transaction of its own: so no call ever spoils another.
Where each statement is a round trip, those about different orders go side by side, too: theirs are one round trip.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from activities.store import facts
from activities.store.database import Store, StoreDown, Tx
from activities.store.facts import Locked
from activities.store.rounds import Rounds

_T = TypeVar("_T")

#: It gets the locked order that it is about, if that is known, and there is such an order.
_Work = Callable[[Tx, Locked | None], Awaitable[Any]]


@dataclass(frozen=True)
class Manner:
    """How calls go together: `most` in a transaction, `writers` transactions at a time.

    Where there are several writers, only calls about one order each may go together: they lock those first, in one
    sequence, so that no two transactions wait for each other.
    """

    most: int
    writers: int


#: SQLite has one writer, for which all calls queue anyway.
ONE_WRITER = Manner(most=32, writers=1)

#: Two transactions overlap their round trips; more would leave each with fewer calls.
SEVERAL_WRITERS = Manner(most=16, writers=2)


@dataclass(frozen=True, eq=False)
class _Call:
    work: _Work
    order: str
    event: str
    answer: "asyncio.Future[Any]"


class Commits:
    """The commits of one process."""

    def __init__(self, store: Store, *, manner: Manner) -> None:
        self._store = store
        self._manner = manner
        self._waiting: list[_Call] = []
        self._writers: set[asyncio.Task[None]] = set()
        self._rounds = Rounds()

    async def run(self, work: Callable[[Tx, Locked | None], Awaitable[_T]], *, order: str = "", event: str = "") -> _T:
        """Do work in a transaction, and give what it gives once that is committed; raise what it raises, StoreDown.

        It may be done twice: what the first time wrote is rolled back then. `order` is the one it is about, if it is
        about one only; `event` is the one it journals there, for calls that tell the same go one after the other.
        """
        if self._manner.writers > 1 and not order:
            async with self._store.write() as tx:
                return await work(tx, None)
        call = _Call(work, order, event, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if len(self._writers) < self._manner.writers:
            self._writers.add(asyncio.create_task(self._write()))
        answer: _T = await call.answer
        return answer

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self._together()
        finally:  # no await since the look at who waits: nobody is left behind
            task = asyncio.current_task()
            assert task is not None
            self._writers.discard(task)

    async def _together(self) -> None:
        calls: list[_Call] = []
        answers: list[Any] = []
        try:
            async with self._store.write() as tx:
                calls = self._next()
                answers = await self._done(tx, calls)
        except StoreDown as error:
            if not calls:  # the turn never came: for all who wait, or they would wait for as long again
                calls, self._waiting = self._waiting, []
            for call in calls:
                _refuse(call, error)
        except Exception:  # of one of them: what it was, it says when it has a transaction of its own
            for call in calls:
                await self._alone(call)
        else:
            for call, answer in zip(calls, answers, strict=True):
                if not call.answer.done():
                    call.answer.set_result(answer)
        finally:
            for call in calls:
                call.answer.cancel()  # of no effect on what is answered: something is left only where the process stops

    def _next(self) -> list[_Call]:
        """Take who waited longest; not an event that is told of two orders, for one of them is its duplicate."""
        calls, events = list[_Call](), dict[str, str]()
        for call in self._waiting:
            is_alone = not call.event or events.setdefault(call.event, call.order) == call.order
            if is_alone and len(calls) < self._manner.most:
                calls.append(call)
        self._waiting = [call for call in self._waiting if call not in calls]
        return calls

    async def _done(self, tx: Tx, calls: Sequence[_Call]) -> list[Any]:
        if self._manner.writers == 1 or len(calls) < 2:  # none, where another writer was faster
            return await _in_turn(calls, tx=tx)
        rows: dict[str, list[_Call]] = {}
        for call in calls:
            rows.setdefault(call.order, []).append(call)
        works = [partial(_in_turn, rows[order]) for order in sorted(rows)]
        done = zip(sorted(rows), await self._rounds.together(tx, works), strict=True)
        answers = {order: iter(gave) for order, gave in done}
        return [next(answers[call.order]) for call in calls]

    async def _alone(self, call: _Call) -> None:
        try:
            async with self._store.write() as tx:
                answer = await _do(call, tx)
        except Exception as error:
            _refuse(call, error)
            return
        if not call.answer.done():
            call.answer.set_result(answer)


async def _in_turn(calls: Sequence[_Call], tx: Tx) -> list[Any]:
    answers = []
    for call in calls:
        answers.append(await _do(call, tx))
        await tx.flush()
    return answers


async def _do(call: _Call, tx: Tx) -> Any:
    order = await facts.find(tx, id=call.order) if call.order else None
    return await call.work(tx, order)


def _refuse(call: _Call, error: Exception) -> None:
    if not call.answer.done():
        call.answer.set_exception(error)
