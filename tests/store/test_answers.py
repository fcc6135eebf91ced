"""Employees' answers into chats outside: claimed before, told after, one of a chat at a time, on either database."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from activities.courier import PATIENCE, Courier
from activities.providers.errors import Misconfigured, NoAccess, NotSent, Rejected, Unknown
from activities.providers.registry import Providers
from activities.store import answers, chats, customers, employees, erasing, ledger, notices, outbox, suppressions
from activities.store.answers import AnswerParcel
from activities.store.carrying import End
from activities.store.chats import ChatLine, ConversationRecord
from activities.store.database import NotFound, Store
from activities.store.history import LedgerState, OutboxRecord
from activities.store.ledger import Callback, DuplicateSend
from activities.store.records import CustomerPatch, NewEmployee
from tests.store.builders import NOW, anna, later, put_order
from tests.store.test_courier import GRACE, Clock, Post

LEASE = timedelta(seconds=60)

SENT = Callback("sent", 4, LedgerState.ACCEPTED)
DELIVERED = Callback("delivered", 6, LedgerState.DELIVERED)
LOST = Callback("undelivered", 5, LedgerState.FAILED, code="30005")


class Medium(Post):
    """A provider of chats outside that may be asked afterwards."""

    channels = ("chat",)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def courier(store: Store, medium: Medium, clock: Clock) -> Courier:
    return Courier(store, providers=Providers([medium], channels={"chat": "post"}), clock=clock)


async def wrote(
    store: Store, *, medium: str = "whatsapp", address: str = "+48501", at: datetime = NOW, customer: str | None = None
) -> ConversationRecord:
    """The customer writes."""
    async with store.write() as tx:
        received = await chats.receive(
            tx, medium=medium, address=address, text="Hello", ref=f"in-{at}", at=at, shop="shop", customer=customer
        )
    return received.conversation


async def typed(store: Store, chat: ConversationRecord, text: str = "It leaves today", *, ref: str = "r-1") -> UUID:
    """An employee answers; give the send's id."""
    async with store.write() as tx:
        line = await chats.add_outbound(tx, conversation=chat.id, text=text, ref=ref, author="olga", at=NOW)
        await answers.plan(tx, chat=chat, message=line.id, ref=ref, now=NOW)
    return answers.send_id(chat.id, ref=ref)


async def line(store: Store, chat: ConversationRecord, *, ref: str = "r-1") -> ChatLine:
    async with store.read() as tx:
        found = await chats.find(tx, conversation=chat.id, ref=ref)
    assert found is not None
    return found


async def state(store: Store, chat: ConversationRecord, *, ref: str = "r-1") -> LedgerState | None:
    return (await line(store, chat, ref=ref)).state


async def claimed(store: Store, *, now: datetime = NOW) -> list[AnswerParcel]:
    async with store.write() as tx:
        return await answers.claim(tx, now=now, limit=50, lease=LEASE, grace=GRACE)


async def told(store: Store, send: UUID, callback: Callback, *, id: str = "SM1", now: datetime = NOW) -> bool:
    """The provider calls back."""
    async with store.write() as tx:
        return await ledger.delivered(tx, send_id=send, provider_id=id, callback=callback, now=now)


async def test_an_answer_leaves_once_in_the_medium_the_customer_wrote_in(store: Store, clock: Clock) -> None:
    chat = await wrote(store)
    for _ in range(2):
        send = await typed(store, chat)
    medium = Medium()
    bringing = courier(store, medium, clock)
    assert [await bringing.round(), await bringing.round()] == [1, 0]
    [(id, message)] = medium.taken
    assert (id, message.channel, message.medium) == (send, "chat", "whatsapp")
    assert (message.address, message.body) == ("+48501", "It leaves today")
    assert await state(store, chat) is LedgerState.ACCEPTED


async def test_what_the_customer_wrote_has_no_way_to_go(store: Store) -> None:
    chat = await wrote(store)
    async with store.read() as tx:
        (inbound,) = await chats.history(tx, conversation=chat.id)
    assert inbound.state is None


