"""Publishing while orders are under way."""

from dataclasses import dataclass

from sqlalchemy import text
from structlog.testing import capture_logs

from tests.life.pipelines import SHOP, stages
from tests.support.house import House
from workflows.contracts.commands import OneRule
from workflows.contracts.reasons import RunStatus


async def test_a_rule_added_later_does_not_run_for_orders_already_in_the_stage(shop: House) -> None:
    """Covers M03, M74: each version is kept."""
    await shop.publish(SHOP)
    await shop.order("1")
    await shop.until_run("1", "note", RunStatus.DONE)
    assert (
        await shop.publish(SHOP.replace("      - id: remind\n", "      - {id: more, log: More}\n      - id: remind\n"))
        == 2
    )
    event = await shop.event("1", "call.missed")
    await shop.decision("1", event)
    assert "more" not in await shop.runs("1")
    await shop.order("2")
    await shop.until_run("2", "more", RunStatus.DONE)


async def test_planned_runs_keep_their_version_and_the_next_stage_uses_the_new_one(shop: House) -> None:
    """Covers M71. Covers case 55."""
    first = stages(
        "  new:\n    rules: [{id: later, wait: 1d, log: old words}]\n"
        "  next:\n    triggers: [{webhook: go}]\n    rules: [{id: entered, log: old words}]\n"
    )
    await shop.publish(first)
    await shop.order("1")
    await shop.until_run("1", "later", RunStatus.PLANNED)
    assert await shop.publish(first.replace("old", "new")) == 2
    await shop.orders.run_now(shop.key("1"), command=OneRule(rule="later"))
    await shop.until_run("1", "later", RunStatus.DONE)
    await shop.event("1", "webhook.go")
    await shop.until_run("1", "entered", RunStatus.DONE)
    logged = [line.text for line in await shop.timeline("1") if line.text in ("old words", "new words")]
    assert logged == ["old words", "new words"]
    assert (await shop.read("1")).version == 2


async def test_triggers_use_the_new_version_at_once(shop: House) -> None:
    """Covers M71."""
    before = stages("  new: {}\n  next:\n    triggers: [{webhook: go}]\n")
    await shop.publish(before)
    await shop.order("1")
    await shop.until_stage("1", "new")
    await shop.publish(before.replace("webhook: go", "webhook: went"))
    await shop.event("1", "webhook.went")
    await shop.until_stage("1", "next")


async def test_an_order_whose_pipeline_is_not_published_yet_waits_for_it(shop: House) -> None:
    """Bad input: a pipeline version that does not exist; nothing is lost, nothing sticks."""
    await shop.order("1", pipeline="shop", starts=True)
    await shop.event("1", "payment.paid")
    assert (await shop.read("1")).stage == ""
    await shop.publish(SHOP)
    order = await shop.until_stage("1", "paid")
    assert order.paid


@dataclass(frozen=True)
class Changed:
    """The stored form of the latest version, changed as another release would have written it."""

    house: House
    old: str
    new: str

    async def write(self) -> None:
        """Change it."""
        change = text("UPDATE pipelines SET frozen_json = replace(frozen_json, :old, :new)")
        async with self.house.store.write() as tx:
            await tx.run(change, {"old": self.old, "new": self.new})


async def test_an_order_on_a_version_that_this_release_cannot_read_waits_and_the_log_says_so(shop: House) -> None:
    """A stricter release refuses what an earlier one let through: nothing is lost, and it is no bug that is counted."""
    before = stages("  new: {}\n  next:\n    triggers: [{webhook: go}]\n")
    await shop.publish(before)
    await shop.order("1")
    await shop.until_stage("1", "new")
    await shop.publish(before.replace("webhook: go", "webhook: went"))
    await Changed(shop, "webhook: went", "webhook: [x").write()
    with capture_logs() as logged:
        event = await shop.event("1", "webhook.went")

        async def said() -> list[object]:
            return [line for line in logged if "cannot be read" in str(line)]

        [first, *_] = await shop.until(said)
    assert (first["order"], first["pipeline"], first["version"]) == (str(shop.key("1")), "shop", 2)
    assert (await shop.read("1")).stage == "new"
    await Changed(shop, "webhook: [x", "webhook: went").write()
    await shop.decision("1", event)
    await shop.until_stage("1", "next")
