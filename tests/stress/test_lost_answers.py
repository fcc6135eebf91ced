"""What the crash and stress tests found, each made to happen: answers that are lost, late, or not expected any more."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.exceptions import ApplicationError

from activities.providers.errors import NotSent, Unknown
from activities.providers.protocol import Provider
from activities.providers.registry import Providers
from activities.store import journal, ledger
from activities.store import relay as deliveries_of
from activities.store.history import LedgerState
from tests.life.pipelines import SHOP
from tests.life.test_time import SkippingHouse
from tests.stress.bench import Answering, Bench, only
from tests.support.house import House, store_at, working
from tests.support.temporal import skipping_server
from workflows.contracts.decisions import DecideRequest
from workflows.contracts.events import Event
from workflows.contracts.ids import run_id
from workflows.contracts.reasons import RunReason, RunStatus


async def test_a_lost_answer_is_given_again_with_its_events_and_its_chain(bench: Bench) -> None:
    """Else the rule that waits after it would wait for a moment that nobody tells: the order would be stuck."""
    bench.now += timedelta(hours=1)
    first = await bench.record("pay", "mark_paid")
    again = await bench.record("pay", "mark_paid")
    assert [event.type for event in first.events] == ["payment.paid"]
    assert [due.rule for due in first.dues] == ["last"]
    assert (again.events, again.dues, again.status) == (first.events, first.dues, first.status)


async def test_what_an_event_that_created_its_order_did_to_rules_is_told_again(bench: Bench) -> None:
    """The order's own event is late: another comes first, creates it, and acts on its first visit (M50)."""
    key = await bench.house.order("2", starts=False)
    skip = Event(id="skip-1", type="operator.skip", at=bench.now, source="operator", data={"rule": "pay", "by": "olga"})
    request = DecideRequest(key=key, event=skip, now=bench.now, visit=0, is_fresh=True)
    first, again = [await bench.decisions.decide(request) for _ in range(2)]
    assert (first.skip, again.skip) == (["pay"], ["pay"])


async def test_a_send_that_ends_after_its_stage_was_left_tells_the_moment_of_the_rule_after_it(bench: Bench) -> None:
    """The workflow may hear of the send before it hears of the stage: it would fail for want of the moment."""

    async def left_meanwhile() -> None:
        await bench.leave()

    outcome = await bench.send(Answering(left_meanwhile))
    assert outcome.status is RunStatus.DONE
    assert [due.rule for due in outcome.dues] == ["later"]


async def test_a_send_that_did_not_leave_ends_with_its_stage(bench: Bench) -> None:
    """A workflow that is terminated meanwhile would leave a rule of a left visit to wait for ever."""

    async def left_meanwhile() -> None:
        await bench.leave()
        raise NotSent("busy")

    with pytest.raises(ApplicationError):
        await bench.send(Answering(left_meanwhile))
    run = (await bench.house.runs("1", visit=1))["greet"]
    assert (run.status, run.reason) == (RunStatus.STOPPED, RunReason.STAGE_LEFT)


async def test_an_event_of_a_rule_is_the_relays_where_nobody_decides_it(bench: Bench) -> None:
    """A workflow that is terminated before it takes the outcome would lose it for ever."""
    bench.now += timedelta(hours=1)
    await bench.record("pay", "mark_paid")

    async def due(seconds: float) -> list[str]:
        now = bench.now + timedelta(seconds=seconds)
        async with bench.house.store.write() as tx:
            found = await deliveries_of.claim_undelivered(tx, now=now, lease=timedelta(0))
        return [delivery.event.type for delivery in found]

    assert await due(29) == []
    assert await due(30) == ["payment.paid"]
    async with bench.house.store.read() as tx:
        page = await journal.events_of(tx, bench.house.key("1"))
    paid = next(event for event in page.items if event.type == "payment.paid")
    await bench.decide(Event(id=paid.id, type=paid.type, source=paid.source), visit=1)
    assert await due(60) == []


class Freezing(Providers):
    """The worker is stopped between its claim and its send, for longer than its claim lasts."""

    def __init__(self, provider: Provider, *, bench: Bench, seconds: float) -> None:
        super().__init__([provider], channels={"sms": "answering"})
        self._bench = bench
        self._seconds = seconds
        self._asked = 0

    def choose(self, channel: str, *, name: str = "") -> Provider:
        self._asked += 1
        if self._asked == 2:  # the first time is for the claim
            self._bench.now += timedelta(seconds=self._seconds)
        return super().choose(channel, name=name)


@pytest.mark.parametrize("seconds", [59.5, 61, 3_600])
async def test_a_worker_that_was_stopped_past_its_claim_does_not_send(bench: Bench, seconds: float) -> None:
    """Case 7 of the sending failures: another worker may have settled the claim and sent."""
    provider = Answering(lambda: None)
    with pytest.raises(ApplicationError):
        await bench.send(Freezing(provider, bench=bench, seconds=seconds))
    assert provider.calls == 0
    assert await bench.ledger_state() is LedgerState.PLANNED
    assert (await bench.send(provider)).status is RunStatus.DONE
    assert len(provider.accepted) == 1


