"""The 22 trigger families' happenings (T01-T22), their settings, and whether an event fits a trigger's settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from workflows.pipeline.vocabulary import ANY, BOOL, DATE, NUMBER, TEXT, Word


@dataclass(frozen=True)
class EventFact:
    """An event as decisions see it. `data` is what its source wrote: any JSON."""

    type: str
    at: datetime
    data: dict[str, Any] = field(default_factory=dict)


class Fit(StrEnum):
    """How a setting narrows an event."""

    SAME = "same"  # the event's value is this one, letter case aside
    CONTAINS = "contains"  # the event's text contains this one, letter case aside
    WILDCARD = "wildcard"  # the event's text fits the pattern; `*` stands for any characters
    ADMITS = "admits"  # without `true`, events whose data carry the mark are left out
    FIRST = "first"  # without `true`, only events whose data carry the mark are taken


@dataclass(frozen=True)
class Setting:
    """A setting of a trigger: how it is compared with which value of the event's data."""

    name: str
    fit: Fit
    data: str
    description: str
    example: str | bool
    is_required: bool = False

    @property
    def is_flag(self) -> bool:
        """Say whether it is written as true or false."""
        return self.fit in (Fit.ADMITS, Fit.FIRST)


@dataclass(frozen=True)
class Happening:
    """What a trigger listens to. `ids` are the catalogue's rows; `data`: what conditions read as `event.NAME`."""

    family: str
    name: str
    ids: str
    description: str
    settings: tuple[Setting, ...] = ()
    data: Mapping[str, Word] = field(default_factory=dict)

    @property
    def event_type(self) -> str:
        """The event type, also the name of the signal."""
        return f"{self.family}.{self.name}"

    def setting(self, name: str) -> Setting | None:
        """Find a setting by its key."""
        return next((one for one in self.settings if one.name == name), None)


def _same(name: str, description: str, example: str) -> Setting:
    return Setting(name, Fit.SAME, name, description, example)


_MAILBOX = _same("mailbox", "Only mail to this mailbox.", "orders@shop.example")
_SUBJECT = Setting("subject_contains", Fit.CONTAINS, "subject", "Only mail with this in its subject.", "invoice")
_AUTOMATION = Setting("include_automation", Fit.ADMITS, "automation", "Mail that rules sent counts too.", True)
_RULE = _same("rule", "Only mail that this rule sent.", "pay-link")
_URL = Setting("url", Fit.WILDCARD, "url", "The link's address; * is a wildcard.", "https://shop.example/pay/*", True)
_LINE = _same("line", "Only calls to this number of ours.", "+48221234567")
_FORM = _same("name", "Only this form.", "pickup-confirmed")
_ANY = Setting("any", Fit.FIRST, "all", "The first shipment is enough; else every shipment must have left.", True)
_STATUS = _same("status", "Only this delivery status.", "in_transit")
_REASON = Setting("reason_contains", Fit.CONTAINS, "reason", "Only a reason with this in it.", "stock")
_PAGE = Setting("page", Fit.WILDCARD, "page", "Only visits of this page; * is a wildcard.", "/checkout*")
_CHANNEL = _same("channel", "Only this channel.", "whatsapp")
_TEMPLATE = _same("template", "Only documents made from this template.", "invoice")

_MONEY_DATA = {"amount": NUMBER, "currency": TEXT, "reference": TEXT}
_SHIPMENT_DATA = {"shipment": TEXT}

