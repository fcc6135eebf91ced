"""A rule's `expires` bounds when its message may arrive, not only how long it is tried. Covers C2, M60, case 15."""

from datetime import timedelta
from urllib.parse import parse_qs

from activities.store import attempts
from tests.providers.phone import Phone
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus

RULE = "sms: thanks\nexpires: 10m"


def validity(phone: Phone) -> list[str]:
    """Return the validity that the last request asked for."""
    return parse_qs(phone.stand_in.exchanges[-1].body.decode()).get("ValidityPeriod", [])


async def test_case_15_text_is_valid_as_long_as_its_rule_says(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    assert (await phone.persist(key, visit)).status is RunStatus.DONE
    assert validity(phone) == ["600"]


async def test_case_15_what_was_tried_for_a_while_is_valid_for_the_rest(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    phone.stand_in.script.refusals["+48501000111"] = 21611
    begun = phone.clock()
    try:
        await phone.attempt(key, visit, begun=begun)
    except Exception:
        phone.clock.advance(timedelta(minutes=4))
    phone.stand_in.script.refusals.clear()
    assert (await phone.attempt(key, visit, begun=begun)).status is RunStatus.DONE
    assert validity(phone) == ["360"]


async def undelivered(phone: Phone, key: OrderKey, visit: int) -> None:
    """Let the first attempt fail after it was accepted, so that another one is planned at once."""
    run = await phone.run(key, visit)
    async with phone.store.write() as tx:
        await attempts.end(tx, send_id=run.id, code=attempts.NOT_REACHED, words="queue full", at=phone.clock())
        await attempts.plan_anew(tx, run=run.id, due=phone.clock(), words="next attempt")


async def test_case_15_text_that_is_sent_anew_is_valid_for_the_rest(phone: Phone) -> None:
    """Its time counts from the first attempt, whatever the workflow asks for later."""
    key, visit = await phone.order(RULE)
    await phone.attempt(key, visit)
    phone.clock.advance(timedelta(minutes=6))
    await undelivered(phone, key, visit)
    assert (await phone.attempt(key, visit)).status is RunStatus.DONE
    assert (validity(phone), len(phone.stand_in.accepted)) == (["240"], 2)


async def test_case_15_text_whose_time_is_over_is_not_sent_anew(phone: Phone) -> None:
    await phone.desk.employee("olga")
    key = await phone.desk.order(customer={"phones": [{"number": "+48501000111"}]}, responsible="olga")
    visit = await phone.desk.enter(key, "sms: Hello\nexpires: 10m")
    await phone.attempt(key, visit)
    await undelivered(phone, key, visit)
    phone.clock.advance(timedelta(minutes=10))
    run = await phone.attempt(key, visit)
    assert (run.status, run.reason, len(phone.stand_in.accepted)) == (RunStatus.FAILED, RunReason.EXPIRED, 1)
    assert [notice.employee for notice in await phone.desk.notices(key)] == ["olga"]


async def test_text_of_a_rule_without_a_limit_keeps_twilios(phone: Phone) -> None:
    key, visit = await phone.order("sms: thanks")
    await phone.persist(key, visit)
    assert validity(phone) == []


async def test_text_to_an_employee_is_valid_as_long_as_its_rule_says(phone: Phone) -> None:
    """Covers E18."""
    await phone.desk.employee("olga", phone="+48600000001")
    await phone.desk.employee("marek", phone="+48600000002")
    key, visit = await phone.order("sms: Pack\nto: [olga, marek]\nexpires: 1h")
    assert (await phone.persist(key, visit)).status is RunStatus.DONE
    assert validity(phone) == ["3600"]


async def test_text_that_would_wait_for_the_morning_until_its_time_is_over_is_left_out(phone: Phone) -> None:
    """Covers M22."""
    phone.desk.quiet_hours = '"00:00-23:00"'
    key, visit = await phone.order(RULE)
    run = await phone.attempt(key, visit)
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.EXPIRED)
    assert "quiet hours" in run.words
    assert phone.stand_in.accepted == []


async def test_text_whose_time_lasts_until_the_morning_waits_for_it(phone: Phone) -> None:
    """Covers M22."""
    phone.desk.quiet_hours = '"00:00-23:00"'
    key, visit = await phone.order("sms: thanks\nexpires: 1d")
    run = await phone.attempt(key, visit)
    assert (run.status, run.reason) == (RunStatus.PLANNED, RunReason.QUIET_HOURS)
