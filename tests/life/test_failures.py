"""What goes wrong: providers, bugs, a store that is down, a loop; and what becomes of the order."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from activities.actions import ACTIONS
from activities.actions.protocol import Ended, RunContext
from activities.providers.errors import Misconfigured, NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Message
from activities.providers.registry import Providers
from activities.store import ledger
from activities.store.database import Tx
from activities.store.history import LedgerState
from tests.life.pipelines import SHOP, stages
from tests.support.house import House, working
from workflows.contracts.commands import OneRule, Resume
from workflows.contracts.ids import run_id
from workflows.contracts.reasons import EventReason, RunReason, RunStatus


class Scripted:
    """A provider that fails as told, then accepts; it says whether a lost send had arrived."""

    name = "scripted"
    channels: tuple[str, ...] = ("sms", "email")
    grace = timedelta(milliseconds=50)

    def __init__(self, *failures: Exception, arrived: Accepted | Exception | None = None) -> None:
        self.failures = list(failures)
        self.arrived = arrived
        self.sent: list[UUID] = []

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(send_id)
        return Accepted(f"scripted-{len(self.sent)}")

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        if isinstance(self.arrived, Exception):
            raise self.arrived
        return self.arrived


def only(provider: Scripted) -> Providers:
    return Providers([provider], channels={"sms": "scripted", "email": "scripted"})


async def _ledger_state(house: House, rule: str) -> LedgerState | None:
    async with house.store.read() as tx:
        row = await ledger.row(tx, send_id=run_id(house.key("1"), 1, rule))
        return row.state if row else None


async def test_a_send_that_never_left_is_tried_again(house: House) -> None:
    """Covers M60."""
    provider = Scripted(NotSent("busy", retry_after=timedelta(milliseconds=10)))
    async with working(house, providers=only(provider)):
        await house.publish(SHOP)
        await house.order("1")
        await house.until_run("1", "thanks", RunStatus.DONE)
    assert provider.sent == [run_id(house.key("1"), 1, "thanks")]


@pytest.mark.parametrize(
    ("failure", "reason", "words"),
    [
        pytest.param(Rejected("21211", "not a phone number"), RunReason.REJECTED, "21211", id="rejected"),
        pytest.param(Misconfigured("ORDERS_X", "no account"), RunReason.MISCONFIGURED, "ORDERS_X", id="misconfigured"),
    ],
)
async def test_a_permanent_failure_fails_at_once_and_tells_the_responsible_person(
    house: House, failure: Exception, reason: RunReason, words: str
) -> None:
    """Covers M60, M62."""
    async with working(house, providers=only(Scripted(failure))):
        await house.publish(SHOP)
        await house.employee("olga")
        await house.order("1", responsible="olga")
        run = await house.until_run("1", "thanks", RunStatus.FAILED)
        assert run.reason is reason
        assert words in run.words
        assert any("rule thanks" in notice.text for notice in await house.notices("olga"))
        assert (await house.read("1")).attention == "rule-failed"


async def test_a_failed_rule_can_be_repeated(house: House) -> None:
    """Covers M06, M62."""
    provider = Scripted(Rejected("21211", "not a phone number"))
    async with working(house, providers=only(provider)):
        await house.publish(SHOP)
        await house.order("1")
        await house.until_run("1", "thanks", RunStatus.FAILED)
        await house.orders.repeat(house.key("1"), command=OneRule(rule="thanks", by="olga"))
        await house.until_run("1", "thanks", RunStatus.DONE)
        assert (await house.read("1")).attention == ""
    assert len(provider.sent) == 1


async def test_a_lost_answer_is_settled_with_the_provider_before_anything_is_sent_again(house: House) -> None:
    """Covers M61: it had arrived, so nothing is sent again."""
    provider = Scripted(Unknown("no answer"), arrived=Accepted("theirs"))
    async with working(house, providers=only(provider)):
        await house.publish(SHOP)
        await house.order("1")
        await house.until_run("1", "thanks", RunStatus.DONE)
        assert await _ledger_state(house, "thanks") is LedgerState.ACCEPTED
    assert provider.sent == []


async def test_a_lost_answer_of_a_send_that_never_arrived_is_sent_once(house: House) -> None:
    """Covers M61."""
    provider = Scripted(Unknown("no answer"), arrived=None)
    async with working(house, providers=only(provider)):
        await house.publish(SHOP)
        await house.order("1")
        await house.until_run("1", "thanks", RunStatus.DONE)
    assert len(provider.sent) == 1


async def test_a_lost_answer_that_nobody_can_settle_waits_for_a_person(house: House) -> None:
    """Covers M61, M62: on_unknown is hold by default; a person repeats it."""
    provider = Scripted(Unknown("no answer"), arrived=Unknown("cannot tell"))
    async with working(house, providers=only(provider)):
        await house.publish(SHOP)
        await house.employee("olga")
        await house.order("1", responsible="olga")
        run = await house.until_run("1", "thanks", RunStatus.HELD)
        assert run.reason is RunReason.OUTCOME_UNKNOWN
        assert (await house.read("1")).attention == "outcome-unknown"
        assert await house.notices("olga")
        assert provider.sent == []
        await house.orders.repeat(house.key("1"), command=OneRule(rule="thanks", by="olga"))
        await house.until_run("1", "thanks", RunStatus.DONE)
    assert len(provider.sent) == 1


async def test_a_lost_answer_is_sent_again_where_the_rule_says_so(house: House) -> None:
    """Covers M61: on_unknown: resend."""
    provider = Scripted(Unknown("no answer"), arrived=Unknown("cannot tell"))
    text = SHOP.replace("        sms: thanks\n", "        sms: thanks\n        on_unknown: resend\n")
    async with working(house, providers=only(provider)):
        await house.publish(text)
        await house.order("1")
        await house.until_run("1", "thanks", RunStatus.DONE)
    assert len(provider.sent) == 1


async def test_a_rule_that_cannot_be_done_in_time_expires(house: House) -> None:
    """Covers M60: expires."""
    provider = Scripted(*[NotSent("busy", retry_after=timedelta(milliseconds=100))] * 500)
    text = SHOP.replace("        sms: thanks\n", "        sms: thanks\n        expires: 1s\n")
    async with working(house, providers=only(provider)):
        await house.publish(text)
        await house.order("1")
        run = await house.until_run("1", "thanks", RunStatus.FAILED)
    assert run.reason is RunReason.EXPIRED


async def test_no_message_of_a_left_stage_starts(house: House) -> None:
    """Covers M05: a send that was only being tried stops with its stage."""
    provider = Scripted(*[NotSent("busy", retry_after=timedelta(milliseconds=200))] * 5_000)
    async with working(house, providers=only(provider)):
        await house.publish(SHOP)
        await house.order("1")
        await house.until_run("1", "note", RunStatus.DONE)
        await house.event("1", "payment.paid")
        await house.until_run("1", "pack", RunStatus.DONE)
        provider.failures.clear()  # from now on it would accept
        await asyncio.sleep(2)
        await house.until_run("1", "thanks", RunStatus.STOPPED, visit=1)
    assert provider.sent == []


async def test_a_bug_in_one_rule_fails_that_rule_alone(house: House) -> None:
    """Never a stuck order: the other rules of the moment run."""

    async def broken(context: RunContext, tx: Tx) -> Ended:
        raise KeyError("a bug")

    actions = {**ACTIONS, "log": replace(ACTIONS["log"], record=broken)}
    async with working(house, actions=actions):
        await house.publish(stages("  new:\n    rules:\n      - {id: bad, log: a}\n      - {id: good, comment: b}\n"))
        await house.order("1")
        bad = await house.until_run("1", "bad", RunStatus.FAILED)
        await house.until_run("1", "good", RunStatus.DONE)
    assert bad.reason is RunReason.INTERNAL
    assert "KeyError" in bad.words


async def test_an_order_that_runs_in_circles_is_held_and_told(shop: House) -> None:
    """Covers M08."""
    await shop.publish(
        stages("  a:\n    triggers: [{webhook: x, back: true}]\n    rules: [{move: b}]\n  b:\n    rules: [{move: a}]\n")
    )
    await shop.employee("olga")
    await shop.order("1", responsible="olga")

    async def held() -> bool:
        return (await shop.read("1")).held_at is not None

    await shop.until(held)
    order = await shop.read("1")
    assert order.attention == "loop"
    assert 20 <= order.visit <= 24
    assert any("on hold" in notice.text for notice in await shop.notices("olga"))
    assert EventReason.LOOP in {event.reason for event in await shop.events("1")}


async def test_resuming_after_a_loop_gives_the_order_a_new_hour(shop: House) -> None:
    """Covers M06, M08: the moves before the resume no longer count."""
    await shop.publish(stages("  a:\n    rules: [{move: b}]\n  b:\n    rules: [{move: a}]\n  c: {}\n"))
    await shop.order("1")

    async def held() -> bool:
        return (await shop.read("1")).held_at is not None

    await shop.until(held)
    before = (await shop.read("1")).visit
    await shop.orders.resume(shop.key("1"), command=Resume(by="olga"))
    await shop.until(held)
    assert (await shop.read("1")).visit > before


async def test_a_lost_answer_is_settled_even_when_its_stage_was_left_meanwhile(house: House) -> None:
    """Covers M05, M61: what was claimed is completed and recorded as such; nothing is sent again."""
    provider = Scripted(Unknown("no answer"), arrived=NotSent("down", retry_after=timedelta(milliseconds=200)))
    async with working(house, providers=only(provider)):
        await house.publish(SHOP)
        await house.order("1")

        async def lost() -> bool:
            return await _ledger_state(house, "thanks") is LedgerState.UNKNOWN

        await house.until(lost)
        await house.event("1", "payment.paid")
        await house.until_run("1", "pack", RunStatus.DONE)
        provider.arrived = Accepted("theirs")
        await house.until_run("1", "thanks", RunStatus.DONE, visit=1)
        assert await _ledger_state(house, "thanks") is LedgerState.ACCEPTED
    assert provider.sent == []


async def test_of_several_employees_each_gets_a_message_or_a_reason(house: House) -> None:
    """Covers E18: one refusal does not keep the others from theirs."""
    provider = Scripted(Rejected("21211", "not a phone number"))
    async with working(house, providers=only(provider)):
        await house.publish(stages("  new:\n    rules:\n      - {id: call, sms: Help, to: [olga, marek, nina]}\n"))
        for number, employee in enumerate(("olga", "marek", "nina")):
            await house.employee(employee, phone=f"+4860100000{number}")
        await house.order("1")
        run = await house.until_run("1", "call", RunStatus.DONE)
    assert run.words == "2 of 3 reached"
    assert len(provider.sent) == 2
