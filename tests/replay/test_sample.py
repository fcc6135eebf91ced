"""What `orders replay --export` keeps: few histories that together hold all that happens, and nobody's data."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowHistory

from activities.runtime.codec import EncryptingCodec
from activities.store import orders
from activities.store.database import Store
from activities.store.records import NewOrder
from starter.cli.discretion import findings
from starter.cli.sample import Kept, Sample
from tests.commands.running import Orders
from tests.replay.record import HISTORIES
from tests.support.house import ANNA, House, store_at, working
from tests.support.temporal import temporal_client, temporal_server
from workflows.contracts.reasons import RunStatus

__all__ = ["temporal_client", "temporal_server"]

NAMES = sorted(file.stem for file in HISTORIES.glob("*.json"))

_PIPELINE = """
pipeline: shop
languages: [en]
stages:
  new: {title: New, rules: [{id: note, log: Noted}]}
  gone: {title: Gone, triggers: [{webhook: go}]}
"""


def _history(name: str, *, text: str | None = None) -> WorkflowHistory:
    given = text or (HISTORIES / f"{name}.json").read_text()
    return WorkflowHistory.from_json(f"order:shop:{name}", given)


def _sample_of(*names: str) -> tuple[Sample, list[Kept]]:
    sample, offered = Sample(), [Kept.of(_history(name)) for name in names]
    for kept in offered:
        if not sample.covers(kept):
            sample.keep(kept)
    return sample, offered


def test_the_sample_holds_all_that_happens_in_any() -> None:
    sample, offered = _sample_of(*NAMES)
    everything = frozenset().union(*(kept.course for kept in offered))
    assert frozenset().union(*(kept.course for kept in sample.fewest())) == everything


def test_a_life_like_one_before_is_not_kept_again() -> None:
    sample, _ = _sample_of("finished", "finished", "finished")
    assert len(sample.fewest()) == 1


def test_a_history_is_dropped_where_a_later_one_holds_all_it_was_kept_for() -> None:
    """The part of a life that came first, then all of it."""
    told = json.loads((HISTORIES / "commanded.json").read_text())
    begin = _history("commanded", text=json.dumps({"events": told["events"][:12]}))
    sample = Sample()
    for history in (begin, _history("commanded")):
        kept = Kept.of(history)
        assert not sample.covers(kept)
        sample.keep(kept)
    (only,) = sample.fewest()
    assert len(json.loads(only.text)["events"]) == len(told["events"])


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("left-while-sending", "activity_task_cancel_requested"),
        ("continued", "workflow_execution_started continued"),
        ("commanded", "workflow_execution_update_accepted run_now"),
        ("commanded", "workflow_execution_signaled webhook"),
        ("mid-chain", "marker_recorded core_local_activity decide"),
        ("moved-while-held", "marker_recorded core_patch moved-while-held"),
        ("called", "activity_task_scheduled robocall"),
    ],
)
def test_what_happens_is_told_apart(name: str, word: str) -> None:
    assert (word,) in Kept.of(_history(name)).course


def test_what_is_kept_tells_nothing_of_the_machine() -> None:
    told = json.loads((HISTORIES / "finished.json").read_text())
    started = next(e for e in told["events"] if "workflowTaskStartedEventAttributes" in e)
    started["workflowTaskStartedEventAttributes"]["identity"] = "15007@shop-worker-1.example.com"
    kept = Kept.of(_history("finished", text=json.dumps(told)))
    assert "shop-worker" not in kept.text


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store that knows nobody."""
    async with store_at(tmp_path) as store:
        yield store


