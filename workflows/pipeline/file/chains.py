"""Rules that follow each other: ids, `after:`, circles; and the fields and calendars that their waits name."""

from dataclasses import replace

from workflows.pipeline.durations import WaitAnchor
from workflows.pipeline.file.drafts import RuleDraft, StageDraft
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.file.whole import Whole
from workflows.pipeline.mistakes import nearest, suggestion
from workflows.pipeline.model import RESPONSIBLE
from workflows.pipeline.vocabulary import ValueType, Word, find

PREVIOUS = "previous"


def check_chains(report: Report, whole: Whole) -> None:
    """Resolve every `after:` to a rule of the same stage, and check waits and hours."""
    for stage in whole.stages:
        _check_ids(report, stage)
        for place, draft in enumerate(stage.rules):
            _resolve(report, draft, place=place, stage=stage, whole=whole)
            _check_wait(report, draft, whole=whole)
            _check_hours(report, draft, whole=whole)
        _check_circles(report, stage)


def _check_ids(report: Report, stage: StageDraft) -> None:
    lines: dict[str, int] = {}
    for draft in stage.rules:
        spot = draft.entries.get("id", draft.spot)
        if draft.id and draft.id in lines:
            words = f"two rules of stage '{stage.id}' have the id '{draft.id}' (first on line {lines[draft.id]})"
            report.error("D302", words, at=spot, help="Rename one of them.")
        lines.setdefault(draft.id, spot.node.place.line + 1)


def _resolve(report: Report, draft: RuleDraft, *, place: int, stage: StageDraft, whole: Whole) -> None:
    if draft.after is None:
        return
    if draft.after == PREVIOUS:
        if place == 0:
            help = "There is no rule before it; remove the line."
            report.error("D303", "'after: previous' on the first rule", at=draft.entries["after"], help=help)
            draft.after = None
            return
        draft.after = stage.rules[place - 1].id or None
    elif stage.rule(draft.after) is None:
        words = f"no rule '{draft.after}' in stage '{stage.id}'"
        report.error("D304", words, at=draft.entries["after"], help=_elsewhere(draft.after, stage=stage, whole=whole))
        draft.after = None
        return
    if draft.rule is not None:
        draft.rule = replace(draft.rule, after=draft.after)


def _elsewhere(name: str, *, stage: StageDraft, whole: Whole) -> str:
    other = next((one for one in whole.stages if one is not stage and one.rule(name) is not None), None)
    if other is not None:
        return f"Rule '{name}' is in stage '{other.id}'; a chain cannot cross stages."
    names = [PREVIOUS, *(one.id for one in stage.rules if one.id)]
    return suggestion(name, names, label="Rules of the stage")


def _check_circles(report: Report, stage: StageDraft) -> None:
    told: set[str] = set()
    for draft in stage.rules:
        path: list[str] = []
        name: str | None = draft.id
        while name and name not in path:
            path.append(name)
            found = stage.rule(name)
            name = found.after if found is not None else None
        if not name or name != draft.id or name in told:
            continue
        told.update(path)
        # `after` points backwards: read the circle in the order the rules would run.
        circle = " → ".join([draft.id, *reversed(path[1:]), draft.id])
        words = f"rules wait for each other: {circle}" if len(path) > 1 else f"rule '{draft.id}' waits for itself"
        report.error("D308", words, at=draft.entries["after"], help="Remove one 'after'.")


def _check_wait(report: Report, draft: RuleDraft, *, whole: Whole) -> None:
    wait = draft.rule.wait if draft.rule is not None else None
    if wait is None or wait.anchor is WaitAnchor.START:
        return
    dates = _dates(find(whole.words(None), ["order"]), label="order")
    if wait.field not in dates:
        spot = draft.entries["wait"].get(wait.anchor.value) or draft.entries["wait"]
        help = suggestion(wait.field, dates, label="Dates")
        report.error("D313", f"'{wait.field}' is not a date of the order", at=spot, help=help)


def _dates(word: Word | None, *, label: str) -> list[str]:
    found: list[str] = []
    for name, inside in word.inside.items() if word is not None else ():
        if inside.type is ValueType.DATE:
            found.append(f"{label}.{name}")
        elif inside.type is ValueType.GROUP:
            found += _dates(inside, label=f"{label}.{name}")
    return found


def _check_hours(report: Report, draft: RuleDraft, *, whole: Whole) -> None:
    spot = draft.entries.get("hours")
    if spot is None or draft.rule is None or draft.rule.hours is None:
        return
    check_calendar(report, spot, whole=whole)


def check_calendar(report: Report, spot: Spot, *, whole: Whole) -> None:
    """Check that `hours:` names a calendar, or the responsible person's working time."""
    name, header = spot.text, whole.header
    if name == RESPONSIBLE or name in header.calendars or name in header.broken_calendars:
        return
    known = [*header.calendars, RESPONSIBLE]
    close = nearest(name, known)
    guess = f"Did you mean '{close}'? " if close else ""
    help = f"{guess}Calendars: {', '.join(known)}."
    report.error("D307", f"no calendar '{name}'", at=spot, help=help)
