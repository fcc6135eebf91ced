"""The ledger's state machine against a model: whatever happens in whatever order, nothing may leave twice (M61)."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from activities.store import ledger, runs, visits
from activities.store.database import Store
from activities.store.history import LedgerState
from activities.store.ledger import Callback, Claimed, DuplicateSend, Refused, Unsettled
from activities.store.schema import migrate
from tests.store.builders import KEY, NOW, claim_of, entry, planned, put_order
from workflows.contracts.ids import run_id

T = TypeVar("T")
SEND = run_id(KEY, 1, "sms")
S = LedgerState

#: Every way a row may change, with None for "no row yet".
ALLOWED = {
    (None, S.DISPATCHING),
    (S.PLANNED, S.DISPATCHING),
    (S.PLANNED, S.ACCEPTED),  # an answer or a callback that comes after the row was given free
    (S.PLANNED, S.DELIVERED),
    (S.PLANNED, S.FAILED),
    (S.DISPATCHING, S.PLANNED),
    (S.DISPATCHING, S.ACCEPTED),
    (S.DISPATCHING, S.DELIVERED),
    (S.DISPATCHING, S.FAILED),
    (S.DISPATCHING, S.UNKNOWN),
    (S.UNKNOWN, S.ACCEPTED),
    (S.UNKNOWN, S.DELIVERED),
    (S.UNKNOWN, S.PLANNED),
    (S.UNKNOWN, S.HELD),
    (S.UNKNOWN, S.FAILED),
    (S.HELD, S.ACCEPTED),
    (S.HELD, S.DELIVERED),
    (S.HELD, S.PLANNED),
    (S.HELD, S.FAILED),
    (S.ACCEPTED, S.DELIVERED),
    (S.ACCEPTED, S.FAILED),
    (S.FAILED, S.ACCEPTED),  # a late acceptance of what was taken for refused
    (S.FAILED, S.DELIVERED),
    (S.FAILED, S.PLANNED),  # a person repeats it
}

CALLBACKS = st.sampled_from(
    [
        Callback("queued", 10, S.ACCEPTED),
        Callback("sent", 20, S.ACCEPTED),
        Callback("delivered", 40, S.DELIVERED),
        Callback("undelivered", 40, S.FAILED, code="30003"),
    ]
)

_template: list[tempfile.TemporaryDirectory[str]] = []  # removed at the end of the process


def template() -> Path:
    """A migrated database file, made once."""
    if not _template:
        _template.append(tempfile.TemporaryDirectory(prefix="ledger-"))
        asyncio.run(migrate(f"sqlite+aiosqlite:///{_template[0].name}/template.db"))
    return Path(_template[0].name) / "template.db"


class LedgerMachine(RuleBasedStateMachine):
    """One intended message, and everything that can happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-"))
        shutil.copy(template(), self.folder / "orders.db")
        self.runner = asyncio.Runner()
        self.store = self.do(Store.open(f"sqlite+aiosqlite:///{self.folder / 'orders.db'}"))
        self.do(put_order(self.store, runs=(planned("sms"),)))
        self.now = NOW
        self.is_free = True  # nothing is out, or it is proved or decided that it may be sent again
        self.is_left = False
        self.steps = 0
        self.state: LedgerState | None = None

    def teardown(self) -> None:
        self.do(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def _state(self) -> LedgerState | None:
        async with self.store.read() as tx:
            row = await ledger.row(tx, send_id=SEND)
        return None if row is None else row.state

    @invariant()
    def changes_only_along_the_drawn_lines(self) -> None:
        state = self.do(self._state())
        assert state is self.state or (self.state, state) in ALLOWED, (self.state, state)
        self.state = state

    @rule(times=st.integers(1, 2))
    def claim(self, times: int) -> None:
        for _ in range(times):
            self._claim()

    @precondition(lambda self: self.state in (S.DISPATCHING, S.UNKNOWN))
    @rule(by_lease=st.booleans())
    def lose_the_answer_and_try_again(self, by_lease: bool) -> None:
        if by_lease:
            self.now += timedelta(seconds=61)
        else:
            self.lose_the_answer()
        self._claim()

    def _claim(self) -> None:
        self.steps += 1

        async def work() -> Claimed | Refused | Unsettled:
            async with self.store.write() as tx:
                return await ledger.claim(tx, claim=claim_of(now=self.now))

        found = self.do(work())
        if isinstance(found, Claimed):
            assert self.is_free, "it may leave twice"
            assert not self.is_left, "a left stage sends"
            self.is_free = False

    @precondition(lambda self: self.state is not None)
    @rule(id=st.sampled_from(["SM1", "SM2"]))
    def accept(self, id: str) -> None:
        async def work() -> None:
            async with self.store.write() as tx:
                before = await ledger.row(tx, send_id=SEND)
                try:
                    await ledger.accepted(tx, send_id=SEND, provider_id=id, now=self.now)
                except DuplicateSend:
                    assert before is not None
                    assert before.provider_id not in (None, id)
                    return
                after = await ledger.row(tx, send_id=SEND)
                assert after is not None
                assert after.provider_id == id

        self.do(work())
        self.is_free = False

    @precondition(lambda self: self.state is not None)
    @rule(id=st.sampled_from(["SM1", "SM2"]), callback=CALLBACKS)
    def call_back(self, id: str, callback: Callback) -> None:
        async def work() -> bool:
            async with self.store.write() as tx:
                try:
                    return await ledger.delivered(tx, send_id=SEND, provider_id=id, callback=callback, now=self.now)
                except DuplicateSend:
                    return False

        if self.do(work()):
            self.is_free = False

    @precondition(lambda self: self.state is not None)
    @rule()
    def release(self) -> None:
        async def work() -> None:
            async with self.store.write() as tx:
                await ledger.released(tx, send_id=SEND, error="429", now=self.now)

        was_out = self.state is S.DISPATCHING
        self.do(work())
        self.is_free |= was_out

    @precondition(lambda self: self.state is not None)
    @rule()
    def lose_the_answer(self) -> None:
        async def work() -> None:
            async with self.store.write() as tx:
                await ledger.unknown(tx, send_id=SEND, now=self.now)

        self.do(work())

    @precondition(lambda self: self.state is not None)
    @rule()
    def refuse(self) -> None:
        async def work() -> None:
            async with self.store.write() as tx:
                await ledger.failed(tx, send_id=SEND, code="21211", words="no", now=self.now)

        self.do(work())

    @precondition(lambda self: self.state is not None)
    @rule(to=st.sampled_from([S.PLANNED, S.HELD, S.FAILED, S.ACCEPTED]))
    def settle(self, to: LedgerState) -> None:
        async def work() -> bool:
            async with self.store.write() as tx:
                row = await ledger.row(tx, send_id=SEND)
                id = (row.provider_id if row else None) or "SM1"
                return await ledger.settle(tx, send_id=SEND, to=to, now=self.now, provider_id=id)

        was_open = self.state in (S.UNKNOWN, S.HELD)
        changed = self.do(work()) if self.state is not None else False
        assert changed == was_open
        if changed and to is S.PLANNED:
            self.is_free = True

    @precondition(lambda self: self.state is not None)
    @rule()
    def repeat_by_hand(self) -> None:
        async def work() -> int:
            async with self.store.write() as tx:
                await runs.repeat(tx, KEY, visit=1, rules=["sms"], at=self.now)
                return await ledger.reopen(tx, KEY, visit=1, rule="sms", now=self.now)

        if self.do(work()):
            self.is_free = True

    @rule(seconds=st.sampled_from([1, 61]))
    def wait(self, seconds: int) -> None:
        async def work() -> None:
            async with self.store.write() as tx:
                await ledger.expired_leases(tx, now=self.now)

        self.now += timedelta(seconds=seconds)
        self.do(work())

    @precondition(lambda self: not self.is_left and self.steps > 4)
    @rule()
    def leave_the_stage(self) -> None:
        async def work() -> None:
            async with self.store.write() as tx:
                await visits.lock(tx, KEY)
                await visits.enter(tx, KEY, entry=entry(2, "paid"))

        self.do(work())
        self.is_left = True


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
