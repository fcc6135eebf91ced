"""Messages that Twilio took and that never left it are sent anew, over its stand-in and the product's own gateway.

Covers cases 15 and 16 where the failure comes with a receipt, M05, M60, M61, M62.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from activities.accounts.twilio import TwilioAccount
from activities.actions import KINDS
from activities.providers.outbox import OutboxProvider
from activities.providers.registry import Providers
from activities.providers.twilio import TwilioProvider
from activities.providers.twilio_transport import client_of
from activities.resends import PAUSES
from activities.runtime.settings import Settings
from activities.runtime.workers import sandbox
from activities.shelf import Shelf
from activities.store import chats, ledger, suppressions
from activities.store.history import LedgerRecord, LedgerState, NoticeRecord, RunRecord
from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from starter.gateway.serving import listening
from starter.relay import Relay
from tests.chaos.parts import free_port
from tests.life.pipelines import stages
from tests.support.house import House, working
from tests.support.stand_ins.twilio import ACCOUNT, Fate, StandInOptions, TwilioStandIn
from workflows.contracts.commands import Hold, OneRule, Resume
from workflows.contracts.ids import workflow_id
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.order import Order

ANNA = "+48601234567"

QUEUE_FULL = ("undelivered", 30001)

#: How it goes is not known before the test says so.
ON_ITS_WAY = ("sent", 0)

WRITES = stages(
    "  new:\n    rules:\n"
    "      - {id: write, sms: 'Order {{ order.number }} is ready'}\n"
    "      - {id: told, after: write, log: 'after {{ order.number }}'}\n"
    "  paid:\n    triggers: [{payment: paid}]\n"
)

#: A pace at which the longest pause takes a moment.
FAST = PAUSES[-1] / timedelta(seconds=1)


@dataclass
class Shop:
    """A house whose texts go to Twilio's stand-in, which calls back at the house's own gateway."""

    house: House
    twilio: TwilioStandIn
    public_url: str

    async def begin(self, text: str = WRITES, *, starts: bool = True) -> None:
        """Publish a pipeline, and take an order whose responsible person is Olga."""
        await self.house.employee("olga")
        await self.house.publish(text)
        await self.house.order("1", responsible="olga", starts=starts)

    async def rows(self) -> list[LedgerRecord]:
        """List the order's sends in the sequence in which they were claimed."""
        async with self.house.store.read() as tx:
            found = await ledger.rows_of(tx, self.house.key("1"))
        return sorted(found, key=lambda row: row.claimed_at or datetime.max.replace(tzinfo=UTC))

    async def has_failed(self) -> bool:
        """Say whether Twilio's word on the last send is known."""
        rows = await self.rows()
        return bool(rows) and rows[-1].state is LedgerState.FAILED

    async def fail(self, *, code: int = 30001) -> None:
        """Let Twilio say of the last send that it did not arrive."""
        row = (await self.rows())[-1]
        form = {"MessageSid": row.provider_id or "", "MessageStatus": "undelivered", "ErrorCode": str(code)}
        told = await self.twilio.callbacks.post(f"{self.public_url}/hooks/twilio/status/{row.id}", form=form)
        assert told.status == 204

    async def until_delivered(self) -> list[LedgerRecord]:
        """Wait until a later send than the first was delivered; return all of them."""

        async def there() -> list[LedgerRecord] | None:
            rows = await self.rows()
            return rows if len(rows) > 1 and rows[-1].state is LedgerState.DELIVERED else None

        return await self.house.until(there)

    async def until_planned_anew(self) -> RunRecord:
        """Wait until the rule waits for its next attempt, which is some minutes away."""

        async def there() -> RunRecord | None:
            run = (await self.house.runs("1")).get("write")
            is_there = run is not None and run.status is RunStatus.PLANNED and run.started_at is not None
            return run if is_there else None

        return await self.house.until(there)

    async def until_told(self) -> NoticeRecord:
        """Wait until Olga is told of a message that did not arrive."""

        async def there() -> NoticeRecord | None:
            found = [notice for notice in await self.house.notices("olga") if "did not arrive" in notice.text]
            return found[0] if found else None

        return await self.house.until(there)


@asynccontextmanager
async def opened(house: House, *, pace: float = 1.0) -> AsyncIterator[Shop]:
    """Run workers, gateway and relay."""
    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    relay = Relay(house.store, orders=house.orders)
    async with TwilioStandIn(StandInOptions(clock=lambda: datetime.now(UTC))) as stand_in:
        environment = {
            "ORDERS_TWILIO_ACCOUNT_SID": ACCOUNT,
            "ORDERS_TWILIO_AUTH_TOKEN": stand_in.options.auth_token,
            "ORDERS_TWILIO_SENDER": "+15005550006",
            "ORDERS_TWILIO_WHATSAPP": "+15005550007",
            "ORDERS_TWILIO_BASE": stand_in.url,
            "ORDERS_TWILIO_GRACE": "1",
        }
        account = TwilioAccount.read(environment)
        assert account is not None
        api = client_of(account)
        twilio = TwilioProvider(account, api=api, store=house.store, public_url=public_url)
        providers = Providers([twilio, OutboxProvider(house.store)], channels={"sms": "twilio", "chat": "twilio"})
        parts = Parts(
            store=house.store,
            orders=house.orders,
            relay=relay,
            settings=Settings(public_url=public_url, gateway_port=port),
            shelf=Shelf(KINDS),
            environment=environment,
        )
        delivering = asyncio.create_task(relay.run())
        try:
            async with (
                listening(create_app(parts), host="127.0.0.1", port=port),
                working(house, providers=providers, pace=pace),
            ):
                yield Shop(house, stand_in, public_url)
                await stand_in.accept_late()
        finally:
            delivering.cancel()
            with suppress(asyncio.CancelledError):
                await delivering


