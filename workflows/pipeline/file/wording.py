"""The texts of rules, messages and vars: names, filters, limits, languages (M40-M42, C2)."""

import unicodedata

from workflows.pipeline.file.document import Block, Scalar
from workflows.pipeline.file.drafts import MessageDraft, RuleDraft, StageDraft
from workflows.pipeline.file.reading import NAME
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.file.whole import Whole
from workflows.pipeline.kinds import Reference, TextField
from workflows.pipeline.mistakes import nearest
from workflows.pipeline.segments import segments
from workflows.pipeline.templates import Template, mistakes_in
from workflows.pipeline.vocabulary import Word, vocabulary

#: A text limited to this is a text message, billed by segments.
_SMS = 200


def check_texts(report: Report, whole: Whole) -> None:
    """Check every text of the file against the names that are known where it is used."""
    plain = vocabulary(whole.header.fields)
    for spot in whole.header.vars.values():
        _check(report, spot, words=plain, whole=whole)
    for stage in whole.stages:
        for draft in stage.rules:
            if draft.kind is not None and draft.settings is not None:
                _check_rule(report, draft, stage=stage, whole=whole)
    anywhere = whole.words(None)
    for message in whole.messages.values():
        if message.id not in whole.used_messages:
            for spot in (*message.texts.values(), *message.subjects.values()):
                _check(report, spot, words=anywhere, whole=whole)


def _check_rule(report: Report, draft: RuleDraft, *, stage: StageDraft, whole: Whole) -> None:
    if draft.kind is None:
        return
    words = whole.words(stage, rule=draft)
    for field in draft.kind.texts:
        spot = draft.entries.get(field.name)
        for one in _texts_in(spot) if spot is not None else ():
            _check_field(report, one, field=field, draft=draft, words=words, whole=whole)
    for name, reference in draft.kind.references.items():
        spot = draft.entries.get(name)
        if spot is not None and reference in (Reference.RECIPIENTS, Reference.URL):
            for one in _texts_in(spot):
                _check(report, one, words=words, whole=whole)


def _check_field(report: Report, spot: Spot, *, field: TextField, draft: RuleDraft, words: Word, whole: Whole) -> None:
    message = whole.messages.get(spot.text) if field.is_message else None
    if message is not None:
        whole.used_messages.add(message.id)
        _check_message(report, message, field=field, words=words, whole=whole)
        if field.has_subject and not message.subjects and "subject" not in draft.entries:
            help = f"Add 'subject:' to the message '{message.id}' or to the rule."
            report.error("D319", f"the mail '{message.id}' has no subject", at=spot, help=help)
        return
    if field.is_message and (not field.may_be_literal or NAME.fullmatch(spot.text)):
        close = nearest(spot.text, list(whole.messages))
        guess = f"Did you mean '{close}'? " if close else ""
        report.error("D306", f"no message '{spot.text}'", at=spot, help=f"{guess}Add it under 'messages:'.")
        return
    _check(report, spot, words=words, whole=whole, limit=field.limit)
    if field.has_subject and "subject" not in draft.entries:
        report.error("D319", "the mail has no subject", at=spot, help="Add 'subject:' to the rule.")


def _check_message(report: Report, message: MessageDraft, *, field: TextField, words: Word, whole: Whole) -> None:
    for language, spot in message.texts.items():
        template = _check(report, spot, words=words, whole=whole, limit=field.limit)
        if template is not None and field.limit <= _SMS:
            _warn_of_segments(report, spot, template=template, language=language)
    if field.has_subject:
        for spot in message.subjects.values():
            _check(report, spot, words=words, whole=whole, limit=250)
    missing = [one for one in whole.header.languages if one not in message.texts and one != whole.header.languages[0]]
    if missing:
        said = ", ".join(missing)
        help = f"Customers of these languages get '{whole.header.languages[0]}'."
        at = message.spot.at_key()
        report.warning("D401", f"the message '{message.id}' has no text in {said}", at=at, help=help)


def _check(report: Report, spot: Spot, *, words: Word, whole: Whole, limit: int = 10_000) -> Template | None:
    template = whole.template(report, spot)
    if template is None:
        return None
    for mistake in mistakes_in(template, words=words):
        report.mistake(mistake, at=spot)
    length = len(unicodedata.normalize("NFC", template.fixed))
    if length > limit:
        fixed = "the text" if not template.uses else "the text without its values"
        words_said = f"{fixed} has {length} characters, {limit} are allowed"
        report.error("D220", words_said, at=spot, help="Shorten it; nothing is cut when it is sent.")
    return template


def _warn_of_segments(report: Report, spot: Spot, *, template: Template, language: str) -> None:
    count = segments(template.fixed)
    if count > 1:
        help = "Each segment is paid; 160 letters fit into one, 70 with letters outside GSM's alphabet."
        report.warning("D402", f"the text in '{language}' takes {count} text-message segments", at=spot, help=help)


def _texts_in(spot: Spot) -> list[Spot]:
    """List the texts of a value: its own, or those anywhere inside a list or a block."""
    if isinstance(spot.node, Scalar):
        return [spot] if spot.text else []
    parts = spot.entries() if isinstance(spot.node, Block) else spot.items()
    return [text for part in parts for text in _texts_in(part)]
