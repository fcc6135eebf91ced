"""Reading the rules of a stage: their kind, id, settings and the keys that every rule may have."""

from collections.abc import Mapping
from typing import Literal

from workflows.pipeline.durations import Duration, Wait, WaitAnchor, parse_clock, parse_duration
from workflows.pipeline.file import keys, reading
from workflows.pipeline.file.document import Block
from workflows.pipeline.file.drafts import RuleDraft
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.file.settings import read_settings, setting_names
from workflows.pipeline.kinds import Kinds, RuleKind
from workflows.pipeline.mistakes import Mistake, nearest, suggestion
from workflows.pipeline.model import Rule

_COMMON = keys.names(keys.RULE)


def read_defaults(report: Report, root: Spot, *, kinds: Kinds) -> dict[str, Spot]:
    """Read `defaults:`, settings by kind of rule."""
    spot = root.get("defaults")
    if spot is None or not reading.block(report, spot):
        return {}
    found = {}
    for one in spot.entries():
        if one.name not in kinds:
            help = suggestion(one.name, kinds.names(), label="Rules")
            report.error("D206", f"unknown rule '{one.name}'", at=one.at_key(), help=help)
        elif reading.block(report, one):
            names = [name for name in setting_names(kinds[one.name]) if name != one.name]
            reading.unknown_keys(report, one, known=[*keys.DEFAULT_RULE, *names])
            found[one.name] = one
    return found


def read_rules(report: Report, spot: Spot, *, kinds: Kinds, defaults: Mapping[str, Spot]) -> list[RuleDraft]:
    """Read the rules of a stage; ids are made of kinds where none is given."""
    drafts = [_rule(report, one, kinds=kinds, defaults=defaults) for one in spot.items()]
    given = {one.id for one in drafts if one.id}
    counts: dict[str, int] = {}
    for draft in drafts:
        if not draft.id and draft.kind is not None:
            draft.id = _made_id(draft.kind.name.replace("_", "-"), counts=counts, given=given)
        draft.rule = _made_rule(report, draft)
    return drafts


def _made_id(base: str, *, counts: dict[str, int], given: set[str]) -> str:
    while True:
        counts[base] = counts.get(base, 0) + 1
        made = base if counts[base] == 1 else f"{base}-{counts[base]}"
        if made not in given:
            return made


def _rule(report: Report, spot: Spot, *, kinds: Kinds, defaults: Mapping[str, Spot]) -> RuleDraft:
    draft = RuleDraft(spot=spot, entries={one.name: one for one in spot.entries()})
    if not isinstance(spot.node, Block):
        help = "Write 'kind: value', like 'sms: thanks'."
        report.error("D207", f"a rule must be a block of keys, not {reading.shown(spot)}", at=spot, help=help)
        return draft
    if "id" in draft.entries:
        draft.id = reading.name(report, draft.entries["id"]) or ""
    draft.kind = _kind(report, spot, kinds=kinds)
    if draft.kind is None:
        return draft
    names = setting_names(draft.kind)
    for name, entry in draft.entries.items():
        if name not in _COMMON and name not in names:
            reading.unknown_key(report, entry, names=[*names, *_COMMON])
    # Settings of the kind that are not in the rule come from `defaults:`.
    fallback = {one.name: one for one in defaults[draft.kind.name].entries()} if draft.kind.name in defaults else {}
    draft.entries = {**fallback, **draft.entries}
    own = {name: entry for name, entry in draft.entries.items() if name in names}
    draft.settings = read_settings(report, own, kind=draft.kind, rule=spot)
    return draft


def _kind(report: Report, spot: Spot, *, kinds: Kinds) -> RuleKind | None:
    found = [kinds[one.name] for one in spot.entries() if one.name in kinds]
    # A setting of one kind may be called like another kind.
    found = [one for one in found if not any(one.name in setting_names(other) for other in found if other is not one)]
    if len(found) > 1:
        second = spot.get(found[1].name)
        words = f"a rule has one kind, this has two: '{found[0].name}' and '{found[1].name}'"
        help = "Write two rules, each with its own '- '."
        report.error("D212", words, at=(second or spot).at_key(), help=help)
        return None
    if found:
        return found[0]
    _unknown_kind(report, spot, kinds=kinds)
    return None


