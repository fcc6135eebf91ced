"""Calls and meetings that rules plan, with their calendar files. Covers E21, E22."""

from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar

from activities.store import parcels, tasks
from activities.store.history import TaskKind, TaskRecord
from activities.store.parcels import Parcel
from tests.rules.desk import Desk
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus


async def test_call_is_planned_for_its_moment_and_the_responsible_person_told(desk: Desk) -> None:
    """Covers E21."""
    await desk.employee("olga", notify="email", email="olga@shop.example")
    key = await desk.order(responsible="olga")
    run = await desk.run(key, 'plan_call: Call about {{ order.number }}\nat: {for: 1d, at: "10:00"}')
    (task,) = await planned(desk, key)
    assert (task.kind, task.title, task.assignees) == (TaskKind.CALL, "Call about 1001", ["olga"])
    assert task.begins_at == datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
    assert run.results == {"task": str(task.id)}
    (notice,) = await desk.notices(key)
    assert notice.text == "Call on 2026-03-11 at 10:00: Call about 1001"
    (parcel,) = await leaving(desk)
    assert parcel.file is not None
    assert (parcel.file["name"], parcel.file["media_type"]) == ("call.ics", "text/calendar")


async def test_calendar_file_names_its_zone_and_comes_from_the_run(desk: Desk) -> None:
    """Covers E22."""
    await desk.employee("olga", notify="email", email="olga@shop.example")
    key = await desk.order(responsible="olga", delivery_date="2026-03-30")
    await desk.run(
        key,
        """
        plan_meeting: Fitting of {{ order.number }}
        at: {before: order.delivery_date, for: 1d, at: "18:00"}
        place: "Showroom; ul. Prosta 1, Łódź"
        lasts: 90m
        description: "Mind: {{ order.number }}"
        """,
    )
    (task,) = await planned(desk, key)
    assert (task.kind, task.place) == (TaskKind.MEETING, "Showroom; ul. Prosta 1, Łódź")
    assert task.begins_at == datetime(2026, 3, 29, 16, 0, tzinfo=UTC)
    (parcel,) = await leaving(desk)
    assert parcel.file is not None
    text = parcel.file["text"]
    assert "BEGIN:VTIMEZONE" in text
    assert "DTSTART;TZID=Europe/Warsaw:20260329T180000" in text
    (event,) = Calendar.from_ical(text).walk("VEVENT")
    assert event["UID"] == f"{task.id}@orders"
    assert (event["SUMMARY"], event["LOCATION"]) == ("Fitting of 1001", "Showroom; ul. Prosta 1, Łódź")
    assert event.decoded("DTSTAMP") == desk.now
    assert event.decoded("DTEND") - event.decoded("DTSTART") == timedelta(minutes=90)


async def test_same_run_gives_the_same_file_and_one_entry(desk: Desk) -> None:
    await desk.employee("olga", notify="email", email="olga@shop.example")
    key = await desk.order(responsible="olga")
    visit = await desk.enter(key, "plan_call: Call\nat: 2h")
    for _ in range(2):
        await desk.carry_out(key, visit=visit)
    assert len(await planned(desk, key)) == 1
    assert len(await leaving(desk)) == 1


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        ("2h", datetime(2026, 3, 10, 11, 0, tzinfo=UTC)),
        ('"18:00"', datetime(2026, 3, 10, 17, 0, tzinfo=UTC)),
        ("order.delivery_date", datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
    ],
    ids=["duration", "clock time", "date of the order"],
)
async def test_moment_is_written_in_the_shortest_way(desk: Desk, at: str, moment: datetime) -> None:
    await desk.employee("olga")
    key = await desk.order(responsible="olga", delivery_date="2026-03-30")
    await desk.run(key, f"plan_call: Call\nat: {at}")
    assert [task.begins_at for task in await planned(desk, key)] == [moment]


async def test_appointment_without_its_date_fails_and_says_which(desk: Desk) -> None:
    await desk.employee("olga")
    key = await desk.order(responsible="olga")
    run = await desk.run(key, "plan_meeting: Fitting\nat: order.delivery_date")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.EMPTY_VALUE)
    assert "order.delivery_date" in run.words
    assert await planned(desk, key) == []


async def test_appointment_of_nobody_is_skipped(desk: Desk) -> None:
    run = await desk.run(await desk.order(), "plan_call: Call\nat: 2h")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_RECIPIENT)


async def planned(desk: Desk, key: OrderKey) -> list[TaskRecord]:
    async with desk.store.read() as tx:
        return await tasks.of_order(tx, key)


async def leaving(desk: Desk) -> list[Parcel]:
    async with desk.store.write() as tx:
        return await parcels.claim(tx, now=desk.now, limit=10, lease=timedelta(minutes=1), graces={})
