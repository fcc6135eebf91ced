"""What is to happen to an order in the lab: events, operators' commands, the moods of providers, each at its moment.

`read_script` reads a list like `- {at: +2h, type: payment.paid}`; problems come with their places, all at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from activities.providers.stand_in import Mood
from activities.store.records import CustomerRef
from starter.gateway.event_types import known_type
from starter.lab.moments import parse_moment
from starter.lab.reading import BAD_VALUE, UNKNOWN_NAME, checked, is_text, plain, root_of
from workflows.contracts.commands import Command, Hold, Move, OneRule, Resume, StopWaiting
from workflows.pipeline.file.document import Block, Listing, Scalar
from workflows.pipeline.file.reading import unknown_keys
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.mistakes import Mistake, suggestion
from workflows.pipeline.model import Pipeline

#: Operators' commands by name, with the keys each takes.
COMMANDS: Mapping[str, tuple[type[Command], tuple[str, ...]]] = {
    "move": (Move, ("stage",)),
    "hold": (Hold, ()),
    "resume": (Resume, ("deadlines",)),
    "stop_waiting": (StopWaiting, ()),
    "run_now": (OneRule, ("rule",)),
    "skip": (OneRule, ("rule",)),
    "repeat": (OneRule, ("rule",)),
}

CHANNELS = ("sms", "email", "webhook", "voice", "chat")

_EXAMPLE = "- {at: +2h, type: payment.paid}"


@dataclass(frozen=True)
class Happens:
    """Something happened: to the order, or (named) to a customer."""

    type: str
    data: dict[str, Any] = field(default_factory=dict)
    customer: CustomerRef | None = None


@dataclass(frozen=True)
class Commanded:
    """An operator gives a command."""

    name: str
    command: Command


@dataclass(frozen=True)
class Behaves:
    """A channel's provider behaves so from now on."""

    channel: str
    mood: Mood


@dataclass(frozen=True)
class Step:
    """What is to happen, when, and where it is written."""

    at: datetime
    what: Happens | Commanded | Behaves
    spot: Spot | None = None


@dataclass(frozen=True)
class Setting:
    """What steps are read against: the pipeline, and the start that `+2h` counts from."""

    pipeline: Pipeline
    start: datetime


def read_script(text: str, *, report: Report, setting: Setting) -> list[Step]:
    """Read a script, sorted by moment; what is wrong goes to the report."""
    root = root_of(text, report=report, help=f"Write a list: {_EXAMPLE}")
    if root is None:
        return []
    if not isinstance(root.node, Listing):
        report.error(BAD_VALUE, "the events are not a list", at=root, help=f"Begin each with a dash: {_EXAMPLE}")
        return []
    steps = [
        _step(Spot(item, f"[{place}]"), report=report, setting=setting) for place, item in enumerate(root.node.items)
    ]
    return sorted((step for step in steps if step is not None), key=lambda step: step.at)


def _step(spot: Spot, *, report: Report, setting: Setting) -> Step | None:
    if not isinstance(spot.node, Block):
        report.error(BAD_VALUE, "an event is a block of keys", at=spot, help=f"Write it as {_EXAMPLE}")
        return None
    kinds = [name for name in ("type", "command", "provider") if spot.get(name) is not None]
    if len(kinds) != 1:
        words = "an entry has exactly one of type (an event), command (an operator's), provider (how one behaves)"
        report.error(BAD_VALUE, words, at=spot, help=f"Write it as {_EXAMPLE}")
        return None
    readers = {"type": _happens, "command": _commanded, "provider": _behaves}
    what = readers[kinds[0]](spot, report, setting)
    at = _at(spot, report=report, setting=setting)
    return Step(at, what, spot) if at is not None and what is not None else None


def _at(spot: Spot, *, report: Report, setting: Setting) -> datetime | None:
    found = spot.get("at")
    if found is None or not isinstance(found.node, Scalar):
        report.error(BAD_VALUE, "an entry needs its moment, 'at'", at=spot, help=f"Write it as {_EXAMPLE}")
        return None
    try:
        moment = parse_moment(found.text, start=setting.start, zone=setting.pipeline.zone)
    except Mistake as mistake:
        report.mistake(mistake, at=found)
        return None
    if moment < setting.start:
        report.error(BAD_VALUE, "the moment is before the start", at=found, help="Correct it, or give --start.")
        return None
    return moment


def _happens(spot: Spot, report: Report, setting: Setting) -> Happens | None:
    unknown_keys(report, spot, known=("at", "type", "data", "customer"))
    named, data = spot.entries(), spot.get("data")
    given = next(entry for entry in named if entry.name == "type")
    type = _known_type(given, report=report)
    values = plain(data.node) if data is not None else {}
    if not isinstance(values, dict):
        report.error(BAD_VALUE, "'data' must be a block of keys", at=data or spot, help='Write {amount: "49.00"}.')
        return None
    customer, who = None, spot.get("customer")
    if who is not None:
        found = plain(who.node)
        customer = checked(CustomerRef, found if isinstance(found, dict) else {}, at=who, report=report)
        if customer is None:
            return None
    return Happens(type, values, customer) if type is not None else None


def _known_type(spot: Spot, *, report: Report) -> str | None:
    if not is_text(spot):
        report.error(BAD_VALUE, "'type' is not an event type", at=spot, help="Write one such as payment.paid.")
        return None
    try:
        return known_type(spot.text)
    except ValueError as error:
        report.error(UNKNOWN_NAME, str(error), at=spot, help="Events of your own are webhook.CODE: webhook.packed.")
        return None


def _commanded(spot: Spot, report: Report, setting: Setting) -> Commanded | None:
    given = next(entry for entry in spot.entries() if entry.name == "command")
    name = given.text.replace("-", "_")
    if name not in COMMANDS:
        help = suggestion(name, list(COMMANDS), label="Commands")
        report.error(UNKNOWN_NAME, f"there is no command '{given.text}'", at=given, help=help)
        return None
    model, keys = COMMANDS[name]
    unknown_keys(report, spot, known=("at", "command", "by", *keys))
    values = {entry.name: plain(entry.node) for entry in spot.entries() if entry.name in ("by", *keys)}
    command = checked(model, values, at=spot, report=report)
    is_known = _names_known(spot, report=report, pipeline=setting.pipeline)
    return Commanded(name, command) if command is not None and is_known else None


def _names_known(spot: Spot, *, report: Report, pipeline: Pipeline) -> bool:
    rules = [rule.id for stage in pipeline.stages.values() for rule in stage.rules]
    is_known = True
    for key, names in (("stage", list(pipeline.stages)), ("rule", rules)):
        named = spot.get(key)
        if named is not None and named.text not in names:
            help = suggestion(named.text, names, label=f"{key.capitalize()}s")
            report.error(UNKNOWN_NAME, f"the pipeline has no {key} '{named.text}'", at=named, help=help)
            is_known = False
    return is_known


def _behaves(spot: Spot, report: Report, setting: Setting) -> Behaves | None:
    unknown_keys(report, spot, known=("at", "provider", "is"))
    channel, mood = spot.get("provider"), spot.get("is")
    if channel is None or channel.text not in CHANNELS:
        help = f"Channels: {', '.join(CHANNELS)}."
        report.error(UNKNOWN_NAME, "'provider' names a channel", at=channel or spot, help=help)
        return None
    moods = [str(one) for one in Mood]
    if mood is None or mood.text not in moods:
        report.error(
            BAD_VALUE, "'is' says how the provider behaves", at=mood or spot, help=f"One of {', '.join(moods)}."
        )
        return None
    return Behaves(channel.text, Mood(mood.text))
