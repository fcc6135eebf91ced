"""Plays a scenario on a Temporal server, through the product's own workers, and tells its story as the lab does."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.testing import WorkflowEnvironment

from activities.providers.stand_in import StandIn, StandIns
from activities.rehearsal import REPEATABLE
from starter.lab.playing import simulate
from starter.lab.script import Behaves, Commanded, Happens, Step
from starter.lab.story import Records, Story, What, records_of, told
from tests.lab.scenario import Scenario
from tests.support.house import House, working
from workflows.contracts.reasons import RunReason, RunStatus

#: A server's clock goes on while things are done: its moments may be this much later than the lab's.
LATE = timedelta(minutes=2)

#: How long a waypoint is overshot, so that what is due at it is due.
_OVER = timedelta(milliseconds=300)


@dataclass(frozen=True)
class ServerClock:
    """A server's clock: what it shows, and how to let it go on to a moment."""

    now: Callable[[], Awaitable[datetime]]
    go_on: Callable[[timedelta], Awaitable[None]]


def skipping(environment: WorkflowEnvironment) -> ServerClock:
    """The clock of a server that skips time."""
    return ServerClock(environment.get_current_time, environment.sleep)


async def _real_now() -> datetime:
    return datetime.now(UTC)


#: The clock of any other server.
REAL = ServerClock(_real_now, lambda span: asyncio.sleep(span.total_seconds()))


async def both(scenario: Scenario, house: House, *, clock: ServerClock) -> tuple[Story, Story]:
    """Play a scenario in the lab and on a server, from the same moment on; tell both stories."""
    stand_in = StandIn(clock=lambda: datetime.now(UTC))
    async with working(house, actions=REPEATABLE, providers=StandIns(stand_in)):
        plot = scenario.plot(start=await clock.now(), shop=house.shop)
        first = [step for step in plot.steps if isinstance(step.what, Behaves) and step.at <= plot.start]
        for step in first:
            await _take(house, step=step, stand_in=stand_in)
        await house.publish(plot.text)
        for person in plot.opening.employees:
            await house.employee(**person.model_dump(exclude_defaults=True))
        order = plot.opening.order
        assert order.number is not None
        await house.order(order.number, **order.model_dump(exclude={"number", "shop"}, exclude_unset=True))
        begun = await house.until(lambda: _begun(house))
        plot = scenario.plot(start=begun, shop=house.shop)
        in_lab = await asyncio.to_thread(simulate, plot)
        steps = [step for step in plot.steps if step not in first]
        await _live(house, steps=steps, waypoints=_waypoints(in_lab, until=plot.until), clock=clock, stand_in=stand_in)
        return in_lab, told(await records(house, stand_in=stand_in))


async def _begun(house: House) -> datetime | None:
    visits = (await records(house)).visits
    return visits[-1].entered_at if visits else None


def _waypoints(story: Story, *, until: datetime) -> list[datetime]:
    moments = {entry.at for entry in story.entries} | {entry.until for entry in story.entries if entry.until}
    return [*sorted(moment for moment in moments if moment < until), until]


async def _live(
    house: House, *, steps: list[Step], waypoints: list[datetime], clock: ServerClock, stand_in: StandIn
) -> None:
    """Go from moment to moment; at each, wait until all that is due there is done."""
    moments = sorted({*waypoints, *(step.at for step in steps if step.at <= waypoints[-1])})
    for moment in moments:
        await _go_to(moment, clock=clock)
        for step in [step for step in steps if step.at == moment]:
            await _take(house, step=step, stand_in=stand_in)
            await _settled(house, clock=clock)
        await _go_to(moment + _OVER, clock=clock)
        await _settled(house, clock=clock)


async def _go_to(moment: datetime, *, clock: ServerClock) -> None:
    span = moment - await clock.now()
    if span > timedelta(0):
        await clock.go_on(span)


async def _take(house: House, *, step: Step, stand_in: StandIn) -> None:
    what, number = step.what, "1001"
    if isinstance(what, Behaves):
        stand_in.behave(what.channel, mood=what.mood)
    elif isinstance(what, Commanded):
        command: Any = what.command
        await getattr(house.orders, what.name)(house.key(number), command=command)
    elif isinstance(what, Happens) and what.customer is not None:
        await house.customer_event(what.type, ref=what.customer, **what.data)
    else:
        await house.event(number, what.type, **what.data)


async def _settled(house: House, *, clock: ServerClock) -> None:
    """Wait until nothing more is to be done at the present moment, and it stays so."""
    seen: list[Records] = []

    async def still() -> bool:
        found = await records(house)
        seen.append(found)
        is_done = not _undone(found, now=await clock.now())
        return is_done and len(seen) > 2 and _same(seen[-2], found)

    await house.until(still)


def _undone(found: Records, *, now: datetime) -> list[str]:
    """Name what is still to be done now."""
    undone = [event.id for event in found.events if event.reason is None]
    if found.order.held_at is not None:
        return undone
    ended = {(run.visit, run.rule) for run in found.runs if run.status.is_end}
    for run in found.runs:
        waits_for_rule = run.after is not None and (run.visit, run.after) not in ended
        is_due = run.due is None or run.due <= now
        waits_for_try = run.reason in (RunReason.RETRYING, RunReason.OUTCOME_UNKNOWN)
        if not run.status.is_end and not waits_for_rule and is_due and not waits_for_try:
            undone += [] if run.status is RunStatus.RUNNING else [run.rule]
    return undone


def _same(before: Records, after: Records) -> bool:
    return before.runs == after.runs and before.events == after.events and before.order == after.order


async def records(house: House, *, stand_in: StandIn | None = None) -> Records:
    """Read what the house's store has of the scenario's order."""
    async with house.store.read() as tx:
        return await records_of(tx, house.key("1001"), sent=stand_in.sent if stand_in else ())


def likeness(story: Story) -> dict[str, Any]:
    """Return what two stories of one scenario have in common: everything but the exact moments."""
    ruled = [entry for entry in story.entries if entry.what is What.RULE]
    events = [(entry.name, entry.reason) for entry in story.entries if entry.what is What.EVENT]
    return {
        "stages": [(entry.visit, entry.name, entry.kind) for entry in story.entries if entry.what is What.STAGE],
        "rules": sorted(
            (e.visit, e.name, e.status, e.reason, e.compared, tuple(sorted(map(str, e.said)))) for e in ruled
        ),
        "events": sorted(event for event in events if event[1] != "on_hold"),
        "waiting": sorted((one.rule, one.reason, one.after) for one in story.waiting),
        "end": (story.stage, story.is_held, story.attention),
    }


def dues(story: Story) -> dict[tuple[int, str], datetime]:
    """Return the moment of each run that has one."""
    found = {(entry.visit, entry.name): entry.due for entry in story.entries if entry.what is What.RULE}
    found |= {(0, one.rule): one.due for one in story.waiting}
    return {name: due for name, due in found.items() if due is not None}