def _unknown_kind(report: Report, spot: Spot, *, kinds: Kinds) -> None:
    strange = [one for one in spot.entries() if one.name not in _COMMON]
    misspelt = [one for one in strange if nearest(one.name, _COMMON, likeness=0.75)]
    for one in misspelt:
        reading.unknown_key(report, one, names=_COMMON)
    rest = [one for one in strange if one not in misspelt]
    likely = next((one for one in rest if nearest(one.name, kinds.names())), rest[0] if rest else None)
    if likely is not None:
        help = suggestion(likely.name, kinds.names(), label="Rules")
        at = Spot(likely.at_key().node, spot.path, likely.key)
        report.error("D206", f"unknown rule '{likely.name}'", at=at, help=help)
    elif not misspelt:
        report.error("D213", "the rule has no kind", at=spot, help=f"Rules: {', '.join(kinds.names())}.")


def _made_rule(report: Report, draft: RuleDraft) -> Rule | None:
    entries = draft.entries
    if not isinstance(draft.spot.node, Block):
        return None
    texts = {name: _text(report, entries, name=name) for name in ("title", "after", "hours", "when")}
    draft.after = texts["after"]
    on_failure = _choice(report, entries, name="on_failure", names=("stop", "continue"))
    on_unknown = _choice(report, entries, name="on_unknown", names=("hold", "resend"))
    expires = reading.parsed(report, entries["expires"], _expiry) if "expires" in entries else None
    unknown: Literal["hold", "resend"] = "resend" if on_unknown == "resend" else "hold"
    wait = _wait(report, entries["wait"]) if "wait" in entries else None
    flags = {name: _flag(report, entries, name=name) for name in ("once", "transactional")}
    if draft.kind is None or draft.settings is None:
        return None
    return Rule(
        id=draft.id,
        kind=draft.kind.name,
        settings=draft.settings,
        title=texts["title"] or "",
        wait=wait,
        hours=texts["hours"],
        when=texts["when"],
        once=flags["once"],
        continues_on_failure=on_failure == "continue",
        expires=expires.length if expires else None,
        is_transactional=flags["transactional"],
        on_unknown=unknown,
    )


def _expiry(text: str) -> Duration:
    """Read for how long a rule may be tried; raise Mistake for no time at all."""
    duration = parse_duration(text)
    if not duration.length:
        help = "Write for how long it may be tried, like 2h; without the line that is a day."
        raise Mistake("D218", f"'expires: {text}' leaves no time", help=help)
    return duration


def _text(report: Report, entries: Mapping[str, Spot], *, name: str) -> str | None:
    # Conditions tell themselves when they are too long; titles are cut where they are shown.
    return reading.text(report, entries[name]) if name in entries else None


def _choice(report: Report, entries: Mapping[str, Spot], *, name: str, names: tuple[str, ...]) -> str | None:
    return reading.choice(report, entries[name], names=names) if name in entries else None


def _flag(report: Report, entries: Mapping[str, Spot], *, name: str) -> bool:
    return bool(reading.flag(report, entries[name])) if name in entries else False


def _wait(report: Report, spot: Spot) -> Wait | None:
    if not isinstance(spot.node, Block):
        duration = reading.parsed(report, spot, parse_duration)
        return Wait(duration=duration) if duration is not None else None
    reading.unknown_keys(report, spot, known=keys.names(keys.WAIT))
    length, before, after, at = (spot.get(name) for name in ("for", "before", "after", "at"))
    if before is not None and after is not None:
        help = "Count from one date: remove one of them."
        report.error("D218", "'after' stands beside 'before'", at=after.at_key(), help=help)
    dated = before if before is not None else after
    if dated is None and length is None and at is None:
        report.error("D219", "the wait says neither how long nor until when", at=spot, help="Write 'for: 1d'.")
    duration = reading.parsed(report, length, parse_duration) if length is not None else Duration()
    clock = reading.parsed(report, at, parse_clock) if at is not None else None
    field = reading.text(report, dated) if dated is not None else None
    if duration is None or (dated is not None and field is None):
        return None
    anchor = WaitAnchor.START if dated is None else WaitAnchor.BEFORE if before is not None else WaitAnchor.AFTER
    return Wait(duration=duration, anchor=anchor, field=field or "", at=clock)
