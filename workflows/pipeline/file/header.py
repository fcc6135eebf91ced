"""Reading everything above the stages: name, zone, languages, vars, fields, calendars, quiet hours."""

from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo

from workflows.pipeline import schedules
from workflows.pipeline.almanac import Almanac
from workflows.pipeline.calendars import Calendar, Interval
from workflows.pipeline.file import keys, reading
from workflows.pipeline.file.document import Listing
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.mistakes import Mistake, suggestion
from workflows.pipeline.model import RESPONSIBLE, FieldType, QuietHours

#: A country without holidays known for this year has none for the pipeline's use (Ukraine, under martial law).
_EXPECTED_YEAR = 2030

_QUIET = "21:00-08:00"
_MISSING = {
    "pipeline": "Give the pipeline a name: 'pipeline: shop'.",
    "stages": "Write at least one stage under 'stages:'.",
}


@dataclass
class Header:
    """What stands above the stages, as far as it could be read."""

    id: str = "pipeline"
    title: str = ""
    shop_name: str = ""
    timezone: str = "UTC"
    zone: tzinfo = UTC
    languages: tuple[str, ...] = ("en",)
    calendars: dict[str, Calendar] = field(default_factory=dict)
    broken_calendars: set[str] = field(default_factory=set)
    vars: dict[str, Spot] = field(default_factory=dict)
    fields: dict[str, FieldType] = field(default_factory=dict)
    quiet_hours: QuietHours | None = None
    zones: dict[str, tzinfo] = field(default_factory=dict)


def read_header(report: Report, root: Spot, *, almanac: Almanac) -> Header:
    """Read everything above the stages; zone rules and holidays come from the almanac."""
    header = Header()
    reading.unknown_keys(report, root, known=keys.names(keys.PIPELINE))
    for key in keys.PIPELINE:
        if key.is_required and root.get(key.name) is None:
            help = (
                "Give the pipeline a name: 'pipeline: shop'." if key.name == "pipeline" else "Write at least one stage."
            )
            report.error("D211", f"the key '{key.name}' is missing", at=Spot(root.node), help=help)
    _read_titles(report, root, header=header)
    _read_zone(report, root, header=header, almanac=almanac)
    _read_languages(report, root, header=header)
    _read_quiet_hours(report, root, header=header)
    _read_vars(report, root, header=header)
    _read_fields(report, root, header=header)
    for spot in _block_of(report, root, "calendars"):
        _read_calendar(report, spot, header=header, almanac=almanac)
    return header


def _read_titles(report: Report, root: Spot, *, header: Header) -> None:
    if (spot := root.get("pipeline")) is not None:
        header.id = reading.name(report, spot) or header.id
    if (spot := root.get("title")) is not None:
        header.title = reading.text(report, spot, longest=200) or ""
    if (spot := root.get("shop")) is not None:
        header.shop_name = reading.text(report, spot, longest=200) or ""
    header.title = header.title or header.id


def _read_zone(report: Report, root: Spot, *, header: Header, almanac: Almanac) -> None:
    spot = root.get("timezone")
    name = reading.text(report, spot) if spot else None
    zone = reading.parsed(report, spot, almanac.zone_of) if spot and name else None
    if zone is not None and name is not None:
        header.timezone, header.zone = name, zone
    header.zones[header.timezone] = header.zone


def _read_languages(report: Report, root: Spot, *, header: Header) -> None:
    spot = root.get("languages")
    if spot is None or (not isinstance(spot.node, Listing) and not reading.listing(report, spot)):
        return
    found = [language for one in spot.items() if (language := _language(report, one)) is not None]
    for one, language in zip(spot.items(), found, strict=False):
        if found.count(language) > 1 and found.index(language) != spot.items().index(one):
            report.error("D218", f"the language '{language}' is listed twice", at=one, help="Remove one of them.")
    if not spot.items():
        report.error("D219", "'languages' is empty", at=spot, help="List at least one, like [en].")
    header.languages = tuple(dict.fromkeys(found)) or header.languages


def _language(report: Report, spot: Spot) -> str | None:
    from babel.localedata import locale_identifiers  # noqa: PLC0415  # Babel is needed here only

    found = reading.text(report, spot)
    known = [one.replace("_", "-") for one in locale_identifiers()]
    if found is None or found in known:
        return found
    help = suggestion(found, known) or "Write a language like en, or with a country like pt-BR."
    report.error("D215", f"unknown language '{found}'", at=spot, help=help)
    return None


def _read_quiet_hours(report: Report, root: Spot, *, header: Header) -> None:
    spot = root.get("quiet_hours")
    hours = schedules.parse_hours(_QUIET)
    if spot is not None:
        hours = () if reading.text(report, spot) in ("off", None) else reading.parsed(report, spot, _one_interval) or ()
    header.quiet_hours = QuietHours(hours[0].start, hours[0].end) if hours else None


