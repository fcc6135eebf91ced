"""The failure cases of sending, by their number, over Twilio: whatever fails, one message per run and no more.

Each runs the product's own activity on a real store; the stand-in tells what was accepted.
"""

from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio.exceptions import ApplicationError

from activities.providers.errors import Rejected
from activities.providers.protocol import Message
from activities.sends import SendLimits
from activities.store import suppressions
from activities.store.database import Conflict
from activities.store.history import LedgerState
from tests.providers.phone import Phone
from tests.support.stand_ins.twilio import CallbackFaults, Fate
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus

BODY = "Anna, thank you for order 1001."
TEXT = Message("sms", address="+48501000111", body=BODY)

RULE = "sms: thanks"

#: Callbacks never arrive: only the list of messages can tell.
DEAF = CallbackFaults(lost=1)


async def sent_once(phone: Phone, key: OrderKey, visit: int) -> None:
    """Assert that one message was accepted, and that its row knows it."""
    await phone.stand_in.accept_late()
    (accepted,) = phone.stand_in.accepted
    row = await phone.row(key, visit)
    assert row.provider_id == accepted.sid
    assert row.state in (LedgerState.ACCEPTED, LedgerState.DELIVERED)
    assert accepted.send == str(row.id)


async def test_case_1_lost_answer_is_settled_by_the_callback(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    phone.stand_in.faults.next(Fate.HANG_AFTER)
    with pytest.raises(ApplicationError):
        await phone.attempt(key, visit)
    await phone.stand_in.settled()
    assert (await phone.row(key, visit)).state is LedgerState.DELIVERED
    run = await phone.attempt(key, visit)
    assert (run.status, run.results["segments"]) == (RunStatus.DONE, 1)
    await sent_once(phone, key, visit)


async def test_case_2_lost_answer_and_callback_are_settled_by_the_list(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    phone.stand_in.faults.callbacks = DEAF
    phone.stand_in.faults.next(Fate.HANG_AFTER)
    run = await phone.persist(key, visit)
    assert run.status is RunStatus.DONE
    assert timedelta(seconds=30) in phone.waits
    await sent_once(phone, key, visit)


async def test_case_3_message_that_never_arrived_is_sent_after_the_grace_time(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    phone.stand_in.faults.next(Fate.HANG_BEFORE)
    run = await phone.persist(key, visit)
    assert run.status is RunStatus.DONE
    assert (await phone.row(key, visit)).attempt == 2
    await sent_once(phone, key, visit)


async def test_case_4_message_accepted_within_the_grace_time_is_found(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    phone.stand_in.faults.callbacks = DEAF
    phone.stand_in.faults.next(Fate.LATE)
    with pytest.raises(ApplicationError) as caught:
        await phone.attempt(key, visit)
    assert caught.value.next_retry_delay == timedelta(seconds=30)
    phone.clock.advance(timedelta(seconds=29))
    await phone.stand_in.accept_late()
    with pytest.raises(ApplicationError, match="still be busy"):
        await phone.attempt(key, visit)
    assert (await phone.persist(key, visit)).status is RunStatus.DONE
    await sent_once(phone, key, visit)


async def test_case_5_worker_that_died_before_it_sent_is_recovered(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    await phone.claim(key, visit, message=TEXT)
    run = await phone.persist(key, visit)
    assert run.status is RunStatus.DONE
    assert sum(phone.waits, timedelta(0)) >= SendLimits().lease + timedelta(seconds=30)
    await sent_once(phone, key, visit)


async def test_case_6_worker_that_died_after_it_sent_is_recovered(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    phone.stand_in.faults.callbacks = DEAF
    send_id = await phone.claim(key, visit, message=TEXT)
    await phone.provider().send(TEXT, send_id=send_id)
    assert (await phone.persist(key, visit)).status is RunStatus.DONE
    await sent_once(phone, key, visit)


async def test_case_7_worker_that_was_frozen_past_its_lease_does_not_send(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    # The lease leaves no time to send: it is as if the worker had slept between its claim and its request.
    with pytest.raises(ApplicationError, match="stopped for too long"):
        await phone.attempt(key, visit, limits=SendLimits(lease=timedelta(seconds=1)))
    assert not phone.stand_in.exchanges
    assert (await phone.persist(key, visit)).status is RunStatus.DONE
    await sent_once(phone, key, visit)


async def test_case_8_too_many_requests_are_tried_again_without_a_look_at_the_list(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    phone.stand_in.faults.next(Fate.BUSY, Fate.BUSY)
    run = await phone.persist(key, visit)
    assert run.status is RunStatus.DONE
    assert phone.waits == [timedelta(seconds=1)] * 2
    assert {exchange.method for exchange in phone.stand_in.exchanges} == {"POST"}
    await sent_once(phone, key, visit)


@pytest.mark.parametrize("fate", [Fate.BROKEN_BEFORE, Fate.BROKEN_AFTER])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_case_9_broken_twilio_never_gets_a_blind_second_request(phone: Phone, fate: Fate, seed: int) -> None:
    key, visit = await phone.order(RULE)
    phone.stand_in.faults.reseed(seed)
    phone.stand_in.faults.callbacks = DEAF
    phone.stand_in.faults.next(fate)
    assert (await phone.persist(key, visit)).status is RunStatus.DONE
    methods = [exchange.method for exchange in phone.stand_in.exchanges]
    assert methods == (["POST", "GET", "POST"] if fate is Fate.BROKEN_BEFORE else ["POST", "GET"])
    await sent_once(phone, key, visit)


@pytest.mark.parametrize("fate", [Fate.CUT_AFTER, Fate.EMPTY_AFTER, Fate.PAGE_AFTER, Fate.RESET_AFTER])
async def test_case_10_unreadable_answer_is_adopted_from_the_list(phone: Phone, fate: Fate) -> None:
    key, visit = await phone.order(RULE)
    phone.stand_in.faults.callbacks = DEAF
    phone.stand_in.faults.next(fate)
    assert (await phone.persist(key, visit)).status is RunStatus.DONE
    await sent_once(phone, key, visit)


async def test_case_11_callback_that_overtakes_the_answer_is_no_error(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    phone.stand_in.faults.next(Fate.OVERTAKEN_AFTER)
    phone.settings["timeout"] = "10"
    assert (await phone.attempt(key, visit)).status is RunStatus.DONE
    assert (await phone.row(key, visit)).state is LedgerState.DELIVERED
    await sent_once(phone, key, visit)


@pytest.mark.parametrize("second", [Fate.HANG_AFTER, Fate.HANG_BEFORE])
@pytest.mark.parametrize("first", [Fate.HANG_AFTER, Fate.HANG_BEFORE])
async def test_case_12_of_identical_texts_of_two_rules_each_is_one_message(
    phone: Phone, first: Fate, second: Fate
) -> None:
    """Only the list can tell; so the second text waits until it is known what became of the first."""
    key, visit = await phone.order("sms: thanks\nid: first", "sms: thanks\nid: second")
    phone.stand_in.faults.callbacks = DEAF
    phone.stand_in.faults.next(first)
    for rule in ("first", "second"):
        with pytest.raises(ApplicationError):
            await phone.attempt(key, visit, rule=rule)
    assert (await phone.run(key, visit, rule="second")).status is RunStatus.PLANNED
    assert (await phone.persist(key, visit, rule="first")).status is RunStatus.DONE
    phone.stand_in.faults.next(second)
    assert (await phone.persist(key, visit, rule="second")).status is RunStatus.DONE
    rows = [await phone.row(key, visit, rule=rule) for rule in ("first", "second")]
    assert [(line.send, line.sid) for line in phone.stand_in.accepted] == [
        (str(row.id), row.provider_id) for row in rows
    ]


async def test_case_12_store_lets_no_message_belong_to_two_rows(phone: Phone) -> None:
    key, visit = await phone.order("sms: thanks\nid: first", "sms: thanks\nid: second")
    for rule in ("first", "second"):
        await phone.claim(key, visit, message=TEXT, rule=rule)
    await phone.accepted((await phone.row(key, visit, rule="first")).id, provider_id="SM1")
    with pytest.raises(Conflict):
        await phone.accepted((await phone.row(key, visit, rule="second")).id, provider_id="SM1")


async def test_case_13_sends_wait_while_the_key_is_revoked_and_leave_once_when_it_is_not(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    phone.settings["auth_token"] = "revoked"
    for _ in range(2):
        with pytest.raises(ApplicationError, match="ORDERS_TWILIO_AUTH_TOKEN"):
            await phone.attempt(key, visit)
    run = await phone.run(key, visit)
    assert (run.status, run.reason) == (RunStatus.PLANNED, RunReason.RETRYING)
    assert "ORDERS_TWILIO_AUTH_TOKEN" in run.words
    assert phone.stand_in.accepted == []
    phone.settings.clear()
    assert (await phone.attempt(key, visit)).status is RunStatus.DONE
    await sent_once(phone, key, visit)


async def test_case_14_person_who_wrote_stop_gets_no_more_texts(phone: Phone) -> None:
    key, visit = await phone.order("sms: thanks\nid: first", "sms: thanks\nid: second")
    phone.stand_in.script.refusals["+48501000111"] = 21610
    run = await phone.attempt(key, visit, rule="first")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.REJECTED)
    assert "STOP" in run.words
    async with phone.store.read() as tx:
        assert await suppressions.is_suppressed(tx, channel="sms", address="+48501000111")
    asked = len(phone.stand_in.exchanges)
    later = await phone.attempt(key, visit, rule="second")
    assert (later.status, later.reason) == (RunStatus.SKIPPED, RunReason.UNSUBSCRIBED)
    assert len(phone.stand_in.exchanges) == asked
    assert (await phone.row(key, visit, rule="first")).code == "21610"


async def test_case_14_stop_concerns_texts_and_chats_by_text(phone: Phone) -> None:
    phone.stand_in.script.refusals["+48501000111"] = 21610
    chat = Message("chat", address="+48501000111", body=BODY, medium="sms")
    with pytest.raises(Rejected):
        await phone.provider().send(chat, send_id=uuid4())
    async with phone.store.read() as tx:
        for channel in ("sms", "chat"):
            assert await suppressions.is_suppressed(tx, channel=channel, address="+48501000111")
        assert not await suppressions.is_suppressed(tx, channel="voice", address="+48501000111")


async def test_case_15_full_queue_is_tried_later(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    phone.stand_in.script.refusals["+48501000111"] = 21611
    for _ in range(3):
        with pytest.raises(ApplicationError, match="queue"):
            await phone.attempt(key, visit)
        waiting = await phone.run(key, visit)
        assert (waiting.status, waiting.reason) == (RunStatus.PLANNED, RunReason.RETRYING)
    phone.stand_in.script.refusals.clear()
    assert (await phone.attempt(key, visit)).status is RunStatus.DONE
    await sent_once(phone, key, visit)


async def test_case_15_full_queue_ends_when_the_time_is_over(phone: Phone) -> None:
    key, visit = await phone.order(RULE)
    phone.stand_in.script.refusals["+48501000111"] = 21611
    with pytest.raises(ApplicationError):
        await phone.attempt(key, visit)
    run = await phone.attempt(key, visit, over=RunReason.EXPIRED)
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.EXPIRED)
    assert phone.stand_in.accepted == []


async def test_lost_answer_is_settled_even_when_the_time_is_over(phone: Phone) -> None:
    """Covers case 1 with M60: it was sent, so it does not count as expired."""
    key, visit = await phone.order(RULE)
    phone.stand_in.faults.callbacks = DEAF
    phone.stand_in.faults.next(Fate.HANG_AFTER)
    with pytest.raises(ApplicationError):
        await phone.attempt(key, visit)
    phone.clock.advance(timedelta(hours=1))
    run = await phone.attempt(key, visit, over=RunReason.EXPIRED)
    assert run.status is RunStatus.DONE
    await sent_once(phone, key, visit)


async def test_list_that_cannot_be_read_is_asked_again(phone: Phone) -> None:
    """Covers case 2: nobody may take a list that fails for an empty one."""
    key, visit = await phone.order(RULE)
    phone.stand_in.faults.callbacks = DEAF
    phone.stand_in.faults.next(Fate.RESET_AFTER)
    phone.stand_in.faults.next_question(Fate.BROKEN_BEFORE, Fate.BUSY, Fate.HANG_BEFORE, Fate.RESET_BEFORE)
    assert (await phone.persist(key, visit)).status is RunStatus.DONE
    await sent_once(phone, key, visit)


@pytest.mark.parametrize("seed", range(4))
async def test_many_texts_over_a_bad_line_arrive_once_each(phone: Phone, seed: int) -> None:
    """Covers cases 1 to 11 together; the seed is in the test's name."""
    weights = dict.fromkeys((fate for fate in Fate if fate is not Fate.LATE), 1) | {Fate.QUICK: 8}
    phone.stand_in.faults.reseed(seed)
    phone.stand_in.faults.weights = weights
    phone.stand_in.faults.callbacks = CallbackFaults(lost=0.25, doubled=0.2, shuffled=0.2)
    for number in range(8):
        key, visit = await phone.order(RULE, number=f"{number}")
        assert (await phone.persist(key, visit, most=60)).status is RunStatus.DONE
    await phone.stand_in.settled()
    assert len({line.send for line in phone.stand_in.accepted}) == len(phone.stand_in.accepted) == 8
