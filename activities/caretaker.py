"""Lets go what is kept for a while only: visitors nobody knows, events of nobody, hashes of deleted orders' sends.

In: what the store has that is older than a setting says. Out: nothing of it, in small transactions. Any number of
caretakers may work on one store.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from activities.runtime import metrics
from activities.runtime.logs import log
from activities.store import hashes, strays, visitors
from activities.store.database import Store, StoreDown, Tx

_log = log("caretaker")


@dataclass(frozen=True)
class Care:
    """How long strangers are kept, and events that went to no order; how often the caretaker looks, and how many go
    in one transaction.
    """

    strangers: timedelta = timedelta(days=90)
    strays: timedelta = timedelta(days=90)
    every: timedelta = timedelta(hours=1)
    batch: int = 500


class _LetGo(Protocol):
    """Let at most `limit` of a kind go; return how many."""

    def __call__(self, tx: Tx, *, limit: int) -> Awaitable[int]: ...


class Caretaker:
    """Look now and then, until cancelled."""

    def __init__(
        self, store: Store, *, care: Care = Care(), clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._care = care
        self._now = clock

    async def run(self) -> None:
        """Let go what is too old, again and again. While the store is down, it stays a while longer."""
        while True:
            try:
                await self.round()
            except StoreDown as error:
                _log.warning("Old records are let go later", reason=str(error))
            await asyncio.sleep(self._care.every.total_seconds())

    async def round(self) -> int:
        """Let all go that was kept for long enough; return how many records those were."""
        now = self._now()
        kinds: dict[str, _LetGo] = {
            "visitor": lambda tx, limit: visitors.forget_strangers(
                tx, silent_since=now - self._care.strangers, limit=limit
            ),
            "event": lambda tx, limit: strays.forget(tx, before=now - self._care.strays, limit=limit),
            "hash": lambda tx, limit: hashes.forget_settled(tx, now=now, limit=limit),
        }
        gone = {kind: await self._let_go(kind, letting) for kind, letting in kinds.items()}
        return sum(gone.values())

    async def _let_go(self, kind: str, letting: _LetGo) -> int:
        gone = 0
        while True:
            async with self._store.write() as tx:
                found = await letting(tx, limit=self._care.batch)
            gone += found
            metrics.LET_GO.labels(kind=kind).inc(found)
            if found < self._care.batch:
                break
            await asyncio.sleep(0)  # others write in between
        if gone:
            _log.info("Old records were let go", kind=kind, count=gone)
        return gone
