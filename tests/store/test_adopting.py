"""Which of a provider's ids belong to a send already, and which send goes first. Covers M61, case 12."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from activities.store import adopting, answers, chats, employees, ledger, notices, parcels
from activities.store.adopting import Likeness, Rivals
from activities.store.carrying import Given, Parcel
from activities.store.database import Store, Tx
from activities.store.history import LedgerState, NewNotice
from activities.store.ledger import Callback
from activities.store.records import NewEmployee, Way
from tests.store.builders import KEY, NOW, claim_of, later, planned, put_order
from tests.store.test_answers import LEASE
from tests.store.test_courier import GRACE
from workflows.contracts.ids import run_id

SEND, OTHER = run_id(KEY, 1, "sms"), run_id(KEY, 1, "other")

#: What `claim_of` claims.
SMS = Likeness("outbox", channels=["sms", "chat"], address="+48501234567", body_hash="0" * 64, is_any_text=False)


async def rival(
    tx: Tx, send_id: UUID = SEND, *, like: Likeness = SMS, since: datetime = later(hours=-1)
) -> datetime | None:
    found = await adopting.rivals(tx, send_id=send_id, like=like, since=since)
    return None if found is None else found.claimed_at


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


async def test_only_an_unsettled_send_of_the_same_provider_address_and_text_is_a_rival(store: Store) -> None:
    await put_order(store, runs=(planned("sms"), planned("other")))
    any_text = replace(SMS, body_hash="1" * 64, is_any_text=True)
    async with store.write() as tx:
        assert await rival(tx) is None
        await ledger.claim(tx, claim=claim_of(rule="other"))
        assert await rival(tx) == await rival(tx, like=any_text) == NOW
        assert await rival(tx, like=replace(SMS, body_hash="1" * 64)) is None
        assert await rival(tx, like=replace(SMS, address="+48501234568")) is None
        assert await rival(tx, like=replace(SMS, provider="twilio")) is None
        assert await rival(tx, like=replace(any_text, channels=["voice"])) is None
        assert await rival(tx, since=NOW) is None
        await ledger.unknown(tx, send_id=OTHER, now=later(seconds=1))
        assert await rival(tx) == NOW
        await ledger.settle(tx, send_id=OTHER, to=LedgerState.ACCEPTED, now=NOW, provider_id="SM1")
        assert await rival(tx) is None


async def test_rivals_of_all_tables_are_counted(store: Store) -> None:
    await put_order(store, runs=(planned("sms"), planned("other")))
    async with store.write() as tx:
        await ledger.claim(tx, claim=claim_of(rule="other"))
        await answer(tx)
        await notice(tx)
        found = await adopting.rivals(tx, send_id=SEND, like=SMS, since=later(hours=-1))
    assert found == Rivals(3, first_at=NOW, claimed_at=NOW)


@pytest.mark.parametrize("rule", ["sms", "other"])
async def test_two_equal_sends_that_are_claimed_see_each_other(store: Store, rule: str) -> None:
    await put_order(store, runs=(planned("sms"), planned("other")))
    async with store.write() as tx:
        for one in ("sms", "other"):
            await ledger.claim(tx, claim=claim_of(rule=one))
        assert await rival(tx, run_id(KEY, 1, rule)) == NOW


async def answer(tx: Tx) -> Parcel:
    """Claim an employee's answer, as a courier does."""
    received = await chats.receive(
        tx, medium="sms", address=SMS.address, text="Hello", ref="in", at=NOW, shop="shop", customer=None
    )
    chat = received.conversation
    line = await chats.add_outbound(tx, conversation=chat.id, text="Pack it", ref="r", author="olga", at=NOW)
    await answers.plan(tx, chat=chat, message=line.id, ref="r", now=NOW)
    (parcel,) = await answers.claim(tx, now=NOW, limit=9, lease=LEASE, grace=GRACE)
    await answers.carried_by(tx, given=[given(parcel)])
    return parcel


async def notice(tx: Tx) -> Parcel:
    """Claim a notice, as a courier does."""
    await employees.put(tx, NewEmployee(id="olga", notify=Way.SMS, phone=SMS.address), now=NOW)
    await notices.add(tx, notices=[NewNotice(employee="olga", text="Pack it", ref="r")], key=None, now=NOW)
    (parcel,) = await parcels.claim(tx, now=NOW, limit=9, lease=LEASE, graces={})
    await parcels.carried_by(tx, given=[given(parcel)])
    return parcel


def given(parcel: Parcel) -> Given:
    return Given(parcel.id, provider=SMS.provider, address=SMS.address, body_hash=SMS.body_hash)


Claiming = Callable[[Tx], Awaitable[Parcel]]

CARRIED = pytest.mark.parametrize("claimed", [answer, notice], ids=["answer", "notice"])


@CARRIED
async def test_what_a_courier_carries_and_a_rules_send_see_each_other(store: Store, claimed: Claiming) -> None:
    await put_order(store, runs=(planned("sms"),))
    async with store.write() as tx:
        parcel = await claimed(tx)
        assert await rival(tx, parcel.send_id) is None
        assert await rival(tx) == NOW
        assert await rival(tx, like=replace(SMS, channels=["voice"], is_any_text=True)) is None
        await ledger.claim(tx, claim=claim_of())
        assert await rival(tx, parcel.send_id) == NOW


@CARRIED
async def test_ids_of_what_a_courier_carried_are_owned(store: Store, claimed: Claiming) -> None:
    async with store.write() as tx:
        parcel = await claimed(tx)
        sent = Callback("sent", 4, LedgerState.ACCEPTED)
        await ledger.delivered(tx, send_id=parcel.send_id, provider_id="SM1", callback=sent, now=NOW)
        ids = ["SM1", "SM2"]
        assert await adopting.owned(tx, send_id=SEND, provider="outbox", provider_ids=ids) == {"SM1"}
        assert await adopting.owned(tx, send_id=parcel.send_id, provider="outbox", provider_ids=ids) == frozenset()
        assert await adopting.claimed_at(tx, send_id=parcel.send_id) == NOW
        assert await adopting.claimed_at(tx, send_id=SEND) is None


@CARRIED
async def test_a_callback_takes_an_id_back_from_the_table_that_a_list_gave_it_to(
    store: Store, claimed: Claiming
) -> None:
    await put_order(store, runs=(planned("sms"),))
    sent = Callback("sent", 4, LedgerState.ACCEPTED)
    async with store.write() as tx:
        parcel = await claimed(tx)
        await ledger.claim(tx, claim=claim_of())
        await ledger.accepted(tx, send_id=SEND, provider_id="SM1", now=NOW)
        assert await ledger.delivered(tx, send_id=parcel.send_id, provider_id="SM1", callback=sent, now=NOW)
        row = await ledger.row(tx, send_id=SEND)
        assert row is not None
        assert row.provider_id is None
        assert await ledger.delivered(tx, send_id=SEND, provider_id="SM2", callback=sent, now=NOW)


def test_texts_that_look_alike_in_a_list_are_one_text() -> None:
    """What no message can hold, and white space around it, does not show in Twilio's list."""
    assert adopting.hash_of(subject="", body=" Your order\x07 is here\u202e\n") == adopting.hash_of(
        subject="", body="Your order is here"
    )
    assert adopting.hash_of(subject="", body="Your order") != adopting.hash_of(subject="", body="Your  order")
