"""The file as read, with what the checks of references, conditions and texts need to look up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workflows.pipeline.documents import Documents
from workflows.pipeline.expressions import Expression
from workflows.pipeline.expressions import parse as parse_expression
from workflows.pipeline.file.drafts import MessageDraft, RuleDraft, StageDraft
from workflows.pipeline.file.header import Header
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.forms import Form
from workflows.pipeline.kinds import Kinds
from workflows.pipeline.mistakes import Mistake
from workflows.pipeline.templates import Template
from workflows.pipeline.templates import parse as parse_template
from workflows.pipeline.triggers import Happening, event_words
from workflows.pipeline.vocabulary import Word, vocabulary


@dataclass
class Whole:
    """Header, stages and messages; `compiled` keeps what was parsed for the pipeline made of them.

    Without `documents` nobody looked for the folder of templates, so nothing is said about it.
    """

    header: Header
    stages: list[StageDraft]
    messages: dict[str, MessageDraft]
    kinds: Kinds
    documents: Documents | None = None
    forms: Mapping[str, Form] = field(default_factory=dict)
    makes_documents: bool = False
    compiled: dict[tuple[str, str], object] = field(default_factory=dict)
    used_messages: set[str] = field(default_factory=set)

    @property
    def stage_ids(self) -> list[str]:
        """List the stages' ids, in the order of the file."""
        return [stage.id for stage in self.stages]

    def words(self, stage: StageDraft | None, *, rule: RuleDraft | None = None, event: Happening | None = None) -> Word:
        """Return the names usable in a stage: results of its rules but the one asking, and the event's for triggers."""
        rules = [one for one in stage.rules if one is not rule] if stage else [r for s in self.stages for r in s.rules]
        results = {one.id: found for one in rules if one.id and (found := _results(one))}
        return vocabulary(
            self.header.fields,
            vars=self.header.vars,
            results={} if event is not None else results,
            event=event_words(event) if event is not None else None,
        )

    def template(self, report: Report, spot: Spot) -> Template | None:
        """Parse the text at a spot, once per text; None after adding a problem."""
        key = ("text", spot.text)
        found = self.compiled.get(key)
        if isinstance(found, Template):
            return found
        try:
            parsed = parse_template(spot.text)
        except Mistake as mistake:
            report.mistake(mistake, at=spot)
            return None
        self.compiled[key] = parsed
        return parsed

    def expression(self, report: Report, spot: Spot) -> Expression | None:
        """Parse the condition at a spot; None after adding a problem."""
        try:
            parsed = parse_expression(spot.text, zone=self.header.zone)
        except Mistake as mistake:
            report.mistake(mistake, at=spot)
            return None
        self.compiled[("when", spot.text)] = parsed
        return parsed


def _results(draft: RuleDraft) -> Mapping[str, type]:
    if draft.kind is None:
        return {}
    if draft.kind.results_of is not None and draft.settings is not None:
        return draft.kind.results_of(draft.settings)
    return draft.kind.results
