"""The ledger: claims and refusals, outcomes, callbacks, settling, leases."""

from datetime import timedelta
from uuid import UUID

import pytest

from activities.store import customers, ledger, visits
from activities.store.database import NotFound, Store
from activities.store.history import LedgerState
from activities.store.ledger import Callback, Claimed, DuplicateSend, Refused, Unsettled
from activities.store.records import CustomerPatch
from tests.store.builders import KEY, NOW, claim_of, later, move, planned, put_order
from workflows.contracts.ids import run_id
from workflows.contracts.reasons import RunReason

SEND = run_id(KEY, 1, "sms")
DELIVERED = Callback("delivered", 40, LedgerState.DELIVERED)
SENT = Callback("sent", 20, LedgerState.ACCEPTED)
UNDELIVERED = Callback("undelivered", 40, LedgerState.FAILED, code="30003")


@pytest.fixture
async def ready(store: Store) -> Store:
    """A store with an order whose rule `sms` is planned."""
    await put_order(store, runs=(planned("sms"),))
    return store


async def claim(store: Store, **more: object) -> Claimed | Refused | Unsettled:
    async with store.write() as tx:
        return await ledger.claim(tx, claim=claim_of(**more))


async def state_of(store: Store, send_id: UUID = SEND) -> LedgerState | None:
    async with store.read() as tx:
        row = await ledger.row(tx, send_id=send_id)
    return None if row is None else row.state


async def test_a_claim_is_given_once_and_then_accepted(ready: Store) -> None:
    """Covers M61."""
    assert await claim(ready) == Claimed(SEND, attempt=1, until=later(seconds=60))
    async with ready.write() as tx:
        await ledger.accepted(tx, send_id=SEND, provider_id="SM1", now=later(seconds=1))
        await ledger.accepted(tx, send_id=SEND, provider_id="SM1", now=later(seconds=2))
        row = await ledger.row(tx, send_id=SEND)
    assert row is not None
    assert (row.state, row.provider_id, row.accepted_at) == (LedgerState.ACCEPTED, "SM1", later(seconds=1))
    again = await claim(ready)
    assert isinstance(again, Unsettled)
    assert (again.state, again.provider_id, again.since) == (LedgerState.ACCEPTED, "SM1", NOW)


async def test_a_second_provider_id_raises_the_alarm(ready: Store) -> None:
    """Covers M61."""
    await claim(ready)
    async with ready.write() as tx:
        await ledger.accepted(tx, send_id=SEND, provider_id="SM1", now=NOW)
        with pytest.raises(DuplicateSend):
            await ledger.accepted(tx, send_id=SEND, provider_id="SM2", now=NOW)
        with pytest.raises(DuplicateSend):
            await ledger.delivered(tx, send_id=SEND, provider_id="SM2", callback=DELIVERED, now=NOW)


async def test_what_never_left_may_be_claimed_again(ready: Store) -> None:
    """Covers M60."""
    await claim(ready)
    async with ready.write() as tx:
        await ledger.released(tx, send_id=SEND, error="429", now=NOW)
    assert await claim(ready) == Claimed(SEND, attempt=2, until=later(seconds=60))


async def test_a_running_claim_keeps_others_away_until_its_lease_ends(ready: Store) -> None:
    """Covers M61."""
    await claim(ready)
    during = await claim(ready, now=later(seconds=59))
    assert isinstance(during, Unsettled)
    assert (during.state, during.lease_until) == (LedgerState.DISPATCHING, later(minutes=1))
    after = await claim(ready, now=later(seconds=60))
    assert isinstance(after, Unsettled)
    assert after.state is LedgerState.UNKNOWN
    assert await state_of(ready) is LedgerState.UNKNOWN


async def test_an_unknown_outcome_is_not_sent_again_before_it_is_settled(ready: Store) -> None:
    """Covers M61."""
    await claim(ready)
    async with ready.write() as tx:
        await ledger.unknown(tx, send_id=SEND, now=later(seconds=5))
    found = await claim(ready, now=later(days=1))
    assert isinstance(found, Unsettled)
    assert (found.state, found.since) == (LedgerState.UNKNOWN, later(seconds=5))


