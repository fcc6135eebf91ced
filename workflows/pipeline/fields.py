"""The typed fields that conditions and texts may use: of the order, its customer, its responsible person, the shop.

Made by the store for each decision; never crosses Temporal, as it holds people's data.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Fields(BaseModel):
    """A frozen group of fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Consent(Fields):
    """What the customer agreed to, per purpose."""

    marketing: bool = False
    sms: bool = True
    email: bool = True
    call: bool = True
    chat: bool = True


class CustomerFields(Fields):
    """The contact linked to the order, else the company."""

    id: str = ""
    kind: str = "contact"
    first_name: str = ""
    last_name: str = ""
    name: str = ""
    company: str = ""
    phone: str = ""
    email: str = ""
    language: str = ""
    country: str = ""
    time_zone: str = ""
    channel: str = ""
    vip: bool = False
    consent: Consent = Consent()
    fields: dict[str, Any] = Field(default_factory=dict)


class EmployeeFields(Fields):
    """The responsible person. `hours` is a weekly schedule as in a calendar (`mon-fri 09:00-17:00`), empty if none."""

    id: str = ""
    first_name: str = ""
    last_name: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    department: str = ""
    time_zone: str = ""
    hours: str = ""


class ItemFields(Fields):
    """One line of the order."""

    sku: str = ""
    name: str = ""
    quantity: Decimal = Decimal(1)
    price: Decimal = Decimal(0)


class OrderFields(Fields):
    """The order itself. `fields` are the custom fields that the pipeline declares under `fields:`."""

    number: str
    token: str = ""
    stage: str = ""
    total: Decimal = Decimal(0)
    currency: str = "EUR"
    paid: bool = False
    paid_amount: Decimal = Decimal(0)
    shipped: bool = False
    delivered: bool = False
    delivery_allowed: bool = False
    cancelled: bool = False
    cancel_reason: str = ""
    created_at: datetime
    delivery_date: date | None = None
    tracking_number: str = ""
    tracking_url: str = ""
    source: str = ""
    note: str = ""
    tags: list[str] = Field(default_factory=list)
    items: list[ItemFields] = Field(default_factory=list)
    fields: dict[str, Any] = Field(default_factory=dict)


class ShopFields(Fields):
    """The shop."""

    id: str = ""
    name: str = ""


class OrderView(Fields):
    """Everything conditions and texts can see of one order.

    `results` are those of earlier rules of the current visit, by rule id with `-` read as `_`.
    """

    order: OrderFields
    customer: CustomerFields | None = None
    responsible: EmployeeFields | None = None
    shop: ShopFields = ShopFields()
    results: dict[str, dict[str, Any]] = Field(default_factory=dict)
