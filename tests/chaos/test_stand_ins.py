"""What the crash test relies on: the stand-in provider, the steps at which a process dies, and the auditor."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest

from activities.providers.errors import NotSent, Rejected, Unknown
from activities.providers.protocol import Message
from activities.runtime import faults
from activities.runtime.faults import VARIABLE, Step
from activities.store import ledger
from tests.chaos import auditing
from tests.chaos.parts import own_environment
from tests.chaos.provider import LONGEST, providing
from tests.chaos.remote import RemoteProvider
from tests.stress.bench import Answering, bench_at
from workflows.contracts.ids import run_id

HELLO = Message("sms", address="+48601234567", body="Hello")


@pytest.mark.parametrize(
    ("fate", "failure", "is_accepted"),
    [
        ("quick", None, True),
        ("slow", None, True),
        ("busy", NotSent, False),
        ("rejected", Rejected, False),
        ("accepted-cut", Unknown, True),
        ("refused-cut", Unknown, False),
        ("unreadable", Unknown, True),
        ("late", Unknown, False),  # not yet
    ],
)
async def test_each_fate_of_a_send_is_what_its_sender_must_think(
    tmp_path: Path, fate: str, failure: type[Exception] | None, is_accepted: bool
) -> None:
    send = uuid4()
    async with providing(tmp_path / "log", seed=1, weights={fate: 1}, longest=60) as (url, behaviour):
        # No answer is waited for in vain but that of `late`, and there one is long given up when it is accepted.
        remote = RemoteProvider(url, patience=0.1 if fate == "late" else 60)
        if failure is None:
            await remote.send(HELLO, send_id=send)
        else:
            with pytest.raises(failure):
                await remote.send(HELLO, send_id=send)
        assert (await remote.lookup(HELLO, send_id=send) is not None) == is_accepted
        assert behaviour.log.of[str(send)] == int(is_accepted)
        await remote.close()


async def test_what_is_sent_twice_is_accepted_twice_and_stays_in_the_log(tmp_path: Path) -> None:
    """A provider that deduplicates would prove nothing."""
    send = uuid4()
    async with providing(tmp_path / "log", seed=1, weights={"quick": 1}, longest=60) as (url, behaviour):
        remote = RemoteProvider(url, patience=60)
        first = await remote.send(HELLO, send_id=send)
        second = await remote.send(HELLO, send_id=send)
        assert first.provider_id != second.provider_id
        assert behaviour.log.of == {str(send): 2}
        await remote.close()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["send"] for line in lines] == [str(send)] * 2


async def test_what_a_busy_machine_held_up_for_too_long_is_not_accepted(tmp_path: Path) -> None:
    """Else the stand-in would accept what its sender had long looked up in vain, and sent again with good reason."""
    send = uuid4()
    async with providing(tmp_path / "log", seed=1, weights={"slow": 1}, longest=0.01) as (url, behaviour):
        remote = RemoteProvider(url, patience=60)
        with pytest.raises(Unknown):
            await remote.send(HELLO, send_id=send)
        assert await remote.lookup(HELLO, send_id=send) is None
        assert behaviour.log.of[str(send)] == 0
        await remote.close()


def test_a_provider_is_asked_only_after_the_longest_time_it_may_be_busy() -> None:
    assert RemoteProvider.grace.total_seconds() > LONGEST


def test_no_process_dies_at_a_step_unless_it_is_told_to() -> None:
    assert faults.read("") == {}
    for step in Step:
        faults.reach(step)


@pytest.mark.parametrize(("text", "words"), [("nowhere=0.5", "nowhere"), ("claimed=often", "often")])
def test_a_step_or_a_chance_that_does_not_exist_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        faults.read(text)


def test_a_process_dies_at_the_step_it_is_told_and_says_where() -> None:
    script = "from activities.runtime import faults; faults.reach(faults.Step.SENT); faults.reach(faults.Step.CLAIMED)"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env=own_environment(**{VARIABLE: "claimed=1"}),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (-9, b"fault: claimed\n")


async def test_the_auditor_sees_what_the_provider_and_the_store_say_differently(tmp_path: Path) -> None:
    async with bench_at(tmp_path) as bench:
        await auditing.install(bench.house.store)
        await bench.send(Answering(lambda: None))
        key = bench.house.key("1")
        send = str(run_id(key, 1, "greet"))

        async def found(accepted: dict[str, int], taken: set[tuple[str, str, str]] | None = None) -> set[str]:
            audited = await auditing.audit(bench.house.store, taken=taken or set(), accepted=Counter(accepted))
            return set(audited.violations)

        always = {"order stuck", "run never ended"}  # it is in its first stage, and rules wait
        assert await found({send: 1}) == always
        assert await found({}) == always | {"recorded as sent, not sent"}
        assert await found({send: 2}) == always | {"sent twice"}
        assert await found({send: 1, str(uuid4()): 1}) == always | {"sent without a claim"}
        assert await found({send: 1}, {("shop", "e-1", str(key))}) == always | {"event lost"}


async def test_the_auditor_sees_a_claim_of_a_left_stage(tmp_path: Path) -> None:
    async with bench_at(tmp_path) as bench:
        await auditing.install(bench.house.store)

        async def busy_and_left() -> str:
            async with bench.house.store.write() as tx:
                await ledger.released(tx, send_id=run_id(bench.house.key("1"), 1, "greet"), error="", now=bench.now)
            await bench.leave()
            async with bench.house.store.write() as tx:  # what no code of ours does
                await tx.run(auditing.text("UPDATE ledger SET state = 'dispatching'"))
            return "accepted"

        await bench.send(Answering(busy_and_left))
        audited = await auditing.audit(bench.house.store, taken=set(), accepted=Counter())
        assert "claimed after its stage was left" in audited.violations


async def test_the_auditor_sees_a_rule_on_our_records_that_ended_after_its_stage_was_left(tmp_path: Path) -> None:
    async with bench_at(tmp_path) as bench:
        await auditing.install(bench.house.store)

        async def ends() -> dict[str, list[str]]:
            async with bench.house.store.write() as tx:  # what no code of ours does after the stage was left
                await tx.run(auditing.text("UPDATE runs SET status = 'done' WHERE rule IN ('greet', 'pay')"))
            audited = await auditing.audit(bench.house.store, taken=set(), accepted=Counter())
            assert audited.counts["records ended"] > 0
            return audited.violations

        promise = "carried out after its stage was left"
        assert promise not in await ends()
        async with bench.house.store.write() as tx:
            await tx.run(auditing.text("UPDATE runs SET status = 'planned'"))
        await bench.leave()
        assert [words.partition(",")[0] for words in (await ends())[promise]] == [f"{bench.house.key('1')} visit 1 pay"]
