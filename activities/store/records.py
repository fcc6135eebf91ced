"""Boundary models of the people and orders: what the HTTP API, the client and the store exchange."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, Self, TypeVar

from pydantic import Field, ValidationInfo, field_validator, model_validator

from activities.store.values import (
    Amount,
    Boundary,
    ChatAddress,
    Country,
    Currency,
    Language,
    Line,
    MailAddress,
    Name,
    Number,
    PhoneNumber,
    Prose,
    Shop,
    Zone,
    e164,
)
from workflows.contracts.ids import OrderKey
from workflows.contracts.state import StageKind
from workflows.pipeline.fields import Consent, ItemFields

T = TypeVar("T")


class Page(Boundary, Generic[T]):
    """One page of a list; `next_cursor` is None on the last one."""

    items: list[T]
    next_cursor: str | None = None


class AddressType(StrEnum):
    """What kind of phone or mail address it is."""

    MOBILE = "mobile"
    WORK = "work"
    HOME = "home"
    OTHER = "other"


class Phone(Boundary):
    """A phone. `number` is E.164 once stored; before, it may be national where the customer's country is given."""

    number: str = Field(min_length=3, max_length=40)
    type: AddressType = AddressType.MOBILE


class Address(Boundary):
    """A mail address."""

    email: MailAddress
    type: AddressType = AddressType.OTHER


class CustomerKind(StrEnum):
    """A person, or a company."""

    CONTACT = "contact"
    COMPANY = "company"


class NewCustomer(Boundary):
    """A customer to be stored. With an `id` that exists already, the stored one is taken as it is."""

    id: Name | None = None
    kind: CustomerKind = CustomerKind.CONTACT
    first_name: Line = ""
    last_name: Line = ""
    company: Line = ""
    country: Country = ""
    phones: list[Phone] = Field(default_factory=list, max_length=20)
    emails: list[Address] = Field(default_factory=list, max_length=20)
    visitors: list[Name] = Field(default_factory=list, max_length=50)
    language: Language = ""
    time_zone: Zone = ""
    vip: bool = False
    consent: Consent = Consent()
    channel: Line = ""
    fields: dict[str, Any] = Field(default_factory=dict)
    company_id: Name | None = None

    @field_validator("phones")
    @classmethod
    def _numbers(cls, phones: list[Phone], info: ValidationInfo) -> list[Phone]:
        return normalised(phones, country=info.data.get("country", ""))


class CustomerPatch(Boundary):
    """The fields of a customer to change; those not given stay."""

    first_name: Line | None = None
    last_name: Line | None = None
    company: Line | None = None
    phones: list[Phone] | None = Field(default=None, max_length=20)
    emails: list[Address] | None = Field(default=None, max_length=20)
    visitors: list[Name] | None = Field(default=None, max_length=50)
    language: Language | None = None
    country: Country | None = None
    time_zone: Zone | None = None
    vip: bool | None = None
    consent: Consent | None = None
    channel: Line | None = None
    fields: dict[str, Any] | None = None
    company_id: Name | None = None


class CustomerRecord(NewCustomer):
    """A stored customer."""

    id: Name
    created_at: datetime
    updated_at: datetime


class CustomerRef(Boundary):
    """Name customers by exactly one of: phone, mail address, visitor id, customer id."""

    phone: PhoneNumber | None = None
    email: str | None = None
    visitor: str | None = None
    customer: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [v for v in (self.phone, self.email, self.visitor, self.customer) if v]
        if len(given) != 1:
            raise ValueError("name the customer by exactly one of phone, email, visitor, customer")
        return self


def normalised(phones: list[Phone], *, country: str) -> list[Phone]:
    """Return phones in E.164 form; raise ValueError for one that is not a number."""
    return [phone.model_copy(update={"number": e164(phone.number, region=country)}) for phone in phones]


class Absence(Boundary):
    """Days on which an employee is away, both ends included. Example: {"from": "2026-12-24", "to": "2026-12-31"}."""

    from_: date = Field(alias="from")
    to: date

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.to < self.from_:
            raise ValueError("an absence ends before it begins")
        return self


class Way(StrEnum):
    """How an employee wants notices, which are in the inbox in any case."""

    INBOX = "inbox"
    EMAIL = "email"
    SMS = "sms"
    CHAT = "chat"