@pytest.mark.parametrize(
    ("to", "provider_id"),
    [
        (LedgerState.ACCEPTED, "SM1"),
        (LedgerState.PLANNED, None),
        (LedgerState.HELD, None),
        (LedgerState.FAILED, None),
    ],
)
async def test_an_unknown_outcome_is_settled(ready: Store, to: LedgerState, provider_id: str | None) -> None:
    """Covers M61."""
    await claim(ready)
    async with ready.write() as tx:
        assert not await ledger.settle(tx, send_id=SEND, to=to, now=NOW, provider_id=provider_id)
        await ledger.unknown(tx, send_id=SEND, now=NOW)
        assert await ledger.settle(tx, send_id=SEND, to=to, now=NOW, provider_id=provider_id)
    assert await state_of(ready) is to


async def test_settling_as_accepted_needs_the_providers_id(ready: Store) -> None:
    async with ready.write() as tx:
        with pytest.raises(ValueError, match="provider's id"):
            await ledger.settle(tx, send_id=SEND, to=LedgerState.ACCEPTED, now=NOW)
        with pytest.raises(ValueError, match="cannot be settled"):
            await ledger.settle(tx, send_id=SEND, to=LedgerState.SKIPPED, now=NOW)


async def test_a_callback_settles_an_unknown_outcome(ready: Store) -> None:
    """Covers M61."""
    await claim(ready)
    async with ready.write() as tx:
        await ledger.unknown(tx, send_id=SEND, now=NOW)
        assert await ledger.delivered(tx, send_id=SEND, provider_id="SM1", callback=SENT, now=NOW)
    assert await state_of(ready) is LedgerState.ACCEPTED


async def test_callbacks_out_of_order_end_in_the_highest_rank(ready: Store) -> None:
    await claim(ready)
    async with ready.write() as tx:
        await ledger.accepted(tx, send_id=SEND, provider_id="SM1", now=NOW)
        assert await ledger.delivered(tx, send_id=SEND, provider_id="SM1", callback=DELIVERED, now=later(seconds=3))
        assert not await ledger.delivered(tx, send_id=SEND, provider_id="SM1", callback=SENT, now=later(seconds=4))
        assert not await ledger.delivered(tx, send_id=SEND, provider_id="SM1", callback=UNDELIVERED, now=NOW)
        row = await ledger.row(tx, send_id=SEND)
    assert row is not None
    assert (row.state, row.provider_status, row.delivered_at) == (LedgerState.DELIVERED, "delivered", later(seconds=3))


async def test_a_callback_that_overtakes_the_answer_is_taken(ready: Store) -> None:
    await claim(ready)
    async with ready.write() as tx:
        assert await ledger.delivered(tx, send_id=SEND, provider_id="SM1", callback=UNDELIVERED, now=NOW)
        await ledger.accepted(tx, send_id=SEND, provider_id="SM1", now=NOW)
        row = await ledger.row(tx, send_id=SEND)
    assert row is not None
    assert (row.state, row.code) == (LedgerState.FAILED, "30003")


async def test_a_late_callback_of_a_repeated_attempt_is_passed_over(ready: Store) -> None:
    """Covers M62."""
    await claim(ready)
    async with ready.write() as tx:
        await ledger.accepted(tx, send_id=SEND, provider_id="SM1", now=NOW)
        await ledger.delivered(tx, send_id=SEND, provider_id="SM1", callback=UNDELIVERED, now=NOW)
        await ledger.reopen(tx, KEY, visit=1, rule="sms", now=NOW)
    assert await claim(ready) == Claimed(SEND, attempt=2, until=later(seconds=60))
    async with ready.write() as tx:
        assert not await ledger.delivered(tx, send_id=SEND, provider_id="SM1", callback=DELIVERED, now=NOW)
        await ledger.accepted(tx, send_id=SEND, provider_id="SM2", now=NOW)
    assert await state_of(ready) is LedgerState.ACCEPTED


async def test_a_refusal_for_good_is_kept_with_its_code(ready: Store) -> None:
    """Covers M60."""
    await claim(ready)
    async with ready.write() as tx:
        await ledger.failed(tx, send_id=SEND, code="21211", words="not a phone number", now=NOW)
    found = await claim(ready)
    assert isinstance(found, Unsettled)
    assert (found.state, found.code, found.words) == (LedgerState.FAILED, "21211", "not a phone number")


