"""Which of a provider's ids belong to a send already, and which send goes first. Covers M61, case 12."""

from typing import Any

import pytest

from activities.store import adopting, ledger
from activities.store.database import Store
from activities.store.history import LedgerState
from activities.store.ledger import Callback
from tests.store.builders import KEY, NOW, claim_of, later, planned, put_order
from workflows.contracts.ids import run_id

SEND, OTHER = run_id(KEY, 1, "sms"), run_id(KEY, 1, "other")


async def test_ids_of_other_sends_of_the_same_provider_are_owned(store: Store) -> None:
    await put_order(store, runs=(planned("sms"), planned("other")))
    async with store.write() as tx:
        for rule, provider_id in (("sms", "SM1"), ("other", "SM2")):
            await ledger.claim(tx, claim=claim_of(rule=rule))
            await ledger.accepted(tx, send_id=run_id(KEY, 1, rule), provider_id=provider_id, now=NOW)
        ids = ["SM1", "SM2", "SM3"]
        assert await adopting.owned(tx, send_id=SEND, provider="outbox", provider_ids=ids) == {"SM2"}
        assert await adopting.owned(tx, send_id=OTHER, provider="outbox", provider_ids=ids) == {"SM1"}
        assert await adopting.owned(tx, send_id=SEND, provider="twilio", provider_ids=ids) == frozenset()
        assert await adopting.owned(tx, send_id=SEND, provider="outbox", provider_ids=[]) == frozenset()


async def test_id_from_before_a_repeat_is_owned(store: Store) -> None:
    await put_order(store, runs=(planned("sms"),))
    async with store.write() as tx:
        await ledger.claim(tx, claim=claim_of())
        await ledger.accepted(tx, send_id=SEND, provider_id="SM1", now=NOW)
        failed = Callback("failed", 5, LedgerState.FAILED, "30003")
        await ledger.delivered(tx, send_id=SEND, provider_id="SM1", callback=failed, now=NOW)
        await ledger.reopen(tx, KEY, visit=1, rule="sms", now=NOW)
        assert await adopting.owned(tx, send_id=SEND, provider="outbox", provider_ids=["SM1", "SM2"]) == {"SM1"}


async def test_only_an_unsettled_send_of_the_same_provider_and_text_is_a_rival(store: Store) -> None:
    await put_order(store, runs=(planned("sms"), planned("other")))
    sms: dict[str, Any] = {"channels": ["sms"], "is_any_text": False, "since": later(hours=-1)}
    async with store.write() as tx:
        await ledger.claim(tx, claim=claim_of(rule="other"))
        assert await adopting.rival(tx, send_id=SEND, **sms) is None
        await ledger.claim(tx, claim=claim_of(rule="sms", body_hash="1" * 64))
        assert await adopting.rival(tx, send_id=SEND, **sms) is None
        assert await adopting.rival(tx, send_id=SEND, **sms | {"is_any_text": True}) == NOW
        assert await adopting.rival(tx, send_id=SEND, **sms | {"is_any_text": True, "channels": ["voice"]}) is None
        assert await adopting.rival(tx, send_id=SEND, **sms | {"is_any_text": True, "since": NOW}) is None
        await ledger.unknown(tx, send_id=OTHER, now=later(seconds=1))
        assert await adopting.rival(tx, send_id=SEND, **sms | {"is_any_text": True}) == NOW
        await ledger.settle(tx, send_id=OTHER, to=LedgerState.ACCEPTED, now=NOW, provider_id="SM1")
        assert await adopting.rival(tx, send_id=SEND, **sms | {"is_any_text": True}) is None


@pytest.mark.parametrize("rule", ["sms", "other"])
async def test_two_equal_sends_that_are_claimed_see_each_other(store: Store, rule: str) -> None:
    await put_order(store, runs=(planned("sms"), planned("other")))
    async with store.write() as tx:
        for one in ("sms", "other"):
            await ledger.claim(tx, claim=claim_of(rule=one))
        send_id = run_id(KEY, 1, rule)
        found = await adopting.rival(tx, send_id=send_id, channels=["sms"], is_any_text=False, since=later(hours=-1))
    assert found == NOW
