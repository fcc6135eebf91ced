"""The request and answer bodies that are the gateway's own; those of stored records are the store's."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from activities.store.records import CustomerRef, OrderFilter
from activities.store.values import Amount, Boundary, Currency, Line, Name
from starter.gateway.event_types import known_type, level_type

#: Names under which our own parts journal; an outsider may not write under them.
OWN_SOURCES = frozenset({"orders", "operator", "rule", "rules"})

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def _plausible(moment: datetime) -> datetime:
    if moment < _EARLIEST or moment > datetime.now(UTC) + timedelta(days=1):
        raise ValueError("an event has happened: its time is after the year 2000 and not in the future")
    return moment.astimezone(UTC)


def _foreign(source: str) -> str:
    if source in OWN_SOURCES:
        raise ValueError(f"'{source}' is the name of a part of this product; take the name of your system")
    return source


EventId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["psp-8812"])]
Source = Annotated[str, AfterValidator(_foreign), Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$", examples=["erp"])]
Happened = Annotated[AwareDatetime, AfterValidator(_plausible)]


class Happening(Boundary):
    """What every event says of itself."""

    id: EventId | None = Field(
        default=None,
        description="The event's id at its source; the same (source, id) is handled once. Or Idempotency-Key.",
    )
    source: Source = Field(default="api", description="The system the event comes from.")
    at: Happened | None = Field(default=None, description="When it happened, with a zone; now if not given.")


class NewEvent(Happening):
    """An event of one order."""

    type: Annotated[str, AfterValidator(known_type)] = Field(
        description="The event type: `payment.paid`, `webhook.CODE`."
    )
    data: dict[str, Any] = Field(default_factory=dict, description="What the event type needs, see the types' list.")


class NewCustomerEvent(Happening):
    """An event of a customer; it goes to every open order of theirs."""

    type: Annotated[str, AfterValidator(level_type)] = Field(description="An event type of the customer's level.")
    customer: CustomerRef = Field(description="Exactly one of phone, email, visitor, customer.")
    data: dict[str, Any] = Field(default_factory=dict)


class OrderQuery(OrderFilter):
    """Which orders to list, and which page of them. Without `shop`, those of the gateway's own."""

    cursor: str | None = Field(default=None, max_length=500, description="`next_cursor` of the page before.")
    limit: int = Field(default=50, ge=1, le=200, description="Most items of a page.")


class PaymentHappening(StrEnum):
    """What happened to a payment."""

    RECEIVED = "received"
    PAID = "paid"
    REFUNDED = "refunded"
    UNPAID = "unpaid"


class NewPayment(Happening):
    """A payment, or what became of one. `paid` says the order is fully paid, `received` that an amount came."""

    what: PaymentHappening = PaymentHappening.RECEIVED
    amount: Amount | None = Field(default=None, description="As text, to keep every digit.")
    currency: Currency | None = None
    reference: Line = ""

    @model_validator(mode="after")
    def _has_amount(self) -> Self:
        if self.amount is None and self.what in (PaymentHappening.RECEIVED, PaymentHappening.REFUNDED):
            raise ValueError(f"a payment that is {self.what} needs an amount")
        if self.amount is not None and self.amount <= 0:
            raise ValueError("the amount is more than nothing; money that goes back is `what: refunded`")
        return self


class ShipmentHappening(StrEnum):
    """What happened to a shipment."""

    APPROVED = "approved"
    DISALLOWED = "disallowed"
    TRACKING_ADDED = "tracking_added"
    SHIPPED = "shipped"
    UPDATED = "updated"
    DELIVERED = "delivered"


class NewShipment(Happening):
    """A fact about a shipment of the order."""

    what: ShipmentHappening
    shipment: Name = Field(default="1", description="The shipment's id within the order.")
    tracking_number: Line | None = None
    tracking_url: Line | None = None
    status: Line | None = Field(default=None, description="The delivery's status, of `updated`.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.what is ShipmentHappening.TRACKING_ADDED and not self.tracking_number:
            raise ValueError("tracking_added needs a tracking_number")
        if self.what is ShipmentHappening.UPDATED and not self.status:
            raise ValueError("updated needs a status")
        return self
