"""Where zone rules and public holidays come from: the installed libraries, or the copy in a published version (M24)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, tzinfo
from warnings import catch_warnings, simplefilter

from workflows.pipeline.mistakes import Mistake, suggestion
from workflows.pipeline.zones import zone_of

#: Years whose public holidays a loaded pipeline knows; publishing freezes those it needs.
YEARS = range(2020, 2046)


@dataclass(frozen=True)
class Almanac:
    """Two look-ups by name, each raising Mistake for an unknown one."""

    zone_of: Callable[[str], tzinfo]
    holidays_of: Callable[[str], frozenset[date]]


def installed(years: range = YEARS) -> Almanac:
    """Return the almanac of the installed libraries."""
    return Almanac(zone_of=zone_of, holidays_of=lambda place: public_holidays(place, years=years))


def public_holidays(place: str, *, years: range) -> frozenset[date]:
    """Return the public holidays of a country (`PL`) or a region of it (`DE-BY`); raise Mistake for an unknown one."""
    import holidays  # noqa: PLC0415  # a large library, needed at load only

    country, _, region = place.partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        help = suggestion(country, sorted(known)) or "Write a country's two letters, like PL, or a region, like DE-BY."
        raise Mistake("D217", f"no holidays are known for '{place}'", help=help)
    if region and region not in known[country]:
        help = suggestion(region, sorted(known[country]), label=f"Regions of {country}")
        raise Mistake("D217", f"'{country}' has no region '{region}'", help=help or f"Write '{country}' alone.")
    with catch_warnings():
        # Some countries are known for fewer years than asked for, which the library says on stderr.
        simplefilter("ignore")
        return frozenset(holidays.country_holidays(country, subdiv=region or None, years=years))
