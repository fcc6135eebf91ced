"""Quiet hours of the customer's own clock (M22): until when a call or a message to them has to wait."""

from datetime import datetime, timedelta, tzinfo

from workflows.pipeline.calendars import in_quiet_hours
from workflows.pipeline.fields import CustomerFields, OrderView
from workflows.pipeline.model import Pipeline
from workflows.pipeline.zones import find_zone

#: Zones that never sleep at the same time cannot keep a message for ever.
_LONGEST = timedelta(days=2)


def quiet_until(pipeline: Pipeline, *, view: OrderView, now: datetime, number: str = "") -> datetime | None:
    """Return when the customer may be disturbed again; None if they may be now.

    Where their zone is not known for sure, it must be allowed in every zone that they may be in. `number` is the phone
    that would ring, if it is known.
    """
    quiet = pipeline.quiet_hours
    if quiet is None:
        return None
    zones = candidate_zones(pipeline, customer=view.customer, number=number)
    moment = now
    while moment - now <= _LONGEST:
        ends = [in_quiet_hours(moment, start=quiet.start, end=quiet.end, zone=zone) for zone in zones]
        late = max((end for end in ends if end is not None), default=None)
        if late is None:
            return None if moment == now else moment
        moment = late
    return in_quiet_hours(now, start=quiet.start, end=quiet.end, zone=zones[0])


def candidate_zones(pipeline: Pipeline, *, customer: CustomerFields | None, number: str = "") -> list[tzinfo]:
    """Return the zones the customer may be in: their own, else by phone number and country, else the pipeline's.

    Where number and country contradict each other, either may be right.
    """
    own = find_zone(customer.time_zone) if customer and customer.time_zone else None
    if own is not None:
        return [own]
    by_phone = _zones_of_phone(number or customer.phone) if customer else []
    by_country = _zones_of_country(customer.country) if customer else []
    both = [name for name in by_phone if name in by_country]
    found = [zone for name in both or [*by_phone, *by_country] if (zone := find_zone(name)) is not None]
    return found or [pipeline.zone]


def _zones_of_phone(number: str) -> list[str]:
    import phonenumbers  # noqa: PLC0415  # large tables, needed only before a message to a customer
    from phonenumbers import timezone  # noqa: PLC0415

    try:
        names = timezone.time_zones_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return []
    return [str(name) for name in names if name != timezone.UNKNOWN_TIMEZONE]


def _zones_of_country(country: str) -> list[str]:
    from babel.core import get_global  # noqa: PLC0415

    return [str(name) for name in get_global("territory_zones").get(country.upper(), ())] if country else []
