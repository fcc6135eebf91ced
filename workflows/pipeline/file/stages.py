"""Reading stages, their triggers, and the messages."""

from collections.abc import Mapping

from workflows.contracts.state import StageKind
from workflows.pipeline.file import keys, reading
from workflows.pipeline.file.document import Block
from workflows.pipeline.file.drafts import MessageDraft, StageDraft, TriggerDraft
from workflows.pipeline.file.header import Header
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.file.rules import read_rules
from workflows.pipeline.kinds import Kinds
from workflows.pipeline.mistakes import Mistake, suggestion
from workflows.pipeline.model import Trigger
from workflows.pipeline.triggers import WEBHOOK, WEBHOOK_CODE, Happening, families, happening_of, happenings_of

_CODE_HELP = "Use small letters, digits, dots, dashes and underscores, at most 64 characters."


def read_stages(report: Report, root: Spot, *, kinds: Kinds, defaults: Mapping[str, Spot]) -> list[StageDraft]:
    """Read the stages in the order of the file."""
    spot = root.get("stages")
    if spot is None or not reading.block(report, spot, example="'new:' and below it 'rules:'"):
        return []
    if not list(spot.entries()):
        report.error("D314", "there are no stages", at=spot, help="Write at least one, like 'new:'.")
    return [_stage(report, one, kinds=kinds, defaults=defaults) for one in spot.entries()]


def _stage(report: Report, spot: Spot, *, kinds: Kinds, defaults: Mapping[str, Spot]) -> StageDraft:
    draft = StageDraft(spot=spot, id=spot.name, title=spot.name)
    if not reading.NAME.fullmatch(spot.name):
        reading.bad_name(report, spot.at_key())
    if reading.is_nothing(spot) or not reading.block(report, spot):
        return draft
    reading.unknown_keys(report, spot, known=keys.names(keys.STAGE))
    if (title := spot.get("title")) is not None:
        draft.title = reading.text(report, title, longest=100) or draft.id
    if (kind := spot.get("kind")) is not None:
        found = reading.choice(report, kind, names=list(StageKind), what="stage kind")
        draft.kind = StageKind(found or StageKind.OPEN)
    triggers, rules = spot.get("triggers"), spot.get("rules")
    if triggers is not None and reading.listing(report, triggers):
        draft.triggers = [_trigger(report, one, place=place) for place, one in enumerate(triggers.items())]
    if rules is not None and reading.listing(report, rules):
        draft.rules = read_rules(report, rules, kinds=kinds, defaults=defaults)
    return draft


def _trigger(report: Report, spot: Spot, *, place: int) -> TriggerDraft:
    draft = TriggerDraft(spot=spot, entries={one.name: one for one in spot.entries()})
    if not isinstance(spot.node, Block):
        help = "Write 'family: happening', like 'payment: paid'."
        report.error("D207", f"a trigger must be a block of keys, not {reading.shown(spot)}", at=spot, help=help)
        return draft
    family = _family(report, spot)
    draft.happening = _happening(report, family) if family is not None else None
    if family is None or draft.happening is None:
        return draft
    settings = _trigger_settings(report, family, happening=draft.happening, entries=draft.entries)
    draft.trigger = _common(report, draft, settings=settings, place=place)
    return draft


def _family(report: Report, spot: Spot) -> Spot | None:
    names = families()
    common = keys.names(keys.TRIGGER)
    found = [one for one in spot.entries() if one.name in names]
    if len(found) > 1:
        words = f"a trigger has one event, this has two: '{found[0].name}' and '{found[1].name}'"
        report.error("D229", words, at=found[1].at_key(), help="Write two triggers, each with its own '- '.")
        return None
    if found:
        return found[0]
    strange = next((one for one in spot.entries() if one.name not in common), None)
    if strange is None:
        report.error("D213", "the trigger names no event", at=spot, help=f"Events: {', '.join(names)}.")
    else:
        help = suggestion(strange.name, names, label="Triggers")
        report.error("D214", f"unknown trigger '{strange.name}'", at=strange.at_key(), help=help)
    return None


