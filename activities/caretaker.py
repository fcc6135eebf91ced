"""Lets go what is kept for a while only: visitors of the shop's site whom nobody knows.

In: what the store has that is older than a setting says. Out: nothing of it, in small transactions. Any number of
caretakers may work on one store.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from activities.runtime.logs import log
from activities.store import visitors
from activities.store.database import Store, StoreDown

_log = log("caretaker")


@dataclass(frozen=True)
class Care:
    """How long strangers are kept, how often the caretaker looks, and how many go in one transaction."""

    strangers: timedelta = timedelta(days=90)
    every: timedelta = timedelta(hours=1)
    batch: int = 500


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
        """Let all strangers go who were silent for too long; return how many those were."""
        silent_since = self._now() - self._care.strangers
        gone = 0
        while True:
            async with self._store.write() as tx:
                found = await visitors.forget_strangers(tx, silent_since=silent_since, limit=self._care.batch)
            gone += found
            if found < self._care.batch:
                break
            await asyncio.sleep(0)  # others write in between
        if gone:
            _log.info("Visitors nobody knows were forgotten", visitors=gone)
        return gone
