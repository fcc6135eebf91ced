"""How a send ended; and where its rule waits to know it (a call, another workflow), how an accepted one went.

Comes in: what the ledger or the provider said. Goes out: the run's end with its results; else a retryable error while
it is still under way, or `Missed` where nobody was reached and the rule wants another attempt.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from activities.actions.protocol import Ended, send_id
from activities.bench import Bench
from activities.providers.errors import NotSent, Rejected
from activities.providers.protocol import Message, Outcome, Telling
from activities.providers.registry import Providers
from activities.settling import again
from activities.store import attempts, chats
from activities.store.claims import Refused
from activities.store.database import Store, Tx
from workflows.contracts.ids import run_id
from workflows.contracts.reasons import RunReason, RunStatus

#: The ledger's code of a send that was accepted and then failed.
_FAILED = "outcome"

#: Channels whose sends always have an outcome of their own.
_AWAITED = ("voice",)


class Missed(Exception):
    """Nobody was reached; `every` later another attempt follows. `ended` is the run's end where none may follow."""

    def __init__(self, send_id: UUID, *, every: timedelta, ended: Ended) -> None:
        super().__init__("nobody was reached")
        self.send_id = send_id
        self.every = every
        self.ended = ended


class Outcomes:
    """Ask providers how accepted sends went."""

    def __init__(self, store: Store, *, providers: Providers, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._providers = providers
        self._now = clock

    def awaits(self, message: Message) -> bool:
        """Say whether a run ends only when the provider tells how its accepted message went."""
        return self._telling(message) is not None

    async def end_of(self, message: Message, *, send_id: UUID, results: dict[str, object]) -> Ended:
        """Return how a run ends whose message was accepted with these results.

        Raise Missed if another attempt should follow, and a retryable error while the provider cannot tell yet.
        """
        provider = self._telling(message)
        if provider is None:
            return Ended(RunStatus.DONE, RunReason.DONE, "", results, message.events)
        outcome = await self._told(provider, message=message, send_id=send_id)
        results = results | outcome.results
        if outcome.failure:
            async with self._store.write() as tx:  # so that a person's repeat sends it anew (M62)
                await attempts.end(tx, send_id=send_id, code=_FAILED, words=outcome.failure, at=self._now())
            return Ended(RunStatus.FAILED, RunReason.REJECTED, outcome.failure, results)
        ended = Ended(RunStatus.DONE, RunReason.DONE, "", results, message.events)
        if not outcome.has_reached and message.again is not None and message.attempt <= message.again.times:
            raise Missed(send_id, every=message.again.every, ended=ended)
        return ended

    def _telling(self, message: Message) -> Telling | None:
        if not message.awaits_outcome:
            return None
        provider = self._providers.choose(message.channel, name=message.provider)
        return provider if isinstance(provider, Telling) else None

    async def _told(self, provider: Telling, *, message: Message, send_id: UUID) -> Outcome:
        try:
            outcome = await provider.outcome(message, send_id=send_id)
        except NotSent as error:
            raise again(error.words, delay=error.retry_after or provider.patience) from error
        except Rejected as error:
            return Outcome({}, failure=str(error))
        if outcome is None:
            words = "the provider accepted it; how it goes is not known yet"
            raise again(words, delay=provider.patience, is_usual=True)
        return outcome


def claimed(channel: str, *, provider: str) -> Message:
    """Return what is known of a message that was claimed and cannot be composed any more."""
    return Message(channel, address="", body="", provider=provider, awaits_outcome=channel in _AWAITED)


def end_of_refusal(refused: Refused) -> Ended:
    """Return the end of a run whose message the ledger did not let out."""
    if refused.reason is RunReason.ON_HOLD:
        return Ended(RunStatus.HELD, refused.reason, refused.words)
    status = RunStatus.STOPPED if refused.reason is RunReason.STAGE_LEFT else RunStatus.SKIPPED
    return Ended(status, refused.reason, refused.words)


def together(ends: list[Ended]) -> Ended:
    """Return the end of a run with several addressees: done if one of them was reached, else as the first ended."""
    done = [end for end in ends if end.status is RunStatus.DONE]
    if not done:
        return ends[0]
    results: dict[str, object] = {}
    for end in done:
        results |= end.results
    words = f"{len(done)} of {len(ends)} reached" if len(done) < len(ends) else ""
    events = tuple(event for end in done for event in end.events)
    return Ended(RunStatus.DONE, RunReason.DONE, words, results, events)


async def into_chats(tx: Tx, bench: Bench, *, rule: str, messages: Sequence[Message]) -> None:
    """Show what left for a chat outside in its conversation, once, however often it was tried.

    The web chat's provider has done so itself.
    """
    run = run_id(bench.key, bench.visit, rule)
    for message in messages:
        if message.channel == "chat" and message.medium != chats.WEB:
            await chats.add_sent(
                tx,
                medium=message.medium,
                address=message.address,
                text=message.body,
                send_id=send_id(run, message=replace(message, attempt=1)),
                order=bench.key,
                at=bench.now,
            )
