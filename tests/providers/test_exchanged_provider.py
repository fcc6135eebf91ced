"""A provider is exchanged while a send's outcome is open: the one that may have taken it is asked. Covers M61."""

import pytest
from temporalio.exceptions import ApplicationError

from activities.store.history import LedgerState
from tests.providers.phone import Phone
from tests.support.stand_ins.twilio import CallbackFaults, Fate
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus


async def lost(phone: Phone, *, rule: str = "sms: thanks", fate: Fate = Fate.HANG_AFTER) -> tuple[OrderKey, int]:
    """Send a text whose answer and callbacks are lost, then let another provider send texts."""
    key, visit = await phone.order(rule)
    phone.stand_in.faults.callbacks = CallbackFaults(lost=1)
    phone.stand_in.faults.next(fate)
    with pytest.raises(ApplicationError):
        await phone.attempt(key, visit)
    phone.carrier = "outbox"
    return key, visit


async def test_lost_text_is_looked_for_at_the_provider_that_got_it(phone: Phone) -> None:
    key, visit = await lost(phone)
    assert (await phone.persist(key, visit)).status is RunStatus.DONE
    (accepted,) = phone.stand_in.accepted
    assert (await phone.row(key, visit)).provider_id == accepted.sid
    assert await phone.desk.outbox() == []


async def test_text_that_never_arrived_leaves_by_the_new_provider(phone: Phone) -> None:
    key, visit = await lost(phone, fate=Fate.HANG_BEFORE)
    assert (await phone.persist(key, visit)).status is RunStatus.DONE
    assert phone.stand_in.accepted == []
    assert (await phone.row(key, visit)).provider == "outbox"
    assert len(await phone.desk.outbox()) == 1


async def test_lost_text_of_a_provider_that_is_gone_is_held_for_a_person(phone: Phone) -> None:
    key, visit = await lost(phone)
    phone.is_connected = False
    run = await phone.persist(key, visit)
    assert (run.status, run.reason) == (RunStatus.HELD, RunReason.OUTCOME_UNKNOWN)
    assert (await phone.row(key, visit)).state is LedgerState.HELD
    assert await phone.desk.outbox() == []


async def test_lost_text_of_a_provider_that_is_gone_is_sent_again_where_its_rule_says_so(phone: Phone) -> None:
    key, visit = await lost(phone, rule="sms: thanks\non_unknown: resend")
    phone.is_connected = False
    assert (await phone.persist(key, visit)).status is RunStatus.DONE
    assert len(await phone.desk.outbox()) == 1


async def test_call_is_asked_for_at_the_provider_that_made_it(phone: Phone) -> None:
    """Covers C1: in the outbox every call is answered."""
    phone.stand_in.faults.callbacks = CallbackFaults(lost=1)
    phone.stand_in.script.answers["+48501000111"] = "busy"
    key, visit = await phone.order("robocall: Hello")
    with pytest.raises(ApplicationError):
        await phone.attempt(key, visit, rule="robocall", kind="robocall")
    phone.carrier = "outbox"
    run = await phone.persist(key, visit, rule="robocall", kind="robocall", most=60)
    assert run.results["outcome"] == "busy"
