"""What people read and do: timeline, tasks, notices, outbox, API keys; and published pipelines."""

from uuid import UUID, uuid5

import pytest

from activities.store import employees, keys, notices, outbox, pipelines, tasks, timeline
from activities.store.database import Conflict, NotFound, Store
from activities.store.history import CheckItem, NewEntry, NewNotice, NewTask, OutboxRecord, TaskStatus, TimelineKind
from activities.store.records import NewEmployee
from tests.store.builders import KEY, NOW, later, put_order

NAMESPACE = UUID(int=7)


def comment(text: str, ref: str | None = None) -> NewEntry:
    return NewEntry(kind=TimelineKind.COMMENT, text=text, at=NOW, author="olga", data={"a": 1}, ref=ref)


async def test_the_timeline_reads_newest_first_in_pages(store: Store) -> None:
    """Covers E02, E03."""
    await put_order(store)
    async with store.write() as tx:
        for n in range(4):
            await timeline.add(tx, KEY, entry=comment(f"c{n}"))
        first = await timeline.page(tx, KEY, limit=3)
        second = await timeline.page(tx, KEY, cursor=first.next_cursor, limit=3)
    assert [line.text for line in first.items + second.items] == ["c3", "c2", "c1", "c0", "new"]
    assert (first.items[0].author, first.items[0].data, second.next_cursor) == ("olga", {"a": 1}, None)


async def test_a_line_with_a_ref_is_written_once(store: Store) -> None:
    await put_order(store)
    async with store.write() as tx:
        await timeline.add(tx, KEY, entry=comment("one", ref="run:1"))
        await timeline.add(tx, KEY, entry=comment("two", ref="run:1"))
        texts = [line.text for line in (await timeline.page(tx, KEY)).items]
    assert texts == ["one", "new"]


async def test_a_task_is_stored_once_and_done_once(store: Store) -> None:
    """Covers E24."""
    await put_order(store)
    task = NewTask(
        id=uuid5(NAMESPACE, "t"),
        title="Pack",
        assignees=["marek", "marek", "olga"],
        checklist=[CheckItem(text="box")],
        due=later(hours=4),
        visit=1,
        rule="pack",
    )
    async with store.write() as tx:
        await tasks.add(tx, KEY, task=task, now=NOW)
        await tasks.add(tx, KEY, task=task.model_copy(update={"title": "Other"}), now=NOW)
        assert [(t.title, t.due) for t in await tasks.of_order(tx, KEY)] == [("Pack", later(hours=4))]
        assert [t.id for t in (await tasks.of_employee(tx, employee="marek")).items] == [task.id]
        assert await tasks.complete(tx, id=task.id, now=later(hours=1))
        assert not await tasks.complete(tx, id=task.id, now=later(hours=2))
        done = await tasks.get(tx, id=task.id)
        assert (await tasks.of_employee(tx, employee="marek")).items == []
        with pytest.raises(NotFound):
            await tasks.complete(tx, id=UUID(int=1), now=NOW)
    assert (done.status, done.closed_at, done.checklist) == (TaskStatus.DONE, later(hours=1), [CheckItem(text="box")])


async def test_an_employees_tasks_come_in_pages(store: Store) -> None:
    await put_order(store)
    async with store.write() as tx:
        for n in range(3):
            task = NewTask(id=uuid5(NAMESPACE, str(n)), title=str(n), assignees=["olga"])
            await tasks.add(tx, KEY, task=task, now=later(minutes=n))
        first = await tasks.of_employee(tx, employee="olga", limit=2)
        second = await tasks.of_employee(tx, employee="olga", cursor=first.next_cursor, limit=2)
    assert [task.title for task in first.items + second.items] == ["0", "1", "2"]


async def test_notices_reach_each_inbox_once(store: Store) -> None:
    """Covers E11, E12."""
    await put_order(store)
    both = [NewNotice(employee=id, text="Look", ref="run:1", sender="shop") for id in ("olga", "marek")]
    async with store.write() as tx:
        for id in ("olga", "marek"):
            await employees.put(tx, NewEmployee(id=id), now=NOW)
        await notices.add(tx, notices=both, key=KEY, now=NOW)
        await notices.add(tx, notices=both, key=KEY, now=NOW)
        await notices.add(tx, notices=[NewNotice(employee="olga", text="All", ref="x")], key=None, now=NOW)
        inbox = (await notices.of_employee(tx, employee="olga")).items
        assert [(notice.text, notice.number) for notice in inbox] == [("All", None), ("Look", "1001")]
        assert len(await notices.of_order(tx, KEY)) == 2
        await notices.mark_read(tx, employee="marek", ids=[notice.id for notice in inbox], now=NOW)
        await notices.mark_read(tx, employee="olga", ids=[inbox[0].id], now=later(hours=1))
        read = [notice.read_at for notice in (await notices.of_employee(tx, employee="olga")).items]
        page = await notices.of_employee(tx, employee="olga", limit=1)
        rest = await notices.of_employee(tx, employee="olga", cursor=page.next_cursor, limit=1)
    assert read == [later(hours=1), None]
    assert [notice.text for notice in rest.items] == ["Look"]


