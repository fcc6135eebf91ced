"""What rules and triggers name: stages, rules, order fields, recipients, addresses; and their conditions."""

import re

from workflows.pipeline.conditions import mistakes_in
from workflows.pipeline.file.document import Block
from workflows.pipeline.file.drafts import RuleDraft, StageDraft, TriggerDraft
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.file.whole import Whole
from workflows.pipeline.kinds import Reference
from workflows.pipeline.mistakes import Mistake, suggestion
from workflows.pipeline.model import EDITABLE, FieldType
from workflows.pipeline.schedules import parse_date
from workflows.pipeline.vocabulary import Word

_RECIPIENT = re.compile(r"(?:(?:role|chat):)?[A-Za-z0-9][A-Za-z0-9._@-]{0,99}", re.ASCII)
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][^\s]*)?", re.ASCII)


def check_references(report: Report, whole: Whole) -> None:
    """Check everything that rules and triggers name."""
    for stage in whole.stages:
        for trigger in stage.triggers:
            _check_trigger(report, trigger, whole=whole)
        for draft in stage.rules:
            _check_rule(report, draft, stage=stage, whole=whole)


def _check_trigger(report: Report, draft: TriggerDraft, *, whole: Whole) -> None:
    if draft.trigger is None or draft.happening is None:
        return
    for spot in draft.entries["from"].items() if "from" in draft.entries else ():
        _check_stage(report, spot, whole=whole)
    rules = [one.id for stage in whole.stages for one in stage.rules if one.id]
    setting = draft.entries.get("rule") if draft.happening.setting("rule") else None
    if setting is not None and setting.text not in rules:
        help = suggestion(setting.text, sorted(set(rules)), label="Rules")
        report.error("D317", f"no rule '{setting.text}' in this pipeline", at=setting, help=help)
    if draft.trigger.when is not None:
        _check_when(report, draft.entries["when"], words=whole.words(None, event=draft.happening), whole=whole)


def _check_rule(report: Report, draft: RuleDraft, *, stage: StageDraft, whole: Whole) -> None:
    if draft.rule is not None and draft.rule.when is not None:
        _check_when(report, draft.entries["when"], words=whole.words(stage, rule=draft), whole=whole)
    if draft.kind is None or draft.settings is None:
        return
    for name, reference in draft.kind.references.items():
        spot = _inside(draft, name)
        if spot is not None:
            _check_reference(report, spot, reference=reference, whole=whole)


def _check_when(report: Report, spot: Spot, *, words: Word, whole: Whole) -> None:
    expression = whole.expression(report, spot)
    if expression is None:
        return
    found = mistakes_in(expression, words=words)
    for mistake in found:
        report.mistake(mistake, at=spot)
    if not found and expression.is_constant:
        always = bool(expression.tree.value)
        code, words_said = ("D405", "always") if always else ("D403", "never")
        help = "Remove the condition." if always else "Remove the rule or trigger, or compare a field of the order."
        report.warning(code, f"the condition {words_said} holds", at=spot, help=help)


def _inside(draft: RuleDraft, name: str) -> Spot | None:
    first, *rest = name.split(".")
    spot = draft.entries.get(first)
    for part in rest:
        spot = spot.get(part) if spot is not None else None
    return spot


def _check_reference(report: Report, spot: Spot, *, reference: Reference, whole: Whole) -> None:
    if reference is Reference.STAGE:
        _check_stage(report, spot, whole=whole)
    elif reference is Reference.DOCUMENT:
        _check_document(report, spot, whole=whole)
    elif reference is Reference.MADE:
        for one in spot.items():
            _check_made(report, one, whole=whole)
    elif reference is Reference.ORDER_FIELDS:
        _check_fields(report, spot, whole=whole)
    elif reference is Reference.RECIPIENTS:
        for one in spot.items():
            _check_recipient(report, one)
    elif reference is Reference.URL and "{{" not in spot.text and not _ADDRESS.fullmatch(spot.text):
        help = "Write an address that begins with https://."
        report.error("D226", f"'{spot.text}' is not an https address", at=spot, help=help)


def _check_stage(report: Report, spot: Spot, *, whole: Whole) -> None:
    if spot.text not in whole.stage_ids:
        help = suggestion(spot.text, whole.stage_ids, label="Stages")
        report.error("D301", f"no stage '{spot.text}'", at=spot, help=help)


def _check_document(report: Report, spot: Spot, *, whole: Whole) -> None:
    whole.makes_documents = True
    if whole.documents is None:
        return
    templates = whole.documents.templates
    if spot.text not in templates:
        help = suggestion(spot.text, templates, label="Templates")
        help = help or "Put it as a .typ file into the folder 'documents' beside this file."
        report.error("D321", f"no template '{spot.text}'", at=spot, help=help)
    elif spot.text in whole.documents.broken:
        words = f"the template '{spot.text}' cannot be used: {whole.documents.broken[spot.text]}"
        report.error("D322", words, at=spot, help="Correct it in the folder 'documents' beside this file.")


def _check_made(report: Report, spot: Spot, *, whole: Whole) -> None:
    made = sorted({name for stage in whole.stages for draft in stage.rules for name in _made_by(draft)})
    if spot.text not in made:
        help = suggestion(spot.text, made, label="Documents") if made else None
        help = help or "Add a rule `document: TEMPLATE` before this one."
        report.error("D323", f"no rule makes a document '{spot.text}'", at=spot, help=help)


def _made_by(draft: RuleDraft) -> list[str]:
    """List what a rule's document is called: its template, and the rule's id."""
    named = draft.kind.references.items() if draft.kind is not None else ()
    spots = [_inside(draft, name) for name, reference in named if reference is Reference.DOCUMENT]
    return [name for spot in spots if spot is not None for name in (spot.text, draft.id) if name]


def _check_fields(report: Report, spot: Spot, *, whole: Whole) -> None:
    known = {**EDITABLE, **whole.header.fields}
    for one in spot.entries() if isinstance(spot.node, Block) else ():
        if one.name not in known:
            help = suggestion(one.name, list(known), label="Fields")
            report.error("D316", f"'{one.name}' is not a field that can be set", at=one.at_key(), help=help)
        elif known[one.name] is FieldType.DATE and "{{" not in one.text:
            try:
                parse_date(one.text)
            except Mistake as mistake:
                report.mistake(mistake, at=one)


def _check_recipient(report: Report, spot: Spot) -> None:
    if "{{" in spot.text or _RECIPIENT.fullmatch(spot.text):
        return
    help = "Write an employee's or a department's id, responsible, or role:NAME."
    report.error("D320", f"'{spot.text}' is nobody's name", at=spot, help=help)
