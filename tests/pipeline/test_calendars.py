"""Working hours: days off, nights, exceptions, clock changes (M21, M24)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.builders import WARSAW, warsaw
from workflows.pipeline.calendars import Calendar, earlier_open, in_quiet_hours, is_open, next_open
from workflows.pipeline.durations import parse_clock
from workflows.pipeline.mistakes import Mistake
from workflows.pipeline.schedules import parse_dates, parse_days, parse_hours, parse_week

FIRST, LAST = datetime.fromisoformat("2025-01-01"), datetime.fromisoformat("2030-01-01")
MOMENTS = st.datetimes(FIRST, LAST).map(lambda naive: naive.replace(tzinfo=UTC))
WEEKS = (
    "mon-fri 09:00-18:00",
    "mon-fri 09:00-13:00 14:00-18:00, sat 10:00-14:00",
    "fri-sat 20:00-02:00",
    "sun 02:00-03:00",
    "sun 01:30-02:30 02:00-04:00",
    "mon-sun 00:00-24:00",
    "wed 23:30-23:45",
)


def calendar(week: str = "mon-fri 09:00-18:00", **more: object) -> Calendar:
    return Calendar(name="test", week=parse_week(week), zone=WARSAW, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        pytest.param("2026-11-18 10:00", "2026-11-18 10:00", id="open-now"),
        pytest.param("2026-11-18 08:59", "2026-11-18 09:00", id="before-opening"),
        pytest.param("2026-11-18 18:00", "2026-11-19 09:00", id="the-end-is-closed"),
        pytest.param("2026-11-20 18:30", "2026-11-23 09:00", id="over-the-weekend"),
        pytest.param("2026-11-10 18:30", "2026-11-12 09:00", id="over-a-holiday"),
    ],
)
def test_the_next_opening(at: str, opens: str) -> None:
    """Covers M21."""
    office = calendar(holidays=frozenset({date(2026, 11, 11)}))
    assert next_open(office, warsaw(at)) == warsaw(opens)


def test_hours_past_midnight_belong_to_the_day_they_begin_on() -> None:
    """Covers M21."""
    night = calendar("fri 20:00-02:00", closed=frozenset({date(2026, 11, 27)}))
    assert is_open(night, warsaw("2026-11-21 01:59"))
    assert not is_open(night, warsaw("2026-11-20 01:00"))
    # The 27th is off, so its night hours on the 28th are too.
    assert next_open(night, warsaw("2026-11-28 01:00")) == warsaw("2026-12-04 20:00")


def test_a_date_with_hours_of_its_own_wins_over_days_off() -> None:
    """Covers M21."""
    office = calendar(holidays=frozenset({date(2026, 11, 11)}), also={date(2026, 11, 11): parse_hours("12:00-13:00")})
    assert next_open(office, warsaw("2026-11-11 09:00")) == warsaw("2026-11-11 12:00")


def test_a_calendar_that_never_opens_has_no_next_opening() -> None:
    never = calendar(
        "sun 09:00-10:00",
        closed=frozenset(parse_dates("2026-01-01..2027-12-31") + parse_dates("2028-01-01..2029-12-31")),
    )
    assert next_open(never, warsaw("2026-01-01 10:00")) is None


def test_an_opening_swallowed_by_the_spring_change_does_not_exist() -> None:
    """Covers M24."""
    assert next_open(calendar("sun 02:00-03:00"), warsaw("2027-03-28 00:00")) == warsaw("2027-04-04 02:00")


def test_both_turns_of_a_doubled_hour_are_open() -> None:
    """Covers M24."""
    night = calendar("sun 02:00-03:00")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert is_open(night, first)
    assert is_open(night, first + timedelta(hours=1))
    assert next_open(night, first + timedelta(hours=2)) == warsaw("2026-11-01 02:00")


@given(st.sampled_from(WEEKS), MOMENTS)
def test_the_next_opening_is_open_not_earlier_and_final(week: str, moment: datetime) -> None:
    """Covers M21, M24."""
    one = calendar(week)
    opens = next_open(one, moment)
    assert opens is not None
    assert opens >= moment
    assert next_open(one, opens) == opens
    assert is_open(one, opens)


@given(st.sampled_from(WEEKS), st.sampled_from(["2026-10-25", "2027-03-28"]), st.integers(-26 * 60, 26 * 60))
def test_the_days_of_clock_changes_are_no_exception(week: str, day: str, minutes: int) -> None:
    """Covers M24."""
    moment = warsaw(f"{day} 12:00") + timedelta(minutes=minutes)
    one = calendar(week)
    opens = next_open(one, moment)
    assert opens is not None
    assert opens >= moment
    assert is_open(one, opens)


@given(st.sampled_from(WEEKS), MOMENTS)
def test_what_is_due_before_a_date_is_never_moved_to_a_later_day(week: str, moment: datetime) -> None:
    """Covers M21."""
    found = earlier_open(calendar(week), moment)
    if found is not None:
        days = (found.astimezone(WARSAW).date() - moment.astimezone(WARSAW).date()).days
        # Night hours of the day may end after midnight.
        assert days <= 1


@pytest.mark.parametrize(
    ("at", "moved"),
    [
        pytest.param("2026-11-18 12:00", "2026-11-18 12:00", id="open"),
        pytest.param("2026-11-18 07:00", "2026-11-18 09:00", id="too-early-waits-for-the-opening"),
        pytest.param("2026-11-18 18:00", "2026-11-18 17:59", id="too-late-is-the-last-minute"),
        pytest.param("2026-11-21 12:00", "2026-11-20 12:00", id="a-day-off-moves-the-day-earlier"),
        pytest.param("2026-11-22 18:00", "2026-11-20 17:59", id="two-days-off"),
    ],
)
def test_what_is_due_before_a_date_moves_earlier(at: str, moved: str) -> None:
    """Covers M21."""
    assert earlier_open(calendar(), warsaw(at)) == warsaw(moved)


def test_quiet_hours_end_in_the_morning() -> None:
    """Covers M22."""
    quiet = {"start": parse_clock("21:00"), "end": parse_clock("08:00"), "zone": WARSAW}
    assert in_quiet_hours(warsaw("2026-11-18 23:00"), **quiet) == warsaw("2026-11-19 08:00")  # type: ignore[arg-type]
    assert in_quiet_hours(warsaw("2026-11-18 07:59"), **quiet) == warsaw("2026-11-18 08:00")  # type: ignore[arg-type]
    assert in_quiet_hours(warsaw("2026-11-18 08:00"), **quiet) is None  # type: ignore[arg-type]


def test_days_of_the_week_may_pass_sunday() -> None:
    assert parse_days("fri-mon") == (0, 4, 5, 6)
    assert parse_days("Mon, wed") == (0, 2)


@pytest.mark.parametrize("text", ["", "mon", "09:00-10:00", "mon 09:00-10:00, tue", "mon 9-10"], ids=repr)
def test_a_week_has_days_and_their_hours(text: str) -> None:
    with pytest.raises(Mistake):
        parse_week(text)
