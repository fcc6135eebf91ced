"""When a rule runs (M20-M24): its wait, counted from an anchor or from a date of the order, moved into its hours."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from workflows.pipeline.calendars import Calendar, earlier_open, next_open
from workflows.pipeline.durations import Duration, Wait, WaitAnchor, shifted, spoken, wall
from workflows.pipeline.fields import OrderView
from workflows.pipeline.mistakes import Mistake
from workflows.pipeline.model import RESPONSIBLE, Pipeline, Rule
from workflows.pipeline.schedules import parse_week
from workflows.pipeline.values import Scope
from workflows.pipeline.zones import find_zone

#: A wait for a date that is not known yet lasts this long; the date's arrival moves it (M23).
UNKNOWN_DATE = timedelta(days=3_650)


@dataclass(frozen=True)
class Moment:
    """When, in UTC, and what it was counted from, without a person's data. `is_known` False: its date is not set."""

    at: datetime
    words: str
    is_known: bool = True


def own_wait(pipeline: Pipeline, *, rule: Rule) -> Duration | None:
    """Return the longest wait that a rule's kind has as a setting (`at_most`); None if it has none."""
    kind = pipeline.kinds[rule.kind]
    found = getattr(rule.settings, kind.wait_setting, None) if kind.wait_setting else None
    return found if isinstance(found, Duration) else None


def has_moment(pipeline: Pipeline, *, rule: Rule) -> bool:
    """Say whether a rule has a moment to wait for: a wait, hours, or its kind's own wait."""
    return rule.has_wait or own_wait(pipeline, rule=rule) is not None


def moment_of(pipeline: Pipeline, *, rule: Rule, view: OrderView, anchor: datetime) -> Moment:
    """Return when a rule runs whose turn comes at `anchor`; a moment already past is the anchor itself."""
    wait = rule.wait or Wait()
    base = _waited(pipeline, wait=wait, view=view, anchor=anchor)
    own = own_wait(pipeline, rule=rule)
    words = [*([str(wait)] if rule.wait else []), *([f"at most {spoken(own)}"] if own is not None else [])]
    if base is None:
        return Moment(anchor + UNKNOWN_DATE, f"waits until {wait.field} is set", is_known=False)
    if own is not None:
        base = own.after(max(base, anchor), zone=pipeline.zone)
    calendar = _calendar(pipeline, rule=rule, view=view)
    if rule.hours is not None:
        words.append(f"hours: {rule.hours}")
    at = _in_hours(calendar, base=base, anchor=anchor, is_before=wait.anchor is WaitAnchor.BEFORE)
    return Moment(max(at, anchor).astimezone(UTC), ", ".join(words))


def _waited(pipeline: Pipeline, *, wait: Wait, view: OrderView, anchor: datetime) -> datetime | None:
    zone = pipeline.zone
    if wait.anchor is WaitAnchor.START:
        return _from_anchor(wait, anchor=anchor, zone=zone)
    start = _date_of(pipeline, wait=wait, view=view)
    if start is None:
        return None
    length = wait.duration
    moved = length.before(start, zone=zone) if wait.anchor is WaitAnchor.BEFORE else length.after(start, zone=zone)
    return moved if wait.at is None else _at_clock(moved, clock=wait.at, zone=zone)


def _from_anchor(wait: Wait, *, anchor: datetime, zone: tzinfo) -> datetime:
    moved = wait.duration.after(anchor, zone=zone)
    if wait.at is None:
        return moved
    at = _at_clock(moved, clock=wait.at, zone=zone)
    # "1 day at 10:00" is tomorrow at 10:00; "3 hours at 10:00" is the first 10:00 after them.
    is_whole_days = wait.duration.days > 0 and not wait.duration.exact
    if at >= moved or is_whole_days:
        return at
    return _at_clock(shifted(moved, days=1, zone=zone), clock=wait.at, zone=zone)


def _at_clock(moment: datetime, *, clock: time, zone: tzinfo) -> datetime:
    return wall(datetime.combine(moment.astimezone(zone).date(), clock), zone=zone)


def _date_of(pipeline: Pipeline, *, wait: Wait, view: OrderView) -> datetime | None:
    found = Scope(pipeline=pipeline, view=view).value(tuple(wait.field.split(".")))
    if isinstance(found, datetime):
        return found
    try:
        # Custom fields come as JSON, where a date is a text.
        return wall(datetime.combine(date.fromisoformat(str(found)), time()), zone=pipeline.zone) if found else None
    except ValueError:
        return None


def _calendar(pipeline: Pipeline, *, rule: Rule, view: OrderView) -> Calendar | None:
    if rule.hours != RESPONSIBLE:
        return pipeline.calendars.get(rule.hours or "")
    person = view.responsible
    if person is None or not person.hours:
        return None
    try:
        week = parse_week(person.hours)
    except Mistake:
        return None
    zone = (find_zone(person.time_zone) if person.time_zone else None) or pipeline.zone
    return Calendar(name=RESPONSIBLE, week=week, zone=zone)


def _in_hours(calendar: Calendar | None, *, base: datetime, anchor: datetime, is_before: bool) -> datetime:
    if calendar is None:
        return base
    if is_before:
        earlier = earlier_open(calendar, base)
        if earlier is not None and earlier >= anchor:
            return earlier
    at = max(base, anchor)
    return next_open(calendar, at) or at
