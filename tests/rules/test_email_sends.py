"""Mails on their way through a provider that fails: one mail for one rule, whatever happens. Cases 1-5, 8-13, 24."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random

import pytest
from temporalio.exceptions import ApplicationError

from activities.providers.sendgrid import SendGridProvider
from activities.store import ledger
from activities.store.history import LedgerRecord, LedgerState, RunRecord
from activities.store.ledger import Callback
from tests.providers.mails import KEY, MAIL, account
from tests.rules.desk import Desk
from tests.support.stand_ins.sendgrid import HALF, Fate, Faults, SendGridStandIn, StandInOptions
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus

ANNA = {"first_name": "Anna", "emails": [{"email": "anna@example.com"}]}

RULE = "id: mail\nemail: pay-link\nprovider: sendgrid"

KEY_OF_ORDER = OrderKey(shop="shop", number="1001")

PROCESSED = Callback(status="processed", rank=1, state=LedgerState.ACCEPTED)


@pytest.fixture
async def sendgrid(desk: Desk) -> AsyncIterator[SendGridStandIn]:
    async with SendGridStandIn(StandInOptions(key=KEY)) as running:
        connect(desk, running)
        yield running


def connect(desk: Desk, sendgrid: SendGridStandIn, *, fate: Fate = Fate.QUICK) -> None:
    """Connect the provider; it gives up soon where no answer will come, and waits for any other."""
    seconds = 2 if fate in (Fate.HANG_AFTER, Fate.LATE) else 20
    desk.connected = (
        SendGridProvider(account(sendgrid.url, timeout_seconds=seconds, grace_seconds=0), store=desk.store),
    )


async def entered(desk: Desk, rule: str = RULE) -> tuple[OrderKey, int]:
    key = await desk.order(customer=ANNA)
    return key, await desk.enter(key, rule)


async def attempt(desk: Desk, key: OrderKey, *, visit: int) -> RunRecord | None:
    """Carry the rule out once, as Temporal would; None where it has to be tried again."""
    try:
        return await desk.carry_out(key, visit=visit)
    except ApplicationError:
        return None


async def row(desk: Desk, key: OrderKey) -> LedgerRecord:
    async with desk.store.read() as tx:
        (found,) = await ledger.rows_of(tx, key)
    return found


async def told(desk: Desk, sendgrid: SendGridStandIn, *, callback: Callback = PROCESSED) -> None:
    """Let the events tell of every accepted mail, as the gateway would record it."""
    async with desk.store.write() as tx:
        for mail in sendgrid.accepted:
            (send,) = [one.id for one in await ledger.rows_of(tx, KEY_OF_ORDER)]
            assert str(send) == mail.send_id
            await ledger.delivered(tx, send_id=send, provider_id=mail.id, callback=callback, now=desk.now)


async def test_accepted_mail_is_done_and_recorded_under_sendgrids_id(desk: Desk, sendgrid: SendGridStandIn) -> None:
    key, visit = await entered(desk)
    run = await attempt(desk, key, visit=visit)
    assert run is not None
    assert run.status is RunStatus.DONE
    assert (await row(desk, key)).provider_id == sendgrid.accepted[0].id


@pytest.mark.parametrize("fate", [Fate.BROKEN_AFTER, Fate.HANG_AFTER, Fate.RESET_AFTER], ids=str)
async def test_event_settles_a_mail_whose_answer_was_lost(desk: Desk, sendgrid: SendGridStandIn, fate: Fate) -> None:
    """Cases 1, 9."""
    key, visit = await entered(desk)
    connect(desk, sendgrid, fate=fate)
    sendgrid.faults.next(fate)
    assert await attempt(desk, key, visit=visit) is None
    assert (await row(desk, key)).state is LedgerState.UNKNOWN
    await told(desk, sendgrid)
    run = await attempt(desk, key, visit=visit)
    assert run is not None
    assert run.status is RunStatus.DONE
    assert (sendgrid.requests, len(sendgrid.accepted)) == (1, 1)


@pytest.mark.parametrize("fate", [Fate.BROKEN_AFTER, Fate.BROKEN_BEFORE], ids=str)
async def test_without_any_event_a_person_decides_and_nothing_is_sent_twice(
    desk: Desk, sendgrid: SendGridStandIn, fate: Fate
) -> None:
    """Cases 2, 3: SendGrid cannot be asked, so `on_unknown: hold` holds."""
    key, visit = await entered(desk)
    sendgrid.faults.next(fate)
    assert await attempt(desk, key, visit=visit) is None
    run = await attempt(desk, key, visit=visit)
    assert run is not None
    assert (run.status, run.reason) == (RunStatus.HELD, RunReason.OUTCOME_UNKNOWN)
    assert sendgrid.requests == 1


async def test_rule_that_says_so_is_sent_again_where_nobody_can_tell(desk: Desk, sendgrid: SendGridStandIn) -> None:
    """Case 3 with `on_unknown: resend`."""
    key, visit = await entered(desk, f"{RULE}\non_unknown: resend")
    sendgrid.faults.next(Fate.BROKEN_BEFORE)
    assert await attempt(desk, key, visit=visit) is None
    assert await attempt(desk, key, visit=visit) is None
    run = await attempt(desk, key, visit=visit)
    assert run is not None
    assert run.status is RunStatus.DONE
    assert len(sendgrid.accepted) == 1


async def test_late_event_settles_a_mail_that_is_held(desk: Desk, sendgrid: SendGridStandIn) -> None:
    """Cases 2, 4: the event came after the grace."""
    key, visit = await entered(desk)
    connect(desk, sendgrid, fate=Fate.LATE)
    sendgrid.faults.next(Fate.LATE)
    assert await attempt(desk, key, visit=visit) is None
    assert await attempt(desk, key, visit=visit) is not None
    await told(desk, sendgrid)
    assert (await row(desk, key)).state is LedgerState.ACCEPTED
    assert len(sendgrid.accepted) == 1


async def test_provider_may_be_busy_for_its_grace_before_anybody_decides(desk: Desk, sendgrid: SendGridStandIn) -> None:
    """Case 4."""
    desk.connected = (SendGridProvider(account(sendgrid.url, grace_seconds=600), store=desk.store),)
    key, visit = await entered(desk)
    sendgrid.faults.next(Fate.BROKEN_AFTER)
    assert await attempt(desk, key, visit=visit) is None
    assert await attempt(desk, key, visit=visit) is None
    assert (await row(desk, key)).state is LedgerState.UNKNOWN
    assert sendgrid.requests == 1


async def test_busy_provider_is_asked_again_after_the_wait_it_named(desk: Desk, sendgrid: SendGridStandIn) -> None:
    """Case 8."""
    key, visit = await entered(desk)
    sendgrid.faults.next(Fate.BUSY)
    with pytest.raises(ApplicationError) as again:
        await desk.carry_out(key, visit=visit)
    assert again.value.next_retry_delay is not None
    assert again.value.next_retry_delay.total_seconds() == 1
    assert (await row(desk, key)).state is LedgerState.PLANNED
    run = await attempt(desk, key, visit=visit)
    assert run is not None
    assert run.status is RunStatus.DONE
    assert len(sendgrid.accepted) == 1


async def test_event_that_overtakes_the_answer_is_no_second_mail(desk: Desk, sendgrid: SendGridStandIn) -> None:
    """Case 11: the answer is still under way when the event comes."""
    key, visit = await entered(desk)
    connect(desk, sendgrid, fate=Fate.HANG_AFTER)
    sendgrid.faults.next(Fate.HANG_AFTER)
    assert await attempt(desk, key, visit=visit) is None
    await told(desk, sendgrid)
    await told(desk, sendgrid, callback=replace(PROCESSED, status="delivered", rank=2, state=LedgerState.DELIVERED))
    assert await attempt(desk, key, visit=visit) is not None
    assert (await row(desk, key)).state is LedgerState.DELIVERED
    assert sendgrid.requests == 1


async def test_two_equal_mails_of_two_rules_are_two_mails(desk: Desk, sendgrid: SendGridStandIn) -> None:
    """Case 12."""
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, RULE, RULE.replace("id: mail", "id: other"))
    for rule in ("mail", "other"):
        await desk.carry_out(key, visit=visit, rule=rule)
    async with desk.store.read() as tx:
        rows = await ledger.rows_of(tx, key)
    assert {str(found.id) for found in rows} == {mail.send_id for mail in sendgrid.accepted}
    assert {found.provider_id for found in rows} == {mail.id for mail in sendgrid.accepted}


async def test_mails_wait_while_the_key_is_revoked_and_leave_once(desk: Desk, sendgrid: SendGridStandIn) -> None:
    """Case 13."""
    key, visit = await entered(desk)
    up = desk.connected
    desk.connected = (SendGridProvider(account(sendgrid.url, api_key="SG.revoked"), store=desk.store),)
    assert await attempt(desk, key, visit=visit) is None
    waiting = await row(desk, key)
    assert (waiting.state, "ORDERS_SENDGRID_API_KEY" in waiting.words) == (LedgerState.PLANNED, True)
    desk.connected = up
    assert await attempt(desk, key, visit=visit) is not None
    assert len(sendgrid.accepted) == 1


async def test_mail_waits_while_the_provider_is_down_and_leaves_once(desk: Desk, sendgrid: SendGridStandIn) -> None:
    """Case 24; that a rule gives up at `expires` is the workflow's, for every channel."""
    key, visit = await entered(desk)
    up = desk.connected
    desk.connected = (SendGridProvider(account("http://127.0.0.1:9"), store=desk.store),)
    for _ in range(3):
        assert await attempt(desk, key, visit=visit) is None
        assert (await row(desk, key)).state is LedgerState.PLANNED
    desk.connected = up
    run = await attempt(desk, key, visit=visit)
    assert run is not None
    assert run.status is RunStatus.DONE
    assert len(sendgrid.accepted) == 1


