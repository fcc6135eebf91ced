"""A shop whose texts and calls go over a stand-in of Twilio: a real store, the product's activities, its own clock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from aiohttp import web
from aiohttp.test_utils import TestServer
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.accounts.twilio import TwilioAccount
from activities.actions import ACTIONS, KINDS
from activities.providers.outbox import OutboxProvider
from activities.providers.protocol import Message
from activities.providers.registry import Providers
from activities.providers.twilio import TwilioProvider
from activities.providers.twilio_transport import client_of
from activities.sends import SendLimits, Sends
from activities.shelf import Shelf
from activities.store import adopting, calls, claims, ledger, runs
from activities.store.claims import Claimed
from activities.store.database import NotFound, Store
from activities.store.history import LedgerRecord, LedgerState, RunRecord
from activities.store.ledger import Callback, Claim
from tests.rules.desk import NOW, Desk
from tests.support.stand_ins.twilio import ACCOUNT, Fate, StandInOptions, TwilioStandIn
from workflows.contracts.ids import OrderKey, run_id
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunsRequest

ANNA = {"first_name": "Anna", "phones": [{"number": "+48501000111", "type": "mobile"}]}

_TWILIO = ("sms", "voice", "chat")

_MEANS = {"sent": (1, LedgerState.ACCEPTED), "delivered": (2, LedgerState.DELIVERED), "failed": (2, LedgerState.FAILED)}


@dataclass
class Clock:
    """The time in the shop and at Twilio."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@dataclass
class Phone:
    """The shop, its provider, the stand-in behind it. `settings` change the account; `carrier` sends what leaves."""

    desk: Desk
    stand_in: TwilioStandIn
    clock: Clock
    hooks: str = "https://shop.example"
    settings: dict[str, str] = field(default_factory=dict)
    waits: list[timedelta] = field(default_factory=list)
    carrier: str = "twilio"
    is_connected: bool = True

    @property
    def store(self) -> Store:
        return self.desk.store

    def provider(self, **settings: str) -> TwilioProvider:
        """Connect the provider as its settings say."""
        account = TwilioAccount.read(
            {
                "ORDERS_TWILIO_ACCOUNT_SID": ACCOUNT,
                "ORDERS_TWILIO_AUTH_TOKEN": self.stand_in.options.auth_token,
                "ORDERS_TWILIO_SENDER": "+15005550006",
                "ORDERS_TWILIO_BASE": self.stand_in.url,
                "ORDERS_TWILIO_TIMEOUT": "2" if self._hangs() else "20",
                **{f"ORDERS_TWILIO_{name.upper()}": value for name, value in (self.settings | settings).items()},
            }
        )
        assert account is not None
        return TwilioProvider(
            account, api=client_of(account), store=self.store, public_url=self.hooks, clock=self.clock
        )

    def _hangs(self) -> bool:
        """Say whether an answer may not come at all; any other is waited for, however busy the machine is."""
        faults = self.stand_in.faults
        drawn = {*faults.following, *faults.following_questions, *faults.weights, *faults.questions}
        return not drawn.isdisjoint({Fate.HANG_BEFORE, Fate.HANG_AFTER, Fate.LATE})

    async def order(self, *rules: str, number: str = "1001") -> tuple[OrderKey, int]:
        """Take an order of Anna's that stands in a stage with these rules."""
        key = await self.desk.order(number, customer=ANNA)
        return key, await self.desk.enter(key, *rules)

    async def attempt(
        self,
        key: OrderKey,
        visit: int,
        *,
        rule: str = "sms",
        kind: str = "sms",
        limits: SendLimits = SendLimits(),
        over: RunReason | None = None,
        begun: datetime | None = None,
    ) -> RunRecord:
        """Let one attempt of a rule be made, which began at a moment before; raise what makes Temporal try again."""
        sends = Sends(
            self.store,
            shelf=Shelf(KINDS),
            actions=ACTIONS,
            providers=self._providers(),
            limits=limits,
            clock=self.clock,
        )
        item = RunItem(rule=rule, kind=kind)
        if over is not None:
            item = item.model_copy(update={"verdict": RunStatus.SKIPPED, "reason": over})
        request = RunsRequest(key=key, visit=visit, now=begun or self.clock(), items=[item])
        try:
            await ActivityEnvironment().run(sends.send, request)
        except ApplicationError as error:
            if not error.non_retryable:
                raise
        return await self.run(key, visit, rule=rule)

    async def persist(
        self, key: OrderKey, visit: int, *, rule: str = "sms", kind: str = "sms", most: int = 10
    ) -> RunRecord:
        """Try as Temporal does, until the run ends; `waits` are the delays it was told."""
        begun = self.clock()
        for _ in range(most):
            try:
                return await self.attempt(key, visit, rule=rule, kind=kind, begun=begun)
            except ApplicationError as error:
                self.waits.append(error.next_retry_delay or timedelta(seconds=1))
                self.clock.advance(self.waits[-1])
        raise AssertionError(f"the run did not end after {most} attempts")

    def _providers(self) -> Providers:
        connected = [self.provider()] if self.is_connected else []
        return Providers([*connected, OutboxProvider(self.store)], channels=dict.fromkeys(_TWILIO, self.carrier))

    async def run(self, key: OrderKey, visit: int, *, rule: str = "sms") -> RunRecord:
        """Read a run."""
        async with self.store.read() as tx:
            found = await runs.run_of(tx, key, visit=visit, rule=rule)
        assert found is not None
        return found

    async def row(self, key: OrderKey, visit: int, *, rule: str = "sms") -> LedgerRecord:
        """Read a rule's row of the ledger."""
        async with self.store.read() as tx:
            found = await ledger.row(tx, send_id=run_id(key, visit, rule))
        assert found is not None
        return found

    async def claim(self, key: OrderKey, visit: int, *, message: Message, rule: str = "sms") -> UUID:
        """Claim a send, as a worker does just before it sends."""
        claim = Claim(
            key=key,
            visit=visit,
            rule=rule,
            stage="new",
            channel=message.channel,
            provider="twilio",
            address=message.address,
            body_hash=adopting.hash_of(subject=message.subject, body=message.body),
            now=self.clock(),
            lease=SendLimits().lease,
        )
        async with self.store.write() as tx:
            claimed = await claims.claim(tx, claim=claim)
        assert isinstance(claimed, Claimed)
        return claimed.send_id

    async def unknown(self, send_id: UUID) -> None:
        """Record that its answer was lost."""
        async with self.store.write() as tx:
            await ledger.unknown(tx, send_id=send_id, now=self.clock())

    async def accepted(self, send_id: UUID, *, provider_id: str) -> None:
        """Record that Twilio took it."""
        async with self.store.write() as tx:
            await ledger.accepted(tx, send_id=send_id, provider_id=provider_id, now=self.clock())


