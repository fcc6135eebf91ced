"""Operators' commands: the arguments of the workflow's updates. Each becomes an `operator.*` event."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from workflows.contracts.base import Contract, Tolerant
from workflows.contracts.reasons import EventReason
from workflows.contracts.state import OrderState


class Deadlines(StrEnum):
    """What resuming does to the moments of waiting rules: keep them, or shift them by the pause."""

    KEEP = "keep"
    SHIFT = "shift"


class Command(Tolerant):
    """What every command says: by whom, and optionally its own id, so that repeating it is harmless."""

    by: str = Field(default="operator", max_length=100)
    id: str | None = Field(default=None, max_length=200)


class Move(Command):
    """Move the order to a stage by hand. Example: {"stage": "paid", "by": "olga"}."""

    stage: str = Field(min_length=1)


class Hold(Command):
    """Hold the order's automation; events are kept until it is resumed. Example: {"by": "olga"}."""


class Resume(Command):
    """Resume the automation. Example: {"deadlines": "keep"} or {"deadlines": "shift"}."""

    deadlines: Deadlines = Deadlines.KEEP


class StopWaiting(Command):
    """Stop every rule of the order that still waits. Example: {"by": "olga"}."""


class OneRule(Command):
    """Name one rule of the current visit. Example: {"rule": "remind-sms"}."""

    rule: str = Field(min_length=1)


class CommandResult(Contract):
    """What a command did."""

    reason: EventReason
    words: str = ""
    state: OrderState


class TimelineEntry(Contract):
    """One line of the workflow's `timeline` query: what happened, newest last."""

    at: datetime
    what: str
