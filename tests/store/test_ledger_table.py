"""The ledger's whole table: every state against everything that can happen, on both databases (M61)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from activities.store import ledger
from activities.store.database import Store, Tx
from activities.store.history import LedgerState
from activities.store.ledger import Callback
from activities.store.tables import LEDGER
from tests.store.builders import KEY, NOW, claim_of, later, planned, put_order
from workflows.contracts.ids import run_id

S = LedgerState
SEND = run_id(KEY, 1, "sms")
LEASE = timedelta(minutes=1)


async def _claim(tx: Tx) -> object:
    return await ledger.claim(tx, claim=claim_of())


async def _claim_late(tx: Tx) -> object:
    return await ledger.claim(tx, claim=claim_of(now=later(minutes=2)))


def _callback(state: LedgerState) -> Callable[[Tx], Awaitable[object]]:
    async def work(tx: Tx) -> object:
        return await ledger.delivered(tx, send_id=SEND, provider_id="SM1", callback=Callback("x", 30, state), now=NOW)

    return work


def _settle(to: LedgerState) -> Callable[[Tx], Awaitable[object]]:
    return lambda tx: ledger.settle(tx, send_id=SEND, to=to, now=NOW, provider_id="SM1")


HAPPENINGS: dict[str, Callable[[Tx], Awaitable[object]]] = {
    "claim": _claim,
    "claim late": _claim_late,
    "accepted": lambda tx: ledger.accepted(tx, send_id=SEND, provider_id="SM1", now=NOW),
    "released": lambda tx: ledger.released(tx, send_id=SEND, error="429", now=NOW),
    "failed": lambda tx: ledger.failed(tx, send_id=SEND, code="1", words="", now=NOW),
    "unknown": lambda tx: ledger.unknown(tx, send_id=SEND, now=NOW),
    "called back: sent": _callback(S.ACCEPTED),
    "called back: delivered": _callback(S.DELIVERED),
    "called back: failed": _callback(S.FAILED),
    "settle as accepted": _settle(S.ACCEPTED),
    "settle as planned": _settle(S.PLANNED),
    "settle as held": _settle(S.HELD),
    "settle as failed": _settle(S.FAILED),
    "lease ends": lambda tx: ledger.expired_leases(tx, now=later(minutes=2)),
    "reopen": lambda tx: ledger.reopen(tx, KEY, visit=1, rule="sms", now=NOW),
}

#: What each happening makes of each state; what is not named leaves it as it is.
FOUND_LATER = {
    "accepted": S.ACCEPTED,
    "called back: sent": S.ACCEPTED,
    "called back: delivered": S.DELIVERED,
    "called back: failed": S.FAILED,
}
SETTLED = {
    "settle as accepted": S.ACCEPTED,
    "settle as planned": S.PLANNED,
    "settle as held": S.HELD,
    "settle as failed": S.FAILED,
}
CLAIMED = {"claim": S.DISPATCHING, "claim late": S.DISPATCHING}
TABLE: dict[LedgerState, dict[str, LedgerState]] = {
    S.PLANNED: {**CLAIMED, **FOUND_LATER, "failed": S.FAILED},
    S.SKIPPED: {**CLAIMED, **FOUND_LATER, "reopen": S.PLANNED},
    S.DISPATCHING: {
        **FOUND_LATER,
        "claim late": S.UNKNOWN,
        "released": S.PLANNED,
        "failed": S.FAILED,
        "unknown": S.UNKNOWN,
        "lease ends": S.UNKNOWN,
    },
    S.UNKNOWN: {**FOUND_LATER, **SETTLED, "failed": S.FAILED},
    S.HELD: {**FOUND_LATER, **SETTLED, "failed": S.FAILED, "reopen": S.PLANNED},
    # With the provider's id; its callback outranks what we know.
    S.ACCEPTED: {"called back: delivered": S.DELIVERED, "called back: failed": S.FAILED},
    S.DELIVERED: {},
    S.FAILED: {**FOUND_LATER, "reopen": S.PLANNED},
}


class _Undo(Exception):
    """Rolls a transaction back."""


@pytest.mark.parametrize("state", list(TABLE))
async def test_every_happening_makes_of_a_state_what_the_table_says(store: Store, state: LedgerState) -> None:
    await put_order(store, runs=(planned("sms"),))
    has_id = state in (S.ACCEPTED, S.DELIVERED)
    async with store.write() as tx:
        await ledger.claim(tx, claim=claim_of(lease=LEASE))
        values = {"provider_id": "SM1" if has_id else None, "rank": 30 if state is S.DELIVERED else 0}
        lease = NOW + LEASE if state is S.DISPATCHING else None
        await tx.run(update(LEDGER).values(state=state, lease_until=lease, **values))
    found = {name: await _after(store, happening) for name, happening in HAPPENINGS.items()}
    assert found == {name: TABLE[state].get(name, state) for name in HAPPENINGS}


async def _after(store: Store, happening: Callable[[Tx], Awaitable[object]]) -> LedgerState | None:
    found: LedgerState | None = None
    try:
        async with store.write() as tx:
            await happening(tx)
            row = await ledger.row(tx, send_id=SEND)
            found = row.state if row else None
            raise _Undo
    except _Undo:
        return found
