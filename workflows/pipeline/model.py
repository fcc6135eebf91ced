"""A pipeline as the decisions use it: stages, triggers, rules, messages, calendars. Made by loading or thawing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, time, timedelta, tzinfo
from enum import StrEnum
from typing import Literal

from workflows.contracts.state import StageKind
from workflows.pipeline.calendars import Calendar
from workflows.pipeline.durations import Wait
from workflows.pipeline.forms import Form
from workflows.pipeline.kinds import Kinds, RuleSettings

__all__ = [
    "EDITABLE",
    "RESPONSIBLE",
    "Calendar",
    "FieldType",
    "Message",
    "Pipeline",
    "QuietHours",
    "Rule",
    "Stage",
    "StageKind",
    "Trigger",
    "Wait",
]

#: `hours:` of this name mean the working time of the order's responsible person.
RESPONSIBLE = "responsible"


class FieldType(StrEnum):
    """The type of a custom order field, declared under `fields:`."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    BOOL = "bool"
    LIST = "list"


#: Fields of the order itself that rules and `order.edited` may set, with their types; those under `fields:` too.
EDITABLE: Mapping[str, FieldType] = {
    "total": FieldType.MONEY,
    "delivery_date": FieldType.DATE,
    "tags": FieldType.LIST,
    "note": FieldType.TEXT,
    "source": FieldType.TEXT,
}


@dataclass(frozen=True)
class QuietHours:
    """When customers are not disturbed, on their own clock; the end may be on the next day."""

    start: time
    end: time

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True)
class Trigger:
    """Move an order into the stage it stands in when an event comes. `sources` are the stages of `from:`, empty: any.

    `settings` narrow the event (`page: /cart*`); `position` is its place in the stage, from 0.
    """

    event_type: str
    settings: Mapping[str, str | bool] = field(default_factory=dict)
    title: str = ""
    back: bool = False
    sources: tuple[str, ...] = ()
    when: str | None = None
    orders: Literal["all", "latest"] = "all"
    as_employee: str | None = None
    position: int = 0


@dataclass(frozen=True)
class Rule:
    """One rule of a stage. `after` is the id of the rule it follows, None if it starts when the stage is entered."""

    id: str
    kind: str
    settings: RuleSettings
    title: str = ""
    after: str | None = None
    wait: Wait | None = None
    hours: str | None = None
    when: str | None = None
    once: bool = False
    continues_on_failure: bool = False
    expires: timedelta | None = None
    is_transactional: bool = False
    on_unknown: Literal["hold", "resend"] = "hold"

    @property
    def has_wait(self) -> bool:
        """Say whether the rule has a moment of its own to wait for."""
        return self.wait is not None or self.hours is not None


@dataclass(frozen=True)
class Stage:
    """A stage; rules in the order of the file."""

    id: str
    title: str
    kind: StageKind = StageKind.OPEN
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[Rule, ...] = ()

    def rule(self, rule: str) -> Rule | None:
        """Find a rule by its id."""
        return next((one for one in self.rules if one.id == rule), None)


@dataclass(frozen=True)
class Message:
    """A text to customers by language; `subjects` of mails likewise, may be empty."""

    id: str
    texts: Mapping[str, str]
    subjects: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pipeline:
    """Everything a shop configured. `stages` keep the order of the file; `zones` are the zone rules it uses, by name.

    `documents` are the files of its document templates by name, empty where no rule makes documents.

    `compiled` keeps what is made of it once: parsed expressions and texts, planned runs. Nothing else about it changes.
    """

    id: str
    title: str
    timezone: str
    languages: tuple[str, ...]
    stages: Mapping[str, Stage]
    kinds: Kinds
    shop_name: str = ""
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    vars: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, FieldType] = field(default_factory=dict)
    quiet_hours: QuietHours | None = None
    messages: Mapping[str, Message] = field(default_factory=dict)
    forms: Mapping[str, Form] = field(default_factory=dict)
    documents: Mapping[str, bytes] = field(default_factory=dict)
    zones: Mapping[str, tzinfo] = field(default_factory=dict)
    compiled: dict[tuple[str, str], object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def zone(self) -> tzinfo:
        """The zone in which days, working hours and `at` are read."""
        return self.zones.get(self.timezone, UTC)

    @property
    def first_stage(self) -> Stage:
        """The stage a new order begins in."""
        return next(iter(self.stages.values()))

    @property
    def reopens(self) -> list[str]:
        """The event types that may bring an order back from a final stage (M55, M56)."""
        return sorted({one.event_type for stage in self.stages.values() for one in stage.triggers if one.back})

    def position(self, stage: str) -> int:
        """Return a stage's place in the file, from 0; -1 for none."""
        return list(self.stages).index(stage) if stage in self.stages else -1

    def rule(self, stage: str, rule: str) -> Rule | None:
        """Find a rule of a stage; None if either is unknown."""
        return self.stages[stage].rule(rule) if stage in self.stages else None
