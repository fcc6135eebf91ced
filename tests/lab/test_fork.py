"""`orders order fork`: a live order in the lab, as it stands with its waiting rules. The live store is only read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from activities.store.database import NotFound
from starter.lab.forking import Branch, Fork
from starter.lab.script import Commanded, Happens, Step
from starter.lab.story import Story, What
from tests.commands.running import Orders
from tests.lab.scenario import scenarios
from tests.support.house import House, store_at, working
from tests.support.temporal import temporal_client, temporal_server
from workflows.contracts.commands import Hold, OneRule
from workflows.contracts.reasons import RunStatus

__all__ = ["temporal_client", "temporal_server"]

_SHOP = next(one for one in scenarios() if one.name == "paid-in-time").given["pipeline"]


@pytest_asyncio.fixture
async def live(tmp_path: Path, temporal_client: Client) -> AsyncIterator[House]:
    """A house whose order 1 has been thanked and waits for its payment."""
    async with store_at(tmp_path) as store:
        house = House(store, temporal_client)
        async with working(house):
            await house.publish(_SHOP)
            await house.employee("olga")
            await house.order("1", responsible="olga")
            await house.until_run("1", "check", RunStatus.DONE)
            await house.until_run("1", "thanks", RunStatus.DONE)
            yield house
        await house.close()


async def _forked(house: House, *steps: Step, days: int = 30) -> Story:
    start = steps[0].at if steps else datetime.now(UTC)
    fork = await Fork.take(house.store, house.key("1"))
    return fork.play(Branch(house.key("1"), steps, start=start, until=start + timedelta(days=days)))


def _rules(story: Story) -> dict[str, str]:
    return {entry.name: f"{entry.status} {entry.reason}" for entry in story.entries if entry.what is What.RULE}


async def test_a_live_orders_waiting_rules_come_at_their_moments(live: House) -> None:
    due = (await live.runs("1"))["remind"].due
    story = await _forked(live)
    assert _rules(story)["remind"] == "done done"
    assert next(entry.at for entry in story.entries if entry.name == "remind") == due
    assert "thanks" not in _rules(story)  # it was sent before
    assert story.stage == "cancelled"


async def test_what_would_happen_if_the_events_came(live: House) -> None:
    story = await _forked(live, Step(datetime.now(UTC), Happens("payment.paid")))
    assert _rules(story) == {"remind": "stopped stage_left", "give-up": "stopped stage_left", "pack": "done done"}
    assert story.stage == "paid"


async def test_an_operator_may_try_a_command_first(live: House) -> None:
    story = await _forked(live, Step(datetime.now(UTC), Commanded("skip", OneRule(rule="remind"))), days=1)
    assert _rules(story) == {"remind": "skipped skipped_by_operator"}
    assert [one.rule for one in story.waiting] == ["give-up"]


async def test_a_held_order_stays_held_and_keeps_its_events(live: House) -> None:
    await live.orders.hold(live.key("1"), command=Hold(by="olga"))
    story = await _forked(live, Step(datetime.now(UTC), Happens("payment.paid")), days=5)
    assert story.is_held
    assert story.stage == "new"


async def test_the_live_store_is_not_touched(live: House) -> None:
    async def all_of_it() -> list[object]:
        return [await live.read("1"), await live.runs("1"), await live.events("1"), await live.timeline("1")]

    before = await all_of_it()
    await _forked(live, Step(datetime.now(UTC), Happens("payment.paid")))
    assert await all_of_it() == before
    assert await live.outbox() != []


async def test_an_order_that_does_not_exist_is_said(live: House) -> None:
    with pytest.raises(NotFound):
        await Fork.take(live.store, live.key("404"))


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    orders = Orders(tmp_path)
    orders.must("db", "upgrade")
    ended = orders("order", "fork", "404")
    assert ended.code == 1
    assert "There is no order" in ended.err


async def test_the_command_prints_the_timeline(live: House, tmp_path: Path) -> None:
    events = tmp_path / "events.yaml"
    events.write_text("- {at: +1h, type: payment.paid}\n")
    orders = Orders(tmp_path)
    ended = orders.must("order", "fork", "1", "--shop", live.shop, "--events", str(events), "--until", "2d")
    assert "payment.paid: moved" in ended.out
    assert "remind [sms] stopped (stage_left)" in ended.out
    assert orders.must("order", "fork", "1", "--shop", live.shop, "--json").json["stage"] == "cancelled"


async def test_the_command_counts_from_a_later_moment_but_never_from_one_that_is_past(
    live: House, tmp_path: Path
) -> None:
    """The order is taken as it stands now; what is due until that moment comes, too."""
    events = tmp_path / "events.yaml"
    events.write_text("- {at: +1h, type: payment.paid}\n")
    orders = Orders(tmp_path)
    given = ("order", "fork", "1", "--shop", live.shop, "--events", str(events), "--until", "2h", "--start")
    past = orders(*given, "2020-01-01")
    assert past.code == 2
    assert "error: --start is in the past" in past.err
    later = datetime.now(UTC) + timedelta(days=4)
    story = orders.must(*given, later.isoformat(), "--json").json
    rules = {entry["name"]: entry["status"] for entry in story["entries"] if entry["what"] == "rule"}
    assert rules["remind"] == "done"
    paid = next(entry for entry in story["entries"] if entry["name"] == "payment.paid")
    assert datetime.fromisoformat(paid["at"]) == later + timedelta(hours=1)
