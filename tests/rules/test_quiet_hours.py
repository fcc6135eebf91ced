"""Messages that would disturb the customer are put off, but not before a moment that moved when it had come."""

from datetime import UTC, datetime, timedelta

from activities.store import runs
from tests.rules.desk import Desk
from workflows.contracts.plans import Due
from workflows.contracts.reasons import RunReason, RunStatus

ANNA = {"first_name": "Anna", "phones": [{"number": "+48501000111"}], "time_zone": "UTC"}

#: They end within a day, whatever the time is now.
ALL_DAY = '"00:00-23:59"'


async def put_off(desk: Desk, *, moved: timedelta, reason: RunReason) -> tuple[datetime, datetime | None]:
    """Move a message's moment after it was handed to be sent; return the moment, and until when it is put off."""
    desk.quiet_hours = ALL_DAY
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, "id: thanks\nsms: thanks")
    moment = datetime.now(UTC) + moved
    async with desk.store.write() as tx:
        await runs.set_dues(tx, key, visit=visit, dues=[Due(rule="thanks", at=moment)])
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.reason) == (RunStatus.PLANNED, reason)
    assert await desk.outbox() == []
    return moment, run.due


async def test_a_message_waits_for_the_end_of_the_quiet_hours(desk: Desk) -> None:
    """Covers M22."""
    _, until = await put_off(desk, moved=-timedelta(hours=1), reason=RunReason.QUIET_HOURS)
    assert until is not None
    assert (until.hour, until.minute) == (23, 59)


async def test_a_message_whose_moment_moved_beyond_the_quiet_hours_waits_for_that(desk: Desk) -> None:
    """Covers M22, M23: the date changed when the message was about to be sent."""
    moment, until = await put_off(desk, moved=timedelta(days=9), reason=RunReason.WAITING)
    assert until == moment