def _happening(report: Report, family: Spot) -> Happening | None:
    if family.name == WEBHOOK:
        code = reading.text(report, family)
        if code is not None and not WEBHOOK_CODE.fullmatch(code):
            report.error("D227", f"{reading.shown(family)} cannot be a webhook's code", at=family, help=_CODE_HELP)
            return None
        return happening_of(f"{WEBHOOK}.{code}") if code else None
    name = reading.choice(report, family, names=happenings_of(family.name))
    return happening_of(f"{family.name}.{name}") if name else None


def _trigger_settings(
    report: Report, family: Spot, *, happening: Happening, entries: Mapping[str, Spot]
) -> dict[str, str | bool]:
    common = [family.name, *keys.names(keys.TRIGGER)]
    known = [*common, *(one.name for one in happening.settings)]
    settings: dict[str, str | bool] = {}
    for name, spot in entries.items():
        setting = happening.setting(name)
        if name not in known:
            reading.unknown_key(report, spot, names=known)
        elif setting is not None:
            value = reading.flag(report, spot) if setting.is_flag else reading.text(report, spot, longest=500)
            if value is not None:
                settings[name] = value
    for setting in happening.settings:
        if setting.is_required and setting.name not in entries:
            words = f"the trigger '{family.name}: {happening.name}' needs '{setting.name}'"
            report.error("D211", words, at=family.at_key(), help=f"{setting.description} Like: {setting.example}")
    return settings


def _common(report: Report, draft: TriggerDraft, *, settings: dict[str, str | bool], place: int) -> Trigger | None:
    entries, happening = draft.entries, draft.happening
    if happening is None:
        return None
    texts = {
        name: reading.text(report, entries[name], longest=1_000) for name in ("title", "when", "as") if name in entries
    }
    orders = reading.choice(report, entries["orders"], names=("all", "latest")) if "orders" in entries else "all"
    return Trigger(
        event_type=happening.event_type,
        settings=settings,
        title=texts.get("title") or "",
        back=bool(reading.flag(report, entries["back"])) if "back" in entries else False,
        sources=tuple(one.text for one in entries["from"].items()) if "from" in entries else (),
        when=texts.get("when"),
        orders="latest" if orders == "latest" else "all",
        as_employee=texts.get("as"),
        position=place,
    )


def read_messages(report: Report, root: Spot, *, header: Header) -> dict[str, MessageDraft]:
    """Read the messages."""
    spot = root.get("messages")
    if spot is None or not reading.block(report, spot):
        return {}
    return {one.name: _message(report, one, header=header) for one in spot.entries()}


def _message(report: Report, spot: Spot, *, header: Header) -> MessageDraft:
    draft = MessageDraft(spot=spot, id=spot.name)
    if not reading.NAME.fullmatch(spot.name):
        reading.bad_name(report, spot.at_key())
    if not reading.block(report, spot, example=f'{{{header.languages[0]}: "Thank you!"}}'):
        return draft
    for one in spot.entries():
        if one.name == "subject":
            draft.subjects = _subjects(report, one, header=header)
        elif _is_language(report, one, header=header) and reading.text(report, one) is not None:
            draft.texts[one.name] = one
    first = header.languages[0]
    if spot.get(first) is None:
        words = f"the message '{spot.name}' has no text in '{first}', the first language"
        report.error("D315", words, at=spot.at_key(), help=f"Add '{first}:'; customers of any other language get it.")
    return draft


def _subjects(report: Report, spot: Spot, *, header: Header) -> dict[str, Spot]:
    if not isinstance(spot.node, Block):
        return {header.languages[0]: spot} if reading.text(report, spot, longest=250) is not None else {}
    return {
        one.name: one
        for one in spot.entries()
        if _is_language(report, one, header=header) and reading.text(report, one, longest=250) is not None
    }


def _is_language(report: Report, spot: Spot, *, header: Header) -> bool:
    if spot.name in header.languages:
        return True
    languages = list(header.languages)
    help = suggestion(spot.name, languages, label="Languages")
    report.mistake(Mistake("D215", f"'{spot.name}' is not a language of this pipeline", help=help), at=spot.at_key())
    return False