_HAPPENINGS = (
    Happening("responsible", "changed", "T01", "The responsible person changes.", (), {"employee": TEXT}),
    Happening(
        "email",
        "received",
        "T02",
        "The customer writes a mail.",
        (_MAILBOX, _SUBJECT),
        {"mailbox": TEXT, "subject": TEXT},
    ),
    Happening(
        "email",
        "sent",
        "T03",
        "A mail is sent to the customer.",
        (_AUTOMATION,),
        {"mailbox": TEXT, "automation": BOOL, "rule": TEXT},
    ),
    Happening("email", "viewed", "T04", "The customer opens a mail.", (_RULE,), {"rule": TEXT}),
    Happening("email", "link_clicked", "T05", "The customer clicks a link.", (_URL,), {"url": TEXT, "rule": TEXT}),
    Happening("call", "incoming", "T06", "The customer calls.", (_LINE,), {"line": TEXT}),
    Happening("call", "missed", "T07", "A call of the customer is not answered.", (_LINE,), {"line": TEXT}),
    Happening("form", "submitted", "T08", "The customer fills in a form.", (_FORM,), {"name": TEXT, "fields": ANY}),
    Happening("callback", "requested", "T09", "The customer asks to be called.", (_FORM,), {"name": TEXT}),
    Happening("payment", "paid", "T10", "The order is fully paid.", (), _MONEY_DATA),
    Happening("payment", "received", "T10", "A payment, or a part of it, arrives.", (), _MONEY_DATA),
    Happening("payment", "refunded", "T10", "Money goes back.", (), _MONEY_DATA),
    Happening("shipment", "approved", "T11", "Delivery of a shipment is allowed.", (), _SHIPMENT_DATA),
    Happening(
        "shipment",
        "tracking_added",
        "T12",
        "A tracking number is entered.",
        (),
        {**_SHIPMENT_DATA, "tracking_number": TEXT, "tracking_url": TEXT},
    ),
    Happening("shipment", "shipped", "T13", "The order is shipped.", (_ANY,), {**_SHIPMENT_DATA, "all": BOOL}),
    Happening(
        "shipment", "updated", "T14", "A delivery status changes.", (_STATUS,), {**_SHIPMENT_DATA, "status": TEXT}
    ),
    Happening(
        "shipment", "delivered", "T14", "A shipment is delivered.", (_STATUS,), {**_SHIPMENT_DATA, "status": TEXT}
    ),
    Happening("order", "cancelled", "T15", "The order is cancelled.", (_REASON,), {"reason": TEXT}),
    Happening("visit", "started", "T17", "The customer visits the shop's site.", (_PAGE,), {"page": TEXT}),
    Happening("visit", "returned", "T18", "A visitor who filled in a form comes back.", (_FORM,), {"name": TEXT}),
    Happening("chat", "first_message", "T19", "Their first message in a chat.", (_CHANNEL,), {"channel": TEXT}),
    Happening("chat", "message", "T20", "Every message in a chat.", (_CHANNEL,), {"channel": TEXT}),
    Happening("document", "created", "T21", "A document is made.", (_TEMPLATE,), {"template": TEXT}),
    Happening("document", "viewed", "T22", "The customer opens a document.", (_TEMPLATE,), {"template": TEXT}),
)

#: The family whose value is a code of the shop's own (T16).
WEBHOOK = "webhook"
WEBHOOK_CODE = re.compile(r"[a-z0-9._-]{1,64}", re.ASCII)

HAPPENINGS: Mapping[str, Happening] = {one.event_type: one for one in _HAPPENINGS}


def families() -> list[str]:
    """List the keys that name a trigger, in the order of the catalogue."""
    return [*dict.fromkeys(one.family for one in _HAPPENINGS), WEBHOOK]


def happenings_of(family: str) -> list[str]:
    """List what a family's key may say; none for `webhook`, whose value is a code."""
    return [one.name for one in _HAPPENINGS if one.family == family]


def happening_of(event_type: str) -> Happening | None:
    """Find what a trigger listens to by event type; any webhook code counts, other unknown types give None."""
    family, _, name = event_type.partition(".")
    if family == WEBHOOK and name:
        return Happening(WEBHOOK, name, "T16", "An outside system calls the trigger's address.")
    return HAPPENINGS.get(event_type)


def event_words(happening: Happening) -> dict[str, Word]:
    """Return the names conditions may read as `event.NAME`; empty for webhooks, where any name may come."""
    return {"at": DATE, **happening.data} if happening.family != WEBHOOK else {}


@dataclass(frozen=True)
class Misfit:
    """Why an event does not fit a trigger; `words` hold nothing of the event, `compared` does."""

    words: str
    compared: tuple[tuple[str, str], ...] = ()


def misfit(happening: Happening, *, settings: Mapping[str, str | bool], event: EventFact) -> Misfit | None:
    """Say why an event does not fit a trigger's settings; None if it does."""
    for setting in happening.settings:
        found = event.data.get(setting.data)
        words = _misfit(setting, value=settings.get(setting.name), found=found)
        if words:
            return Misfit(words, ((f"event.{setting.data}", "" if found is None else str(found)),))
    return None


def _misfit(setting: Setting, *, value: str | bool | None, found: object) -> str:
    if setting.fit is Fit.ADMITS:
        return f"it was sent by a rule, and {setting.name} is not set" if found is True and value is not True else ""
    if setting.fit is Fit.FIRST:
        # A source that does not say counts as the last one: most shops send one shipment an order.
        return "not every shipment has left" if found is False and value is not True else ""
    if value is None or _fits(setting.fit, wanted=str(value), text="" if found is None else str(found)):
        return ""
    return f"the event's {setting.data} does not fit '{setting.name}: {value}'"


def _fits(fit: Fit, *, wanted: str, text: str) -> bool:
    if fit is Fit.SAME:
        return text.casefold() == wanted.casefold()
    if fit is Fit.CONTAINS:
        return wanted.casefold() in text.casefold()
    return fits_pattern(wanted, text=text)


def fits_pattern(pattern: str, *, text: str) -> bool:
    """Say whether a text fits a pattern in which `*` stands for any characters; letter case does not count."""
    first, *rest = pattern.casefold().split("*")
    text = text.casefold()
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    # Each part at its earliest place: linear, where a regular expression could backtrack for ever.
    place = len(first)
    for part in rest[:-1]:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return text.endswith(rest[-1]) and len(text) - len(rest[-1]) >= place
