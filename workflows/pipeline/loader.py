"""The pipeline file in, a pipeline out, or every problem of the file at once. Never raises on what a shop wrote."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workflows.pipeline.almanac import Almanac, installed
from workflows.pipeline.documents import Documents
from workflows.pipeline.kinds import Kinds
from workflows.pipeline.model import Message, Pipeline, Stage
from workflows.pipeline.problems import Problem, Severity

if TYPE_CHECKING:
    from workflows.pipeline.file.document import Block
    from workflows.pipeline.file.drafts import MessageDraft, StageDraft
    from workflows.pipeline.file.report import Report
    from workflows.pipeline.file.whole import Whole


@dataclass(frozen=True)
class Loaded:
    """The pipeline, None if there is any error, and every problem, in the order of their places.

    `draft` is the pipeline as far as it could be read, errors or not; None if the file could not be read at all.
    """

    pipeline: Pipeline | None
    problems: tuple[Problem, ...]
    draft: Pipeline | None = None

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the pipeline from being used."""
        return tuple(one for one in self.problems if one.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems to know about."""
        return tuple(one for one in self.problems if one.severity is Severity.WARNING)


def load(
    text: str, *, file: str, kinds: Kinds, almanac: Almanac | None = None, documents: Documents | None = None
) -> Loaded:
    """Read a pipeline file; `file` is its name in problems. Zone rules and holidays come from `almanac`, if given.

    `documents` are the templates beside it; without them, what rules say about templates is not checked.
    """
    # The libraries behind the checks take half a second to import: only where a file is read.
    from workflows.pipeline.file.document import Misplaced, parse  # noqa: PLC0415
    from workflows.pipeline.file.report import Report  # noqa: PLC0415

    text = text.removeprefix("\ufeff")
    report = Report(text, file=file)
    try:
        document = parse(text)
    except Misplaced as misplaced:
        report.place(misplaced.mistake, place=misplaced.place)
        return Loaded(None, report.problems())
    for mistake, place in document.mistakes:
        report.place(mistake, place=place)
    draft = _read(document.root, report=report, kinds=kinds, almanac=almanac or installed(), documents=documents)
    problems = report.problems()
    return Loaded(None if report.has_errors else draft, problems, draft)


def _read(root: "Block", *, report: "Report", kinds: Kinds, almanac: Almanac, documents: Documents | None) -> Pipeline:
    from workflows.pipeline.file import chains, forms, header, hints, references, rules, stages, wording  # noqa: PLC0415
    from workflows.pipeline.file.report import Spot  # noqa: PLC0415
    from workflows.pipeline.file.whole import Whole  # noqa: PLC0415

    spot = Spot(root)
    head = header.read_header(report, spot, almanac=almanac)
    defaults = rules.read_defaults(report, spot, kinds=kinds)
    whole = Whole(
        header=head,
        stages=stages.read_stages(report, spot, kinds=kinds, defaults=defaults),
        messages=stages.read_messages(report, spot, header=head),
        kinds=kinds,
        documents=documents,
        forms=forms.read_forms(report, spot, header=head),
    )
    chains.check_chains(report, whole)
    references.check_references(report, whole)
    forms.check_forms(report, whole)
    wording.check_texts(report, whole)
    hints.check_whole(report, whole)
    return _pipeline(whole)


def _pipeline(whole: "Whole") -> Pipeline:
    head = whole.header
    return Pipeline(
        id=head.id,
        title=head.title,
        shop_name=head.shop_name,
        timezone=head.timezone,
        languages=head.languages,
        stages={one.id: _stage(one) for one in whole.stages},
        kinds=whole.kinds,
        calendars=head.calendars,
        vars={name: spot.text for name, spot in head.vars.items()},
        fields=head.fields,
        quiet_hours=head.quiet_hours,
        messages={one.id: _message(one) for one in whole.messages.values() if one.texts},
        forms=whole.forms,
        documents=whole.documents.files if whole.documents is not None and whole.makes_documents else {},
        zones=head.zones,
        compiled=whole.compiled,
    )


def _stage(draft: "StageDraft") -> Stage:
    return Stage(
        id=draft.id,
        title=draft.title,
        kind=draft.kind,
        triggers=tuple(one.trigger for one in draft.triggers if one.trigger is not None),
        rules=tuple(one.rule for one in draft.rules if one.rule is not None),
    )


def _message(draft: "MessageDraft") -> Message:
    return Message(
        id=draft.id,
        texts={language: spot.text for language, spot in draft.texts.items()},
        subjects={language: spot.text for language, spot in draft.subjects.items()},
    )
