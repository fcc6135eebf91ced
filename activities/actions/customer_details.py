"""`customer_details: [phone, language]` reads fields of the linked contact or company into results for later rules."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from activities.actions.protocol import Ended, RunContext, done, skipped
from activities.actions.settings import Listed
from activities.store import customers
from activities.store.database import Tx
from activities.store.records import CustomerKind, CustomerRecord
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import RuleKind, RuleSettings

#: What can be read, as texts and conditions name it.
CustomerField = Literal[
    "id", "kind", "first_name", "last_name", "name", "company", "phone", "email", "language", "country", "time_zone",
    "channel", "vip",
]  # fmt: skip


class CustomerDetails(RuleSettings):
    """Read fields of the customer."""

    customer_details: Annotated[tuple[CustomerField, ...], Listed] = Field(
        min_length=1,
        description="The fields: id, kind, first_name, last_name, name, company, phone, email, language, country, "
        "time_zone, channel, vip.",
        examples=[["name", "phone"], "language"],
    )
    of: Literal["linked", "contact", "company"] = Field(
        default="linked",
        description="Whose: of whoever is linked to the order, of the contact, or of the contact's company.",
        examples=["company"],
    )


def _title(settings: RuleSettings) -> str:
    names = ", ".join(settings.customer_details) if isinstance(settings, CustomerDetails) else ""
    return f"Read the customer's {names}"


def _results(settings: RuleSettings) -> Mapping[str, type]:
    names = settings.customer_details if isinstance(settings, CustomerDetails) else ()
    kinds: Mapping[str, type] = {"vip": bool, "kind": CustomerKind}
    return {name: kinds.get(name, str) for name in names}


KIND = RuleKind(name="customer_details", settings=CustomerDetails, results_of=_results, title=_title)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Read the fields; empty ones are results, too."""
    settings = context.settings(CustomerDetails)
    linked = await customers.of_order(tx, context.key)
    if not linked:
        return skipped(RunReason.NO_CUSTOMER, "The order has no customer: link a contact or a company to it")
    found = linked[0] if settings.of == "linked" else next((one for one in linked if one.kind == settings.of), None)
    if found is None:
        words = f"The order's customer has no {settings.of}: link one, or write of: linked"
        return skipped(RunReason.NO_CUSTOMER, words)
    names = settings.customer_details
    return done(f"Read {', '.join(names)}", results={name: _value(found, name) for name in names})


def _value(customer: CustomerRecord, name: CustomerField) -> object:
    full = f"{customer.first_name} {customer.last_name}".strip()
    if name == "name":
        return customer.company or full if customer.kind is CustomerKind.COMPANY else full or customer.company
    if name == "phone":
        return customer.phones[0].number if customer.phones else ""
    if name == "email":
        return customer.emails[0].email if customer.emails else ""
    value = getattr(customer, name)
    return value if isinstance(value, bool) else str(value)
