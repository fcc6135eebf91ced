"""Deleting while a courier has read what it is to send: it does not leave, or leaves no words, on either database."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from uuid import UUID

import pytest

from activities.courier import Courier, Rhythm
from activities.providers.errors import Unknown
from activities.providers.outbox import OutboxProvider
from activities.providers.protocol import Accepted, Message
from activities.providers.registry import Providers
from activities.store import erasing, notices, outbox
from activities.store.database import NotFound, Store
from activities.store.history import LedgerState, NewNotice, OutboxRecord
from tests.store.builders import KEY, NOW, later, put_order
from tests.store.test_answers import typed, wrote
from tests.store.test_courier import Clock, hire
from workflows.contracts.ids import OrderKey

Erase = Callable[[], Coroutine[None, None, None]]


class Slow(OutboxProvider):
    """The outbox; while it is about to write, something else happens."""

    channels: tuple[str, ...] = ("email", "sms", "chat")

    def __init__(self, store: Store, *, meanwhile: Erase, fails: bool = False) -> None:
        super().__init__(store, clock=lambda: NOW)
        self.meanwhile = meanwhile
        self.fails = fails
        self.taken: list[str] = []

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        self.taken.append(message.body)
        await self.meanwhile()
        accepted = await super().send(message, send_id=send_id)
        if self.fails:
            raise Unknown("the answer was lost")
        return accepted


def courier(store: Store, slow: Slow, clock: Clock) -> Courier:
    providers = Providers([slow], channels=dict.fromkeys(slow.channels, "outbox"))
    return Courier(store, providers=providers, rhythm=Rhythm(at_once=1), clock=clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def erase(store: Store) -> Erase:
    """Have an order with a customer, and a way to delete the customer with the order."""
    await put_order(store)
    await hire(store, notify="sms")

    async def delete() -> None:
        with suppress(NotFound):  # it is deleted already
            async with store.write() as tx:
                await erasing.customer(tx, id="anna", now=NOW)

    return delete


async def kept(store: Store) -> list[OutboxRecord]:
    async with store.read() as tx:
        return (await outbox.page(tx)).items


async def tell(store: Store, text: str = "Pack it", *, ref: str = "r-1", key: OrderKey | None = None) -> None:
    async with store.write() as tx:
        await notices.add(tx, notices=[NewNotice(employee="olga", text=text, ref=ref)], key=key, now=NOW)


async def plan(store: Store, what: str) -> None:
    """Have a notice about the order sent, or an answer to its customer."""
    if what == "notice":
        await tell(store, key=KEY)
    else:
        await typed(store, await wrote(store, customer="anna"))


@pytest.mark.parametrize("what", ["notice", "answer"])
@pytest.mark.parametrize("fails", [False, True], ids=["answered", "lost answer"])
async def test_the_outbox_keeps_no_words_of_who_was_deleted_while_it_was_written(
    store: Store, clock: Clock, erase: Erase, what: str, fails: bool
) -> None:
    """Covers E15."""
    await plan(store, what)
    slow = Slow(store, meanwhile=erase, fails=fails)
    assert await courier(store, slow, clock).round() == 1
    assert len(slow.taken) == 1
    (copy,) = await kept(store)
    assert (copy.address, copy.body) == ("", "")


@pytest.mark.parametrize("what", ["notice", "answer"])
async def test_a_killed_couriers_copy_is_blanked_by_its_successor(
    store: Store, clock: Clock, erase: Erase, what: str
) -> None:
    """Covers E15: the courier dies between the send and its record."""
    await plan(store, what)
    slow = Slow(store, meanwhile=erase)
    (taken,) = await courier(store, slow, clock).take()
    await slow.send(taken.message, send_id=taken.parcel.send_id)
    for hours in (1, 2):
        clock.now = later(hours=hours)
        await courier(store, slow, clock).round()
    assert len(slow.taken) == 1
    (copy,) = await kept(store)
    assert (copy.address, copy.body) == ("", "")


async def test_what_is_deleted_while_it_waits_for_its_turn_does_not_leave(
    store: Store, clock: Clock, erase: Erase
) -> None:
    """Covers E15: the courier brings one at a time."""
    await tell(store, "About nobody", ref="r-0")
    await tell(store, key=KEY)
    slow = Slow(store, meanwhile=erase)
    bringing = courier(store, slow, clock)
    while await bringing.round():
        pass
    assert slow.taken == ["About nobody"]
    async with store.read() as tx:
        states = {notice.text: notice.state for notice in (await notices.of_employee(tx, employee="olga")).items}
    assert states == {"About nobody": LedgerState.ACCEPTED, "": LedgerState.SKIPPED}


async def test_copies_are_blank_when_deleting_and_recording_meet(store: Store, clock: Clock, erase: Erase) -> None:
    """Covers E15: both at once, in any order."""
    await plan(store, "notice")
    await plan(store, "answer")
    erasures: list[asyncio.Task[None]] = []

    async def begin() -> None:
        if not erasures:
            erasures.append(asyncio.create_task(erase()))
            await asyncio.sleep(0)

    slow = Slow(store, meanwhile=begin)
    await courier(store, slow, clock).round()
    await asyncio.gather(*erasures)
    await courier(store, slow, clock).round()
    assert [(copy.address, copy.body) for copy in await kept(store)] == [("", "")] * len(slow.taken)
