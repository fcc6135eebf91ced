"""Record golden histories from a real server: `python -m tests.replay.record [--all | NAME…]` writes histories/*.json.

Finished orders and open ones: waiting, in the middle of a chain, on hold, after continue-as-new. Old recordings stay,
as orders of their time may be in flight; one of today that takes another course stands beside them (finished-2.json).
"""

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from activities.providers.errors import NotSent, Rejected
from activities.providers.protocol import Accepted, Message, Outcome
from activities.providers.registry import Providers
from activities.store import ledger
from activities.store.history import LedgerState
from activities.store.receipts import Callback
from starter.cli.sample import without_machine
from tests.life.pipelines import SHOP, quiet_at, stages
from tests.life.test_failures import Scripted, only
from tests.replay.late import Late
from tests.replay.recordings import keep, recordings
from tests.support.exchange import ANSWERED, BUSY, NO_ANSWER, Exchange
from tests.support.house import House, store_at, working
from tests.support.temporal import FASTER, TEMPORAL
from workflows.attributes import KEYS
from workflows.contracts.commands import Hold, Move, OneRule, Resume, StopWaiting
from workflows.contracts.events import RULE_UNDELIVERED
from workflows.contracts.ids import OrderKey, run_id
from workflows.contracts.reasons import RunReason, RunStatus

#: Lets a scenario hear of what the store has recorded before its workflow does.
LATE = Late()

HISTORIES = Path(__file__).parent / "histories"

_CHAIN = stages(
    "  new:\n    rules:\n"
    "      - {id: first, log: first}\n"
    "      - {id: second, after: first, wait: 1d, log: second}\n"
    "      - {id: third, after: second, sms: Third}\n"
    "  next:\n    triggers: [{webhook: go}]\n"
)

_DATED = stages("  new:\n    rules:\n      - {id: ask, sms: Ask, wait: {before: order.delivery_date, for: 1d}}\n")

_FAILING = stages(
    "  new:\n    rules:\n"
    "      - {id: first, sms: First, on_failure: continue}\n"
    "      - {id: second, after: first, log: Second, wait: {before: order.delivery_date, for: 1d}}\n"
)

_SENDING = stages(
    "  new:\n    rules:\n      - {id: slow, sms: Slow}\n"
    "  next:\n    rules:\n      - {id: first, sms: First}\n      - {id: second, after: first, log: second}\n"
)

_CALLING = stages(
    "  new:\n    rules:\n"
    "      - {id: call, robocall: Call, repeat: {times: 3, every: 1s}}\n"
    "      - {id: told, after: call, when: results.call.outcome == 'answered', log: told}\n"
    "      - {id: instead, after: call, when: results.call.outcome != 'answered', sms: Instead}\n"
    "  paid:\n    triggers: [{payment: paid}]\n"
)


async def finished(house: House) -> None:
    """From creation to delivery."""
    await house.publish(SHOP)
    await house.order("1")
    await house.until_run("1", "thanks", RunStatus.DONE)
    await house.event("1", "payment.paid")
    await house.until_stage("1", "paid")
    await house.event("1", "shipment.shipped")
    await house.until_run("1", "on-the-way", RunStatus.DONE)
    await house.event("1", "shipment.delivered")
    await house.handle("1").result()


async def waiting(house: House) -> None:
    """Open: a reminder waits for its moment."""
    await house.publish(SHOP)
    await house.order("1")
    await house.until_run("1", "thanks", RunStatus.DONE)
    await house.until_run("1", "check", RunStatus.SKIPPED)


async def mid_chain(house: House) -> None:
    """Open: the first rule of a chain is done, the second waits; an event that moved nothing came between."""
    await house.publish(_CHAIN)
    await house.order("1")
    await house.until_run("1", "first", RunStatus.DONE)
    await house.decision("1", await house.event("1", "call.missed"))


async def held(house: House) -> None:
    """Open: on hold, with an event kept back."""
    await house.publish(_CHAIN)
    await house.order("1")
    await house.until_run("1", "first", RunStatus.DONE)
    await house.orders.hold(house.key("1"), command=Hold(by="olga", id="hold-1"))
    await house.decision("1", await house.event("1", "webhook.go"))


async def commanded(house: House) -> None:
    """Held, resumed, a rule run now, the rest stopped, then moved by an event."""
    await house.publish(_CHAIN)
    await house.order("1")
    await house.until_run("1", "first", RunStatus.DONE)
    await house.orders.hold(house.key("1"), command=Hold(by="olga"))
    await house.orders.resume(house.key("1"), command=Resume(by="olga"))
    await house.orders.run_now(house.key("1"), command=OneRule(rule="second", by="olga"))
    await house.until_run("1", "third", RunStatus.DONE)
    await house.orders.stop_waiting(house.key("1"), command=StopWaiting(by="olga"))
    await house.event("1", "webhook.go")
    await house.until_stage("1", "next")


async def failed_and_repeated(house: House) -> None:
    """A send that failed for good and was repeated by hand."""
    await waiting_for_failure(house)
    await house.orders.repeat(house.key("1"), command=OneRule(rule="thanks", by="olga"))
    await house.until_run("1", "thanks", RunStatus.DONE)


