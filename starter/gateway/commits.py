"""Calls that come in together are journalled in one transaction: one commit, and one wait for the disk, for all.

Those that wait while others are written go together. Each is answered after that commit only. Where one of them fails,
nothing is kept, and each gets a transaction of its own: so no call ever spoils another.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from activities.store.database import Store, StoreDown, Tx

_T = TypeVar("_T")

_Work = Callable[[Tx], Awaitable[Any]]


@dataclass(frozen=True)
class Manner:
    """How calls go together: `most` in a transaction, `writers` transactions at a time.

    Where there are several writers, only calls about one order each may go together: in the sequence of their orders,
    so that no two transactions wait for each other.
    """

    most: int
    writers: int


#: SQLite has one writer, for which all calls queue anyway.
ONE_WRITER = Manner(most=32, writers=1)

#: Two transactions overlap their round trips; more would leave each with fewer calls.
SEVERAL_WRITERS = Manner(most=16, writers=2)


@dataclass(frozen=True)
class _Call:
    work: _Work
    order: str
    answer: "asyncio.Future[Any]"


class Commits:
    """The commits of one process."""

    def __init__(self, store: Store, *, manner: Manner) -> None:
        self._store = store
        self._manner = manner
        self._waiting: list[_Call] = []
        self._writers: set[asyncio.Task[None]] = set()

    async def run(self, work: Callable[[Tx], Awaitable[_T]], *, order: str = "") -> _T:
        """Do work in a transaction, and give what it gives once that is committed; raise what it raises, StoreDown.

        It may be done twice: what the first time wrote is rolled back then. `order` is the one it is about, if it is
        about one only.
        """
        if self._manner.writers > 1 and not order:
            async with self._store.write() as tx:
                return await work(tx)
        call = _Call(work, order, asyncio.get_running_loop().create_future())
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
                for call in calls:
                    answers.append(await call.work(tx))
                    await tx.flush()
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
        most = self._manner.most
        calls, self._waiting = self._waiting[:most], self._waiting[most:]
        return sorted(calls, key=lambda call: call.order) if self._manner.writers > 1 else calls

    async def _alone(self, call: _Call) -> None:
        try:
            async with self._store.write() as tx:
                answer = await call.work(tx)
        except Exception as error:
            _refuse(call, error)
            return
        if not call.answer.done():
            call.answer.set_result(answer)


def _refuse(call: _Call, error: Exception) -> None:
    if not call.answer.done():
        call.answer.set_exception(error)
