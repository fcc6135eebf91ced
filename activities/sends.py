"""Carry out rules that leave the house: compose, claim in the ledger, send, record what became of it.

A claim is committed before anything leaves, the answer after, with the run's end where nothing else is waited for. An
answer that was lost is settled with the provider before anything is sent again. Every step between two commits may be
killed and repeated.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import frame, outcomes, postponing
from activities.acceptances import Acceptance, Acceptances, Brought
from activities.actions.protocol import Action, Ended, Premises, failed
from activities.bench import Bench
from activities.claiming import Claiming, Prepared
from activities.outcomes import Missed, Outcomes
from activities.providers.errors import Misconfigured, NoAccess, NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Message, Provider
from activities.providers.registry import Providers
from activities.runtime import faults, metrics
from activities.runtime.faults import Step
from activities.runtime.logs import log
from activities.settling import Held, Settling, again
from activities.shelf import Shelf
from activities.store import attempts, ledger, runs, visits
from activities.store.claims import Claimed, Refused, Unsettled
from activities.store.database import Store, StoreDown, Tx
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunOutcome, RunsOutcome, RunsRequest

#: How long a send waits before it asks again whether its provider lets us in.
_UNTIL_ACCESS = timedelta(minutes=2)

#: A send must be over so long before its claim ends.
_MARGIN = timedelta(seconds=1)


@dataclass(frozen=True)
class SendLimits:
    """How long a claim belongs to its worker. Longer than any attempt of a rule."""

    lease: timedelta = timedelta(seconds=60)
    pace: float = 1.0


class Sends:
    """Carry out rules that leave the house. `clock` tells an attempt's moment; without one, Temporal does."""

    def __init__(
        self,
        store: Store,
        *,
        shelf: Shelf,
        actions: Mapping[str, Action],
        providers: Providers,
        limits: SendLimits = SendLimits(),
        premises: Premises = Premises(),
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._store = store
        self._shelf = shelf
        self._providers = providers
        self._limits = limits
        self._now = clock or _present
        self._claiming = Claiming(
            actions=actions, providers=providers, premises=premises, lease=limits.lease, clock=self._now
        )
        self._settling = Settling(store, providers=providers, clock=self._now)
        self._acceptances = Acceptances(store, clock=self._now)
        self._outcomes = Outcomes(store, providers=providers, clock=self._now)
        self._log = log("sends")

    async def send(self, request: RunsRequest) -> RunsOutcome:
        """Carry out one run. A failure for good is recorded, and raised as a permanent error that carries the outcome.

        Raise a retryable error where nothing left, or where a lost answer cannot be settled yet.
        """
        outcome = await self._carry_out(request, item=request.items[0])
        if outcome.status is RunStatus.FAILED:
            raise ApplicationError(
                outcome.words, outcome.model_dump(mode="json"), type=outcome.reason.value, non_retryable=True
            )
        return RunsOutcome(outcomes=[outcome])

    async def _carry_out(self, request: RunsRequest, *, item: RunItem) -> RunOutcome:
        try:
            async with self._store.write() as tx:
                bench = await self._load(tx, request)
                prepared = await self._claiming.prepare(tx, bench, request=request, item=item)
        except Misconfigured as error:
            return await self._end(request, item=item, ended=failed(RunReason.MISCONFIGURED, str(error)))
        if isinstance(prepared, RunOutcome):
            return prepared
        brought: list[Brought] = []
        try:
            for message in prepared.messages:
                brought.append(await self._bring(request, prepared=prepared, message=message))
        except Held:
            return await self._hold(request, item=item)
        except Missed as missed:
            return await self._miss(request, prepared=prepared, missed=missed)
        ended = outcomes.together([one.ended for one in brought])
        acceptance = brought[0].acceptance if len(brought) == 1 else None
        return await self._end(request, item=item, ended=ended, prepared=prepared, acceptance=acceptance)

    # --- out of the house ---------------------------------------------------------------------------------------------

    async def _bring(self, request: RunsRequest, *, prepared: Prepared, message: Message) -> Brought:
        """Bring one message to its end: accepted and told how it went, or refused by the ledger or the provider."""
        try:
            claim = prepared.claim
            if claim is None:
                async with self._store.write() as tx:
                    claim = await self._claiming.claim(tx, request, prepared=prepared, message=message)
            if isinstance(claim, Refused):
                instead = prepared.instead
                same = instead and claim.reason is instead.reason
                return Brought(instead if instead and same else outcomes.end_of_refusal(claim))
            if isinstance(claim, Claimed):
                accepted = await self._send(request, claim=claim, prepared=prepared, message=message)
                provider = self._providers.choose(message.channel, name=message.provider).name
            else:
                provider = claim.provider
                message = replace(message, provider=provider)  # whoever may have it is asked, whoever sends now
                on_unknown = prepared.rule.on_unknown
                accepted = await self._settling.accepted(claim, on_unknown=on_unknown, message=message)
            is_awaited, is_settled = self._outcomes.awaits(message), isinstance(claim, Unsettled)
            acceptance = Acceptance(claim.send_id, provider, accepted.provider_id, is_awaited, is_settled)
            to_record = await self._acceptances.take(acceptance, is_only=len(prepared.messages) == 1)
            results = {**message.results, **accepted.results}
            ended = await self._outcomes.end_of(message, send_id=claim.send_id, results=results)
            return Brought(ended, to_record)
        except Rejected as error:
            return Brought(failed(RunReason.REJECTED, str(error)))
        except Misconfigured as error:
            return Brought(failed(RunReason.MISCONFIGURED, str(error)))

    async def _send(self, request: RunsRequest, *, claim: Claimed, prepared: Prepared, message: Message) -> Accepted:
        provider = self._providers.choose(message.channel, name=message.provider)
        faults.reach(Step.CLAIMED)
        try:
            accepted = await self._sent(provider, claim=claim, message=message)
        except NotSent as error:
            await self._released(request, claim=claim, prepared=prepared, words=error.words)
            raise again(error.words, delay=error.retry_after) from error
        except (Unknown, TimeoutError) as error:
            async with self._store.write() as tx:
                await ledger.unknown(tx, send_id=claim.send_id, attempt=claim.attempt, now=self._now())
            words = error.words if isinstance(error, Unknown) else "the provider did not answer in time"
            raise again(words, delay=provider.grace) from error
        except NoAccess as error:
            metrics.NO_ACCESS.labels(provider=provider.name).inc()
            self._log.error("A provider lets nobody in: correct the setting", provider=provider.name, what=str(error))
            await self._released(request, claim=claim, prepared=prepared, words=str(error))
            raise again(str(error), delay=_UNTIL_ACCESS) from error
        except (Rejected, Misconfigured) as error:
            code = error.code if isinstance(error, Rejected) else error.setting
            async with self._store.write() as tx:
                is_ours = await ledger.failed(
                    tx, send_id=claim.send_id, attempt=claim.attempt, code=code, words=error.words, now=self._now()
                )
            if not is_ours:
                raise again("another attempt holds the claim") from error
            raise
        faults.reach(Step.SENT)
        return accepted

    async def _sent(self, provider: Provider, *, claim: Claimed, message: Message) -> Accepted:
        """Send while the claim is ours. A worker that was stopped for longer must not: another may have taken it."""
        left = claim.until - _MARGIN - self._now()
        if left <= timedelta(0):
            raise NotSent("this worker was stopped for too long: the claim is not its own any more")
        async with asyncio.timeout(left.total_seconds()):
            return await provider.send(message, send_id=claim.send_id)

    async def _released(self, request: RunsRequest, *, claim: Claimed, prepared: Prepared, words: str) -> None:
        """Record that nothing left. The run waits again, so that it can be skipped; or it ends with its stage."""
        async with self._store.write() as tx:
            bench = await self._load(tx, request)
            is_ours = await ledger.released(
                tx, send_id=claim.send_id, attempt=claim.attempt, error=words, now=self._now()
            )
            if len(prepared.messages) > 1 or not is_ours:
                return
            if bench.standing.visit != request.visit:
                left = Ended(RunStatus.STOPPED, RunReason.STAGE_LEFT)
                await frame.end(tx, bench, rule=prepared.rule.id, ended=left)
                return
            await runs.set_status(
                tx,
                request.key,
                visit=request.visit,
                rules=[prepared.rule.id],
                status=RunStatus.PLANNED,
                reason=RunReason.RETRYING,
                at=self._now(),
                words=words,
            )

    # --- after: what became of it is recorded ---------------------------------------------------------------------

    async def _end(
        self,
        request: RunsRequest,
        *,
        item: RunItem,
        ended: Ended,
        prepared: Prepared | None = None,
        acceptance: Acceptance | None = None,
    ) -> RunOutcome:
        try:
            async with self._store.write() as tx:
                bench = await self._load(tx, request)
                if acceptance is not None:
                    await self._acceptances.record(tx, acceptance)
                outcome = await self._ended(tx, bench, item=item, ended=ended, prepared=prepared)
        except StoreDown:
            raise
        except Exception:
            if acceptance is not None:  # what has left is known, whatever its run's end fails of
                await self._acceptances.keep(acceptance)
            raise
        faults.reach(Step.ENDED)
        return outcome

    async def _ended(
        self, tx: Tx, bench: Bench, *, item: RunItem, ended: Ended, prepared: Prepared | None
    ) -> RunOutcome:
        if bench.rows[item.rule].status.is_end:
            return await frame.outcome_of(tx, bench, rule=item.rule)
        compared = prepared.compared if prepared else ()
        outcome = await frame.end(tx, bench, rule=item.rule, ended=ended, compared=compared)
        if prepared is not None and ended.status is RunStatus.DONE:
            await outcomes.into_chats(tx, bench, rule=item.rule, messages=prepared.messages)
        return outcome

    async def _miss(self, request: RunsRequest, *, prepared: Prepared, missed: Missed) -> RunOutcome:
        """Put a run off that reached nobody; it ends as it is where its stage was left or its time is over."""
        rule = prepared.rule
        async with self._store.write() as tx:
            bench = await self._load(tx, request)
            if bench.rows[rule.id].status.is_end:
                return await frame.outcome_of(tx, bench, rule=rule.id)
            if prepared.instead is not None or bench.standing.visit != request.visit:
                return await frame.end(tx, bench, rule=rule.id, ended=missed.ended, compared=prepared.compared)
            await attempts.end(tx, send_id=missed.send_id, code=attempts.NOT_REACHED, words=str(missed), at=self._now())
            outcome = await postponing.until_next_attempt(tx, bench, rule=rule, every=missed.every)
        faults.reach(Step.ENDED)
        return outcome

    async def _hold(self, request: RunsRequest, *, item: RunItem) -> RunOutcome:
        """Leave a run whose outcome nobody can tell to a person: sent or not, it is not sent again by itself (M61)."""
        words = "nobody can tell whether it was sent; look, then repeat or skip it"
        async with self._store.write() as tx:
            bench = await self._load(tx, request)
            text = f"Order {request.key.number}: rule {item.rule}: {words}"
            await frame.tell_responsible(tx, bench, text=text, ref=f"{bench.rows[item.rule].id}:unknown")
            await visits.set_attention(tx, request.key, text=frame.OUTCOME_UNKNOWN)
            held = Ended(RunStatus.HELD, RunReason.OUTCOME_UNKNOWN, words)
            outcome = await frame.end(tx, bench, rule=item.rule, ended=held)
        return outcome.model_copy(update={"attention": frame.OUTCOME_UNKNOWN})

    async def _load(self, tx: Tx, request: RunsRequest) -> Bench:
        return await Bench.load(
            tx, self._shelf, key=request.key, visit=request.visit, now=self._now(), pace=self._limits.pace
        )


def _present() -> datetime:
    """Return the present: this machine's clock, or that of a server which is ahead of it (one that skips time)."""
    return max(activity.info().started_time, datetime.now(UTC))
