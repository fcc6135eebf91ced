"""Events: what happened outside, one type per trigger and fact. The type is also the name of the Temporal signal."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field

from workflows.contracts.base import Tolerant


class Event(Tolerant):
    """One event on its way to an order.

    `data` may be empty where the event is already in the journal under (`source`, `id`).
    """

    id: str = Field(min_length=1, max_length=200)
    type: str = Field(min_length=1, max_length=100)
    at: datetime | None = None
    source: str = "signal"
    data: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class EventType:
    """An event type of the catalogue.

    `by_customer` says the customer did something (it ends `wait_for: customer`); `to_customer_level` says it may
    arrive without an order and then goes to every open order of the customer (M56).
    """

    name: str
    description: str
    by_customer: bool = False
    to_customer_level: bool = False


def _customer(name: str, description: str) -> EventType:
    return EventType(name, description, by_customer=True, to_customer_level=True)


_TYPES = (
    EventType("order.created", "The order was placed; starts its automation. Data: stage (optional)."),
    EventType("order.edited", "Fields of the order changed. Data: fields."),
    EventType("order.cancelled", "The order was cancelled. Data: reason."),
    EventType("order.uncancelled", "The cancellation was taken back."),
    EventType("responsible.changed", "The order's responsible person changed. Data: employee."),
    EventType(
        "email.sent", "A mail was sent to the customer. Data: mailbox, automation, rule.", to_customer_level=True
    ),
    _customer("email.received", "The customer wrote a mail. Data: mailbox, subject."),
    _customer("email.viewed", "The customer opened a mail. Data: rule."),
    _customer("email.link_clicked", "The customer clicked a link in a mail. Data: url, rule."),
    _customer("call.incoming", "The customer calls. Data: line."),
    _customer("call.missed", "A call of the customer was not answered. Data: line."),
    _customer("form.submitted", "The customer filled in a form. Data: name."),
    _customer("callback.requested", "The customer asks to be called back. Data: name."),
    EventType(
        "payment.received",
        "A payment, or a part of it, arrived. Data: amount, currency, reference; returned, where money of it went back "
        "before it was heard of.",
        by_customer=True,
    ),
    EventType("payment.paid", "The order is fully paid. Data: amount, currency, reference.", by_customer=True),
    EventType("payment.refunded", "Money went back. Data: amount, currency, reference."),
    EventType("payment.unpaid", "The order is no longer paid."),
    EventType("shipment.approved", "Delivery of a shipment is allowed. Data: shipment."),
    EventType("shipment.disallowed", "Delivery of a shipment is no longer allowed. Data: shipment."),
    EventType(
        "shipment.tracking_added", "A tracking number was entered. Data: shipment, tracking_number, tracking_url."
    ),
    EventType("shipment.shipped", "A shipment left. Data: shipment, all (every shipment has left)."),
    EventType("shipment.updated", "A shipment's delivery status changed. Data: shipment, status."),
    EventType("shipment.delivered", "A shipment was delivered. Data: shipment."),
    _customer("visit.started", "A tracked visit of the customer to the shop's site started. Data: page."),
    _customer("visit.returned", "A visitor who once filled in a form came back. Data: name."),
    _customer("chat.first_message", "The customer's first message in a chat. Data: channel."),
    _customer("chat.message", "A message of the customer in a chat. Data: channel."),
    EventType("document.created", "A document was made for the order. Data: template."),
    _customer("document.viewed", "The customer opened a document. Data: template."),
)

#: Every event type of the catalogue by name. `webhook.CODE` is open: the shop makes its own codes.
EVENT_TYPES: dict[str, EventType] = {t.name: t for t in _TYPES}

WEBHOOK_PREFIX = "webhook."

#: Events our own parts journal; an outsider who sends one gets it recorded as unknown.
RULE_MOVE = "rule.move"
RULE_UNDELIVERED = "rule.undelivered"
OPERATOR_PREFIX = "operator."


def is_known(event_type: str) -> bool:
    """Say whether an outsider may send this event type."""
    return event_type in EVENT_TYPES or (
        event_type.startswith(WEBHOOK_PREFIX) and len(event_type) > len(WEBHOOK_PREFIX)
    )


def is_by_customer(event_type: str) -> bool:
    """Say whether the event is an activity of the customer (ends a `wait_for: customer`)."""
    known = EVENT_TYPES.get(event_type)
    return known is not None and known.by_customer
