"""What a provider accepted is recorded: with its rule's end where that follows at once, else before anything else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from activities import resends
from activities.actions.protocol import Ended
from activities.runtime import faults, metrics
from activities.runtime.faults import Step
from activities.runtime.logs import log
from activities.store import ledger
from activities.store.database import Store, Tx
from activities.store.ledger import DuplicateSend


@dataclass(frozen=True)
class Acceptance:
    """A send that its provider accepted under its own id.

    With `is_awaited` its run ends only when the provider tells how it went. One that `is_settled` stands in the ledger
    already, by a receipt or as the provider was asked.
    """

    send_id: UUID
    provider: str
    provider_id: str
    is_awaited: bool = False
    is_settled: bool = False


@dataclass(frozen=True)
class Brought:
    """How a message ended; its acceptance, where it is to be recorded together with the run's end."""

    ended: Ended
    acceptance: Acceptance | None = None


class Acceptances:
    """Record what was accepted, and take up what receipts said of it before the end of its run was recorded."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._now = clock
        self._log = log("sends")

    async def take(self, acceptance: Acceptance, *, is_only: bool) -> Acceptance | None:
        """Record it now, where its run does not end with it; else return it, to be recorded with that end."""
        if not acceptance.provider_id or (acceptance.is_awaited and acceptance.is_settled):
            return None  # nobody knows its id; or it is recorded, and its provider tells how it went
        if is_only and not acceptance.is_awaited:
            return acceptance
        await self.keep(acceptance)
        return None

    async def keep(self, acceptance: Acceptance) -> None:
        """Record it before the end of its run is known."""
        async with self._store.write() as tx:
            await self.record(tx, acceptance)
        faults.reach(Step.ACCEPTED)

    async def record(self, tx: Tx, acceptance: Acceptance) -> None:
        """Record it in a transaction; a second provider id for one send raises the alarm."""
        send_id, provider_id = acceptance.send_id, acceptance.provider_id
        try:
            is_news = await ledger.accepted(tx, send_id=send_id, provider_id=provider_id, now=self._now())
            if not is_news and not acceptance.is_awaited:
                await resends.overtaken(tx, send_id=send_id, now=self._now())
        except DuplicateSend as error:
            metrics.DUPLICATE_SENDS.labels(provider=acceptance.provider).inc()
            self._log.error("A message may have been sent twice", send=str(error.send_id), provider=error.provider)
