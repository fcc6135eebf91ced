"""Plays a script in the lab: an order, what happens to it, until a moment; gives its story. Nothing leaves the lab."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from activities.shelf import Shelf
from activities.store.database import Conflict, NotFound
from activities.store.facts import BadEvent
from activities.store.journal import Arrival
from starter.lab.clock import Clock, Rank
from starter.lab.house import SOURCE, LabHouse
from starter.lab.opening import Opening
from starter.lab.script import Behaves, Commanded, Happens, Step
from starter.lab.story import Story, records_of, told
from workflows.contracts.ids import OrderKey
from workflows.pipeline.model import Pipeline


class Unplayable(Exception):
    """A step, or (None) the opening, cannot be played; the words are for people."""

    def __init__(self, words: str, *, step: Step | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.step = step


@dataclass(frozen=True)
class Plot:
    """A pipeline with its text, an opening, and what is to happen from `start` until `until`."""

    pipeline: Pipeline
    text: str
    opening: Opening
    steps: Sequence[Step]
    start: datetime
    until: datetime


def simulate(plot: Plot, *, shelf: Shelf | None = None) -> Story:
    """Play a plot and tell its story; the same plot, the same story. Raise Unplayable.

    A `shelf` may be shared between plots of the same pipeline text only.
    """
    house = LabHouse(Clock(plot.start), shelf=shelf)

    async def life() -> Story:
        try:
            key = await opened(house, plot=plot)
            await act(house, key, steps=plot.steps, until=plot.until)
            return await story_of(house, key)
        finally:
            await house.close()

    return house.play(life)


async def act(house: LabHouse, key: OrderKey, *, steps: Iterable[Step], until: datetime) -> None:
    """Let the steps happen in their order, and time pass until a moment. Raise Unplayable."""
    for step in steps:
        if step.at > until:
            break
        await house.until(step.at)
        await _take(house, key, step=step)
    await house.until(until, rank=Rank.END)


async def story_of(house: LabHouse, key: OrderKey, *, since: datetime | None = None) -> Story:
    """Tell an order's story as it stands."""
    async with house.parts.store.read() as tx:
        records = await records_of(tx, key, sent=house.parts.stand_in.sent, delays=house.delays, strays=house.strays)
    return told(records, since=since)


async def opened(house: LabHouse, *, plot: Plot) -> OrderKey:
    """Open the shop and place the order. Raise Unplayable."""
    opening = plot.opening
    for step in plot.steps:
        if isinstance(step.what, Behaves) and step.at <= plot.start:
            house.parts.stand_in.behave(step.what.channel, mood=step.what.mood)
    try:
        await house.publish(plot.text, pipeline=plot.pipeline)
        await house.hire(opening.employees, departments=opening.departments)
        return (await house.order(opening.order)).key
    except (BadEvent, NotFound, Conflict) as error:
        raise Unplayable(f"The order cannot be placed: {error}") from error


async def _take(house: LabHouse, key: OrderKey, *, step: Step) -> None:
    what = step.what
    if isinstance(what, Behaves):
        house.parts.stand_in.behave(what.channel, mood=what.mood)
    elif isinstance(what, Commanded):
        await house.command(key, name=what.name, command=what.command)
    else:
        await _happen(house, key, step=step, what=what)


async def _happen(house: LabHouse, key: OrderKey, *, step: Step, what: Happens) -> None:
    arrival = Arrival(
        source=SOURCE,
        id=house.next_id(),
        type=what.type,
        at=step.at,
        data=what.data,
        orders=() if what.customer else (key,),
        customer=what.customer,
    )
    try:
        await house.happen(arrival)
    except (BadEvent, NotFound) as error:
        raise Unplayable(str(error), step=step) from error
