"""A trial call (C1): an author hears what a `robocall` says for an order, on a phone of their own.

Comes in: an order, a rule, a phone. Goes out: the words, and how the call went. It is ledgered as every send, asks
nobody's consent, waits for no quiet hours, and is no run of the order.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from activities.actions import robocall
from activities.actions.protocol import Ended, RunContext
from activities.providers.errors import Misconfigured, NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Message, Provider, Telling
from activities.providers.protocol import Outcome as Outcome
from activities.providers.registry import Connecting, Providers, connect
from activities.runtime.settings import Settings
from activities.shelf import Shelf
from activities.store import ledger, orders, trials, visits
from activities.store.database import NotFound, Store, Tx
from activities.store.trials import Trial
from workflows.contracts.ids import OrderKey
from workflows.pipeline.model import Pipeline, Rule

#: How long a provider has to take a call.
_LEASE = timedelta(seconds=60)


class NoTrial(Exception):
    """The call cannot be tried; `words` say why, `help` what to do."""

    def __init__(self, words: str, *, help: str = "") -> None:
        super().__init__(words)
        self.words = words
        self.help = help


@dataclass(frozen=True)
class Spoken:
    """What a rule says for an order; the context keeps it, should the call be made."""

    context: RunContext
    message: Message


async def words_of(store: Store, *, shelf: Shelf, key: OrderKey, rule: str) -> Spoken:
    """Make what a rule of the order's latest pipeline says, whatever stage it is in. Raise NoTrial, NotFound."""
    async with store.read() as tx:
        context = await _context(tx, shelf, key=key, rule=rule)
        made = robocall.spoken(context)
    if isinstance(made, Ended):
        raise NoTrial(made.words, help="correct the text, or try it with another order")
    return Spoken(context, made)


@dataclass(frozen=True)
class Ringing:
    """A call that a provider took."""

    provider: Provider
    message: Message
    send_id: UUID


def connected(settings: Settings, *, store: Store, environment: Mapping[str, str]) -> Providers:
    """Connect the providers that the settings name, as a worker does. Raise NoTrial for half an account."""
    given = Connecting(
        store=store,
        channels=settings.channels(),
        environment=environment,
        folder=settings.secrets,
        public_url=settings.public_url.rstrip("/"),
        allows_private=settings.webhook_allow_private,
    )
    try:
        return connect(given)
    except Misconfigured as error:
        raise NoTrial(error.words, help=f"set {error.setting}") from error


async def call(store: Store, *, providers: Providers, spoken: Spoken, to: str) -> Ringing:
    """Make the call. Raise NoTrial where it was not taken, or nobody knows."""
    message = replace(spoken.message, address=to)
    context = spoken.context
    try:
        provider = providers.choose(message.channel, name=message.provider)
    except Misconfigured as error:
        raise NoTrial(str(error)) from error
    trial = Trial(
        send_id=context.send_id,
        key=context.key,
        visit=context.visit,
        stage=context.stage,
        rule=context.rule.id,
        channel=message.channel,
        provider=provider.name,
        address=to,
        body_hash=sha256(message.body.encode()).hexdigest(),
    )
    async with store.write() as tx:
        await robocall.keep(context, tx, message=message)
        await trials.begin(tx, trial=trial, now=context.now, lease=_LEASE)
    accepted = await _sent(store, provider=provider, message=message, context=context)
    async with store.write() as tx:
        await ledger.accepted(tx, send_id=context.send_id, provider_id=accepted.provider_id, now=_now())
    return Ringing(provider, message, context.send_id)


async def outcome(ringing: Ringing, *, within: timedelta) -> Outcome | None:
    """Wait until the provider tells how the call went; None where it does not in time."""
    provider = ringing.provider
    if not isinstance(provider, Telling):
        return None
    try:
        async with asyncio.timeout(within.total_seconds()):
            while True:
                try:
                    told = await provider.outcome(ringing.message, send_id=ringing.send_id)
                except NotSent:
                    told = None
                if told is not None:
                    return told
                await asyncio.sleep(provider.patience.total_seconds())
    except TimeoutError:
        return None
    except Rejected as error:
        return Outcome({}, failure=str(error))


async def _context(tx: Tx, shelf: Shelf, *, key: OrderKey, rule: str) -> RunContext:
    standing = await visits.standing(tx, key)
    if standing is None:
        raise NotFound("order", str(key))
    pipeline, _ = await shelf.latest(tx, name=standing.pipeline)
    stage, found = _rule(pipeline, rule=rule, first=standing.stage)
    view = await orders.view(tx, key, visit=standing.visit)
    return RunContext(
        key=key,
        visit=standing.visit,
        stage=stage,
        rule=found,
        pipeline=pipeline,
        view=view,
        now=_now(),
        run=uuid4(),
    )


def _rule(pipeline: Pipeline, *, rule: str, first: str) -> tuple[str, Rule]:
    """Find a rule, in the order's stage before others."""
    stages = sorted(pipeline.stages, key=lambda stage: stage != first)
    calls = [
        (stage, one)
        for stage in stages
        for one in pipeline.stages[stage].rules
        if isinstance(one.settings, robocall.Robocall)
    ]
    found = next((pair for pair in calls if pair[1].id == rule), None)
    if found is not None:
        return found
    names = ", ".join(dict.fromkeys(one.id for _, one in calls))
    help = f"its calls: {names}" if names else "no stage of it has a rule 'robocall'"
    raise NoTrial(f"The pipeline '{pipeline.id}' has no call named '{rule}'", help=help)


async def _sent(store: Store, *, provider: Provider, message: Message, context: RunContext) -> Accepted:
    send_id = context.send_id
    try:
        async with asyncio.timeout(_LEASE.total_seconds() - 1):
            return await provider.send(message, send_id=send_id)
    except (NotSent, Rejected, Misconfigured) as error:
        async with store.write() as tx:
            await ledger.failed(tx, send_id=send_id, code="trial", words=error.words, now=_now())
        raise NoTrial(f"Nobody was called: {error}") from error
    except (Unknown, TimeoutError) as error:
        async with store.write() as tx:
            await ledger.unknown(tx, send_id=send_id, now=_now())
        words = "Nobody knows whether the call was made: the provider's answer was lost"
        raise NoTrial(words, help="wait a minute for the phone to ring; then try again") from error


def _now() -> datetime:
    return datetime.now(UTC)