async def test_a_message_that_never_left_twilio_is_sent_anew_with_an_id_of_its_own(house: House) -> None:
    """Covers case 15: the queue of the sender was full when its turn came."""
    async with opened(house, pace=FAST) as shop:
        shop.twilio.script.deliveries[ANNA] = ON_ITS_WAY
        await shop.begin()
        await house.until_run("1", "told", RunStatus.DONE)  # what follows goes on at once, as for any message
        shop.twilio.script.deliveries.clear()
        await shop.fail()
        first, second = await shop.until_delivered()
        assert (first.id, first.provider_id) != (second.id, second.provider_id)
        assert len(shop.twilio.accepted) == 2
        await house.until_run("1", "write", RunStatus.DONE)
        [event] = [event for event in await house.events("1") if event.type == "rule.undelivered"]
        assert (event.reason, "30001" in event.words) == (EventReason.COMMAND_DONE, True)
        assert await house.notices("olga") == []
        handle = house.client.get_workflow_handle(workflow_id(house.key("1")))
        replayer = Replayer(workflows=[Order], data_converter=pydantic_data_converter, workflow_runner=sandbox())
        await replayer.replay_workflow(await handle.fetch_history())


async def test_a_message_that_never_leaves_is_tried_a_few_times_and_then_told(house: House) -> None:
    """Covers case 15, M62."""
    async with opened(house, pace=FAST) as shop:
        shop.twilio.script.deliveries[ANNA] = QUEUE_FULL
        await shop.begin()
        notice = await shop.until_told()
        assert "the sender's queue at Twilio is full (30001)" in notice.text
        assert len(shop.twilio.accepted) == len(await shop.rows()) == 1 + len(PAUSES)
        assert (await house.runs("1"))["write"].status is RunStatus.DONE
        assert len(await house.notices("olga")) == 1


async def test_a_refusal_for_good_that_comes_late_is_told_and_not_sent_anew(house: House) -> None:
    """Covers case 16."""
    async with opened(house, pace=FAST) as shop:
        shop.twilio.script.deliveries[ANNA] = ("undelivered", 63016)
        await shop.begin()
        assert "use a template that the channel approved (63016)" in (await shop.until_told()).text
        assert len(shop.twilio.accepted) == 1


async def test_a_failure_that_overtakes_the_answer_is_taken_up_all_the_same(house: House) -> None:
    """Covers cases 11 and 15: its receipts come before Twilio's answer to the send is read."""
    async with opened(house, pace=FAST) as shop:
        shop.twilio.script.deliveries[ANNA] = QUEUE_FULL
        shop.twilio.faults.next(Fate.OVERTAKEN_AFTER)
        await shop.begin()
        await shop.until_told()
        assert len(shop.twilio.accepted) == 1 + len(PAUSES)


async def test_a_failure_whose_answer_was_lost_is_taken_up_all_the_same(house: House) -> None:
    """Covers cases 11 and 15: only its receipts tell that Twilio took the message, and that it never left."""
    async with opened(house, pace=FAST) as shop:
        shop.twilio.script.deliveries[ANNA] = QUEUE_FULL
        shop.twilio.faults.next(Fate.RESET_AFTER)
        await shop.begin()
        notice = await shop.until_told()
        assert "the sender's queue at Twilio is full (30001)" in notice.text
        assert len(shop.twilio.accepted) == len(await shop.rows()) == 1 + len(PAUSES)
        run = (await house.runs("1"))["write"]
        assert run.status is RunStatus.DONE


async def test_a_failure_is_told_although_the_stage_was_left_before_its_rule_heard_of_it(house: House) -> None:
    """Covers M05, M62, cases 11 and 15: the answer was lost, the receipt came, and the order moved on meanwhile."""
    async with opened(house) as shop:
        shop.twilio.script.deliveries[ANNA] = QUEUE_FULL
        shop.twilio.faults.next(Fate.RESET_AFTER)
        await shop.begin()
        await house.until(shop.has_failed)
        await house.event("1", "payment.paid")
        await house.until_stage("1", "paid")
        assert "30001" in (await shop.until_told()).text
        await house.until_run("1", "write", RunStatus.DONE, visit=1)
        assert (len(shop.twilio.accepted), len(await house.notices("olga"))) == (1, 1)


