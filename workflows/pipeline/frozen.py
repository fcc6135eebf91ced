"""A published version (M24): the file's text and templates, with the holidays and zone rules of its day.

No later release of the libraries behind them changes a version that orders run on.
"""

from base64 import b64decode, b64encode
from datetime import date, tzinfo
from importlib.metadata import version

from pydantic import BaseModel, ConfigDict, Field

from workflows.pipeline.almanac import Almanac, public_holidays
from workflows.pipeline.documents import Documents
from workflows.pipeline.kinds import Kinds
from workflows.pipeline.loader import load
from workflows.pipeline.mistakes import Mistake
from workflows.pipeline.model import Pipeline
from workflows.pipeline.problems import as_text
from workflows.pipeline.zones import zone_bytes, zone_from_bytes

#: Codes of what is wrong between parts of a file; a version is not refused for them by a stricter check of later days.
_LATER = "D3"


class FrozenPipeline(BaseModel):
    """A published version. `holidays` by country, as dates; `zones` by name, TZif data (RFC 8536) in base 64.

    `documents` are the files of its document templates by name, in base 64.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pipeline: str
    text: str
    holidays: dict[str, list[date]] = Field(default_factory=dict)
    zones: dict[str, str] = Field(default_factory=dict)
    documents: dict[str, str] = Field(default_factory=dict)
    first_year: int
    last_year: int
    tzdata: str = ""
    holidays_release: str = ""


def freeze(text: str, pipeline: Pipeline, *, years: range) -> FrozenPipeline:
    """Freeze a file that was loaded without errors, with the holidays of `years`."""
    places = sorted({place for one in pipeline.calendars.values() for place in one.countries})
    return FrozenPipeline(
        pipeline=pipeline.id,
        text=text,
        holidays={place: sorted(public_holidays(place, years=years)) for place in places},
        zones={name: b64encode(zone_bytes(name)).decode() for name in sorted(pipeline.zones)},
        documents={name: b64encode(pipeline.documents[name]).decode() for name in sorted(pipeline.documents)},
        first_year=years[0],
        last_year=years[-1],
        tzdata=version("tzdata"),
        holidays_release=version("holidays"),
    )


def thaw(frozen: FrozenPipeline, kinds: Kinds) -> Pipeline:
    """Make the pipeline of a published version, by its own zone rules and holidays only.

    Raises ValueError, with the problems, if this release no longer knows its rule kinds or settings.
    """
    zones = {name: zone_from_bytes(b64decode(data), name=name) for name, data in frozen.zones.items()}
    holidays = {place: frozenset(days) for place, days in frozen.holidays.items()}
    almanac = Almanac(
        zone_of=lambda name: _zone(zones, name),
        holidays_of=lambda place: holidays.get(place, frozenset()),
    )
    documents = Documents({name: b64decode(data) for name, data in frozen.documents.items()})
    loaded = load(frozen.text, file=frozen.pipeline, kinds=kinds, almanac=almanac, documents=documents)
    broken = [one for one in loaded.errors if not one.code.startswith(_LATER)]
    if loaded.draft is None or broken:
        raise ValueError(as_text(broken))
    return loaded.draft


def _zone(zones: dict[str, tzinfo], name: str) -> tzinfo:
    if name not in zones:
        raise Mistake("D205", f"the published version has no zone '{name}'", help="Publish the pipeline again.")
    return zones[name]