async def test_answers_of_one_chat_leave_one_after_the_other_as_they_were_typed(store: Store, clock: Clock) -> None:
    one, other = await wrote(store), await wrote(store, address="+48502")
    for number in range(3):
        await typed(store, one, f"one {number}", ref=f"r-{number}")
    await typed(store, other, "other")
    medium = Medium(NotSent("busy"))
    bringing = courier(store, medium, clock)
    assert await bringing.round() == 2
    clock.now = later(seconds=10)
    while await bringing.round():
        pass
    assert [m.body for _, m in medium.taken if m.body != "other"] == ["one 0", "one 1", "one 2"]


async def test_couriers_side_by_side_send_nothing_twice_and_keep_the_order(store: Store, clock: Clock) -> None:
    chat = await wrote(store)
    for number in range(10):
        await typed(store, chat, f"{number}", ref=f"r-{number}")
        await typed(store, await wrote(store, address=f"+4860{number}"), f"x{number}")
    medium = Medium()
    couriers = [courier(store, medium, clock) for _ in range(4)]
    while any(await asyncio.gather(*(one.round() for one in couriers))):
        pass
    bodies = [message.body for _, message in medium.taken]
    assert sorted(bodies) == sorted([*(f"{n}" for n in range(10)), *(f"x{n}" for n in range(10))])
    assert [body for body in bodies if body.isdecimal()] == [str(n) for n in range(10)]


@pytest.mark.parametrize("lost", ["taken", "gone"], ids=["it had arrived", "it had not"])
async def test_a_lost_answer_is_settled_before_anything_is_sent_again(store: Store, clock: Clock, lost: str) -> None:
    """Covers M61; what was typed after it waits."""
    chat = await wrote(store)
    await typed(store, chat)
    await typed(store, chat, "And this", ref="r-2")
    medium = Medium(Unknown(lost))
    bringing = courier(store, medium, clock)
    await bringing.round()
    assert await state(store, chat) is LedgerState.UNKNOWN
    clock.now = NOW + GRACE - timedelta(seconds=1)
    assert (await bringing.round(), medium.asked) == (0, 0)
    clock.now = NOW + GRACE
    while await bringing.round():
        pass
    assert medium.asked == 1
    assert [message.body for _, message in medium.taken] == ["It leaves today", "And this"]
    assert await state(store, chat) is await state(store, chat, ref="r-2") is LedgerState.ACCEPTED


@pytest.mark.parametrize("has_left", [True, False], ids=["after it left", "before it left"])
async def test_the_answer_of_a_killed_courier_is_looked_up_when_its_claim_has_ended(
    store: Store, clock: Clock, has_left: bool
) -> None:
    """Covers M61: the courier dies between the claim and the record of the answer."""
    chat = await wrote(store)
    await typed(store, chat)
    medium = Medium()
    (taken,) = await courier(store, medium, clock).take()
    assert await state(store, chat) is LedgerState.DISPATCHING
    if has_left:
        await medium.send(taken.message, send_id=taken.parcel.send_id)
    successor = courier(store, medium, clock)
    assert await successor.round() == 0
    clock.now = NOW + LEASE
    assert (await successor.round(), medium.asked) == (0, 0)
    assert await state(store, chat) is LedgerState.UNKNOWN
    clock.now = NOW + LEASE + GRACE
    while await successor.round():
        pass
    assert (medium.asked, len(medium.taken)) == (1, 1)
    assert await state(store, chat) is LedgerState.ACCEPTED


async def test_an_answer_nobody_can_settle_is_held_and_the_next_one_leaves(store: Store, clock: Clock) -> None:
    chat = await wrote(store)
    await typed(store, chat)
    await typed(store, chat, "And this", ref="r-2")
    medium = Medium(Unknown("taken"), knows=Unknown("cannot tell"))
    bringing = courier(store, medium, clock)
    await bringing.round()
    clock.now = NOW + GRACE
    while await bringing.round():
        pass
    assert await state(store, chat) is LedgerState.HELD
    assert "Nobody can tell" in (await line(store, chat)).words
    assert [message.body for _, message in medium.taken] == ["It leaves today", "And this"]


