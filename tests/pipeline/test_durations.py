"""Durations, clock times and waits as shops write them (M20, M24)."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.builders import WARSAW, warsaw
from workflows.pipeline.durations import Duration, Wait, WaitAnchor, parse_clock, parse_duration, shifted, wall
from workflows.pipeline.mistakes import Mistake


def naive(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "days", "exact"),
    [
        ("90m", 0, timedelta(minutes=90)),
        ("3h", 0, timedelta(hours=3)),
        ("1d 12h", 1, timedelta(hours=12)),
        ("1d12h", 1, timedelta(hours=12)),
        ("12h 1d", 1, timedelta(hours=12)),
        (" 2 d ", 2, timedelta()),
        ("24h", 0, timedelta(hours=24)),
        ("0s", 0, timedelta()),
        ("3660d", 3660, timedelta()),
    ],
    ids=str,
)
def test_a_duration_is_read(text: str, days: int, exact: timedelta) -> None:
    assert parse_duration(text) == Duration(days=days, exact=exact)


@pytest.mark.parametrize(
    "text", ["", "3", "h", "3 hours", "-1d", "1.5h", "1w", "1d 1d", "3661d", "٣h", "1d,2h"], ids=repr
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(Mistake):
        parse_duration(text)


@given(st.integers(0, 3_000), st.integers(0, 86_399 * 5))
def test_a_duration_survives_being_written(days: int, seconds: int) -> None:
    duration = Duration(days=days, exact=timedelta(seconds=seconds))
    assert parse_duration(str(duration)) == duration


@pytest.mark.parametrize("text", ["24:00", "9:00", "09:60", "0900", "", "09:00:00"], ids=repr)
def test_a_clock_time_has_hours_and_minutes(text: str) -> None:
    with pytest.raises(Mistake):
        parse_clock(text)
    assert parse_clock("09:05") == time(9, 5)


def test_a_day_keeps_the_clock_time_over_both_clock_changes() -> None:
    """Covers M20, M24."""
    assert Duration(days=1).after(warsaw("2027-03-27 10:00"), zone=WARSAW) == warsaw("2027-03-28 10:00")
    assert Duration(days=1).after(warsaw("2026-10-24 10:00"), zone=WARSAW) == warsaw("2026-10-25 10:00")
    assert Duration(days=1).before(warsaw("2027-03-28 10:00"), zone=WARSAW) == warsaw("2027-03-27 10:00")


def test_twenty_four_hours_are_real_hours() -> None:
    """Covers M20."""
    day = parse_duration("24h")
    assert day.after(warsaw("2027-03-27 10:00"), zone=WARSAW) == warsaw("2027-03-28 11:00")
    assert day.after(warsaw("2026-10-24 10:00"), zone=WARSAW) == warsaw("2026-10-25 09:00")


def test_a_time_in_the_spring_gap_moves_forward_and_a_doubled_time_is_the_first() -> None:
    """Covers M24."""
    assert wall(naive("2027-03-28 02:30"), zone=WARSAW) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert wall(naive("2026-10-25 02:30"), zone=WARSAW) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert wall(naive("2026-10-25 02:30"), zone=WARSAW, fold=1) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert wall(naive("2027-03-28 02:30"), zone=WARSAW, fold=1) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


@given(st.datetimes(naive("2020-01-01"), naive("2040-01-01")), st.integers(-400, 400))
def test_shifting_by_days_keeps_the_clock_time_unless_it_falls_into_a_gap(local: datetime, days: int) -> None:
    moment = wall(local, zone=WARSAW)
    before, after = moment.astimezone(WARSAW), shifted(moment, days=days, zone=WARSAW).astimezone(WARSAW)
    assert after.date() == before.date() + timedelta(days=days)
    assert after.time() == before.time() or after.hour == before.hour + 1


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (Wait(Duration(days=1)), "1 day"),
        (Wait(Duration(exact=timedelta(hours=3, minutes=30))), "3 hours 30 minutes"),
        (Wait(Duration(days=1), at=time(10)), "1 day at 10:00"),
        (Wait(at=time(10)), "at 10:00"),
        (
            Wait(Duration(days=2), WaitAnchor.BEFORE, "order.delivery_date", time(18)),
            "2 days before order.delivery_date at 18:00",
        ),
        (Wait(Duration(), WaitAnchor.AFTER, "order.created_at"), "on order.created_at"),
    ],
    ids=lambda value: str(value) if isinstance(value, Wait) else "",
)
def test_a_wait_is_said_in_words(wait: Wait, words: str) -> None:
    assert str(wait) == words
