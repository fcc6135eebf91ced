"""Stages as they are read, before their references are checked: each value keeps its place in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workflows.contracts.state import StageKind
from workflows.pipeline.file.report import Spot
from workflows.pipeline.kinds import RuleKind, RuleSettings
from workflows.pipeline.model import Rule, Trigger
from workflows.pipeline.triggers import Happening


@dataclass
class RuleDraft:
    """A rule as read. `entries` are its keys, those of `defaults:` included; `rule` None if it cannot be made."""

    spot: Spot
    entries: Mapping[str, Spot]
    id: str = ""
    kind: RuleKind | None = None
    settings: RuleSettings | None = None
    rule: Rule | None = None
    after: str | None = None


@dataclass
class TriggerDraft:
    """A trigger as read."""

    spot: Spot
    entries: Mapping[str, Spot]
    happening: Happening | None = None
    trigger: Trigger | None = None


@dataclass
class StageDraft:
    """A stage as read."""

    spot: Spot
    id: str
    title: str = ""
    kind: StageKind = StageKind.OPEN
    triggers: list[TriggerDraft] = field(default_factory=list)
    rules: list[RuleDraft] = field(default_factory=list)

    def rule(self, name: str) -> RuleDraft | None:
        """Find a rule by its id."""
        return next((one for one in self.rules if one.id == name), None)


@dataclass
class MessageDraft:
    """A message as read, with the place of each text."""

    spot: Spot
    id: str
    texts: dict[str, Spot] = field(default_factory=dict)
    subjects: dict[str, Spot] = field(default_factory=dict)