def _signalled(data: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((HISTORIES / "finished.json").read_text())
    signal = next(e for e in told["events"] if "workflowExecutionSignaledEventAttributes" in e)
    plain = json.dumps({"id": "1", "data": data}).encode()
    payload = {
        "metadata": {"encoding": base64.b64encode(b"json/plain").decode()},
        "data": base64.b64encode(plain).decode(),
    }
    signal["workflowExecutionSignaledEventAttributes"]["input"] = {"payloads": [payload]}
    return told


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        pytest.param({"from": "+48601234567"}, ["a phone number"], id="number"),
        pytest.param({"from": "ada@mail.example"}, ["a mail address"], id="mail"),
        pytest.param({"amount": "49.00", "at": "2026-11-22T00:04:11+00:00"}, [], id="nobody"),
    ],
)
async def test_what_looks_like_peoples_data_is_found(store: Store, data: dict[str, Any], kinds: list[str]) -> None:
    """Signals take what any Temporal client sends."""
    history = _history("finished", text=json.dumps(_signalled(data)))
    assert await findings(history, kept=Kept.of(history).text, store=store) == kinds


@pytest.mark.parametrize(
    ("data", "kinds"), [("Kowalska", ["a name"]), ("48601234567", ["a phone number"]), ("Kow", [])]
)
async def test_whom_the_store_knows_of_the_order_is_found(tmp_path: Path, data: str, kinds: list[str]) -> None:
    history = _history("finished", text=json.dumps(_signalled({"about": data})))
    async with store_at(tmp_path) as store:
        async with store.write() as tx:
            new = NewOrder.model_validate({"number": "finished", "customer": ANNA})
            await orders.create(tx, new, now=datetime.now(UTC))
        assert await findings(history, kept=Kept.of(history).text, store=store) == kinds


async def test_what_is_encrypted_is_looked_through_as_well(store: Store) -> None:
    codec = EncryptingCodec({"k": b"k" * 32})
    history = _history("finished", text=json.dumps(_signalled({"from": "+48601234567"})))
    for event in history.events:
        if event.HasField("workflow_execution_signaled_event_attributes"):
            payloads = event.workflow_execution_signaled_event_attributes.input.payloads
            sealed = await codec.encode(list(payloads))
            del payloads[:]
            payloads.extend(sealed)
    assert await findings(history, kept=Kept.of(history).text, store=store) == []
    assert await findings(history, kept=Kept.of(history).text, store=store, codec=codec) == ["a phone number"]


@pytest.mark.parametrize("name", NAMES)
async def test_golden_histories_may_be_kept(store: Store, name: str) -> None:
    history = _history(name)
    assert await findings(history, kept=Kept.of(history).text, store=store) == []


async def test_the_command_keeps_a_covering_sample_without_people(tmp_path: Path, temporal_client: Client) -> None:
    """Of three lives two are alike; a fourth names its customer, as a client of Temporal's signalled it."""
    async with store_at(tmp_path) as store:
        house = House(store, temporal_client)
        async with working(house):
            await house.publish(_PIPELINE)
            for number in ("1", "2", "3", "4"):
                await house.order(number)
                await house.until_run(number, "note", RunStatus.DONE)
            await house.decision("3", await house.event("3", "webhook.go"))
            await house.handle("4").signal("call.missed", {"id": "x", "data": {"from": "ada@mail.test"}})
            await house.decision("4", "x")
        command = Orders(tmp_path)
        command.environment["TEMPORAL_ADDRESS"] = temporal_client.service_client.config.target_host
        query = f"OrderShop = '{house.shop}'"
        ended = command.must("replay", "--query", query, "--export", str(tmp_path / "kept"))
        await house.close()
    assert ended.out.count("✓") == 4
    assert f"order:{house.shop}:4 is not kept: it holds a mail address" in ended.err
    assert "ada@" not in ended.err
    kept = sorted(file.name for file in (tmp_path / "kept").iterdir())
    assert [name.split("-")[0] for name in kept] == [f"order_{house.shop}_3"]
    assert command.must("replay", str(tmp_path / "kept")).out.count("✓") == 1
    (tmp_path / "elsewhere").mkdir()
    elsewhere = Orders(tmp_path / "elsewhere")
    elsewhere.environment["TEMPORAL_ADDRESS"] = command.environment["TEMPORAL_ADDRESS"]
    elsewhere.must("db", "upgrade")
    told = elsewhere.must("replay", "--query", query, "--export", "kept").err
    assert f"order:{house.shop}:3 is not kept: the store does not know its order" in told
    assert "Kept 0 in kept" in told