async def waiting_for_failure(house: House) -> None:
    await house.publish(SHOP)
    await house.order("1")
    await house.until_run("1", "thanks", RunStatus.FAILED)


async def left_while_sending(house: House) -> None:
    """The stage is left while a send is being tried again: its activity is cancelled."""
    await house.publish(SHOP)
    await house.order("1")
    await house.until_run("1", "note", RunStatus.DONE)
    await house.event("1", "payment.paid")
    await house.until_run("1", "pack", RunStatus.DONE)
    await asyncio.sleep(1)


async def continued(house: House) -> None:
    """Continued as new by the length of its history, with a waiting chain."""
    await house.publish(_CHAIN)
    await house.order("1")
    await house.until_run("1", "first", RunStatus.DONE)
    last = ""
    for _ in range(230):
        last = await house.event("1", "call.missed")
        await house.decision("1", last)
    first = (await house.handle("1").describe()).raw_description.workflow_execution_info.first_run_id

    async def is_continued() -> bool:
        return (await house.handle("1").describe()).run_id != first

    await house.until(is_continued)
    await house.event("1", "webhook.go")
    await house.until_stage("1", "next")


async def cancelled_and_resumed(house: House) -> None:
    """Cancelled in Temporal; while its last send drains it is moved, resumed and held again, by hand."""
    await house.publish(_SENDING)
    await house.order("1")
    await house.until_run("1", "slow", RunStatus.RUNNING)
    await house.handle("1").cancel()

    async def is_stopped() -> bool:
        return (await house.read("1")).attention == "automation-stopped"

    await house.until(is_stopped)
    by_hand = [
        house.orders.move(house.key("1"), command=Move(stage="next", by="olga")),
        house.orders.resume(house.key("1"), command=Resume(by="olga")),
        house.orders.hold(house.key("1"), command=Hold(by="olga")),
    ]
    commands = []
    for command in by_hand:
        commands.append(asyncio.create_task(command))
        await asyncio.sleep(0.3)  # each is accepted before the next is given; their answers come after the send
    await asyncio.gather(*commands)
    await asyncio.gather(house.handle("1").result(), return_exceptions=True)


async def moved_while_held(house: House) -> None:
    """Open: while a send waits for its next attempt its date changes, and the order is held; then it is resumed."""
    await house.publish(_DATED)
    await house.order("1", delivery_date=date(2026, 1, 2))
    await house.until_run("1", "ask", RunStatus.PLANNED)

    async def reason() -> RunReason | None:
        return (await house.runs("1"))["ask"].reason

    async def is_tried_again() -> bool:
        return await reason() is RunReason.RETRYING

    async def is_held() -> bool:
        return await reason() is RunReason.ON_HOLD

    await house.until(is_tried_again)
    await house.decision("1", await house.event("1", "order.edited", fields={"delivery_date": "2036-01-02"}))
    await house.orders.hold(house.key("1"), command=Hold(by="olga"))
    await house.until(is_held)
    await house.orders.resume(house.key("1"), command=Resume(by="olga"))
    await asyncio.sleep(1)


async def called(house: House) -> None:
    """A call that rings, is busy, is not answered, and then is; the rules after it know. The order moves on."""
    await house.publish(_CALLING)
    await house.order("1")
    await house.until_run("1", "told", RunStatus.DONE)
    await house.until_run("1", "instead", RunStatus.SKIPPED)
    await house.event("1", "payment.paid")
    await house.until_stage("1", "paid")


async def calling_again(house: House) -> None:
    """Open: nobody answered, and the next call waits for its moment."""
    await house.publish(_CALLING.replace("every: 1s", "every: 30d"))
    await house.order("1")

    async def is_to_be_called_again() -> bool:
        run = (await house.runs("1")).get("call")
        return run is not None and run.reason is RunReason.RETRYING

    await house.until(is_to_be_called_again)
    await house.decision("1", await house.event("1", "call.missed"))


async def called_while_put_off(house: House) -> None:
    """Open: quiet hours put a send off; before its workflow hears of that, a person lets it run now."""
    text = stages("  new:\n    rules:\n      - {id: night, sms: Night}\n")
    await house.publish(text.replace("quiet_hours: off", f"quiet_hours: {quiet_at(datetime.now(UTC))}"))
    LATE.hold("sms")
    await house.order("1")

    async def is_put_off() -> bool:
        run = (await house.runs("1")).get("night")
        return run is not None and run.reason is RunReason.QUIET_HOURS

    await house.until(is_put_off)
    await house.orders.run_now(house.key("1"), command=OneRule(rule="night", by="olga"))
    LATE.let_go()
    await house.decision("1", await house.event("1", "call.missed"))
    await asyncio.sleep(1)


