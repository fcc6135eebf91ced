"""Wakes whoever waits for a conversation when something is written in it, by this process or any other.

One task per process asks the store for the newest ids of all conversations that somebody waits for; it runs only while
somebody does. That somebody types is known in this process only, for a few seconds.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from activities.runtime.logs import log
from activities.store import answers, chats
from activities.store.database import Store, StoreError, Tx

#: How often the store is asked, in seconds.
RHYTHM = 0.5

#: So long after a key was struck somebody is typing, in seconds.
TYPING = 5.0

#: Most conversations of one question to the store.
_MOST = 500

_log = log("chat")


class Side(StrEnum):
    """Who takes part in a chat."""

    CUSTOMER = "customer"
    SHOP = "shop"


class Waiter:
    """One reader of a conversation. Read first, then wait: what comes in between wakes it, too."""

    def __init__(self, conversation: UUID, *, side: Side) -> None:
        self.conversation = conversation
        self.side = side
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Tell it to look again."""
        self._woken.set()

    async def wait(self, seconds: float) -> bool:
        """Wait until there may be something new; false when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True


class Feeds:
    """The waiters of one process."""

    def __init__(self, store: Store, *, rhythm: float = RHYTHM, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._rhythm = rhythm
        self._clock = clock
        self._waiters: dict[UUID, list[Waiter]] = {}
        self._known: dict[UUID, tuple[int, int, datetime | None]] = {}
        self._typing: dict[tuple[UUID, Side], float] = {}
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def waiting(self, conversation: UUID, *, side: Side) -> AsyncIterator[Waiter]:
        """Give a waiter for a conversation, which need not exist yet."""
        waiter = Waiter(conversation, side=side)
        self._waiters.setdefault(conversation, []).append(waiter)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            yield waiter
        finally:
            self._leave(waiter)

    def count(self, conversation: UUID, *, side: Side) -> int:
        """Count those who wait for a conversation on one side."""
        return sum(waiter.side is side for waiter in self._waiters.get(conversation, ()))

    def __len__(self) -> int:
        return sum(len(waiters) for waiters in self._waiters.values())

    def wrote(self, conversation: UUID) -> None:
        """Wake everybody at once: this process wrote something."""
        for waiter in self._waiters.get(conversation, ()):
            waiter.wake()

    def types(self, conversation: UUID, *, side: Side) -> None:
        """Remember that somebody types, where somebody is there to see it."""
        others = [waiter for waiter in self._waiters.get(conversation, ()) if waiter.side is not side]
        if others:
            self._typing[conversation, side] = self._clock() + TYPING
            for waiter in others:
                waiter.wake()

    def stopped_typing(self, conversation: UUID, *, side: Side) -> None:
        """Forget that somebody types: they have written."""
        self._typing.pop((conversation, side), None)

    def is_typing(self, conversation: UUID, *, side: Side) -> bool:
        """Say whether somebody of that side types now."""
        return self._typing.get((conversation, side), 0.0) > self._clock()

    def _leave(self, waiter: Waiter) -> None:
        waiters = self._waiters[waiter.conversation]
        waiters.remove(waiter)
        if waiters:
            return
        del self._waiters[waiter.conversation]
        self._known.pop(waiter.conversation, None)
        for side in Side:
            self._typing.pop((waiter.conversation, side), None)
        if not self._waiters and self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._rhythm)
            try:
                for some in self._by_portions():
                    async with self._store.read() as tx:
                        await self._look(tx, conversations=some)
            except StoreError:
                # Whoever waits asks the store themselves and is told; here there is nobody to tell.
                _log.warning("The store cannot be asked for new messages of chats")

    def _by_portions(self) -> Iterator[Sequence[UUID]]:
        wanted = list(self._waiters)
        for first in range(0, len(wanted), _MOST):
            yield wanted[first : first + _MOST]

    async def _look(self, tx: Tx, *, conversations: Sequence[UUID]) -> None:
        messages = await chats.newest_ids(tx, conversations=conversations)
        attended = [one for one in conversations if self.count(one, side=Side.SHOP)]
        whispers = await chats.newest_whispers(tx, conversations=attended) if attended else {}
        went_on = await answers.latest_changes(tx, conversations=attended) if attended else {}
        for one in conversations:
            newest = messages.get(one, 0), whispers.get(one, 0), went_on.get(one)
            if one in self._waiters and self._known.get(one) != newest:
                self._known[one] = newest
                self.wrote(one)
