"""Warnings about the file as a whole: what nothing leads to, what nobody uses, what never happens."""

from workflows.contracts.state import StageKind
from workflows.pipeline.file.drafts import RuleDraft, StageDraft
from workflows.pipeline.file.report import Report
from workflows.pipeline.file.whole import Whole
from workflows.pipeline.kinds import Reference, Wording
from workflows.pipeline.templates import Template


def check_whole(report: Report, whole: Whole) -> None:
    """Add the warnings that need the whole file."""
    _unreached_stages(report, whole)
    _dead_triggers(report, whole)
    # What was not understood may be the end, or the use, that seems to be missing.
    if not report.has_errors:
        _no_end(report, whole)
        _unused(report, whole)
    for stage in whole.stages:
        for draft in stage.rules:
            _early_results(report, draft, stage=stage, whole=whole)
            _of_the_kind(report, draft, whole=whole)


def _unreached_stages(report: Report, whole: Whole) -> None:
    moved_to = {
        draft.entries[name].text
        for stage in whole.stages
        for draft in stage.rules
        if draft.kind is not None
        for name, reference in draft.kind.references.items()
        if reference is Reference.STAGE and name in draft.entries
    }
    for stage in whole.stages[1:]:
        if not stage.triggers and stage.id not in moved_to:
            help = "Add a trigger, or a rule that moves orders into it; by hand they can always be moved."
            report.warning("D404", f"nothing leads to the stage '{stage.id}'", at=stage.spot.at_key(), help=help)


def _dead_triggers(report: Report, whole: Whole) -> None:
    for draft in whole.stages[0].triggers if whole.stages else ():
        if draft.trigger is not None and not draft.trigger.back:
            words = "a trigger of the first stage never moves an order without 'back: true'"
            report.warning("D407", words, at=draft.spot, help="Add 'back: true' to it.")


def _no_end(report: Report, whole: Whole) -> None:
    if whole.stages and not any(stage.kind is StageKind.SUCCESS for stage in whole.stages):
        last = whole.stages[-1]
        help = f"Write 'kind: success' into the stage '{last.id}', or the automation of an order never ends."
        report.warning("D406", "no stage has 'kind: success'", at=last.spot.at_key(), help=help)


def _unused(report: Report, whole: Whole) -> None:
    for message in whole.messages.values():
        if message.id not in whole.used_messages:
            words = f"no rule uses the message '{message.id}'"
            report.warning("D408", words, at=message.spot.at_key(), help="Remove it, or name it in a rule.")


def _early_results(report: Report, draft: RuleDraft, *, stage: StageDraft, whole: Whole) -> None:
    before: list[str] = []
    name = draft.after
    while name and name not in before:
        before.append(name)
        found = stage.rule(name)
        name = found.after if found is not None else None
    known = {one.id.replace("-", "_"): one.id for one in stage.rules if one.id}
    for field in draft.kind.texts if draft.kind is not None else ():
        spot = draft.entries.get(field.name)
        template = whole.compiled.get(("text", spot.text)) if spot is not None else None
        for use in template.uses if isinstance(template, Template) else ():
            rule = known.get(use.path[1]) if use.path[0] == "results" and len(use.path) > 1 else None
            if spot is not None and rule is not None and rule not in before:
                words = f"the result of '{rule}' may not be there yet"
                report.warning("D409", words, at=spot, help=f"Add 'after: {rule}' to this rule.")


def _of_the_kind(report: Report, draft: RuleDraft, *, whole: Whole) -> None:
    kind, settings = draft.kind, draft.settings
    if kind is None or kind.hints is None or settings is None or not kind.texts:
        return
    spot = draft.entries.get(kind.texts[0].name)
    if spot is None or not spot.text:
        return
    languages = whole.header.languages
    message = whole.messages.get(spot.text) if kind.texts[0].is_message else None
    written = languages if message is None else tuple(one for one in languages if one in message.texts)
    wording = Wording(written, first=languages[0], is_message=message is not None)
    for setting, hint in kind.hints(settings, wording):
        report.warning(hint.code, hint.words, at=draft.entries.get(setting, draft.spot), help=hint.help)