async def test_a_stopped_worker_says_nothing_of_a_claim_that_another_has_taken_over(bench: Bench) -> None:
    """Its late "nothing left" must not free the claim under which the other one is sending."""
    other = Answering(lambda: None)

    async def busy() -> str:
        bench.now += timedelta(seconds=120)  # meanwhile the lease ends, and the other one takes over
        with pytest.raises(ApplicationError):
            await bench.send(other)
        assert await bench.ledger_state() is LedgerState.PLANNED
        assert (await bench.send(other)).status is RunStatus.DONE
        raise NotSent("busy")

    with pytest.raises(ApplicationError):
        await bench.send(Answering(busy))
    assert await bench.ledger_state() is LedgerState.ACCEPTED
    assert len(other.accepted) == 1


async def test_a_provider_may_be_busy_for_its_grace_after_the_claim_has_ended(bench: Bench) -> None:
    """The request may have left at the last moment of the lease: asked at once, the provider would not know it yet."""
    with pytest.raises(RuntimeError):
        await bench.send(Answering(lambda: (_ for _ in ()).throw(RuntimeError("killed"))))
    provider = Answering(lambda: None, grace=5)
    bench.now += timedelta(seconds=62)
    with pytest.raises(ApplicationError, match="may still be busy"):
        await bench.send(provider)
    bench.now += timedelta(seconds=5)
    with pytest.raises(ApplicationError, match="never arrived"):
        await bench.send(provider)
    assert (await bench.send(provider)).status is RunStatus.DONE


@pytest_asyncio.fixture
async def skipping(tmp_path: Path) -> AsyncIterator[SkippingHouse]:
    """A house without workers, on a server that skips time."""
    async with skipping_server() as environment, store_at(tmp_path) as store:
        house = SkippingHouse(House(store, environment.client), environment)
        yield house
        await house.close()


#: Its answer is lost, and the provider may be busy for longer than the rule has: a slow machine finds it in time.
EXPIRING = SHOP.replace("        sms: thanks\n", "        sms: thanks\n        expires: 1h\n")


async def test_a_lost_answer_is_settled_even_when_the_rule_has_expired(skipping: SkippingHouse) -> None:
    """Covers M60, M61: it was sent, and is recorded as sent, however late."""
    provider = Answering(lambda: Unknown("no answer"), grace=7_200)
    async with working(skipping, providers=only(provider)):
        await skipping.publish(EXPIRING)
        await skipping.order("1")
        await skipping.until(lambda: is_lost(skipping))
        await skipping.pass_time(timedelta(hours=3))
        await skipping.until_run("1", "thanks", RunStatus.DONE)
    assert provider.calls == 1


async def test_an_expired_rule_whose_lost_send_never_arrived_sends_nothing_more(skipping: SkippingHouse) -> None:
    """Covers M60: too late is too late."""

    async def lost() -> str:
        raise Unknown("no answer")

    provider = Answering(lost, grace=7_200)
    async with working(skipping, providers=only(provider)):
        await skipping.publish(EXPIRING)
        await skipping.order("1")
        await skipping.until(lambda: is_lost(skipping))
        await skipping.pass_time(timedelta(hours=3))
        run = await skipping.until_run("1", "thanks", RunStatus.FAILED)
    assert run.reason is RunReason.EXPIRED
    assert provider.calls == 1


async def is_lost(house: House) -> bool:
    """Say whether the answer to the send was lost."""
    async with house.store.read() as tx:
        row = await ledger.row(tx, send_id=run_id(house.key("1"), 1, "thanks"))
    return row is not None and row.state is LedgerState.UNKNOWN


@pytest.mark.parametrize("failure", [NotSent("busy"), Unknown("no answer")], ids=["not sent", "unknown"])
async def test_a_send_that_fails_after_its_stage_was_left_is_no_failure_on_our_side(
    house: House, failure: Exception
) -> None:
    """Temporal does not repeat it and does not call it cancelled; the run is stopped, or settled."""
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def fail() -> str:
        begun.set()
        await asyncio.shield(may_end.wait())
        raise failure

    async with working(house, providers=only(Answering(fail))):
        await house.publish(SHOP)
        await house.order("1")
        await begun.wait()
        await house.event("1", "payment.paid")
        await house.until_run("1", "pack", RunStatus.DONE)
        await asyncio.sleep(0.5)  # the cancel has reached the activity
        may_end.set()
        run = await house.until_run("1", "thanks", RunStatus.STOPPED, visit=1)
    assert run.reason is RunReason.STAGE_LEFT
