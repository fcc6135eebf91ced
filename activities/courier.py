"""Brings notices to employees in the way they chose: by mail, text message, or the staff's chat.

In: what the store says is due. Out: each notice sent at most once; an answer that was lost is settled with the provider
before anything is sent again, and left as it is where nobody can tell. Any number of couriers may run on one store.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from activities.providers.errors import Misconfigured, NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Attachment, Message
from activities.providers.registry import Providers
from activities.runtime import faults, metrics
from activities.runtime.faults import Step
from activities.runtime.logs import log
from activities.store import parcels
from activities.store.database import Store, StoreDown
from activities.store.history import LedgerState
from activities.store.parcels import Parcel
from activities.store.records import Way

#: The channel of each way.
CHANNELS = {Way.EMAIL: "email", Way.SMS: "sms", Way.CHAT: "staff_chat"}

#: So long a notice is worth sending.
PATIENCE = timedelta(days=1)

#: A send must be over so long before its claim ends.
_MARGIN = timedelta(seconds=1)

_SUBJECT_LENGTH = 78
_SMS_LENGTH = 300

_log = log("courier")


@dataclass(frozen=True)
class Rhythm:
    """How the courier works. Between tries of one notice it waits `shortest`, then twice as long, up to `longest`."""

    batch: int = 50
    at_once: int = 8
    lease: timedelta = timedelta(seconds=60)
    poll: timedelta = timedelta(seconds=1)
    shortest: timedelta = timedelta(seconds=10)
    longest: timedelta = timedelta(hours=1)


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
        self._mailbox = mailbox
        self._rhythm = rhythm
        self._now = clock
        self._slots = asyncio.Semaphore(rhythm.at_once)

    async def run(self) -> None:
        """Bring notices until cancelled. While the store is down, wait and try again."""
        is_down = False
        while True:
            found = 0
            try:
                found = await self.round()
                is_down = False
            except StoreDown as error:
                if not is_down:
                    _log.warning("Courier waits; notices are brought later", reason=str(error))
                is_down = True
            if found < self._rhythm.batch:
                await asyncio.sleep(self._rhythm.poll.total_seconds())

    async def round(self) -> int:
        """Bring what is due now; return how many notices that were."""
        taken = await self.take()
        await asyncio.gather(*(self._bring(parcel) for parcel in taken))
        return len(taken)

    async def take(self) -> Sequence[Parcel]:
        """Claim what is due, and note whom each notice is given to."""
        async with self._store.write() as tx:
            taken = await parcels.claim(
                tx, now=self._now(), limit=self._rhythm.batch, lease=self._rhythm.lease, graces=self._graces()
            )
            taken = [parcel if parcel.is_lost else self._given(parcel) for parcel in taken]
            new = [(parcel.id, parcel.provider) for parcel in taken if not parcel.is_lost and parcel.provider]
            await parcels.carried_by(tx, providers=new)
        return taken

    def _given(self, parcel: Parcel) -> Parcel:
        try:
            return replace(parcel, provider=self._providers.choose(CHANNELS[parcel.way]).name)
        except Misconfigured:
            return replace(parcel, provider="")  # asked again when it is sent, to tell why

    def _graces(self) -> dict[Way, timedelta]:
        graces = {}
        for way, channel in CHANNELS.items():
            try:
                graces[way] = self._providers.choose(channel).grace
            except Misconfigured:
                continue
        return graces

    async def _bring(self, parcel: Parcel) -> None:
        async with self._slots:
            try:
                await self._carry(parcel)
            except StoreDown as error:  # its claim ends, and what became of it is found out then
                _log.warning("What became of a notice is recorded later", notice=parcel.id, reason=str(error))
            except Exception:
                metrics.BUGS.labels(part="courier").inc()
                _log.exception("A notice failed on our side", notice=parcel.id)

    async def _carry(self, parcel: Parcel) -> None:
        if not parcel.text:  # its order was deleted meanwhile
            await self._tell(parcel, state=LedgerState.SKIPPED)
        elif parcel.is_lost:
            await self._settle(parcel)
        else:
            await self._send(parcel)

    async def _send(self, parcel: Parcel) -> None:
        """Send once while the claim is ours; a courier that was stopped for longer must not: another may have it."""
        left = parcel.until - _MARGIN - self._now()
        if left <= timedelta(0):
            return
        try:
            provider = self._providers.choose(CHANNELS[parcel.way], name=parcel.provider)
            faults.reach(Step.CLAIMED)
            async with asyncio.timeout(left.total_seconds()):
                accepted = await provider.send(self._message(parcel), send_id=parcel.send_id)
        except NotSent as error:
            await self._again(parcel, words=error.words, retry_after=error.retry_after)
        except (Unknown, TimeoutError):
            await self._tell(parcel, state=LedgerState.UNKNOWN, next_at=self._now() + provider.grace)
        except (Rejected, Misconfigured) as error:
            await self._fail(parcel, words=str(error))
        else:
            faults.reach(Step.SENT)
            await self._accept(parcel, accepted=accepted)

    async def _settle(self, parcel: Parcel) -> None:
        """Ask the provider about a notice whose answer was lost."""
        try:
            provider = self._providers.choose(CHANNELS[parcel.way], name=parcel.provider)
            found = await provider.lookup(self._message(parcel), send_id=parcel.send_id)
        except NotSent as error:
            if self._is_too_late(parcel):
                await self._hold(parcel)
            else:
                next_at = self._now() + (error.retry_after or self._pause(parcel))
                await self._tell(parcel, state=LedgerState.UNKNOWN, next_at=next_at)
        except (Unknown, Misconfigured):
            await self._hold(parcel)
        else:
            if found is not None:
                await self._accept(parcel, accepted=found)
            else:
                await self._tell(parcel, state=LedgerState.PLANNED, next_at=self._now())

    async def _accept(self, parcel: Parcel, *, accepted: Accepted) -> None:
        await self._tell(parcel, state=LedgerState.ACCEPTED, provider_id=accepted.provider_id)

    async def _again(self, parcel: Parcel, *, words: str, retry_after: timedelta | None) -> None:
        if self._is_too_late(parcel):
            await self._fail(parcel, words=f"It could not be sent within a day: {words}")
            return
        next_at = self._now() + max(retry_after or timedelta(0), self._pause(parcel))
        await self._tell(parcel, state=LedgerState.PLANNED, next_at=next_at, words=words)

    async def _fail(self, parcel: Parcel, *, words: str) -> None:
        _log.warning("A notice stays in the inbox only", notice=parcel.id, way=parcel.way.value, reason=words)
        await self._tell(parcel, state=LedgerState.FAILED, words=words)

    async def _hold(self, parcel: Parcel) -> None:
        words = "Nobody can tell whether it was sent; it is not sent again"
        await self._tell(parcel, state=LedgerState.HELD, words=words)

    async def _tell(
        self,
        parcel: Parcel,
        *,
        state: LedgerState,
        next_at: datetime | None = None,
        provider_id: str | None = None,
        words: str = "",
    ) -> None:
        async with self._store.write() as tx:
            await parcels.tell(tx, parcel, state=state, next_at=next_at, provider_id=provider_id, words=words)

    def _is_too_late(self, parcel: Parcel) -> bool:
        return self._now() - parcel.created_at >= PATIENCE

    def _pause(self, parcel: Parcel) -> timedelta:
        factor: int = 2 ** min(parcel.attempt - 1, 20)
        return min(self._rhythm.shortest * factor, self._rhythm.longest)

    def _message(self, parcel: Parcel) -> Message:
        channel = CHANNELS[parcel.way]
        if parcel.way is Way.EMAIL:
            return Message(
                channel,
                address=parcel.address,
                body=parcel.text,
                subject=_subject(parcel),
                sender=self._mailbox,
                attachments=_attachments(parcel),
            )
        if parcel.way is Way.SMS:
            return Message(channel, address=parcel.address, body=_cut(parcel.text, length=_SMS_LENGTH))
        return Message(channel, address=parcel.address or f"room:{parcel.room}", body=parcel.text)


def _subject(parcel: Parcel) -> str:
    first = parcel.text.strip().partition("\n")[0]
    number = f"{parcel.number}: " if parcel.number and parcel.number not in first else ""
    return _cut(f"{number}{first}", length=_SUBJECT_LENGTH)


def _cut(text: str, *, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _attachments(parcel: Parcel) -> tuple[Attachment, ...]:
    file = parcel.file
    return (Attachment(file["name"], file["media_type"], file["text"].encode()),) if file else ()
