"""Sends that Twilio's list cannot tell apart leave one at a time, whichever tables they are in. Covers M61, case 12."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest
from sqlalchemy import text
from temporalio.exceptions import ApplicationError

from activities.courier import Courier
from activities.providers.registry import Providers
from activities.store import answers, chats, employees, notices
from activities.store.history import LedgerState, NewNotice
from activities.store.records import NewEmployee, Way
from tests.providers.phone import Phone
from tests.support.stand_ins.twilio import CallbackFaults, Fate
from workflows.contracts.ids import OrderKey, run_id

NUMBER = "+48501000111"

WORDS = "It is ready"


class Desk:
    """A rule, an employee's answer and notices that say the same to the same number."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.courier = Courier(
            phone.store,
            providers=Providers([phone.provider()], channels=dict.fromkeys(("sms", "chat"), "twilio")),
            clock=phone.clock,
        )
        self.rule: tuple[OrderKey, int] | None = None

    async def plan(self, what: str) -> UUID:
        """Have one of them sent; give the send's id."""
        if what == "rule":
            key, visit = self.rule = await self.phone.order(f"sms: {WORDS}")
            return run_id(key, visit, "sms")
        return await (self._answer() if what == "answer" else self._notice(what))

    async def bring(self) -> None:
        """Let each be tried once that is due."""
        if self.rule is not None:
            with suppress(ApplicationError):
                await self.phone.attempt(*self.rule)
        await self.courier.round()

    async def bring_until_all_arrived(self, *, count: int) -> None:
        """Try as the worker and the courier do."""
        for _ in range(400):
            self.phone.clock.advance(timedelta(seconds=1))
            await self.bring()
            if len(self.arrived) >= count and await self._is_settled():
                return
        raise AssertionError(f"only {self.arrived} arrived")

    @property
    def arrived(self) -> Sequence[str]:
        """The sends that Twilio accepted."""
        return [line.send for line in self.phone.stand_in.accepted]

    async def ids(self) -> set[tuple[str, str | None]]:
        """Each send with the id by which we know it at Twilio."""
        found: set[tuple[str, str | None]] = set()
        for table, key in (("ledger", "id"), ("chat_answers", "id"), ("notices", "send_id")):
            rows = await self._rows(f"SELECT {key}, provider_id FROM {table}")
            found |= {(str(UUID(row[0])), row[1]) for row in rows}
        return found

    async def _is_settled(self) -> bool:
        ended = (LedgerState.ACCEPTED, LedgerState.DELIVERED)
        states = [
            row[0]
            for table in ("ledger", "chat_answers", "notices")
            for row in await self._rows(f"SELECT state FROM {table}")
        ]
        return all(state in ended for state in states)

    async def _rows(self, sql: str) -> Sequence[Sequence[str]]:
        async with self.phone.store.read() as tx:
            return await tx.rows(text(sql))

    async def _answer(self) -> UUID:
        now = self.phone.clock()
        async with self.phone.store.write() as tx:
            heard = await chats.receive(
                tx, medium="sms", address=NUMBER, text="When?", ref="in", at=now, shop="shop", customer=None
            )
            chat = heard.conversation
            line = await chats.add_outbound(tx, conversation=chat.id, text=WORDS, ref="r", author="olga", at=now)
            await answers.plan(tx, chat=chat, message=line.id, ref="r", now=now)
        return answers.send_id(chat.id, ref="r")

    async def _notice(self, ref: str) -> UUID:
        now = self.phone.clock()
        async with self.phone.store.write() as tx:
            await employees.put(tx, NewEmployee(id="olga", notify=Way.SMS, phone=NUMBER), now=now)
            await notices.add(tx, notices=[NewNotice(employee="olga", text=WORDS, ref=ref)], key=None, now=now)
        return notices.send_id(reader="olga", ref=ref)


@pytest.fixture(autouse=True)
def deaf(phone: Phone) -> None:
    """Callbacks never arrive."""
    phone.stand_in.faults.callbacks = CallbackFaults(lost=1)


@pytest.fixture
def desk(phone: Phone) -> Desk:
    return Desk(phone)


@pytest.mark.parametrize(
    ("first", "second"),
    [*permutations(("rule", "answer", "notice"), 2), ("notice", "other notice")],
    ids=lambda what: str(what),
)
async def test_two_lost_sends_of_any_tables_are_not_taken_for_one_another(
    phone: Phone, desk: Desk, first: str, second: str
) -> None:
    """The first arrived and the second did not; the list would give the second the first one's id."""
    phone.stand_in.faults.next(Fate.RESET_AFTER, Fate.RESET_BEFORE)
    one = await desk.plan(first)
    await desk.bring()
    assert desk.arrived == [str(one)]
    other = await desk.plan(second)
    await desk.bring()
    await desk.bring_until_all_arrived(count=2)
    assert sorted(desk.arrived) == sorted([str(one), str(other)])
    assert await desk.ids() == {(line.send, line.sid) for line in phone.stand_in.accepted}


async def test_a_send_whose_courier_died_before_its_turn_takes_no_other_ones_message(phone: Phone, desk: Desk) -> None:
    """It never left; the other one did, its answer was lost, and its worker is down meanwhile."""
    phone.stand_in.faults.next(Fate.RESET_AFTER)
    one = await desk.plan("rule")
    await desk.bring()
    assert desk.arrived == [str(one)]
    phone.clock.advance(timedelta(seconds=1))
    other = await desk.plan("notice")
    assert len(await desk.courier.take()) == 1
    rule, desk.rule = desk.rule, None
    for _ in range(20):
        phone.clock.advance(timedelta(seconds=30))
        await desk.bring()
    desk.rule = rule
    await desk.bring_until_all_arrived(count=2)
    assert desk.arrived == [str(one), str(other)]
    assert await desk.ids() == {(line.send, line.sid) for line in phone.stand_in.accepted}


@pytest.mark.parametrize("first", ["rule", "answer", "notice"])
async def test_a_send_waits_while_one_like_it_is_unsettled(phone: Phone, desk: Desk, first: str) -> None:
    phone.stand_in.faults.next(Fate.RESET_AFTER)
    one = await desk.plan(first)
    await desk.bring()
    await desk.plan("other notice")
    for _ in range(3):
        phone.clock.advance(timedelta(seconds=5))
        await desk.bring()
    assert desk.arrived == [str(one)]


async def test_equal_sends_that_are_claimed_together_all_arrive_one_after_the_other(phone: Phone, desk: Desk) -> None:
    sends = [await desk.plan(what) for what in ("rule", "answer", "notice", "other notice", "third notice")]
    await desk.bring()
    await desk.bring_until_all_arrived(count=5)
    assert sorted(desk.arrived) == sorted(map(str, sends))
    assert await desk.ids() == {(line.send, line.sid) for line in phone.stand_in.accepted}
