"""Messages that would disturb the customer are put off, but not before a moment that moved when it had come."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from activities.store import runs
from tests.life.pipelines import QUIET, quiet_at
from tests.rules.desk import Desk
from workflows.contracts.plans import Due
from workflows.contracts.reasons import RunReason, RunStatus

ANNA = {"first_name": "Anna", "phones": [{"number": "+48501000111"}], "time_zone": "UTC"}


async def put_off(desk: Desk, *, moved: timedelta, reason: RunReason) -> tuple[datetime, datetime | None]:
    """Move a message's moment after it was handed to be sent; return the moment, and until when it is put off."""
    now = datetime.now(UTC)
    desk.quiet_hours = quiet_at(now)
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, "id: thanks\nsms: thanks")
    moment = now + moved
    async with desk.store.write() as tx:
        await runs.set_dues(tx, key, visit=visit, dues=[Due(rule="thanks", at=moment)])
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.reason) == (RunStatus.PLANNED, reason)
    assert await desk.outbox() == []
    return moment, run.due


async def test_a_message_waits_for_the_end_of_the_quiet_hours(desk: Desk) -> None:
    """Covers M22."""
    moved = -timedelta(hours=1)
    moment, until = await put_off(desk, moved=moved, reason=RunReason.QUIET_HOURS)
    assert until == (moment - moved + QUIET).replace(second=0, microsecond=0)


async def test_a_message_whose_moment_moved_beyond_the_quiet_hours_waits_for_that(desk: Desk) -> None:
    """Covers M22, M23: the date changed when the message was about to be sent."""
    moment, until = await put_off(desk, moved=timedelta(days=9), reason=RunReason.WAITING)
    assert until == moment


@pytest.mark.parametrize(
    ("rule", "status"),
    [("sms: Hello", RunStatus.DONE), ("sms: Hello\nphone: work", RunStatus.PLANNED)],
    ids=["the first number", "another number"],
)
async def test_the_zone_is_that_of_the_number_the_message_goes_to(desk: Desk, rule: str, status: RunStatus) -> None:
    """Covers M22: it is day in Tokyo, where the first number is, and night in New York."""
    local = datetime.now(UTC).astimezone(ZoneInfo("Asia/Tokyo"))
    start, end = local + timedelta(hours=3), local - timedelta(hours=3)
    desk.quiet_hours = f'"{start:%H:%M}-{end:%H:%M}"'
    phones = [{"number": "+81312345678", "type": "mobile"}, {"number": "+12125550100", "type": "work"}]
    key = await desk.order(customer={"first_name": "Anna", "phones": phones})
    assert (await desk.run(key, rule)).status is status


async def test_the_zone_of_a_company_is_that_of_its_number(desk: Desk) -> None:
    """Covers M22: the contact has no phone."""
    local = datetime.now(UTC).astimezone(ZoneInfo("Asia/Tokyo"))
    desk.quiet_hours = f'"{local - timedelta(hours=1):%H:%M}-{local + timedelta(hours=1):%H:%M}"'
    await desk.customer("acme", kind="company", company="ACME", phones=[{"number": "+81312345678"}])
    key = await desk.order(customer={"first_name": "Anna", "company_id": "acme"})
    assert (await desk.run(key, "sms: Hello")).reason is RunReason.QUIET_HOURS