async def test_provider_says_what_the_events_have_told(desk: Desk, sendgrid: SendGridStandIn) -> None:
    """Case 1: the event came while the provider was being asked."""
    key, visit = await entered(desk)
    sendgrid.faults.next(Fate.RESET_AFTER)
    assert await attempt(desk, key, visit=visit) is None
    await told(desk, sendgrid)
    (provider,) = desk.connected
    found = await provider.lookup(MAIL, send_id=(await row(desk, key)).id)
    assert found is not None
    assert found.provider_id == sendgrid.accepted[0].id


async def test_no_mail_is_sent_twice_though_half_of_the_requests_fail_and_events_are_lost(desk: Desk) -> None:
    """Cases 1-4, 8-10 together: every mail is done, or held for a person; none leaves twice."""
    seed = 20261121
    print(f"seed {seed}")
    draw = Random(seed)
    async with SendGridStandIn(faults=Faults(seed=seed, weights=HALF)) as sendgrid:
        hasty = account(sendgrid.url, timeout_seconds=2, grace_seconds=0)
        desk.connected = (SendGridProvider(hasty, store=desk.store),)
        runs = [await _brought(desk, sendgrid, number=f"{number}", draw=draw) for number in range(20)]
        taken = Counter(mail.send_id for mail in sendgrid.accepted)
    assert {run.status for run in runs} <= {RunStatus.DONE, RunStatus.HELD}
    assert set(taken.values()) == {1}
    assert {str(run.id) for run in runs if run.status is RunStatus.DONE} <= set(taken)


async def _brought(desk: Desk, sendgrid: SendGridStandIn, *, number: str, draw: Random) -> RunRecord:
    key = await desk.order(number, customer=ANNA)
    visit = await desk.enter(key, RULE)
    for _ in range(20):
        run = await attempt(desk, key, visit=visit)
        if run is not None:
            return run
        send = await row(desk, key)
        mail = next((mail for mail in sendgrid.accepted if mail.send_id == str(send.id)), None)
        if mail is not None and draw.random() < 0.75:
            async with desk.store.write() as tx:
                await ledger.delivered(tx, send_id=send.id, provider_id=mail.id, callback=PROCESSED, now=desk.now)
    raise AssertionError("it never came to an end")
