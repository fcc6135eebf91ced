"""Customers are not disturbed in the evening and at night, on their own clock (M22)."""

from datetime import UTC, datetime

import pytest

from tests.pipeline.builders import pipeline_with, rules, view
from workflows.pipeline.quiet import quiet_until

PIPELINE = rules("- comment: a")


def until(hour: int, **customer: str) -> str:
    now = datetime(2026, 11, 18, hour, 0, tzinfo=UTC)
    found = quiet_until(PIPELINE, view=view(customer={"phone": "", "country": "", **customer}), now=now)
    return found.strftime("%d %H:%M") if found else ""


@pytest.mark.parametrize(
    ("hour", "customer", "ends"),
    [
        pytest.param(12, {}, "", id="noon"),
        pytest.param(21, {}, "19 07:00", id="the-pipelines-zone-when-nothing-is-known"),
        pytest.param(12, {"time_zone": "Asia/Tokyo"}, "18 23:00", id="their-own-zone"),
        pytest.param(12, {"time_zone": "Asia/Nowhere"}, "", id="a-zone-that-does-not-exist"),
        pytest.param(12, {"phone": "+81312345678"}, "18 23:00", id="the-zone-of-the-number"),
        pytest.param(12, {"country": "JP"}, "18 23:00", id="the-zone-of-the-country"),
        pytest.param(12, {"phone": "+14155550100"}, "18 16:00", id="california-by-its-area-code"),
        pytest.param(12, {"phone": "+81312345678", "country": "JP"}, "18 23:00", id="number-and-country-agree"),
        pytest.param(12, {"phone": "+48501000111", "country": "JP"}, "19 07:00", id="abroad-by-the-country"),
        pytest.param(12, {"phone": "+81312345678", "country": "PL"}, "19 07:00", id="abroad-by-the-number"),
        pytest.param(12, {"phone": "nonsense", "country": "XX"}, "", id="nonsense"),
    ],
)
def test_a_message_waits_for_the_end_of_the_quiet_hours(hour: int, customer: dict[str, str], ends: str) -> None:
    """Covers M22."""
    assert until(hour, **customer) == ends


def test_where_the_zone_is_not_sure_every_candidate_must_allow_it() -> None:
    """Covers M22."""
    # A free-phone number may be anywhere in North America: 22:00 UTC is 08:00 in Guam, the last to wake up.
    assert until(17, phone="+18005550100") == "18 22:00"


def test_quiet_hours_may_be_turned_off() -> None:
    """Covers M22."""
    pipeline = pipeline_with("won: {kind: success}", more="quiet_hours: off")
    assert quiet_until(pipeline, view=view(), now=datetime(2026, 11, 18, 23, 0, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        pytest.param("2026-11-18T19:59:59", "", id="20:59:59"),
        pytest.param("2026-11-18T20:00:00", "2026-11-19T07:00:00", id="21:00"),
        pytest.param("2026-11-18T20:01:00", "2026-11-19T07:00:00", id="21:01"),
        pytest.param("2026-11-19T06:59:59", "2026-11-19T07:00:00", id="07:59:59"),
        pytest.param("2026-11-19T07:00:00", "", id="08:00"),
        pytest.param("2026-03-28T21:00:00", "2026-03-29T06:00:00", id="the-night-that-is-shorter"),
        pytest.param("2026-10-24T20:00:00", "2026-10-25T07:00:00", id="the-night-that-is-longer"),
        pytest.param("2026-10-25T06:30:00", "2026-10-25T07:00:00", id="half-past-seven-after-it"),
    ],
)
def test_case_28_minute_and_the_clock_change_decide(now: str, ends: str) -> None:
    """Covers M22, M24: on the customer's clock in Warsaw, moments in UTC."""
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    customer = {"phone": "", "country": "", "time_zone": "Europe/Warsaw"}
    found = quiet_until(PIPELINE, view=view(customer=customer), now=moment)
    assert (f"{found:%Y-%m-%dT%H:%M:%S}" if found else "") == ends
