"""Notices and answers whose outcome nobody can tell wait for a person, who repeats or dismisses them. Covers M61."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from activities.courier import PATIENCE
from activities.providers.errors import NotSent, Unknown
from activities.store import held, ledger, notices, timeline
from activities.store.database import Conflict, NotFound, Store, Tx
from activities.store.held import HeldKind, HeldRecord
from activities.store.history import LedgerState, NewNotice
from activities.store.ledger import Callback
from activities.store.tables import EVENTS
from tests.store import test_answers
from tests.store.builders import KEY, NOW, later, put_order
from tests.store.test_answers import Medium, typed, wrote
from tests.store.test_courier import GRACE, Clock, Post, courier, hire, inbox, tell


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def lost(store: Store, clock: Clock, post: Post) -> None:
    """Let the answer to a send be lost by a provider that cannot be asked."""
    post.failures, post.knows = [Unknown("taken")], Unknown("mail servers cannot be asked")
    bringing = courier(store, post, clock)
    await bringing.round()
    clock.now += GRACE
    await bringing.round()
    post.failures = []


async def listed(store: Store) -> list[HeldRecord]:
    async with store.read() as tx:
        return list((await held.page(tx)).items)


async def lost_notice(store: Store, clock: Clock, post: Post, *, ref: str = "r-1") -> UUID:
    await hire(store)
    await tell(store, "olga", ref=ref)
    await lost(store, clock, post)
    return (await listed(store))[-1].id


async def test_what_is_held_is_listed_without_its_words(store: Store, clock: Clock) -> None:
    post = Post()
    id = await lost_notice(store, clock, post)
    [record] = await listed(store)
    assert (record.id, record.kind, record.way, record.to) == (id, HeldKind.NOTICE, "email", "olga")
    assert (record.provider, record.claimed_at, record.held_at) == ("post", NOW, clock.now)
    assert "Pack it" not in record.model_dump_json()
    async with store.read() as tx:
        counts = await held.counts(tx)
    assert (counts.sends, counts.notices, counts.answers, counts.all) == (0, 1, 0, 1)


async def test_a_repeated_notice_is_sent_once_more_however_often_it_is_said(store: Store, clock: Clock) -> None:
    post = Post()
    id = await lost_notice(store, clock, post)
    for _ in range(2):
        async with store.write() as tx:
            record = await held.repeat(tx, id=id, by="ann", now=clock.now)
        assert record.state is LedgerState.PLANNED
    bringing = courier(store, post, clock)
    assert [await bringing.round(), await bringing.round()] == [1, 0]
    assert [taken for taken, _ in post.taken] == [id, id]
    (notice,) = await inbox(store)
    assert (notice.state, await listed(store)) == (LedgerState.ACCEPTED, [])
    async with store.write() as tx:
        again = await held.repeat(tx, id=id, by="ann", now=clock.now)
    assert again.state is LedgerState.ACCEPTED
    assert await courier(store, post, clock).round() == 0


async def test_a_repetition_that_comes_late_sends_nothing_that_is_held_anew(store: Store, clock: Clock) -> None:
    """Covers M61: the first request was carried out, and its answer was lost."""
    post = Post()
    id = await lost_notice(store, clock, post)
    for ref in ("first", "first", "second"):
        async with store.write() as tx:
            record = await held.repeat(tx, id=id, by="ann", now=clock.now, ref=ref)
        is_sent = record.state is LedgerState.PLANNED
        if is_sent:
            await lost(store, clock, post)
    assert len(post.taken) == 3
    assert [one.id for one in await listed(store)] == [id]


async def test_a_repeated_notice_is_tried_for_a_day_from_then_on(store: Store, clock: Clock) -> None:
    """Covers M60: it was written longer ago."""
    post = Post()
    id = await lost_notice(store, clock, post)
    clock.now += PATIENCE
    async with store.write() as tx:
        await held.repeat(tx, id=id, by="ann", now=clock.now)
    post.failures = [NotSent("too many requests")]
    bringing = courier(store, post, clock)
    await bringing.round()
    clock.now += timedelta(hours=1)
    await bringing.round()
    (notice,) = await inbox(store)
    assert notice.state is LedgerState.ACCEPTED


async def test_a_dismissed_notice_is_not_sent_and_says_who_laid_it_aside(store: Store, clock: Clock) -> None:
    post = Post()
    id = await lost_notice(store, clock, post)
    for _ in range(2):
        async with store.write() as tx:
            await held.dismiss(tx, id=id, by="ann", now=clock.now)
    assert await courier(store, post, clock).round() == 0
    (notice,) = await inbox(store)
    assert (notice.state, notice.words, await listed(store)) == (LedgerState.SKIPPED, "laid aside by ann", [])
    with pytest.raises(Conflict, match="is not held: it is skipped"):
        async with store.write() as tx:
            await held.repeat(tx, id=id, by="ann", now=clock.now)


async def test_a_receipt_that_comes_after_all_settles_what_is_held(store: Store, clock: Clock) -> None:
    post = Post()
    id = await lost_notice(store, clock, post)
    delivered = Callback("delivered", 6, LedgerState.DELIVERED)
    async with store.write() as tx:
        await ledger.delivered(tx, send_id=id, provider_id="post-1", callback=delivered, now=clock.now)
    assert await listed(store) == []
    with pytest.raises(Conflict, match="it is delivered"):
        async with store.write() as tx:
            await held.dismiss(tx, id=id, by="ann", now=clock.now)


async def test_what_a_person_said_is_journalled_with_their_name(store: Store, clock: Clock) -> None:
    """What is about an order stands in its timeline, too."""
    await put_order(store)
    await hire(store)
    async with store.write() as tx:
        await notices.add(tx, notices=[NewNotice(employee="olga", text="Paid", ref="r")], key=KEY, now=NOW)
    await lost(store, clock, Post())
    [record] = await listed(store)
    assert (record.shop, record.number) == (KEY.shop, KEY.number)
    async with store.write() as tx:
        await held.repeat(tx, id=record.id, by="ann", now=clock.now)
    async with store.read() as tx:
        [line] = [line for line in (await timeline.page(tx, KEY)).items if line.author == "ann"]
        assert "notice to olga" in line.text
        assert await _journalled(tx) == [("operator.repeat_message", "ann", str(record.id))]


async def test_an_answer_is_repeated_in_its_chat(store: Store, clock: Clock) -> None:
    medium, chat = Medium(), await wrote(store)
    id = await typed(store, chat)
    medium.failures, medium.knows = [Unknown("taken")], Unknown("it cannot be asked")
    bringing = test_answers.courier(store, medium, clock)
    await bringing.round()
    clock.now += GRACE
    await bringing.round()
    [record] = await listed(store)
    assert (record.id, record.kind, record.way, record.to) == (id, HeldKind.ANSWER, "whatsapp", str(chat.id))
    async with store.write() as tx:
        assert (await held.counts(tx)).answers == 1
        await held.repeat(tx, id=id, by="ann", now=clock.now)
    await bringing.round()
    assert await test_answers.state(store, chat) is LedgerState.ACCEPTED


async def test_an_answer_is_laid_aside(store: Store, clock: Clock) -> None:
    medium, chat = Medium(), await wrote(store)
    id = await typed(store, chat)
    medium.failures, medium.knows = [Unknown("taken")], Unknown("it cannot be asked")
    bringing = test_answers.courier(store, medium, clock)
    await bringing.round()
    clock.now += GRACE
    await bringing.round()
    async with store.write() as tx:
        await held.dismiss(tx, id=id, by="ann", now=clock.now)
    line = await test_answers.line(store, chat)
    assert (line.state, line.code) == (LedgerState.SKIPPED, held.DISMISSED)


async def test_pages_hold_both_kinds_the_longest_held_first(store: Store, clock: Clock) -> None:
    chat, medium = await wrote(store), Medium()
    await typed(store, chat)
    medium.failures, medium.knows = [Unknown("taken")], Unknown("it cannot be asked")
    bringing = test_answers.courier(store, medium, clock)
    await bringing.round()
    clock.now += GRACE
    await bringing.round()
    for number in range(2):
        clock.now += timedelta(minutes=1)
        await lost_notice(store, clock, Post(), ref=f"r-{number}")
    whole = await listed(store)
    assert [record.kind for record in whole] == [HeldKind.ANSWER, HeldKind.NOTICE, HeldKind.NOTICE]
    found, cursor = [], None
    async with store.read() as tx:
        for _ in whole:
            page = await held.page(tx, cursor=cursor, limit=1)
            found += page.items
            cursor = page.next_cursor
    assert (found, cursor) == (whole, None)


@pytest.mark.parametrize("cursor", ["zzz", "12", "WyIyMDI2LTExLTIwVDEyOjAwOjAwKzAwOjAwIiwgIngiXQ"])
async def test_a_foreign_cursor_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(ValueError, match="the cursor is not one"):
        async with store.read() as tx:
            await held.page(tx, cursor=cursor)


async def test_nothing_is_known_of_another_id(store: Store) -> None:
    with pytest.raises(NotFound, match="notice or answer"):
        async with store.write() as tx:
            await held.repeat(tx, id=uuid4(), by="ann", now=later(minutes=1))


async def _journalled(tx: Tx) -> list[tuple[str, str, str]]:
    rows = await tx.rows(select(EVENTS.c.type, EVENTS.c.data).where(EVENTS.c.source == "operator"))
    return [(row.type, row.data["by"], row.data["send"]) for row in rows]