async def test_several_messages_of_one_run_have_rows_of_their_own(ready: Store) -> None:
    """Covers E18: an SMS to several employees."""
    other = run_id(KEY, 1, "sms/marek")
    assert await claim(ready, customer=None) == Claimed(SEND, attempt=1, until=later(seconds=60))
    assert await claim(ready, customer=None, send_id=other) == Claimed(other, attempt=1, until=later(seconds=60))
    async with ready.write() as tx:
        await ledger.failed(tx, send_id=other, code="x", words="", now=NOW)
        assert await ledger.reopen(tx, KEY, visit=1, rule="sms", now=NOW) == 1
        assert {row.state for row in await ledger.rows_of(tx, KEY)} == {LedgerState.DISPATCHING, LedgerState.PLANNED}


async def test_a_left_stage_may_not_send(ready: Store) -> None:
    """Covers M05."""
    async with ready.write() as tx:
        await move(tx, KEY, visit=2)
    found = await claim(ready)
    assert isinstance(found, Refused)
    assert found.reason is RunReason.STAGE_LEFT
    assert await state_of(ready) is None


async def test_a_held_order_may_not_send(ready: Store) -> None:
    """Covers M06."""
    async with ready.write() as tx:
        await visits.hold(tx, KEY, at=NOW, by="olga")
    assert await claim(ready) == Refused(RunReason.ON_HOLD, "The order's automation is on hold")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", RunReason.UNSUBSCRIBED),
        ("unsubscribed", RunReason.UNSUBSCRIBED),
        ("blocked", RunReason.BLOCKED),
        ("bounced", RunReason.BLOCKED),
    ],
)
async def test_a_blocked_address_gets_only_transactional_messages(
    ready: Store, reason: str, expected: RunReason
) -> None:
    """Covers M63."""
    async with ready.write() as tx:
        await customers.suppress(tx, channel="sms", address="+48501234567", reason=reason, now=NOW)
    found = await claim(ready)
    assert isinstance(found, Refused)
    assert found.reason is expected
    assert await state_of(ready) is LedgerState.SKIPPED
    assert await claim(ready, is_transactional=True) == Claimed(SEND, attempt=1, until=later(seconds=60))


async def test_a_customer_without_consent_gets_no_message_but_employees_do(ready: Store) -> None:
    """Covers M63."""
    async with ready.write() as tx:
        await customers.patch(tx, id="anna", patch=CustomerPatch.model_validate({"consent": {"sms": False}}), now=NOW)
    assert await claim(ready) == Refused(RunReason.UNSUBSCRIBED, "The customer does not want sms")
    assert await claim(ready, channel="email") == Claimed(SEND, attempt=1, until=later(seconds=60))


async def test_consent_counts_for_the_customer_only(ready: Store) -> None:
    async with ready.write() as tx:
        await customers.patch(tx, id="anna", patch=CustomerPatch.model_validate({"consent": {"sms": False}}), now=NOW)
    assert await claim(ready, customer=None) == Claimed(SEND, attempt=1, until=later(seconds=60))


async def test_a_rule_the_visit_does_not_have_is_refused(ready: Store) -> None:
    found = await claim(ready, rule="nothing")
    assert isinstance(found, Refused)
    assert found.reason is RunReason.INTERNAL


async def test_an_unknown_order_or_send_is_an_error(store: Store) -> None:
    with pytest.raises(NotFound):
        await claim(store)
    async with store.write() as tx:
        with pytest.raises(NotFound):
            await ledger.accepted(tx, send_id=SEND, provider_id="SM1", now=NOW)


async def test_expired_leases_become_unknown(store: Store) -> None:
    """Covers M61."""
    await put_order(store, runs=(planned("sms"), planned("email")))
    await claim(store)
    await claim(store, rule="email", lease=timedelta(hours=1))
    async with store.write() as tx:
        assert [row.rule for row in await ledger.expired_leases(tx, now=later(minutes=5))] == ["sms"]
        assert await ledger.expired_leases(tx, now=later(minutes=5)) == []
    assert await state_of(store) is LedgerState.UNKNOWN


async def test_the_ledger_holds_nothing_readable(ready: Store) -> None:
    await claim(ready)
    async with ready.read() as tx:
        row = await ledger.row(tx, send_id=SEND)
    assert row is not None
    assert "501234567" not in row.model_dump_json()
