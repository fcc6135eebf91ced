"""Tables of customers, employees, departments, and of addresses that are blocked."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from activities.store.columns import Json, Moment, Words
from activities.store.tables.base import Base


class Customer(Base, table=True):
    """A contact or company. `phone` and `email` repeat the first ones, so that views need no join."""

    __tablename__ = "customers"

    id: str = Field(sa_type=Words, primary_key=True)
    kind: str = Field(sa_type=Words)
    first_name: str = Field(sa_type=Words)
    last_name: str = Field(sa_type=Words)
    company: str = Field(sa_type=Words)
    phone: str = Field(sa_type=Words)
    email: str = Field(sa_type=Words)
    language: str = Field(sa_type=Words)
    country: str = Field(sa_type=Words)
    time_zone: str = Field(sa_type=Words)
    channel: str = Field(sa_type=Words)
    vip: bool
    consent: dict[str, Any] = Field(sa_type=Json)
    fields: dict[str, Any] = Field(sa_type=Json)
    company_id: str | None = Field(sa_type=Words, foreign_key="customers.id", index=True)
    created_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)


class CustomerTerm(Base, table=True):
    """What a customer is reached and found by: phone, email, visitor, or a word of the name.

    `value` is normalised for searching, `text` as it was given.
    """

    __tablename__ = "customer_terms"
    __table_args__ = (Index(None, "kind", "value"),)

    customer_id: str = Field(sa_type=Words, primary_key=True, foreign_key="customers.id")
    kind: str = Field(sa_type=Words, primary_key=True)
    position: int = Field(primary_key=True)
    value: str = Field(sa_type=Words)
    text: str = Field(sa_type=Words)
    type: str = Field(sa_type=Words)


class Suppression(Base, table=True):
    """An address that gets no rule's message on a channel; only its hash."""

    __tablename__ = "suppressions"

    channel: str = Field(sa_type=Words, primary_key=True)
    address_hash: str = Field(sa_type=Words, primary_key=True)
    reason: str = Field(sa_type=Words)
    created_at: datetime = Field(sa_type=Moment)


class Department(Base, table=True):
    """A department. Its head has no foreign key: employees point here already."""

    __tablename__ = "departments"

    id: str = Field(sa_type=Words, primary_key=True)
    title: str = Field(sa_type=Words)
    head: str | None = Field(sa_type=Words)


class Employee(Base, table=True):
    """An employee."""

    __tablename__ = "employees"

    id: str = Field(sa_type=Words, primary_key=True)
    first_name: str = Field(sa_type=Words)
    last_name: str = Field(sa_type=Words)
    email: str | None = Field(sa_type=Words)
    phone: str | None = Field(sa_type=Words)
    department: str | None = Field(sa_type=Words, foreign_key="departments.id", index=True)
    head: str | None = Field(sa_type=Words, foreign_key="employees.id", index=True)
    time_zone: str = Field(sa_type=Words)
    hours: str = Field(sa_type=Words)
    roles: list[str] = Field(sa_type=Json)
    absences: list[dict[str, str]] = Field(sa_type=Json)
    last_absence: str | None = Field(sa_type=Words, index=True)
    notify: str = Field(sa_type=Words)
    chat: str | None = Field(sa_type=Words)
    created_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)


class EmployeeRole(Base, table=True):
    """Who has a role: the index of `employees.roles`."""

    __tablename__ = "employee_roles"

    role: str = Field(sa_type=Words, primary_key=True)
    employee: str = Field(sa_type=Words, primary_key=True, foreign_key="employees.id", index=True)


class Rotation(Base, table=True):
    """How often a rule has taken turns."""

    __tablename__ = "rotations"

    pipeline: str = Field(sa_type=Words, primary_key=True)
    stage: str = Field(sa_type=Words, primary_key=True)
    rule: str = Field(sa_type=Words, primary_key=True)
    turns: int
