"""Attempts of a message that reached nobody. Covers C1, M62; case 32."""

from activities.store import attempts, journal, ledger, runs, trials, visits
from activities.store.attempts import NOT_REACHED
from activities.store.database import Store
from activities.store.history import LedgerState
from activities.store.ledger import Callback
from activities.store.trials import Trial
from activities.store.visits import RunEnd
from tests.store.builders import KEY, NOW, claim_of, later, move, planned, put_order
from workflows.contracts.ids import run_id
from workflows.contracts.reasons import RunReason, RunStatus

RUN = run_id(KEY, 1, "sms")


async def test_an_attempt_that_reached_nobody_counts_and_late_words_on_it_do_not(store: Store) -> None:
    await put_order(store, runs=(planned("sms"),))
    async with store.write() as tx:
        assert await attempts.current(tx, run=RUN) == 1
        await ledger.claim(tx, claim=claim_of())
        await ledger.accepted(tx, send_id=RUN, provider_id="CA1", now=NOW)
        assert await attempts.current(tx, run=RUN) == 1
        await attempts.end(tx, send_id=RUN, code=NOT_REACHED, words="nobody", at=NOW)
        assert await attempts.current(tx, run=RUN) == 2
        late = Callback("completed", rank=9, state=LedgerState.DELIVERED)
        assert not await ledger.delivered(tx, send_id=RUN, provider_id="CA1", callback=late, now=NOW)
        assert await attempts.current(tx, run=RUN) == 2


async def test_a_run_that_waits_for_its_next_attempt_stops_with_its_stage(store: Store) -> None:
    """Covers M05: nothing of it is on its way."""
    await put_order(store, runs=(planned("sms"),))
    async with store.write() as tx:
        await ledger.claim(tx, claim=claim_of())
        await ledger.accepted(tx, send_id=RUN, provider_id="CA1", now=NOW)
        await attempts.end(tx, send_id=RUN, code=NOT_REACHED, words="nobody", at=NOW)
        assert not await ledger.is_claimed(tx, run=RUN)
        await move(tx, KEY, visit=2)
        found = await visits.standing(tx, KEY)
    assert found is not None
    assert found.visit == 2


async def test_a_persons_repeat_begins_with_the_first_attempt(store: Store) -> None:
    """Covers M62."""
    await put_order(store, runs=(planned("sms"),))
    async with store.write() as tx:
        await ledger.claim(tx, claim=claim_of())
        await ledger.accepted(tx, send_id=RUN, provider_id="CA1", now=NOW)
        await attempts.end(tx, send_id=RUN, code=NOT_REACHED, words="nobody", at=NOW)
        await ledger.reopen(tx, KEY, visit=1, rule="sms", now=NOW)
        row = await ledger.row(tx, send_id=RUN)
        assert await attempts.current(tx, run=RUN) == 1
    assert row is not None
    assert row.state is LedgerState.PLANNED


async def test_what_was_not_accepted_cannot_have_missed_anybody(store: Store) -> None:
    await put_order(store, runs=(planned("sms"),))
    async with store.write() as tx:
        await attempts.end(tx, send_id=RUN, code=NOT_REACHED, words="nobody", at=NOW)
        await ledger.claim(tx, claim=claim_of())
        await attempts.end(tx, send_id=RUN, code=NOT_REACHED, words="nobody", at=NOW)
        assert await attempts.current(tx, run=RUN) == 1


async def test_a_run_that_was_done_waits_for_another_attempt_and_keeps_what_it_gave(store: Store) -> None:
    """Covers case 15: its message failed after it was accepted. `expires` counts from when it was first claimed."""
    await put_order(store, runs=(planned("sms"),))
    full = Callback("undelivered", 5, LedgerState.FAILED, code="30001", words="the queue is full", may_be_repeated=True)
    async with store.write() as tx:
        await ledger.claim(tx, claim=claim_of())
        assert await ledger.accepted(tx, send_id=RUN, provider_id="SM1", now=NOW)
        end = RunEnd(RunStatus.DONE, RunReason.DONE, later(seconds=1), results={"segments": 2})
        await runs.finish(tx, KEY, visit=1, rule="sms", end=end)
        for _ in range(2):
            await ledger.delivered(tx, send_id=RUN, provider_id="SM1", callback=full, now=later(seconds=2))
    async with store.write() as tx:
        row = await ledger.row(tx, send_id=RUN)
        told = [event for event in (await journal.events_of(tx, KEY)).items if event.type == "rule.undelivered"]
        await attempts.end(tx, send_id=RUN, code=NOT_REACHED, words="the queue is full", at=later(seconds=3))
        for moment in (later(minutes=5), later(minutes=9)):  # the second finds it planned already
            await attempts.plan_anew(tx, run=RUN, due=moment, words="next attempt")
        run = await runs.run_of(tx, KEY, visit=1, rule="sms")
        assert await attempts.current(tx, run=RUN) == 2
    assert row is not None
    assert (row.code, row.words) == ("30001", "the queue is full")
    assert [event.data["send"] for event in told] == [str(RUN)]
    assert run is not None
    assert (run.status, run.reason, run.due) == (RunStatus.PLANNED, RunReason.RETRYING, later(minutes=5))
    assert (run.started_at, run.ended_at, run.results) == (NOW, None, {"segments": 2})


async def test_a_receipt_that_came_first_makes_the_acceptance_no_news(store: Store) -> None:
    """Covers case 11."""
    await put_order(store, runs=(planned("sms"),))
    full = Callback("undelivered", 5, LedgerState.FAILED, code="30005", words="not in service")
    async with store.write() as tx:
        await ledger.claim(tx, claim=claim_of())
        await ledger.delivered(tx, send_id=RUN, provider_id="SM1", callback=full, now=NOW)
        assert not await ledger.accepted(tx, send_id=RUN, provider_id="SM1", now=NOW)
        row = await ledger.row(tx, send_id=RUN)
    assert row is not None
    assert (row.state, row.words) == (LedgerState.FAILED, "not in service")


async def test_a_trial_send_has_a_row_and_no_run(store: Store) -> None:
    await put_order(store, runs=(planned("sms"),))
    send = run_id(KEY, 9, "trial")
    trial = Trial(send, KEY, 1, "new", "call", "voice", "outbox", address="+48600000001", body_hash="0" * 64)
    async with store.write() as tx:
        await trials.begin(tx, trial=trial, now=NOW, lease=later(minutes=1) - NOW)
        await ledger.accepted(tx, send_id=send, provider_id="CA9", now=NOW)
        row = await ledger.row(tx, send_id=send)
        assert not await ledger.is_claimed(tx, run=RUN)
    assert row is not None
    assert (row.state, row.rule, row.number) == (LedgerState.ACCEPTED, "call", KEY.number)