async def test_an_answer_waits_for_a_provider_that_lets_nobody_in_but_not_longer_than_a_day(
    store: Store, clock: Clock
) -> None:
    """A key was revoked."""
    chat = await wrote(store, medium="sms")
    await typed(store, chat)
    medium = Medium(*[NoAccess("ORDERS_X", "no access")] * 3)
    bringing = courier(store, medium, clock)
    await bringing.round()
    assert await state(store, chat) is LedgerState.PLANNED
    clock.now = later(minutes=1, seconds=59)
    assert await bringing.round() == 0
    clock.now = later(minutes=2)
    assert await bringing.round() == 1
    clock.now = NOW + PATIENCE
    await bringing.round()
    assert await state(store, chat) is LedgerState.FAILED
    assert "within a day" in (await line(store, chat)).words


@pytest.mark.parametrize(
    ("failure", "code"),
    [(Rejected("63003", "not there"), "63003"), (Misconfigured("ORDERS_X", "no sender"), "ORDERS_X")],
    ids=["rejected", "misconfigured"],
)
async def test_a_permanent_failure_says_why_and_the_next_one_leaves(
    store: Store, clock: Clock, failure: Exception, code: str
) -> None:
    chat = await wrote(store)
    await typed(store, chat)
    await typed(store, chat, "And this", ref="r-2")
    bringing = courier(store, Medium(failure), clock)
    while await bringing.round():
        pass
    failed = await line(store, chat)
    assert (failed.state, failed.code) == (LedgerState.FAILED, code)
    assert failed.words
    assert await state(store, chat, ref="r-2") is LedgerState.ACCEPTED


@pytest.mark.parametrize("medium", ["whatsapp", "messenger"])
async def test_the_window_is_looked_at_again_when_the_answer_leaves(store: Store, clock: Clock, medium: str) -> None:
    """Covers case 26: open when it was typed, closed when its turn had come."""
    chat = await wrote(store, medium=medium)
    await typed(store, chat)
    outside = Medium(NotSent("down"))
    bringing = courier(store, outside, clock)
    await bringing.round()
    clock.now = later(hours=24)
    await bringing.round()
    failed = await line(store, chat)
    assert (failed.state, failed.code, outside.taken) == (LedgerState.FAILED, "chat_closed", [])


async def test_a_new_message_of_the_customer_keeps_the_window_open(store: Store, clock: Clock) -> None:
    chat = await wrote(store)
    await typed(store, chat)
    await wrote(store, at=later(hours=20))
    clock.now = later(hours=23)
    await courier(store, Medium(), clock).round()
    assert await state(store, chat) is LedgerState.ACCEPTED


@pytest.mark.parametrize(
    ("medium", "channel"), [("whatsapp", "chat"), ("sms", "chat"), ("sms", "sms")], ids=["whatsapp", "sms", "sms stop"]
)
async def test_a_stop_that_came_after_it_was_typed_is_heeded(
    store: Store, clock: Clock, medium: str, channel: str
) -> None:
    """Covers M63."""
    chat = await wrote(store, medium=medium)
    await typed(store, chat)
    async with store.write() as tx:
        await suppressions.suppress(tx, channel=channel, address=chat.address, reason="stop", now=NOW)
    outside = Medium()
    await courier(store, outside, clock).round()
    skipped = await line(store, chat)
    assert (skipped.state, skipped.code, outside.taken) == (LedgerState.SKIPPED, "unsubscribed", [])


@pytest.mark.parametrize(
    ("why", "reason"), [("stop", "unsubscribed"), ("unsubscribed", "unsubscribed"), ("blocked", "blocked")]
)
async def test_a_blocked_address_is_refused_with_its_reason(store: Store, why: str, reason: str) -> None:
    """Covers M63."""
    chat = await wrote(store)
    async with store.write() as tx:
        await suppressions.suppress(tx, channel="chat", address=chat.address, reason=why, now=NOW)
        refused = await answers.refusal(tx, chat, now=NOW)
    assert refused is not None
    assert refused.reason == reason


