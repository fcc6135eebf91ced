"""The courier: every notice reaches its employee in the way they chose, and none twice, on either database."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from activities.courier import PATIENCE, Courier, Rhythm
from activities.providers.errors import Misconfigured, NoAccess, NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Message
from activities.providers.registry import Providers
from activities.store import answers, chats, employees, notices
from activities.store.database import Store
from activities.store.history import LedgerState, NewNotice, NoticeRecord
from activities.store.records import NewEmployee, Way
from tests.store.builders import KEY, NOW, later, put_order

GRACE = timedelta(minutes=2)


class Post:
    """A provider of every channel: it fails as told, then accepts; like a real one it may be asked afterwards."""

    name = "post"
    channels: tuple[str, ...] = ("email", "sms", "staff_chat")
    grace = GRACE

    def __init__(self, *failures: Exception, knows: Exception | bool = True) -> None:
        self.failures = list(failures)
        self.knows = knows
        self.taken: list[tuple[UUID, Message]] = []
        self.asked = 0
        self.was_told = asyncio.Event()

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        failure = self.failures.pop(0) if self.failures else None
        if failure is None or str(failure) == "taken":
            self.taken.append((send_id, message))
        if failure is not None:
            raise failure
        self.was_told.set()
        return Accepted(f"post-{len(self.taken)}")

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        self.asked += 1
        if isinstance(self.knows, Exception):
            raise self.knows
        return Accepted("post-found") if any(taken == send_id for taken, _ in self.taken) else None


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def courier(store: Store, post: Post, clock: Callable[[], datetime]) -> Courier:
    providers = Providers([post], channels=dict.fromkeys(post.channels, "post"))
    return Courier(store, providers=providers, mailbox="shop@shop.example", clock=clock)


async def hire(store: Store, id: str = "olga", **fields: object) -> None:
    given = {"id": id, "notify": "email", "email": f"{id}@shop.example", "phone": "+48501234567"} | fields
    async with store.write() as tx:
        await employees.put(tx, NewEmployee.model_validate(given), now=NOW)


async def tell(store: Store, *told: str, ref: str = "r-1", **fields: object) -> None:
    async with store.write() as tx:
        new = [NewNotice.model_validate({"employee": id, "text": "Pack it", "ref": ref} | fields) for id in told]
        await notices.add(tx, notices=new, key=None, now=NOW)


async def inbox(store: Store, employee: str = "olga") -> list[NoticeRecord]:
    async with store.read() as tx:
        return (await notices.of_employee(tx, employee=employee)).items


async def state(store: Store) -> LedgerState | None:
    (notice,) = await inbox(store)
    return notice.state


@pytest.mark.parametrize(
    ("fields", "way", "channel", "address"),
    [
        pytest.param({}, Way.EMAIL, "email", "olga@shop.example", id="mail"),
        pytest.param({"notify": "sms"}, Way.SMS, "sms", "+48501234567", id="sms"),
        pytest.param({"notify": "chat"}, Way.CHAT, "staff_chat", "room:", id="the shop's chat"),
        pytest.param(
            {"notify": "chat", "chat": "https://chat.example/o"},
            Way.CHAT,
            "staff_chat",
            "https://chat.example/o",
            id="a chat of her own",
        ),
    ],
)
async def test_notice_leaves_in_the_way_the_employee_chose(
    store: Store, clock: Clock, fields: dict[str, object], way: Way, channel: str, address: str
) -> None:
    """Covers E12."""
    await hire(store, **fields)
    await tell(store, "olga")
    post = Post()
    assert await courier(store, post, clock).round() == 1
    [(_, message)] = post.taken
    assert (message.channel, message.address, message.body) == (channel, address, "Pack it")
    assert message.customer is None
    (notice,) = await inbox(store)
    assert (notice.way, notice.state) == (way, LedgerState.ACCEPTED)


@pytest.mark.parametrize(
    "fields",
    [{"notify": "inbox"}, {"email": None}, {"notify": "sms", "phone": None}],
    ids=["chosen", "no mail address", "no phone"],
)
async def test_notice_stays_in_the_inbox_by_choice_or_without_an_address(
    store: Store, clock: Clock, fields: dict[str, object]
) -> None:
    await hire(store, **fields)
    await tell(store, "olga")
    post = Post()
    assert await courier(store, post, clock).round() == 0
    (notice,) = await inbox(store)
    assert (notice.way, notice.state, post.taken) == (Way.INBOX, None, [])


async def test_mail_has_a_subject_a_sender_and_the_calendar_file(store: Store, clock: Clock) -> None:
    """Covers E21, E22."""
    await hire(store)
    await put_order(store)
    file = {"name": "call.ics", "media_type": "text/calendar", "text": "BEGIN:VCALENDAR"}
    told = NewNotice(employee="olga", text="Call her\nabout the order", ref="r", file=file)
    async with store.write() as tx:
        await notices.add(tx, notices=[told], key=KEY, now=NOW)
    post = Post()
    await courier(store, post, clock).round()
    [(_, message)] = post.taken
    assert (message.subject, message.sender) == ("1001: Call her", "shop@shop.example")
    (attachment,) = message.attachments
    assert (attachment.name, attachment.media_type, attachment.content) == (
        "call.ics",
        "text/calendar",
        b"BEGIN:VCALENDAR",
    )


async def test_text_message_is_as_long_as_the_product_lets_one_be(store: Store, clock: Clock) -> None:
    """Covers C2: the notice itself stands in the inbox as it is."""
    await hire(store, notify="sms")
    await tell(store, "olga", text="ł" * 201)
    post = Post()
    await courier(store, post, clock).round()
    [(_, message)] = post.taken
    assert message.body == "ł" * 199 + "…"


async def test_notice_to_a_room_of_the_staff_leaves_once(store: Store, clock: Clock) -> None:
    """Covers E12."""
    await tell(store, "", employee=None, room="sales-team")
    await tell(store, "", employee=None, room="sales-team")
    post = Post()
    assert await courier(store, post, clock).round() == 1
    assert [message.address for _, message in post.taken] == ["room:sales-team"]


async def test_what_never_left_is_tried_again_later_each_time(store: Store, clock: Clock) -> None:
    """Covers M60."""
    await hire(store)
    await tell(store, "olga")
    post = Post(NotSent("busy"), NotSent("busy", retry_after=timedelta(minutes=5)))
    bringing = courier(store, post, clock)
    assert [await bringing.round(), await bringing.round()] == [1, 0]
    clock.now = later(seconds=10)
    assert await bringing.round() == 1
    clock.now = later(minutes=5)
    assert await bringing.round() == 0
    clock.now = later(minutes=5, seconds=10)
    assert await bringing.round() == 1
    assert (await state(store), len(post.taken)) == (LedgerState.ACCEPTED, 1)


async def test_after_a_day_it_is_given_up_and_says_why(store: Store, clock: Clock) -> None:
    """Covers M60."""
    await hire(store)
    await tell(store, "olga")
    clock.now = NOW + PATIENCE
    await courier(store, Post(NotSent("busy")), clock).round()
    (notice,) = await inbox(store)
    assert notice.state is LedgerState.FAILED
    assert "within a day: busy" in notice.words


@pytest.mark.parametrize(
    ("failure", "words"),
    [(Rejected("550", "no such mailbox"), "no such mailbox"), (Misconfigured("ORDERS_X", "no account"), "ORDERS_X")],
    ids=["rejected", "misconfigured"],
)
async def test_permanent_failure_is_not_repeated(store: Store, clock: Clock, failure: Exception, words: str) -> None:
    await hire(store)
    await tell(store, "olga")
    bringing = courier(store, Post(failure), clock)
    assert await bringing.round() == 1
    clock.now = later(days=1)
    assert await bringing.round() == 0
    (notice,) = await inbox(store)
    assert notice.state is LedgerState.FAILED
    assert words in notice.words


@pytest.mark.parametrize(
    ("lost", "sends"), [(Unknown("taken"), 1), (Unknown("gone"), 1)], ids=["it had arrived", "it had not"]
)
async def test_lost_answer_is_settled_after_the_grace_before_anything_is_sent_again(
    store: Store, clock: Clock, lost: Exception, sends: int
) -> None:
    """Covers M61."""
    await hire(store)
    await tell(store, "olga")
    post = Post(lost)
    bringing = courier(store, post, clock)
    await bringing.round()
    assert await state(store) is LedgerState.UNKNOWN
    clock.now = NOW + GRACE - timedelta(seconds=1)
    assert (await bringing.round(), post.asked) == (0, 0)
    clock.now = NOW + GRACE
    assert (await bringing.round(), post.asked) == (1, 1)
    await bringing.round()
    assert (await state(store), len(post.taken)) == (LedgerState.ACCEPTED, sends)


async def test_notice_waits_for_a_provider_that_lets_nobody_in(store: Store, clock: Clock) -> None:
    """Covers M60: a key was revoked, and a person gives a new one."""
    await hire(store)
    await tell(store, "olga")
    bringing = courier(store, post := Post(NoAccess("ORDERS_X", "no access")), clock)
    await bringing.round()
    assert await state(store) is LedgerState.PLANNED
    clock.now = later(minutes=2)
    await bringing.round()
    assert (await state(store), len(post.taken)) == (LedgerState.ACCEPTED, 1)


async def test_lost_answer_that_nobody_can_settle_is_left_alone(store: Store, clock: Clock) -> None:
    """Covers M61."""
    await hire(store)
    await tell(store, "olga")
    post = Post(Unknown("taken"), knows=Unknown("cannot tell"))
    bringing = courier(store, post, clock)
    await bringing.round()
    clock.now = NOW + GRACE
    await bringing.round()
    clock.now = later(days=2)
    assert (await bringing.round(), len(post.taken)) == (0, 1)
    assert await state(store) is LedgerState.HELD


async def test_provider_that_cannot_be_asked_now_is_asked_again(store: Store, clock: Clock) -> None:
    await hire(store)
    await tell(store, "olga")
    post = Post(Unknown("taken"), knows=NotSent("down"))
    bringing = courier(store, post, clock)
    await bringing.round()
    clock.now = NOW + GRACE
    await bringing.round()
    assert await state(store) is LedgerState.UNKNOWN
    post.knows, clock.now = True, NOW + GRACE + timedelta(seconds=10)
    await bringing.round()
    assert (await state(store), len(post.taken)) == (LedgerState.ACCEPTED, 1)


@pytest.mark.parametrize("has_left", [True, False], ids=["after it left", "before it left"])
async def test_notice_of_a_killed_courier_is_looked_up_when_its_claim_has_ended(
    store: Store, clock: Clock, has_left: bool
) -> None:
    """Covers M61: the courier dies between the claim and the record of the answer."""
    await hire(store)
    await tell(store, "olga")
    post = Post()
    (taken,) = await courier(store, post, clock).take()
    if has_left:
        await post.send(taken.message, send_id=taken.parcel.send_id)
    successor = courier(store, post, clock)
    assert await successor.round() == 0
    clock.now = later(seconds=60)
    assert (await successor.round(), post.asked) == (0, 0)
    assert await state(store) is LedgerState.UNKNOWN
    clock.now = later(seconds=60) + GRACE
    await successor.round()
    await successor.round()
    assert (post.asked, len(post.taken)) == (1, 1)
    assert await state(store) is LedgerState.ACCEPTED


async def test_courier_that_slept_over_its_claim_sends_nothing(store: Store) -> None:
    """The machine stops between the claim and the send."""
    await hire(store)
    await tell(store, "olga")
    post = Post()
    moments = iter([NOW])
    await courier(store, post, lambda: next(moments, later(seconds=60))).round()
    assert post.taken == []


async def test_couriers_side_by_side_send_nothing_twice(store: Store, clock: Clock) -> None:
    await hire(store)
    for number in range(40):
        await tell(store, "olga", ref=f"r-{number}")
    post = Post()
    couriers = [courier(store, post, clock) for _ in range(4)]
    await asyncio.gather(*(one.round() for one in couriers))
    while await couriers[0].round():
        pass
    sent = [send_id for send_id, _ in post.taken]
    assert (len(sent), len(set(sent))) == (40, 40)


async def test_nothing_is_claimed_that_would_wait_for_others(store: Store, clock: Clock) -> None:
    """What a courier claims and never begins is lost with it: of a mail nobody could tell that it never left."""
    await hire(store)
    for number in range(20):
        await tell(store, "olga", ref=f"r-{number}")
    post = Post(knows=Unknown("it cannot be asked"))
    providers = Providers([post], channels=dict.fromkeys(post.channels, "post"))
    killed = Courier(store, providers=providers, rhythm=Rhythm(at_once=3), clock=clock)
    assert len(await killed.take()) == 3
    successor = courier(store, post, clock)
    for hours in (0, 1, 2):
        clock.now = later(hours=hours)
        while await successor.round():
            pass
    states = Counter(notice.state for notice in await inbox(store))
    assert states == {LedgerState.ACCEPTED: 17, LedgerState.HELD: 3}


async def test_notices_have_their_turn_where_there_are_many_answers(store: Store, clock: Clock) -> None:
    await hire(store)
    async with store.write() as tx:
        for number in range(9):
            said = await chats.receive(
                tx, medium="sms", address=f"+4850{number}", text="Hello", ref="in", at=NOW, shop="shop"
            )
            line = await chats.add_outbound(
                tx, conversation=said.conversation.id, text="Soon", ref="r", author="olga", at=NOW
            )
            await answers.plan(tx, chat=said.conversation, message=line.id, ref="r", now=NOW)
    await tell(store, "olga")
    post = Post()
    post.channels = (*post.channels, "chat")
    providers = Providers([post], channels=dict.fromkeys(post.channels, "post"))
    bringing = Courier(store, providers=providers, rhythm=Rhythm(at_once=2), clock=clock)
    assert [await bringing.round(), await bringing.round()] == [2, 2]
    assert Counter(message.channel for _, message in post.taken) == {"chat": 3, "email": 1}


async def test_channel_without_a_provider_is_said_in_the_notice(store: Store, clock: Clock) -> None:
    await hire(store)
    await tell(store, "olga")
    await Courier(store, providers=Providers([], channels={}), clock=clock).round()
    (notice,) = await inbox(store)
    assert notice.state is LedgerState.FAILED
    assert "ORDERS_EMAIL_PROVIDER" in notice.words


async def test_courier_works_until_it_is_told_to_stop(store: Store) -> None:
    await hire(store)
    post = Post()
    providers = Providers([post], channels=dict.fromkeys(post.channels, "post"))
    rhythm = Rhythm(poll=timedelta(milliseconds=10))
    working = asyncio.create_task(Courier(store, providers=providers, rhythm=rhythm).run())
    await tell(store, "olga")
    async with asyncio.timeout(60):
        await post.was_told.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


class Slow(Post):
    """A provider that answers when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.was_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        self.was_asked.set()
        await self.may_answer.wait()
        return await super().send(message, send_id=send_id)


async def test_courier_that_is_told_to_stop_finishes_what_is_under_way(store: Store) -> None:
    """Else every deploy would leave mails of which nobody can tell whether they were sent."""
    await hire(store)
    await tell(store, "olga")
    slow = Slow()
    working = asyncio.create_task(
        Courier(store, providers=Providers([slow], channels=dict.fromkeys(slow.channels, "post"))).run()
    )
    await slow.was_asked.wait()
    working.cancel()
    await tell(store, "olga", ref="r-2")
    slow.may_answer.set()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert [notice.state for notice in await inbox(store)] == [LedgerState.PLANNED, LedgerState.ACCEPTED]