class NewEmployee(Boundary):
    """An employee. `head` is the id of their head; `hours` is a weekly schedule (`mon-fri 09:00-17:00`).

    `chat` is the webhook address of the employee's own chat; without one, `notify: chat` means the shop's.
    """

    id: Name
    first_name: Line = ""
    last_name: Line = ""
    email: MailAddress | None = None
    phone: PhoneNumber | None = None
    department: Name | None = None
    head: Name | None = None
    roles: list[Name] = Field(default_factory=list, max_length=50)
    time_zone: Zone = ""
    hours: Line = ""
    absences: list[Absence] = Field(default_factory=list, max_length=200)
    notify: Way = Way.INBOX
    chat: ChatAddress | None = None


class EmployeeRecord(NewEmployee):
    """A stored employee."""

    created_at: datetime
    updated_at: datetime

    @property
    def name(self) -> str:
        """First and last name, else the id."""
        return f"{self.first_name} {self.last_name}".strip() or self.id

    def is_absent(self, day: date) -> bool:
        """Say whether the employee is away on that day."""
        return any(absence.from_ <= day <= absence.to for absence in self.absences)


class Department(Boundary):
    """A department. `head` is an employee's id."""

    id: Name
    title: Line = ""
    head: Name | None = None


class NewOrder(Boundary):
    """An order to be created. Without `number` the next one of the shop, without `total` the sum of the items."""

    number: Number | None = None
    pipeline: Name = "shop"
    shop: Shop = "shop"
    stage: Name | None = None
    customer: NewCustomer | None = None
    customer_id: Name | None = None
    items: list[ItemFields] = Field(default_factory=list, max_length=1000)
    currency: Currency = "EUR"
    total: Amount | None = None
    delivery_date: date | None = None
    responsible: Name | None = None
    tags: list[Name] = Field(default_factory=list, max_length=100)
    fields: dict[str, Any] = Field(default_factory=dict)
    note: Prose = ""
    source: Line = ""
    token: Line | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.customer is not None and self.customer_id is not None:
            raise ValueError("give either customer or customer_id, not both")
        if self.total is not None and self.total < 0:
            raise ValueError("the total is not negative")
        return self


class OrderPatch(Boundary):
    """The fields of an order to change; those not given stay. `fields` are the pipeline's own."""

    total: Amount | None = None
    delivery_date: date | None = None
    tags: list[Name] | None = Field(default=None, max_length=100)
    note: Prose | None = None
    source: Line | None = None
    responsible: Name | None = None
    fields: dict[str, Any] | None = None


class OrderRecord(Boundary):
    """A stored order. Paid, shipped and cancelled are facts beside the stage."""

    number: str
    shop: str
    token: str
    pipeline: str
    version: int
    stage: str
    stage_kind: StageKind
    visit: int
    entered_at: datetime | None
    held_at: datetime | None
    attention: str
    responsible: str | None
    customer_id: str | None
    items: list[ItemFields]
    currency: str
    total: Decimal
    paid_amount: Decimal
    paid: bool
    shipped: bool
    delivered: bool
    delivery_allowed: bool
    cancelled: bool
    cancel_reason: str
    delivery_date: date | None
    tracking_number: str
    tracking_url: str
    tags: list[str]
    fields: dict[str, Any]
    note: str
    source: str
    created_at: datetime
    updated_at: datetime
    is_deleted: bool

    @property
    def key(self) -> OrderKey:
        """The order's key."""
        return OrderKey(shop=self.shop, number=self.number)


class OrderFilter(Boundary):
    """Which orders to list. `q` is the beginning of a number or a customer's name, or a whole phone or mail address."""

    shop: str | None = None
    pipeline: str | None = None
    stage: str | None = None
    stage_kind: StageKind | None = None
    attention: bool | None = None
    responsible: str | None = None
    customer: str | None = None
    q: str | None = Field(default=None, max_length=200)


class PaymentRecord(Boundary):
    """Money that came (`received`) or went back (`refunded`)."""

    id: str
    kind: str
    amount: Decimal
    currency: str
    reference: str
    at: datetime


class ShipmentRecord(Boundary):
    """A shipment of an order and how far it is."""

    id: str
    approved_at: datetime | None
    tracking_number: str
    tracking_url: str
    shipped_at: datetime | None
    status: str
    delivered_at: datetime | None
