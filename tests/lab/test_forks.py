"""Forks cut from every moment of every scenario: what they tell is the rest of the life they were cut from."""

from datetime import datetime, timedelta

import pytest

from activities.store import chats
from starter.lab.clock import Clock
from starter.lab.forking import Branch, Fork
from starter.lab.house import LabHouse
from starter.lab.playing import Plot, act, opened, simulate
from starter.lab.script import Behaves
from starter.lab.story import Entry, Said, Story, What
from starter.lab.testing import given_order
from tests.lab.scenario import Scenario, scenarios
from workflows.contracts.ids import OrderKey

#: A cut comes this much after a moment at which something happened: all of it is done.
_AFTER = timedelta(milliseconds=500)

_PHONE = "+48601234567"

_CHATTING = """
pipeline: shop
timezone: Europe/Warsaw
languages: [en]
quiet_hours: off
stages:
  new:
    title: New
    rules:
      - {id: hello, chat: "Hello {{ customer.first_name }}", wait: 1h}
      - {id: aside, chat: "{{ customer.first_name }} waits", whisper: true, wait: 1h}
"""

#: The ids of a fork's events begin anew, those of a live order are others.
_OTHER_IDS = 1_000


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_a_fork_of_any_moment_goes_on_as_the_life_itself(scenario: Scenario) -> None:
    plot = scenario.plot()
    whole = simulate(plot)
    cuts = _cuts(plot, whole=whole)
    assert cuts
    for cut in cuts:
        assert _rest(_forked(plot, cut), since=cut) == _rest(whole, since=cut), f"cut at {cut}"


@pytest.mark.parametrize(("medium", "address"), [("web", "visitor-1"), ("whatsapp", _PHONE), ("sms", _PHONE)])
def test_a_fork_answers_in_the_chat_the_customer_wrote_in(medium: str, address: str) -> None:
    """The conversation is the customer's, not the order's: without it the fork would skip what is sent."""
    ada = {"id": "ada", "first_name": "Ada", "time_zone": "Europe/Warsaw", "phones": [{"number": _PHONE}]}
    plot = given_order(_CHATTING, total="1", customer=ada, start="2026-11-23T10:00").plot
    house = LabHouse(Clock(plot.start))

    async def life() -> tuple[OrderKey, Fork]:
        try:
            key = await opened(house, plot=plot)
            await act(house, key, steps=(), until=plot.start)
            async with house.parts.store.write() as tx:
                told = {"text": "Hi", "ref": "m1", "at": plot.start, "shop": "shop", "customer": "ada"}
                await chats.receive(tx, medium=medium, address=address, **told)
            return key, await Fork.take(house.parts.store, key)
        finally:
            await house.close()

    key, fork = house.play(life)
    story = fork.play(Branch(key, (), start=plot.start + _AFTER, until=plot.start + timedelta(days=1)))
    said = {entry.name: (entry.status, *entry.said) for entry in story.entries if entry.what is What.RULE}
    assert said == {
        "hello": ("done", Said("chat", address, "Hello Ada")),
        "aside": ("done", Said("whisper", "", "Ada waits")),
    }


def _cuts(plot: Plot, *, whole: Story) -> list[datetime]:
    moments = {entry.at for entry in whole.entries} | {step.at for step in plot.steps} | {plot.start}
    return [moment + _AFTER for moment in sorted(moments) if moment + _AFTER < plot.until]


def _forked(plot: Plot, cut: datetime) -> Story:
    """Live until the cut, fork, and play the rest in the fork; the providers are in the mood they were in."""
    house = LabHouse(Clock(plot.start))
    for _ in range(_OTHER_IDS):
        house.next_id()

    async def life() -> tuple[OrderKey, Fork]:
        try:
            key = await opened(house, plot=plot)
            await act(house, key, steps=[step for step in plot.steps if step.at <= cut], until=cut)
            return key, await Fork.take(house.parts.store, key)
        finally:
            await house.close()

    key, fork = house.play(life)
    moods = [step for step in plot.steps if isinstance(step.what, Behaves) and step.at <= cut]
    rest = [step for step in plot.steps if step.at > cut]
    return fork.play(Branch(key, [*moods, *rest], start=cut, until=plot.until))


def _rest(story: Story, *, since: datetime) -> dict[str, object]:
    """Return what is told since a moment. Delays are told with their first try: a fork knows of later ones only."""
    entries = [_told(entry) for entry in story.entries if entry.at >= since and entry.what is not What.DELAY]
    return {"entries": entries, "waiting": story.waiting, "end": (story.stage, story.is_held, story.attention)}


def _told(entry: Entry) -> tuple[object, ...]:
    rule = (entry.visit, entry.status, entry.reason, entry.words, entry.compared)
    return entry.at, entry.what, entry.name, *rule, [str(said) for said in entry.said]
