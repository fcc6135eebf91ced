"""Calls: one call speaks for one send (case 21), and its status never goes back."""

from uuid import UUID, uuid5

import pytest

from activities.store import calls, ledger, runs
from activities.store.calls import NewCall
from activities.store.database import Store
from activities.store.history import LedgerState
from activities.store.visits import RunEnd
from tests.store.builders import KEY, NOW, claim_of, later, planned, put_order
from workflows.contracts.ids import run_id
from workflows.contracts.reasons import RunReason, RunStatus

SEND = uuid5(UUID(int=9), "call")


def call_of(text: str = "Your order is ready.", *, send_id: UUID = SEND) -> NewCall:
    """Make a call."""
    return NewCall(send_id, KEY, text=text, language="en-US", voice="Polly.Joanna-Neural", rate=90, volume=3)


async def test_a_call_is_stored_with_all_that_is_heard(store: Store) -> None:
    await put_order(store)
    async with store.write() as tx:
        await calls.put(tx, call=call_of(), now=NOW)
        found = await calls.get(tx, send_id=SEND)
    assert found is not None
    assert (found.text, found.language, found.voice) == ("Your order is ready.", "en-US", "Polly.Joanna-Neural")
    assert (found.rate, found.volume, found.audio) == (90, 3, "")
    assert (found.call_id, found.status, found.answered_by, found.is_over) == (None, "", "", False)


async def test_there_is_no_call_that_nobody_made(store: Store) -> None:
    async with store.write() as tx:
        assert await calls.get(tx, send_id=SEND) is None
        assert await calls.speak(tx, send_id=SEND, call_id="CA1", now=NOW) is None
        assert not await calls.tell(tx, send_id=SEND, call_id="CA1", status="busy", answered_by="", now=NOW)


async def test_the_first_call_speaks_as_often_as_it_asks_and_another_one_never(store: Store) -> None:
    """Covers case 21."""
    await put_order(store)
    async with store.write() as tx:
        await calls.put(tx, call=call_of(), now=NOW)
        first = await calls.speak(tx, send_id=SEND, call_id="CA1", now=later(seconds=1))
        again = await calls.speak(tx, send_id=SEND, call_id="CA1", now=later(seconds=9))
        other = await calls.speak(tx, send_id=SEND, call_id="CA2", now=later(seconds=2))
    assert first is not None
    assert again is not None
    assert (again.call_id, again.fetched_at, again.text) == ("CA1", later(seconds=1), "Your order is ready.")
    assert other is None


async def test_the_words_may_change_until_the_send_is_claimed(store: Store) -> None:
    await put_order(store, runs=(planned("sms"),))
    send = run_id(KEY, 1, "sms")
    async with store.write() as tx:
        await calls.put(tx, call=call_of("Before the night", send_id=send), now=NOW)
        await calls.put(tx, call=call_of("After the night", send_id=send), now=NOW)
        await ledger.claim(tx, claim=claim_of())
        await calls.put(tx, call=call_of("Too late", send_id=send), now=NOW)
        found = await calls.get(tx, send_id=send)
    assert found is not None
    assert found.text == "After the night"


async def test_another_call_may_speak_only_where_a_person_repeats_the_rule(store: Store) -> None:
    """Covers M62, case 21."""
    await put_order(store, runs=(planned("sms"),))
    send = run_id(KEY, 1, "sms")
    async with store.write() as tx:
        await calls.put(tx, call=call_of(send_id=send), now=NOW)
        await ledger.claim(tx, claim=claim_of())
        await calls.speak(tx, send_id=send, call_id="CA1", now=NOW)
        await ledger.unknown(tx, send_id=send, now=NOW)
        await ledger.settle(tx, send_id=send, to=LedgerState.PLANNED, now=NOW)
        await calls.put(tx, call=call_of(send_id=send), now=NOW)
        assert await calls.speak(tx, send_id=send, call_id="CA2", now=NOW) is None
        await ledger.claim(tx, claim=claim_of())
        await ledger.failed(tx, send_id=send, code="13224", words="no such number", now=NOW)
        await runs.finish(tx, KEY, visit=1, rule="sms", end=RunEnd(RunStatus.FAILED, RunReason.REJECTED, NOW))
        await runs.repeat(tx, KEY, visit=1, rules=["sms"], at=NOW)
        await ledger.reopen(tx, KEY, visit=1, rule="sms", now=NOW)
        await calls.put(tx, call=call_of(send_id=send), now=NOW)
        repeated = await calls.speak(tx, send_id=send, call_id="CA2", now=NOW)
    assert repeated is not None
    assert (repeated.call_id, repeated.status) == ("CA2", "")


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        pytest.param(["initiated", "ringing", "in-progress", "completed"], "completed", id="in-order"),
        pytest.param(["completed", "ringing", "in-progress"], "completed", id="late-words"),
        pytest.param(["in-progress", "queued", "ringing"], "in-progress", id="never-back"),
        pytest.param(["busy", "completed"], "busy", id="final-stays"),
        pytest.param(["queued", "initiated"], "queued", id="same-rank"),
        pytest.param(["ringing", "wobbling"], "ringing", id="unknown-word"),
    ],
)
async def test_the_status_of_a_call_never_goes_back(store: Store, told: list[str], kept: str) -> None:
    """Covers case 32 for calls."""
    await put_order(store)
    async with store.write() as tx:
        await calls.put(tx, call=call_of(), now=NOW)
        for seconds, status in enumerate(told):
            at = later(seconds=seconds)
            await calls.tell(tx, send_id=SEND, call_id="CA1", status=status, answered_by="", now=at)
        found = await calls.get(tx, send_id=SEND)
    assert found is not None
    assert found.status == kept
    finals = [n for n, status in enumerate(told) if calls.RANKS.get(status) == 3]
    assert found.ended_at == (later(seconds=finals[0]) if finals else None)


async def test_who_answered_may_be_told_after_the_end_and_nothing_changes_twice(store: Store) -> None:
    """Covers case 22."""
    await put_order(store)
    async with store.write() as tx:
        await calls.put(tx, call=call_of(), now=NOW)
        assert await calls.tell(tx, send_id=SEND, call_id="CA1", status="completed", answered_by="", now=NOW)
        late = {"status": "completed", "answered_by": "machine_end_beep"}
        assert await calls.tell(tx, send_id=SEND, call_id="CA1", **late, now=later(seconds=1))
        assert not await calls.tell(tx, send_id=SEND, call_id="CA1", **late, now=later(seconds=2))
        found = await calls.get(tx, send_id=SEND)
    assert found is not None
    assert (found.answered_by, found.ended_at) == ("machine_end_beep", NOW)


async def test_the_word_on_another_call_of_the_send_is_passed_over(store: Store) -> None:
    """Covers case 21."""
    await put_order(store)
    async with store.write() as tx:
        await calls.put(tx, call=call_of(), now=NOW)
        await calls.speak(tx, send_id=SEND, call_id="CA1", now=NOW)
        assert not await calls.tell(tx, send_id=SEND, call_id="CA2", status="failed", answered_by="", now=NOW)
        found = await calls.get(tx, send_id=SEND)
    assert found is not None
    assert (found.call_id, found.status) == ("CA1", "")
