"""When a rule runs: waits from the stage, from dates, in hours (M20, M21, M23)."""

from datetime import date, timedelta

import pytest

from tests.pipeline.builders import NOW, rules, view, warsaw
from workflows.pipeline.fields import OrderView
from workflows.pipeline.planning import moment, plan, successors, wait_depends_on

ANCHOR = warsaw("2026-11-18 10:00")  # a Wednesday


def at(keys: str, *, seen: OrderView | None = None, anchor: str = "2026-11-18 10:00", pace: float = 1.0) -> str:
    pipeline = rules(f"- id: one\n  comment: hello\n  {keys}")
    due = moment(pipeline, stage="new", rule="one", view=seen or view(), anchor=warsaw(anchor), pace=pace)
    return due.at.astimezone(pipeline.zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("keys", "due"),
    [
        pytest.param("wait: 3h", "2026-11-18 13:00", id="hours"),
        pytest.param("wait: 1d 12h", "2026-11-19 22:00", id="days-and-hours"),
        pytest.param('wait: {for: 1d, at: "10:00"}', "2026-11-19 10:00", id="next-day-at"),
        pytest.param('wait: {for: 1d, at: "08:00"}', "2026-11-19 08:00", id="next-day-at-an-earlier-clock-time"),
        pytest.param('wait: {for: 3h, at: "12:00"}', "2026-11-19 12:00", id="first-such-time-after-the-hours"),
        pytest.param('wait: {at: "12:00"}', "2026-11-18 12:00", id="today-at"),
        pytest.param('wait: {at: "09:00"}', "2026-11-19 09:00", id="tomorrow-at-when-past"),
        pytest.param("wait: {before: order.delivery_date, for: 2d}", "2026-11-24 00:00", id="before-a-date"),
        pytest.param(
            'wait: {before: order.delivery_date, for: 1d, at: "18:00"}', "2026-11-25 18:00", id="before-a-date-at"
        ),
        pytest.param('wait: {after: order.delivery_date, for: 1d, at: "09:00"}', "2026-11-27 09:00", id="after-a-date"),
        pytest.param("wait: {before: order.delivery_date, for: 30d}", "2026-11-18 10:00", id="past-runs-at-once"),
        pytest.param("hours: office", "2026-11-18 10:00", id="in-hours-at-once"),
        pytest.param("wait: 9h\n  hours: office", "2026-11-19 09:00", id="to-the-next-opening"),
        pytest.param("wait: 2d 9h\n  hours: office", "2026-11-23 09:00", id="over-the-weekend"),
        pytest.param("wait: 1000d", "2029-08-14 10:00", id="years"),
    ],
)
def test_a_wait_ends_at(keys: str, due: str) -> None:
    """Covers M20, M21."""
    assert at(keys) == due


def test_a_day_off_before_a_date_moves_the_rule_earlier() -> None:
    """Covers M21."""
    monday = view(delivery_date=date(2026, 11, 23))
    assert (
        at('wait: {before: order.delivery_date, for: 1d, at: "12:00"}\n  hours: office', seen=monday)
        == "2026-11-20 12:00"
    )


def test_a_moment_before_a_date_that_is_past_still_keeps_to_the_hours() -> None:
    """Covers M20, M21."""
    soon = view(delivery_date=date(2026, 11, 18))
    keys = "wait: {before: order.delivery_date, for: 2d}\n  hours: office"
    assert at(keys, seen=soon, anchor="2026-11-18 20:00") == "2026-11-19 09:00"


def test_a_public_holiday_is_a_day_off() -> None:
    """Covers M21."""
    assert at("hours: office", anchor="2026-11-11 10:00") == "2026-11-12 09:00"


def test_an_unknown_date_is_waited_for() -> None:
    """Covers M20, M23."""
    pipeline = rules("- comment: hello\n  wait: {before: order.delivery_date, for: 1d}")
    due = moment(pipeline, stage="new", rule="comment", view=view(delivery_date=None), anchor=ANCHOR, pace=100)
    assert due.at - ANCHOR >= timedelta(days=3_000)
    assert due.words == "waits until order.delivery_date is set"


def test_a_custom_date_may_be_waited_for() -> None:
    """Covers M20, M23."""
    keys = "wait: {before: order.fields.ship_by, for: 1d}"
    assert at(keys, seen=view(fields={"ship_by": "2026-11-30"})) == "2026-11-29 00:00"
    assert at(keys, seen=view(fields={"ship_by": date(2026, 11, 30)})) == "2026-11-29 00:00"
    pipeline = rules(f"- comment: hello\n  {keys}")
    assert wait_depends_on(pipeline, stage="new", rule="comment") == {"ship_by"}


def test_the_hours_of_the_responsible_person_are_on_their_own_clock() -> None:
    """Covers M21."""
    kyiv = {"hours": "mon-fri 12:00-20:00", "time_zone": "Europe/Kyiv"}
    assert at("hours: responsible", seen=view(responsible=kyiv)) == "2026-11-18 11:00"


@pytest.mark.parametrize("person", [None, {}, {"hours": "whenever"}], ids=["nobody", "no-hours", "nonsense"])
def test_without_known_hours_of_the_responsible_person_nothing_waits(person: dict[str, str] | None) -> None:
    """Covers M21."""
    assert at("hours: responsible", seen=view(responsible=person)) == "2026-11-18 10:00"


def test_the_pace_divides_the_wait() -> None:
    assert at("wait: 24h", pace=24) == "2026-11-18 11:00"


def test_a_wait_over_the_clock_change_keeps_its_clock_time() -> None:
    """Covers M24."""
    assert at('wait: {for: 1d, at: "10:00"}', anchor="2027-03-27 10:00") == "2027-03-28 10:00"


def test_the_longest_wait_of_a_kind_is_its_moment() -> None:
    """Covers E23."""
    pipeline = rules("- wait_for: customer\n  at_most: 2d")
    (run,) = plan(pipeline, stage="new", visit=1, view=view(), now=NOW).runs
    assert run.due == NOW + timedelta(days=2)
    assert run.wakes_on_customer


def test_waits_for_no_date_depend_on_no_field() -> None:
    """Covers M23."""
    pipeline = rules("- comment: a\n  wait: 1d\n- comment: b\n  after: previous")
    assert wait_depends_on(pipeline, stage="new", rule="comment") == frozenset()
    assert [one.id for one in successors(pipeline, stage="new", rule="comment")] == ["comment-2"]
