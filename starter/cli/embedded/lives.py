"""The demo orders and what happens to them: made-up customers, real requests to the HTTP API. Ids never change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

Body = Mapping[str, object]


@dataclass(frozen=True)
class Step:
    """One request, sent `after` seconds of the step before. `path` is below /v1; the event's id comes by itself."""

    after: float
    path: str
    body: Body


@dataclass(frozen=True)
class Said:
    """A message that a customer, signed in on the shop's site, writes in the web chat."""

    after: float
    customer: str
    text: str


@dataclass(frozen=True)
class Life:
    """An order and its steps. `ends` is the stage it reaches by them."""

    number: str
    order: Body
    ends: str
    steps: tuple[Step | Said, ...] = ()
    begins: float = 0.0


@dataclass(frozen=True)
class _Person:
    id: str
    names: tuple[str, str]
    language: str
    country: str
    phone: str
    extra: Mapping[str, object] = field(default_factory=dict)

    def body(self) -> dict[str, object]:
        first, last = self.names
        return {
            "id": self.id,
            "first_name": first,
            "last_name": last,
            "language": self.language,
            "country": self.country,
            "phones": [{"number": self.phone}],
            "emails": [{"email": f"{self.id}@mail.example"}],
            **self.extra,
        }


_MARKETING = {"consent": {"marketing": True}}
_EMMA = _Person("emma", ("Emma", "Clarke"), "en", "GB", "+447700900123", _MARKETING)
_JAN = _Person("jan", ("Jan", "Kowalski"), "pl", "PL", "+48512345678", {"vip": True})
_CLAIRE = _Person("claire", ("Claire", "Moreau"), "fr", "FR", "+33639980012", _MARKETING)
_LUKAS = _Person("lukas", ("Lukas", "Weber"), "de", "DE", "+4915112345678")
_LINH = _Person("linh", ("Linh", "Nguyễn"), "vi", "VN", "+84912345678")
_OKSANA = _Person("oksana", ("Оксана", "Шевченко"), "uk", "UA", "+380501234567", _MARKETING)
_NOAH = _Person("noah", ("Noah", "Berg"), "en", "SE", "+46701740605")

_LAMP = ("lamp", "Oak lamp", "89.00")
_CHAIR = ("chair", "Juniper chair", "249.00")
_BLANKET = ("blanket", "Wool blanket", "59.50")


def lives(today: date) -> tuple[Life, ...]:
    """Return the demo orders; only dates of delivery depend on the day."""
    week = (today + timedelta(days=7)).isoformat()
    return (
        Life("D-1001", _order(_EMMA, _LAMP, delivery=week), "completed", (*_paid(2), *_shipped(4), *_delivered(5))),
        Life(
            "D-1002",
            _order(_JAN, _CHAIR, currency="PLN", delivery=week),
            "shipped",
            (*_paid(3), _chat(3, person=_JAN, text="Dzień dobry, kiedy wyślą Państwo krzesło?"), *_shipped(4)),
        ),
        Life("D-1003", _order(_CLAIRE, _BLANKET), "paid", (*_in_two_parts(3),), begins=1),
        Life(
            "D-1004",
            _order(_LUKAS, _LAMP, _BLANKET),
            "cancelled",
            (_cancelled(5, reason="Ordered by mistake"),),
            begins=1,
        ),
        Life(
            "D-1005", _order(_LINH, _CHAIR), "new", (_missed_call(4, person=_LINH), _visit(3, person=_LINH)), begins=2
        ),
        Life("D-1006", _order(_OKSANA, _BLANKET, gift=True), "shipped", (*_paid(4), *_shipped(5)), begins=2),
        Life("D-1007", _order(_NOAH, _LAMP), "new", (_cancelled(4, reason="Too slow"), *_wanted_back(4)), begins=3),
        Life("D-1008", _order(_EMMA, _CHAIR, _LAMP), "new", (_edited(5, delivery=week),), begins=4),
        Life("D-1009", _order(_OKSANA, _LAMP, tags=("pickup",)), "ready", (*_paid(4), _packed(4)), begins=4),
    )


def _order(
    person: _Person,
    *things: tuple[str, str, str],
    currency: str = "EUR",
    delivery: str | None = None,
    gift: bool = False,
    tags: tuple[str, ...] = (),
) -> Body:
    items = [{"sku": sku, "name": name, "price": price} for sku, name, price in things]
    order: dict[str, object] = {"customer": person.body(), "items": items, "currency": currency, "source": "demo"}
    order |= {"fields": {"gift": True}} if gift else {}
    order |= {"tags": list(tags)} if tags else {}
    return order | ({"delivery_date": delivery} if delivery else {})


def _paid(after: float) -> tuple[Step, ...]:
    return (Step(after, "/orders/{number}/events", {"type": "payment.paid", "data": {"reference": "card"}}),)


def _in_two_parts(after: float) -> tuple[Step, ...]:
    parts = ("20.00", "39.50")
    return tuple(
        Step(after, "/orders/{number}/payments", {"what": "received", "amount": amount, "currency": "EUR"})
        for amount in parts
    )


def _packed(after: float) -> Step:
    return Step(after, "/orders/{number}/shipments", {"what": "approved"})


def _chat(after: float, *, person: _Person, text: str) -> Said:
    return Said(after, person.id, text)


def _shipped(after: float) -> tuple[Step, ...]:
    tracking = {"tracking_number": "JH{number}", "tracking_url": "https://track.example/JH{number}"}
    return (
        Step(after, "/orders/{number}/shipments", {"what": "tracking_added", **tracking}),
        Step(1, "/orders/{number}/shipments", {"what": "shipped"}),
    )


def _delivered(after: float) -> tuple[Step, ...]:
    return (
        Step(after, "/orders/{number}/shipments", {"what": "updated", "status": "out_for_delivery"}),
        Step(after, "/orders/{number}/shipments", {"what": "delivered"}),
    )


def _cancelled(after: float, *, reason: str) -> Step:
    return Step(after, "/orders/{number}/events", {"type": "order.cancelled", "data": {"reason": reason}})


def _wanted_back(after: float) -> tuple[Step, ...]:
    path = "/orders/{number}/events"
    return (
        Step(after, path, {"type": "order.uncancelled"}),
        Step(1, path, {"type": "callback.requested", "data": {"name": "call-me"}}),
    )


def _edited(after: float, *, delivery: str) -> Step:
    data = {"fields": {"delivery_date": delivery, "note": "Ring twice"}}
    return Step(after, "/orders/{number}/events", {"type": "order.edited", "data": data})


def _missed_call(after: float, *, person: _Person) -> Step:
    body = {"type": "call.missed", "customer": {"phone": person.phone}, "data": {"line": "+48221234567"}}
    return Step(after, "/events", body)


def _visit(after: float, *, person: _Person) -> Step:
    body = {"type": "visit.started", "customer": {"customer": person.id}, "data": {"page": "/chairs"}}
    return Step(after, "/events", body)