async def test_nothing_is_sent_anew_once_the_order_has_left_the_stage(house: House) -> None:
    """Covers M05, case 30."""
    async with opened(house) as shop:
        shop.twilio.script.deliveries[ANNA] = QUEUE_FULL
        await shop.begin()
        run = await shop.until_planned_anew()
        assert run.due is not None
        assert run.reason in (RunReason.RETRYING, RunReason.WAITING)
        await house.event("1", "payment.paid")
        await house.until_stage("1", "paid")
        run = await house.until_run("1", "write", RunStatus.STOPPED, visit=1)
        assert (run.reason, len(shop.twilio.accepted)) == (RunReason.STAGE_LEFT, 1)


async def test_a_failure_that_comes_after_the_stage_was_left_is_told(house: House) -> None:
    """Covers M05, M62."""
    async with opened(house) as shop:
        shop.twilio.script.deliveries[ANNA] = ON_ITS_WAY
        await shop.begin()
        await house.until_run("1", "write", RunStatus.DONE)
        await house.event("1", "payment.paid")
        await house.until_stage("1", "paid")
        await shop.fail()
        await shop.until_told()
        assert len(shop.twilio.accepted) == 1


async def test_a_failure_that_comes_during_a_hold_waits_for_the_resume(house: House) -> None:
    """Covers M06."""
    async with opened(house, pace=FAST) as shop:
        shop.twilio.script.deliveries[ANNA] = ON_ITS_WAY
        await shop.begin()
        await house.until_run("1", "write", RunStatus.DONE)
        await house.orders.hold("1", command=Hold(by="olga"))
        await shop.fail()
        await house.until(lambda: _is_kept(house))
        shop.twilio.script.deliveries.clear()
        await house.orders.resume("1", command=Resume(by="olga"))
        await shop.until_delivered()
        assert len(shop.twilio.accepted) == 2


async def test_another_attempt_comes_within_the_time_of_the_rule_or_not_at_all(house: House) -> None:
    """Covers M60: `expires` counts from the first attempt."""
    async with opened(house) as shop:
        shop.twilio.script.deliveries[ANNA] = QUEUE_FULL
        await shop.begin(WRITES.replace("is ready'", "is ready', expires: 4m"))
        await shop.until_told()
        assert len(shop.twilio.accepted) == 1


async def test_an_order_whose_automation_has_ended_sends_anew_too(house: House) -> None:
    """Covers case 15 in a final stage: its workflow is started again for it."""
    async with opened(house, pace=FAST) as shop:
        shop.twilio.script.deliveries[ANNA] = ON_ITS_WAY
        await shop.begin(WRITES.replace("  new:\n", "  new:\n    kind: success\n"))
        await house.handle("1").result()
        shop.twilio.script.deliveries.clear()
        await shop.fail()
        await shop.until_delivered()
        assert len(shop.twilio.accepted) == 2
        await house.handle("1").result()
        assert (await house.runs("1"))["write"].status is RunStatus.DONE


async def test_a_chat_message_that_is_sent_anew_stands_once_in_its_chat(house: House) -> None:
    """Covers C4: the channel takes no more messages of the sender for a while (63018)."""
    async with opened(house, pace=FAST) as shop:
        whatsapp = f"whatsapp:{ANNA}"
        shop.twilio.script.deliveries[whatsapp] = ON_ITS_WAY
        await shop.begin(WRITES.replace("sms:", "chat:"), starts=False)
        customer = (await house.read("1")).customer_id
        async with house.store.write() as tx:
            received = await chats.receive(
                tx,
                medium="whatsapp",
                address=ANNA,
                text="Hello",
                ref="in-1",
                at=datetime.now(UTC),
                shop=house.shop,
                customer=customer,
            )
        await house.signal("1", "order.created", id=f"{house.key('1')}:created", source="orders")
        await house.until_run("1", "write", RunStatus.DONE)
        shop.twilio.script.deliveries.clear()
        await shop.fail(code=63018)
        await shop.until_delivered()
        assert len(shop.twilio.accepted) == 2
        async with house.store.read() as tx:
            lines = await chats.history(tx, conversation=received.conversation.id)
        assert [line.text for line in lines] == ["Hello", "Order 1 is ready"]


async def test_who_writes_stop_meanwhile_gets_no_other_attempt(house: House) -> None:
    """Covers M63, case 29."""
    async with opened(house) as shop:
        shop.twilio.script.deliveries[ANNA] = QUEUE_FULL
        await shop.begin()
        await house.until(lambda: _waits(house))
        async with house.store.write() as tx:
            await suppressions.suppress(tx, channel="sms", address=ANNA, reason="stop", now=datetime.now(UTC))
        await house.orders.run_now("1", command=OneRule(rule="write", by="olga"))
        run = await house.until_run("1", "write", RunStatus.SKIPPED)
        assert (run.reason, len(shop.twilio.accepted)) == (RunReason.UNSUBSCRIBED, 1)


async def _is_kept(house: House) -> bool:
    return any(event.reason is EventReason.ON_HOLD for event in await house.events("1"))


async def _waits(house: House) -> bool:
    """Say whether the workflow knows that the rule waits for its next attempt."""
    plan = await house.orders.plan("1")
    return plan is not None and any(run.rule == "write" and run.due is not None for run in plan.runs)
