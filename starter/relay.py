"""Hands journalled events to Temporal: signals them, marks them delivered.

A gateway hands over what it journalled after each commit; what was left (the process was killed, Temporal was down) is
claimed from the journal by the next poll of any relay, in every gateway and worker process. The same signal twice is
harmless.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from activities.runtime import faults
from activities.runtime.faults import Step
from activities.runtime.logs import log
from activities.store import relay as deliveries_of
from activities.store.database import Store, StoreDown
from activities.store.journal import Delivery
from starter.client import OrdersClient, OrdersError, TemporalDown

_log = log("relay")


#: For so long the relays leave an event to the process that journalled it and hands it to its own relay.
GRACE = timedelta(seconds=5)


@dataclass(frozen=True)
class Rhythm:
    """How the relay works. `lease` exceeds a batch's time; `longest` bounds the pause while something is down."""

    batch: int = 200
    at_once: int = 16
    lease: timedelta = timedelta(seconds=15)
    poll: timedelta = timedelta(seconds=1)
    shortest: timedelta = timedelta(milliseconds=200)
    longest: timedelta = timedelta(seconds=5)


@dataclass
class Figures:
    """What this relay did since its start. `refused` counts tries, not events."""

    delivered: int = 0
    refused: int = 0
    is_down: bool = False


class Relay:
    """Deliver what the journal holds, until cancelled. Any number of relays may run on one store."""

    def __init__(self, store: Store, *, orders: OrdersClient, rhythm: Rhythm | None = None) -> None:
        self._store = store
        self._orders = orders
        self._rhythm = rhythm or Rhythm()
        self._handed: list[Delivery] = []
        self._poll_at = 0.0
        self._kicked = asyncio.Event()
        self._idle = asyncio.Event()
        self.figures = Figures()

    def hand(self, deliveries: Sequence[Delivery]) -> None:
        """Hand over what was just journalled with `GRACE`; returns at once. What is not delivered is polled later."""
        if self.figures.is_down:
            return
        self._handed.extend(deliveries)
        self._idle.clear()
        self._kicked.set()

    async def run(self) -> None:
        """Deliver until cancelled. While Temporal or the store is down, wait and try again; nothing is lost by it."""
        pause = self._rhythm.shortest
        while True:
            try:
                await self._round()
            except (TemporalDown, StoreDown) as error:
                self._down(error)
                await asyncio.sleep(pause.total_seconds())
                pause = min(pause * 2, self._rhythm.longest)
                continue
            pause = self._rhythm.shortest
            await self._rest()

    async def idle(self) -> None:
        """Return when everything that was handed over has been tried."""
        await self._idle.wait()

    async def _round(self) -> None:
        """Deliver what was handed over and, when it is time, what else the journal holds."""
        if self.figures.is_down:
            await self._orders.ready()
        self._kicked.clear()
        handed, self._handed = self._handed[: self._rhythm.batch], self._handed[self._rhythm.batch :]
        claimed = await self._claim()
        self._up()
        if handed or claimed:
            await self._deliver(list({delivery.id: delivery for delivery in (*handed, *claimed)}.values()))

    async def _claim(self) -> list[Delivery]:
        now = time.monotonic()
        if now < self._poll_at:
            return []
        async with self._store.write() as tx:
            claimed = await deliveries_of.claim_undelivered(
                tx, now=_now(), limit=self._rhythm.batch, lease=self._rhythm.lease
            )
        is_full = len(claimed) == self._rhythm.batch
        self._poll_at = now if is_full else now + self._rhythm.poll.total_seconds()
        return claimed

    async def _deliver(self, taken: Sequence[Delivery]) -> None:
        """Signal a batch: orders side by side, the events of one order in the sequence of their arrival."""
        batch = _Batch(self._orders, slots=asyncio.Semaphore(self._rhythm.at_once))
        await asyncio.gather(*(batch.signal(row) for row in _by_order(taken)))
        faults.reach(Step.SIGNALLED)
        async with self._store.write() as tx:
            await deliveries_of.mark_delivered(tx, ids=batch.delivered, now=_now())
            for delivery, error in batch.refused:
                await deliveries_of.mark_failed(tx, id=delivery.id, error=str(error), now=_now())
        for delivery, error in batch.refused:
            _log.error("Temporal refused an event", order=str(delivery.key), id=delivery.event.id, error=str(error))
        self.figures.delivered += len(batch.delivered)
        self.figures.refused += len(batch.refused)
        if batch.is_down:
            raise TemporalDown("Temporal cannot be reached")

    async def _rest(self) -> None:
        """Wait for the next hand-over or the next poll."""
        if self._handed:
            return
        self._idle.set()
        try:
            async with asyncio.timeout(self._poll_at - time.monotonic()):
                await self._kicked.wait()
        except TimeoutError:
            return

    def _down(self, error: Exception) -> None:
        if not self.figures.is_down:
            _log.warning("Relay waits; journalled events are delivered later", reason=str(error))
        self.figures.is_down = True
        self._handed.clear()  # their grace ends, and the poll finds them
        self._poll_at = 0.0
        self._idle.set()

    def _up(self) -> None:
        if self.figures.is_down:
            _log.info("Relay delivers again")
        self.figures.is_down = False


@dataclass
class _Batch:
    """What became of the deliveries of one batch."""

    orders: OrdersClient
    slots: asyncio.Semaphore
    delivered: list[int] = field(default_factory=list)
    refused: list[tuple[Delivery, OrdersError]] = field(default_factory=list)
    is_down: bool = False

    async def signal(self, row: Sequence[Delivery]) -> None:
        """Signal the events of one order, one after the other."""
        async with self.slots:
            for delivery in row:
                await self._signal(delivery)

    async def _signal(self, delivery: Delivery) -> None:
        if self.is_down:
            return  # it stays in the journal; its lease or grace ends
        try:
            await self.orders.signal(delivery.key, event=delivery.event)
        except TemporalDown:
            self.is_down = True
        except OrdersError as error:
            self.refused.append((delivery, error))
        else:
            self.delivered.append(delivery.id)


def _by_order(taken: Sequence[Delivery]) -> list[list[Delivery]]:
    rows: dict[str, list[Delivery]] = {}
    for delivery in sorted(taken, key=lambda one: one.id):
        rows.setdefault(str(delivery.key), []).append(delivery)
    return list(rows.values())


def _now() -> datetime:
    return datetime.now(UTC)