@pytest.mark.parametrize(
    ("medium", "consent", "is_refused"),
    [("whatsapp", "chat", True), ("sms", "chat", True), ("sms", "sms", True), ("whatsapp", "sms", False)],
)
async def test_the_customers_wish_counts(store: Store, medium: str, consent: str, is_refused: bool) -> None:
    """Covers M63."""
    async with store.write() as tx:
        await customers.create(tx, anna(), now=NOW)
        await customers.patch(tx, id="anna", patch=CustomerPatch(consent={consent: False}), now=NOW)
    chat = await wrote(store, medium=medium, customer="anna")
    async with store.read() as tx:
        assert (await answers.refusal(tx, chat, now=NOW) is not None) is is_refused


async def test_callbacks_fold_into_the_answer_in_any_order_and_never_back(store: Store, clock: Clock) -> None:
    chat = await wrote(store)
    send = await typed(store, chat)
    await courier(store, Medium(), clock).round()
    assert [await told(store, send, one, id="post-1") for one in (SENT, DELIVERED, SENT, LOST, DELIVERED)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert await state(store, chat) is LedgerState.DELIVERED


async def test_an_undelivered_answer_keeps_its_code(store: Store, clock: Clock) -> None:
    chat = await wrote(store)
    send = await typed(store, chat)
    await courier(store, Medium(), clock).round()
    await told(store, send, LOST, id="post-1")
    failed = await line(store, chat)
    assert (failed.state, failed.code) == (LedgerState.FAILED, "30005")


async def test_a_callback_settles_a_lost_answer_and_nothing_is_asked(store: Store, clock: Clock) -> None:
    chat = await wrote(store)
    send = await typed(store, chat)
    medium = Medium(Unknown("taken"))
    bringing = courier(store, medium, clock)
    await bringing.round()
    await told(store, send, SENT)
    clock.now = later(hours=1)
    assert (await bringing.round(), medium.asked) == (0, 0)
    assert await state(store, chat) is LedgerState.ACCEPTED


async def test_a_callback_that_overtakes_the_answer_stays(store: Store) -> None:
    chat = await wrote(store)
    send = await typed(store, chat)
    (parcel,) = await claimed(store)
    await told(store, send, DELIVERED)
    async with store.write() as tx:
        assert not await answers.tell(tx, parcel, end=End(LedgerState.ACCEPTED, provider_id="SM1"), now=NOW)
    assert await state(store, chat) is LedgerState.DELIVERED


async def test_a_second_id_for_one_answer_is_told(store: Store) -> None:
    """It was accepted after the grace, when it had been sent again: nobody could know."""
    chat = await wrote(store)
    send = await typed(store, chat)
    (parcel,) = await claimed(store)
    await told(store, send, SENT, id="SM1")
    with pytest.raises(DuplicateSend):
        async with store.write() as tx:
            await answers.tell(tx, parcel, end=End(LedgerState.ACCEPTED, provider_id="SM2"), now=NOW)
    with pytest.raises(DuplicateSend):
        await told(store, send, DELIVERED, id="SM2")


async def test_a_late_courier_tells_nothing_about_another_ones_attempt(store: Store) -> None:
    chat = await wrote(store)
    await typed(store, chat)
    (first,) = await claimed(store)
    await claimed(store, now=NOW + LEASE)
    (lost,) = await claimed(store, now=NOW + LEASE + GRACE)
    async with store.write() as tx:
        await answers.tell(tx, lost, end=End(LedgerState.PLANNED, next_at=NOW), now=NOW)
    (second,) = await claimed(store, now=later(hours=1))
    async with store.write() as tx:
        assert not await answers.tell(tx, first, end=End(LedgerState.FAILED, code="x"), now=NOW)
        assert await answers.tell(tx, second, end=End(LedgerState.ACCEPTED, provider_id="SM1"), now=NOW)


async def inbox(store: Store) -> list[str]:
    async with store.read() as tx:
        return [notice.text for notice in (await notices.of_employee(tx, employee="olga")).items]


@pytest.mark.parametrize("how", ["refused", "undelivered", "stopped", "unsettled"])
async def test_who_typed_an_answer_that_did_not_arrive_is_told_once(store: Store, clock: Clock, how: str) -> None:
    """Covers M62."""
    async with store.write() as tx:
        await employees.put(tx, NewEmployee(id="olga"), now=NOW)
    chat = await wrote(store)
    send = await typed(store, chat)
    failures = {"refused": [Rejected("63003", "not there")], "unsettled": [Unknown("taken")]}
    medium = Medium(*failures.get(how, []), knows=Unknown("cannot tell"))
    if how == "stopped":
        async with store.write() as tx:
            await suppressions.suppress(tx, channel="chat", address=chat.address, reason="stop", now=NOW)
    bringing = courier(store, medium, clock)
    await bringing.round()
    if how == "undelivered":
        for callback in (LOST, LOST, SENT):
            await told(store, send, callback, id="post-1")
    clock.now = NOW + GRACE
    await bringing.round()
    (words,) = await inbox(store)
    assert words.startswith(f"Your answer in the whatsapp chat {chat.id} did not reach the customer: ")


async def test_nobody_is_told_of_an_answer_that_arrived_or_that_no_employee_typed(store: Store, clock: Clock) -> None:
    chat = await wrote(store)
    await typed(store, chat)
    await courier(store, Medium(Rejected("63003", "not there")), clock).round()
    async with store.write() as tx:
        await employees.put(tx, NewEmployee(id="olga"), now=NOW)
    send = await typed(store, chat, ref="r-2")
    await courier(store, Medium(), clock).round()
    await told(store, send, DELIVERED, id="post-1")
    assert await inbox(store) == []


async def test_a_callback_for_nothing_of_ours_is_said(store: Store) -> None:
    with pytest.raises(NotFound):
        await told(store, UUID(int=7), SENT)


async def test_an_answer_goes_with_its_customer(store: Store, clock: Clock) -> None:
    """Covers E15: what was not sent yet is not sent any more, and nothing can be read."""
    async with store.write() as tx:
        await customers.create(tx, anna(), now=NOW)
    chat = await wrote(store, customer="anna")
    await typed(store, chat)
    sent = await typed(store, chat, "Xanthippe", ref="r-2")
    async with store.write() as tx:
        await outbox.put(tx, record=_shown(sent))
        await erasing.customer(tx, id="anna", now=NOW)
        kept = await outbox.find(tx, send_id=sent)
    medium = Medium()
    bringing = courier(store, medium, clock)
    while await bringing.round():
        pass
    assert medium.taken == []
    assert kept is not None
    assert (kept.body, kept.address) == ("", "")
    gone = await line(store, chat)
    assert (gone.state, gone.text, gone.author) == (LedgerState.SKIPPED, "", "")


async def test_an_answer_about_an_order_goes_with_the_order(store: Store, clock: Clock) -> None:
    """Covers E15."""
    key = await put_order(store)
    chat = await wrote(store)
    async with store.write() as tx:
        line = await chats.add_outbound(
            tx, conversation=chat.id, text="Xanthippe", ref="r-1", author="olga", at=NOW, order=key
        )
        await answers.plan(tx, chat=chat, message=line.id, ref="r-1", now=NOW)
        send = answers.send_id(chat.id, ref="r-1")
        await outbox.put(tx, record=_shown(send))
        await erasing.order(tx, key, now=NOW)
        kept = await outbox.find(tx, send_id=send)
    medium = Medium()
    await courier(store, medium, clock).round()
    assert (medium.taken, kept and kept.body) == ([], "")


def _shown(send: UUID) -> OutboxRecord:
    return OutboxRecord(
        send_id=send, provider_id="o", channel="chat", address="+48501", subject="", body="Xanthippe", html="", at=NOW
    )
