"""Brings what belongs to no visit: notices to employees, and employees' answers into chats outside.

In: what the store says is due. Out: each sent at most once; an answer of a provider that was lost is settled with it
before anything is sent again, and left as it is where nobody can tell. Any number of couriers may run on one store.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.loads import Answers, Load, Notices
from activities.providers.errors import Misconfigured, NoAccess, NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Message, Provider
from activities.providers.registry import Providers
from activities.runtime import faults, metrics
from activities.runtime.faults import Step
from activities.runtime.logs import log
from activities.store import adopting
from activities.store.carrying import End, Given, Parcel
from activities.store.database import Store, StoreDown
from activities.store.history import LedgerState
from activities.store.receipts import DuplicateSend

#: So long a parcel is worth sending.
PATIENCE = timedelta(days=1)

#: How long it waits before it asks again whether its provider lets us in.
_UNTIL_ACCESS = timedelta(minutes=2)

#: A send must be over so long before its claim ends.
_MARGIN = timedelta(seconds=1)

_log = log("courier")


@dataclass(frozen=True)
class Rhythm:
    """How the courier works: with `at_once` parcels at a time, each for the time of the lease at most.

    Between tries of one parcel it waits `shortest`, then twice as long, up to `longest`.
    """

    at_once: int = 8
    lease: timedelta = timedelta(seconds=60)
    poll: timedelta = timedelta(seconds=1)
    shortest: timedelta = timedelta(seconds=10)
    longest: timedelta = timedelta(hours=1)


@dataclass(frozen=True)
class Taken:
    """A parcel that a courier has claimed, and where it belongs."""

    load: Load[Any]
    parcel: Parcel

    @property
    def message(self) -> Message:
        """What is sent, or looked up."""
        return self.load.message(self.parcel)

    @property
    def given(self) -> Given:
        """What is known of it now, and by what it is told from others."""
        message = self.message
        text = adopting.hash_of(subject=message.subject, body=message.body)
        return Given(self.parcel.id, provider=self.parcel.provider, address=message.address, body_hash=text)


class Courier:
    """Bring what is due, until cancelled. Mails come from `mailbox`."""

    def __init__(
        self,
        store: Store,
        *,
        providers: Providers,
        mailbox: str = "",
        rhythm: Rhythm = Rhythm(),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._providers = providers
        self._loads: tuple[Load[Any], ...] = (
            Answers(providers=providers),
            Notices(providers=providers, mailbox=mailbox),
        )
        self._rhythm = rhythm
        self._now = clock
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Bring parcels until cancelled; those under way are brought to their end. While the store is down, wait."""
        is_down = False
        try:
            while True:
                found = 0
                try:
                    found = await self._begin()
                    is_down = False
                except StoreDown as error:
                    if not is_down:
                        _log.warning("Courier waits; notices and answers are brought later", reason=str(error))
                    is_down = True
                if not found:
                    await self._pass_time()
        finally:
            if self._under_way:
                await asyncio.wait(self._under_way)

    async def round(self) -> int:
        """Bring what is due now, as much as can leave at once; return how many parcels that were."""
        found = await self._begin()
        if self._under_way:
            await asyncio.wait(self._under_way)
        return found

    async def take(self) -> Sequence[Taken]:
        """Claim what is due and can leave at once, and note whom each parcel is given to.

        What is claimed and never begun is lost with its courier, and held where its provider cannot be asked. So
        nothing is claimed that would wait for others.
        """
        found: list[Taken] = []
        now = self._now()
        async with self._store.write() as tx:
            for load in self._loads:
                room = self._rhythm.at_once - len(self._under_way) - len(found)
                claimed = await load.claim(tx, now=now, limit=room, lease=self._rhythm.lease) if room > 0 else ()
                taken = [self._given(Taken(load, parcel)) for parcel in claimed]
                new = [one for one in taken if not one.parcel.is_lost and one.parcel.provider]
                await load.carried_by(tx, given=[one.given for one in new])
                found += taken
        self._loads = (*self._loads[1:], self._loads[0])  # where there is much of one kind, the other has its turn
        return found

    async def _begin(self) -> int:
        """Claim what is due, and begin to bring it; return how many parcels that were."""
        if len(self._under_way) >= self._rhythm.at_once:
            return 0
        taken = await self.take()
        for one in taken:
            task = asyncio.create_task(self._bring(one))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(taken)

    async def _pass_time(self) -> None:
        """Wait until one is brought, for of a chat's answers the next is due then, or until it is time to look."""
        seconds = self._rhythm.poll.total_seconds()
        if self._under_way:
            is_full = len(self._under_way) >= self._rhythm.at_once
            timeout = None if is_full else seconds
            await asyncio.wait(self._under_way, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(seconds)

    def _given(self, taken: Taken) -> Taken:
        parcel = taken.parcel
        if parcel.is_lost:
            return taken
        try:
            name = self._providers.choose(taken.message.channel).name
        except Misconfigured:
            name = ""  # asked again when it is sent, to tell why
        return replace(taken, parcel=replace(parcel, provider=name))

    async def _bring(self, taken: Taken) -> None:
        try:
            await self._carry(taken)
        except StoreDown as error:  # its claim ends, and what became of it is found out then
            _log.warning("What became of it is recorded later", **_named(taken), reason=str(error))
        except DuplicateSend as error:
            metrics.DUPLICATE_SENDS.labels(provider=error.provider).inc()
            _log.error("It may have been sent twice", **_named(taken), provider=error.provider)
        except Exception:
            metrics.BUGS.labels(part="courier").inc()
            _log.exception("It failed on our side", **_named(taken))

    async def _carry(self, taken: Taken) -> None:
        if await self._is_blank(taken):
            await self._end(taken, End(LedgerState.SKIPPED))
        elif taken.parcel.is_lost:
            await self._settle(taken)
        else:
            await self._send(taken)

    async def _send(self, taken: Taken) -> None:
        """Send once while the claim is ours; a courier that was stopped for longer must not: another may have it."""
        parcel = taken.parcel
        left = parcel.until - _MARGIN - self._now()
        if left <= timedelta(0):
            return
        try:
            provider = self._provider(taken)
            faults.reach(Step.CLAIMED)
            async with asyncio.timeout(left.total_seconds()):
                accepted = await provider.send(taken.message, send_id=parcel.send_id)
        except NotSent as error:
            await self._again(taken, words=error.words, retry_after=error.retry_after)
        except (Unknown, TimeoutError):
            await self._end(taken, End(LedgerState.UNKNOWN, next_at=self._now() + provider.grace))
        except NoAccess as error:
            metrics.NO_ACCESS.labels(provider=provider.name).inc()
            _log.error("A provider lets nobody in: correct the setting", provider=provider.name, what=str(error))
            await self._again(taken, words=str(error), retry_after=_UNTIL_ACCESS)
        except (Rejected, Misconfigured) as error:
            await self._fail(taken, words=str(error), code=error.code if isinstance(error, Rejected) else error.setting)
        else:
            faults.reach(Step.SENT)
            await self._accept(taken, accepted=accepted)

    async def _settle(self, taken: Taken) -> None:
        """Ask the provider about a parcel whose answer was lost."""
        try:
            found = await self._provider(taken).lookup(taken.message, send_id=taken.parcel.send_id)
        except NotSent as error:
            if self._is_too_late(taken):
                await self._hold(taken)
            else:
                next_at = self._now() + (error.retry_after or self._pause(taken))
                await self._end(taken, End(LedgerState.UNKNOWN, next_at=next_at))
        except (Unknown, Misconfigured):
            await self._hold(taken)
        else:
            if found is not None:
                await self._accept(taken, accepted=found)
            else:
                await self._end(taken, End(LedgerState.PLANNED, next_at=self._now()))

    async def _is_blank(self, taken: Taken) -> bool:
        """Say whether its order or customer was deleted, before it was claimed or since."""
        if not taken.parcel.text:
            return True
        async with self._store.read() as tx:
            return await taken.load.is_blank(tx, taken.parcel)

    def _provider(self, taken: Taken) -> Provider:
        return self._providers.choose(taken.message.channel, name=taken.parcel.provider)

    async def _accept(self, taken: Taken, *, accepted: Accepted) -> None:
        await self._end(taken, End(LedgerState.ACCEPTED, provider_id=accepted.provider_id))

    async def _again(self, taken: Taken, *, words: str, retry_after: timedelta | None) -> None:
        if self._is_too_late(taken):
            await self._fail(taken, words=f"It could not be sent within a day: {words}", code="too_late")
            return
        # Two that wait for each other's turn are told moments drawn at random: a pause would make them meet for ever.
        next_at = self._now() + (retry_after or self._pause(taken))
        await self._end(taken, End(LedgerState.PLANNED, next_at=next_at, words=words))

    async def _fail(self, taken: Taken, *, words: str, code: str) -> None:
        _log.warning("It did not leave", **_named(taken), reason=words)
        await self._end(taken, End(LedgerState.FAILED, code=code, words=words))

    async def _hold(self, taken: Taken) -> None:
        _log.warning("Nobody can tell whether it was sent; a person decides: orders messages held", **_named(taken))
        words = "Nobody can tell whether it was sent; it is not sent again"
        await self._end(taken, End(LedgerState.HELD, words=words))

    async def _end(self, taken: Taken, end: End) -> None:
        async with self._store.write() as tx:
            await taken.load.tell(tx, taken.parcel, end=end, now=self._now())

    def _is_too_late(self, taken: Taken) -> bool:
        return self._now() - taken.parcel.since >= PATIENCE

    def _pause(self, taken: Taken) -> timedelta:
        factor: int = 2 ** min(taken.parcel.attempt - 1, 20)
        return min(self._rhythm.shortest * factor, self._rhythm.longest)


def _named(taken: Taken) -> dict[str, str]:
    return {"what": taken.load.name, "id": str(taken.parcel.id)}