def _one_interval(text: str) -> tuple[Interval, ...]:
    hours = schedules.parse_hours(text)
    if len(hours) > 1:
        raise Mistake("D208", "quiet hours are one span of time", help='Write them like "21:00-08:00", or off.')
    return hours


def _read_vars(report: Report, root: Spot, *, header: Header) -> None:
    for spot in _block_of(report, root, "vars"):
        if not reading.FIELD_NAME.fullmatch(spot.name):
            reading.bad_name(report, spot.at_key(), pattern=reading.FIELD_NAME)
        elif reading.text(report, spot) is not None:
            header.vars[spot.name] = spot


def _read_fields(report: Report, root: Spot, *, header: Header) -> None:
    for spot in _block_of(report, root, "fields"):
        if not reading.FIELD_NAME.fullmatch(spot.name):
            reading.bad_name(report, spot.at_key(), pattern=reading.FIELD_NAME)
            continue
        kind = reading.choice(report, spot, names=keys.FIELD_TYPES, what="field type")
        header.fields[spot.name] = FieldType(kind or FieldType.TEXT)


def _read_calendar(report: Report, spot: Spot, *, header: Header, almanac: Almanac) -> None:
    header.broken_calendars.add(spot.name)
    if not reading.NAME.fullmatch(spot.name):
        reading.bad_name(report, spot.at_key())
        return
    if spot.name == RESPONSIBLE:
        help = "Give it another name: 'hours: responsible' means the responsible person's working time."
        report.error("D216", f"a calendar cannot be called '{RESPONSIBLE}'", at=spot.at_key(), help=help)
        return
    if not reading.block(report, spot, example='{days: mon-fri, hours: "09:00-18:00"}'):
        return
    reading.unknown_keys(report, spot, known=keys.names(keys.CALENDAR))
    week = _week(report, spot)
    zone_name, zone = _calendar_zone(report, spot, header=header, almanac=almanac)
    countries, holidays = _holidays(report, spot, almanac=almanac)
    closed, also = _closed(report, spot), _also(report, spot)
    if week is None or zone is None:
        return
    header.broken_calendars.discard(spot.name)
    header.zones[zone_name] = zone
    header.calendars[spot.name] = Calendar(
        name=spot.name,
        week=week,
        zone=zone,
        zone_name=zone_name,
        countries=countries,
        holidays=holidays,
        closed=closed,
        also=also,
    )


def _week(report: Report, spot: Spot) -> schedules.Week | None:
    whole, days, hours = spot.get("week"), spot.get("days"), spot.get("hours")
    if whole is not None:
        for other in (days, hours):
            if other is not None:
                help = "Remove it: 'week' has days and hours."
                report.error("D218", f"'{other.name}' stands beside 'week'", at=other.at_key(), help=help)
        return reading.parsed(report, whole.joined(), schedules.parse_week)
    if hours is None:
        help = 'Write hours: "09:00-18:00".'
        report.error("D211", f"the calendar '{spot.name}' has no hours", at=spot.at_key(), help=help)
        return None
    found = reading.parsed(report, hours.joined(), schedules.parse_hours)
    working = reading.parsed(report, days.joined(), schedules.parse_days) if days else tuple(range(7))
    return schedules.week_of(working, hours=found) if found and working else None


def _calendar_zone(report: Report, spot: Spot, *, header: Header, almanac: Almanac) -> tuple[str, tzinfo | None]:
    own = spot.get("timezone")
    if own is None:
        return header.timezone, header.zone
    return reading.text(report, own) or "", reading.parsed(report, own, almanac.zone_of)


def _holidays(report: Report, spot: Spot, *, almanac: Almanac) -> tuple[tuple[str, ...], frozenset[date]]:
    countries: list[str] = []
    days: set[date] = set()
    for one in _each(spot.get("holidays")):
        found = reading.parsed(report, one, almanac.holidays_of)
        if found is not None:
            countries.append(reading.text(report, one) or "")
            days.update(found)
        last = max((day.year for day in found or ()), default=0)
        if found is not None and last < _EXPECTED_YEAR:
            known = f" after {last}" if last else ""
            help = "List its days off under 'except:'."
            report.warning("D410", f"no public holidays of {reading.shown(one)} are known{known}", at=one, help=help)
    return tuple(countries), frozenset(days)


def _closed(report: Report, spot: Spot) -> frozenset[date]:
    found = [reading.parsed(report, one, schedules.parse_dates) for one in _each(spot.get("except"))]
    return frozenset(day for days in found for day in days or ())


def _also(report: Report, spot: Spot) -> dict[date, tuple[Interval, ...]]:
    return {
        found[0]: found[1]
        for one in _each(spot.get("also"))
        if (found := reading.parsed(report, one, schedules.parse_open_date)) is not None
    }


def _each(spot: Spot | None) -> list[Spot]:
    return spot.items() if spot is not None else []


def _block_of(report: Report, root: Spot, name: str) -> list[Spot]:
    spot = root.get(name)
    return list(spot.entries()) if spot is not None and reading.block(report, spot) else []