async def test_a_notice_to_nobody_is_a_conflict(store: Store) -> None:
    with pytest.raises(Conflict):
        async with store.write() as tx:
            await notices.add(tx, notices=[NewNotice(employee="nobody", text="x", ref="r")], key=None, now=NOW)


async def test_the_outbox_keeps_a_message_once(store: Store) -> None:
    record = OutboxRecord(
        send_id=uuid5(NAMESPACE, "s"), provider_id="OB1", channel="sms", address="+48501234567", body="Hi", at=NOW
    )
    async with store.write() as tx:
        assert await outbox.find(tx, send_id=record.send_id) is None
        assert await outbox.put(tx, record=record) == record
        again = await outbox.put(tx, record=record.model_copy(update={"provider_id": "OB2"}))
        assert again == record
        newer = record.model_copy(
            update={"send_id": uuid5(NAMESPACE, "t"), "provider_id": "OB3", "at": later(hours=1), "headers": {"X": "1"}}
        )
        await outbox.put(tx, record=newer)
        first = await outbox.page(tx, limit=1)
        second = await outbox.page(tx, cursor=first.next_cursor, limit=1)
    assert first.items + second.items == [newer, record]


async def test_a_key_is_valid_until_its_end_or_its_revocation(store: Store) -> None:
    async with store.write() as tx:
        record, secret = await keys.create(tx, name="shop", scopes=["orders:read"], now=NOW, expires_at=later(days=1))
        assert await keys.verify(tx, secret=secret, now=NOW) == record
        assert await keys.verify(tx, secret=secret + "x", now=NOW) is None
        assert await keys.verify(tx, secret=secret, now=later(days=1)) is None
        await keys.used(tx, id=record.id, now=later(hours=1))
        assert [key.last_used_at for key in await keys.all_keys(tx)] == [later(hours=1)]
        assert await keys.revoke(tx, id=record.id, now=NOW)
        assert not await keys.revoke(tx, id=record.id, now=NOW)
        assert await keys.verify(tx, secret=secret, now=NOW) is None
        with pytest.raises(NotFound):
            await keys.revoke(tx, id="nothing", now=NOW)


@pytest.mark.parametrize("secret", ["", "\ud800", "nul\0", "oa_" + "x" * 10_000])
async def test_a_nonsense_key_is_just_not_valid(store: Store, secret: str) -> None:
    async with store.read() as tx:
        assert await keys.verify(tx, secret=secret, now=NOW) is None


async def test_publishing_the_same_text_gives_the_same_version(store: Store) -> None:
    """Covers M70, M74."""

    async def publish(text: str, author: str) -> int:
        async with store.write() as tx:
            return await pipelines.publish(
                tx,
                name="shop",
                text=text,
                frozen_json='{"a": 1}',
                reopens=["call.incoming"],
                fields={"gift": "bool"},
                author=author,
                now=NOW,
            )

    assert [await publish(t, a) for t, a in (("a", "olga"), ("a", "marek"), ("b", "marek"), ("a", "olga"))] == [
        1,
        1,
        2,
        3,
    ]
    async with store.read() as tx:
        assert await pipelines.latest(tx, name="shop") == (3, '{"a": 1}')
        assert await pipelines.latest_version(tx, name="shop") == 3
        assert await pipelines.latest_version(tx, name="other") is None
        assert await pipelines.latest(tx, name="other") is None
        assert await pipelines.names(tx) == {"shop": 3}
        assert [version[:2] for version in await pipelines.versions(tx, name="shop")] == [
            (3, "olga"),
            (2, "marek"),
            (1, "olga"),
        ]
        second = await pipelines.get(tx, name="shop", version=2)
        with pytest.raises(NotFound, match="shop@9"):
            await pipelines.get(tx, name="shop", version=9)
    assert (second.text, second.reopens, second.fields) == ("b", ("call.incoming",), {"gift": "bool"})
