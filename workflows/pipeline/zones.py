"""Zone rules by name, from the tz database that is installed, or from the bytes frozen into a version (M24)."""

import re
from datetime import tzinfo
from importlib import resources
from io import BytesIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from workflows.pipeline.mistakes import Mistake, suggestion

_NAME = re.compile(r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+)*", re.ASCII)


def find_zone(name: str) -> tzinfo | None:
    """Return the zone of that name; None if there is none."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_of(name: str) -> tzinfo:
    """Return the zone of that name; raise Mistake with the nearest name if there is none."""
    zone = find_zone(name)
    if zone is None:
        names = sorted(available_timezones())
        help = suggestion(name, names) or "Write an area and a city, like Europe/Warsaw."
        raise Mistake("D205", f"unknown timezone '{name}'", help=help)
    return zone


def zone_bytes(name: str) -> bytes:
    """Return the TZif data (RFC 8536) of a zone, as the package `tzdata` has it."""
    package, _, file = f"tzdata.zoneinfo.{name.replace('/', '.')}".rpartition(".")
    return resources.files(package).joinpath(file).read_bytes()


def zone_from_bytes(data: bytes, *, name: str) -> tzinfo:
    """Make a zone of TZif data; the installed database is not read."""
    return ZoneInfo.from_file(BytesIO(data), key=name)
