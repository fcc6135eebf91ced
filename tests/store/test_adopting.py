"""Which of a provider's ids belong to a send already. Covers M61, case 12."""

from activities.store import adopting, ledger
from activities.store.database import Store
from activities.store.history import LedgerState
from activities.store.ledger import Callback
from tests.store.builders import KEY, NOW, claim_of, planned, put_order
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