@asynccontextmanager
async def phone_of(desk: Desk) -> AsyncIterator[Phone]:
    """Open the shop. Its gateway writes what it is told of a message into the ledger."""
    clock = Clock()
    app = web.Application()

    async def told(request: web.Request) -> web.Response:
        form = await request.post()
        rank, state = _MEANS[str(form["MessageStatus"])]
        callback = Callback(str(form["MessageStatus"]), rank, state, str(form.get("ErrorCode", "")))
        send_id = UUID(request.match_info["send_id"])
        with suppress(NotFound):
            async with desk.store.write() as tx:
                await ledger.delivered(
                    tx, send_id=send_id, provider_id=str(form["MessageSid"]), callback=callback, now=clock()
                )
        return web.Response(status=204)

    async def spoken(request: web.Request) -> web.Response:
        form = await request.post()
        async with desk.store.write() as tx:
            send_id = UUID(request.match_info["send_id"])
            call = await calls.speak(tx, send_id=send_id, call_id=str(form["CallSid"]), now=clock())
        words = "<Hangup/>" if call is None else "<Say>The words of the call</Say>"
        return web.Response(text=f"<Response>{words}</Response>", content_type="text/xml")

    app.router.add_post("/hooks/twilio/status/{send_id}", told)
    app.router.add_post("/hooks/twilio/voice/{send_id}", spoken)
    gateway = TestServer(app)
    await gateway.start_server()
    try:
        async with TwilioStandIn(StandInOptions(clock=clock)) as stand_in:
            yield Phone(desk, stand_in, clock, hooks=f"http://127.0.0.1:{gateway.port}")
            await stand_in.accept_late()  # and let every callback arrive
    finally:
        await gateway.close()