async def moved_beside_repeated(house: House) -> None:
    """Open: a rule waits for a date, which moves while the one before it is repeated and finds its provider busy."""
    await house.publish(_FAILING)
    await house.order("1", delivery_date=date(2036, 1, 2))
    await house.until_run("1", "first", RunStatus.FAILED)
    await house.orders.repeat(house.key("1"), command=OneRule(rule="first", by="olga"))
    await house.decision("1", await house.event("1", "order.edited", fields={"delivery_date": "2035-01-02"}))
    await house.until_run("1", "first", RunStatus.DONE)
    await house.decision("1", await house.event("1", "call.missed"))


async def sent_anew(house: House) -> None:
    """Open: a message never left its provider, says its receipt, and waits to be sent anew beside its chain."""
    key = await _sent(house)
    send_id = run_id(key, 1, "first")
    async with house.store.write() as tx:
        row = await ledger.row(tx, send_id=send_id)
        assert row is not None
        failed = Callback("undelivered", 5, LedgerState.FAILED, code="30001", words="queue full", may_be_repeated=True)
        provider_id, now = row.provider_id or "", datetime.now(UTC)
        await ledger.delivered(tx, send_id=send_id, provider_id=provider_id, callback=failed, now=now)
    [told] = [event for event in await house.events("1") if event.type == RULE_UNDELIVERED]
    await house.signal("1", told.type, id=told.id, source=told.source)

    async def waits_anew() -> bool:
        run = (await house.runs("1"))["first"]
        return run.status is RunStatus.PLANNED and run.reason is RunReason.RETRYING

    await house.until(waits_anew)
    await asyncio.sleep(1)


async def _sent(house: House) -> OrderKey:
    await house.publish(_CHAIN.replace("log: first", "sms: First"))
    key = await house.order("1")
    await house.until_run("1", "first", RunStatus.DONE)
    return key


class Slow(Scripted):
    """A provider that takes its time."""

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        await asyncio.sleep(3)
        return await super().send(message, send_id=send_id)


def exchange(*outcomes: Outcome | None) -> Exchange:
    """Connect calls that end like this, one after another."""
    made = Exchange()
    made.outcomes = list(outcomes)
    return made


def providers_of(provider: Scripted | Exchange | None) -> Providers | None:
    """Connect a scenario's provider; without one, those of a shop without accounts."""
    if isinstance(provider, Exchange):
        return Providers([provider], channels={"voice": provider.name})
    return only(provider) if provider is not None else None


Scenario = Callable[[House], Awaitable[None]]

SCENARIOS: dict[str, tuple[Scenario, Scripted | Exchange | None]] = {
    "finished": (finished, None),
    "waiting": (waiting, None),
    "mid-chain": (mid_chain, None),
    "held": (held, None),
    "commanded": (commanded, None),
    "failed-and-repeated": (failed_and_repeated, Scripted(Rejected("21211", "not a phone number"))),
    "left-while-sending": (left_while_sending, Scripted(*[NotSent("busy", retry_after=timedelta(seconds=5))] * 9)),
    "continued": (continued, Scripted(arrived=Accepted("none"))),
    "cancelled-and-resumed": (cancelled_and_resumed, Slow()),
    "moved-while-held": (moved_while_held, Scripted(NotSent("busy", retry_after=timedelta(seconds=5)))),
    "called-while-put-off": (called_while_put_off, None),
    "moved-beside-repeated": (
        moved_beside_repeated,
        Scripted(Rejected("21211", "not a phone number"), NotSent("busy", retry_after=timedelta(seconds=3))),
    ),
    "sent-anew": (sent_anew, Scripted()),
    "called": (called, exchange(None, BUSY, None, NO_ANSWER, ANSWERED)),
    "calling-again": (calling_again, exchange(None, NO_ANSWER)),
}


async def record(name: str) -> str:
    """Play one scenario on a server of its own and return its last run's history."""
    play, provider = SCENARIOS[name]
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(TEMPORAL),
        dev_server_extra_args=FASTER,
        dev_server_log_level="error",
        data_converter=pydantic_data_converter,
        search_attributes=KEYS,
    )
    with tempfile.TemporaryDirectory() as place:
        async with environment, store_at(Path(place)) as store:
            settings = environment.client.config()
            settings["interceptors"] = [LATE]  # a worker takes those of its client that fit it
            house = House(store, Client(**settings))
            async with working(house, providers=providers_of(provider)):
                await play(house)
                history = await house.handle("1").fetch_history()
                await house.close()
    return without_machine(history.to_json()) + "\n"


def main() -> None:
    """Record the scenarios named on the command line, or all, else those that have no history yet."""
    parser = argparse.ArgumentParser(prog="python -m tests.replay.record", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCENARIOS))
    parser.add_argument("--all", action="store_true", help="every scenario, as it is recorded today")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(SCENARIOS))
    if unknown:
        parser.error(f"there is no scenario {', '.join(unknown)}")
    missing = [name for name in SCENARIOS if not recordings(name, folder=HISTORIES)]
    for name in SCENARIOS if given.all else given.names or missing:
        kept = keep(name, text=asyncio.run(record(name)), folder=HISTORIES)
        print(kept or f"{name} takes the course that is recorded", flush=True)


if __name__ == "__main__":
    main()
