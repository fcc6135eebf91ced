"""What is before a send: a run is checked, its messages are composed, and the ledger is asked for their claims.

Comes in: one run of a visit, locked. Goes out: the run ready to be sent, or how it ended, or why it waits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from activities import frame, outcomes, postponing
from activities.actions.protocol import Action, Ended, Premises, failed, send_id
from activities.bench import Bench
from activities.providers.protocol import Message
from activities.providers.registry import Providers
from activities.store import adopting, attempts, claims, ledger, visits
from activities.store.claims import Claim, Claimed, Refused, Unsettled
from activities.store.database import Tx
from workflows.contracts.ids import run_id
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunOutcome, RunsRequest
from workflows.pipeline.model import Rule


@dataclass(frozen=True)
class Prepared:
    """A run ready to be sent: its messages, one per addressee, and the claim of the first where it is the only one.

    With `instead` nothing may leave any more: what was claimed before is settled, else the run ends so.
    """

    rule: Rule
    stage: str
    compared: tuple[tuple[str, str], ...]
    messages: tuple[Message, ...]
    instead: Ended | None = None
    claim: "Answer | None" = None


#: What the ledger says to a claim.
Answer = Claimed | Refused | Unsettled


class Claiming:
    """Check a run, compose its messages, and ask the ledger for their claims: what is before a send."""

    def __init__(
        self,
        *,
        actions: Mapping[str, Action],
        providers: Providers,
        premises: Premises,
        lease: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._actions = actions
        self._providers = providers
        self._premises = premises
        self._lease = lease
        self._now = clock

    async def prepare(self, tx: Tx, bench: Bench, *, request: RunsRequest, item: RunItem) -> Prepared | RunOutcome:
        """Draw the line in one transaction: return the run ready to be sent, or how it ended or why it waits."""
        row = bench.rows[item.rule]
        if row.status.is_end:
            return await frame.outcome_of(tx, bench, rule=item.rule)
        rule = bench.pipeline.rule(row.stage, item.rule)
        action = self._actions.get(item.kind)
        if rule is None or action is None or action.compose is None:
            words = f"this worker does not know rule kind '{item.kind}': update it"
            return await frame.end(tx, bench, rule=item.rule, ended=failed(RunReason.MISCONFIGURED, words))
        instead = Ended(item.verdict, item.reason or RunReason.INTERNAL, item.words) if item.verdict else None
        is_claimed = row.status is RunStatus.RUNNING or instead is not None
        refused = None if is_claimed else await frame.check(tx, bench, rule=rule)
        if refused is not None:
            return await frame.end(tx, bench, rule=rule.id, ended=refused)
        await bench.look(tx)
        unmet, compared = (None, ()) if is_claimed else frame.condition(bench, rule=rule)
        attempt = 1 if row.started_at is None else await attempts.current(tx, run=row.id)
        context = bench.context(rule, premises=self._premises, attempt=attempt)
        composed = unmet or await action.compose(context, tx)
        if isinstance(composed, Ended):
            sent = await ledger.row(tx, send_id=context.send_id) if is_claimed else None
            if sent is None:
                return await frame.end(tx, bench, rule=rule.id, ended=composed, compared=compared)
            # It was claimed before it became impossible, such as for an address that is gone now.
            instead, composed = composed, outcomes.claimed(sent.channel, provider=sent.provider)
        messages = composed if isinstance(composed, tuple) else (composed,)
        # A call that nobody took has its time anew; a message that is sent anew has not.
        first = row.started_at if attempt > 1 and messages[0].again is None else None
        expires = (first or request.now) + rule.expires if rule.expires else None
        if first is not None and expires is not None and expires <= bench.now and not is_claimed:
            late = failed(RunReason.EXPIRED, "it did not arrive, and its time is over")
            return await frame.end(tx, bench, rule=rule.id, ended=late, compared=compared)
        messages = tuple(replace(message, attempt=attempt, expires=expires) for message in messages)
        quiet = None if is_claimed else await postponing.until_morning(tx, bench, rule=rule, message=messages[0])
        if quiet is not None:
            return quiet
        prepared = Prepared(rule, row.stage, compared, messages, instead)
        if len(messages) > 1:
            return prepared  # each is claimed when its turn has come
        claim = await self.claim(tx, request, prepared=prepared, message=messages[0], order=bench.standing)
        return replace(prepared, claim=claim)

    async def claim(
        self,
        tx: Tx,
        request: RunsRequest,
        *,
        prepared: Prepared,
        message: Message,
        order: visits.Standing | None = None,
    ) -> Answer:
        """Ask the ledger for the claim of one message. Raise Misconfigured where no provider carries it."""
        provider = self._providers.choose(message.channel, name=message.provider).name
        rule = prepared.rule
        claim = Claim(
            key=request.key,
            visit=request.visit,
            rule=rule.id,
            stage=prepared.stage,
            channel=message.channel,
            provider=provider,
            address=message.address,
            body_hash=adopting.hash_of(subject=message.subject, body=message.body),
            now=self._now(),
            lease=self._lease,
            send_id=send_id(run_id(request.key, request.visit, rule.id), message=message),
            customer=message.customer,
            is_transactional=rule.is_transactional,
            once=rule.once,
            over=prepared.instead.reason if prepared.instead else None,
        )
        return await claims.claim(tx, claim=claim, order=order)
