"""What an earlier attempt of a send left, found out before anything is sent again: claimed, lost, accepted, refused.

Comes in: the claim's answer `Unsettled`. Goes out: how a message was accepted; else a retryable error.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities import resends
from activities.providers.errors import Misconfigured, NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Message
from activities.providers.registry import Providers
from activities.store import ledger
from activities.store.claims import Unsettled
from activities.store.database import Store
from activities.store.history import LedgerState


class Held(Exception):
    """A lost answer that only a person can settle."""


class Settling:
    """Settle what is not settled; the provider is asked, and not before it can know."""

    def __init__(self, store: Store, *, providers: Providers, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._providers = providers
        self._now = clock

    async def accepted(self, claim: Unsettled, *, on_unknown: str, message: Message) -> Accepted:
        """Find out what an earlier attempt left; return how the provider accepted it, without an id if none is known.

        Raise Rejected if it was refused, Held if only a person can tell (`on_unknown: hold`), else a retryable error.
        """
        known = Accepted(claim.provider_id or "")
        if claim.state in (LedgerState.ACCEPTED, LedgerState.DELIVERED):
            return known
        if claim.state is LedgerState.FAILED:
            if message.awaits_outcome and claim.provider_id is not None:
                return known  # its provider tells how it went from there
            if resends.may_follow(provider=claim.provider, provider_id=claim.provider_id, code=claim.code):
                return known  # the order decides that it is sent anew
            raise Rejected(claim.code, claim.words)
        if claim.state is LedgerState.HELD:
            raise Held
        found = await self._settle(claim, on_unknown=on_unknown, message=message)
        if found is None:
            raise again("it never arrived; it is sent now", delay=timedelta(milliseconds=1))
        return found

    async def _settle(self, claim: Unsettled, *, on_unknown: str, message: Message) -> Accepted | None:
        """Ask the provider that got a message whose answer was lost; None if it never arrived and may be sent again."""
        now = self._now()
        if claim.state is LedgerState.DISPATCHING:
            until = claim.lease_until or now
            raise again("another attempt holds the claim", delay=until - now + timedelta(seconds=1))
        try:
            provider = self._providers.choose(message.channel, name=claim.provider)
            age = now - claim.since
            if age < provider.grace:
                raise again("the provider may still be busy with it", delay=provider.grace - age)
            found = await provider.lookup(message, send_id=claim.send_id)
        except NotSent as error:
            raise again(error.words, delay=error.retry_after) from error
        except (Unknown, Misconfigured):  # nobody can be asked, or not any more
            if on_unknown == "hold":
                async with self._store.write() as tx:
                    await ledger.settle(tx, send_id=claim.send_id, to=LedgerState.HELD, now=now)
                raise Held from None
            found = None
        to = LedgerState.PLANNED if found is None else LedgerState.ACCEPTED
        provider_id = found.provider_id if found else None
        async with self._store.write() as tx:
            await ledger.settle(tx, send_id=claim.send_id, to=to, now=now, provider_id=provider_id)
        return found


def again(words: str, *, delay: timedelta | None = None, is_usual: bool = False) -> ApplicationError:
    """Return the error that makes Temporal try the rule again, after the delay where one is given.

    One that is usual, as nothing went wrong, does not stand in the worker's log.
    """
    category = ApplicationErrorCategory.BENIGN if is_usual else ApplicationErrorCategory.UNSPECIFIED
    return ApplicationError(words, type="NotSent", next_retry_delay=delay, category=category)
