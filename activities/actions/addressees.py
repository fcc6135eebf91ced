"""Where a message goes: the contact linked to the order, else the company; or employees, one message each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from activities.actions.employees import staff
from activities.actions.protocol import Composed, Ended, RunContext, skipped
from activities.actions.settings import AddressType, Recipients
from activities.providers.protocol import Message
from activities.store import customers
from activities.store.database import Tx
from activities.store.records import CustomerRecord, EmployeeRecord
from workflows.contracts.reasons import RunReason
from workflows.pipeline.fields import CustomerFields

#: A customer's addresses as (type, address), in the order they are listed.
Listed = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Route:
    """A kind of address: the setting that chooses it, what people call it, and where records keep it.

    `first_of` gives the first one that is listed of a customer, as conditions and texts see it.
    """

    setting: str
    words: str
    of_customer: Callable[[CustomerRecord], Listed]
    first_of: Callable[[CustomerFields], str]
    of_employee: Callable[[EmployeeRecord], str | None]


PHONE = Route(
    setting="phone",
    words="phone",
    of_customer=lambda customer: [(str(phone.type), phone.number) for phone in customer.phones],
    first_of=lambda customer: customer.phone,
    of_employee=lambda employee: employee.phone,
)

MAIL = Route(
    setting="address",
    words="mail address",
    of_customer=lambda customer: [(str(address.type), address.email) for address in customer.emails],
    first_of=lambda customer: customer.email,
    of_employee=lambda employee: employee.email,
)


async def to_customer(context: RunContext, tx: Tx, *, message: Message, route: Route, wanted: AddressType) -> Composed:
    """Address a message to the customer: the contact's first address that fits, then the company's."""
    seen = context.view.customer
    if wanted == "auto" and seen is not None and (first := route.first_of(seen)):
        return replace(message, address=first, customer=seen.id)
    linked = await customers.of_order(tx, context.key)
    if not linked:
        return skipped(RunReason.NO_CUSTOMER, "The order has no customer: link a contact or a company to it")
    listed = [pair for customer in linked for pair in route.of_customer(customer)]
    address = next((address for kind, address in listed if wanted in ("auto", kind)), None)
    if address is not None:
        return replace(message, address=address, customer=linked[0].id)
    if wanted == "auto":
        return skipped(RunReason.NO_ADDRESS, f"The customer has no {route.words}: enter one on the customer's card")
    words = f"The customer has no {route.words} of type {wanted}: enter one, or write {route.setting}: auto"
    return skipped(RunReason.NO_SUCH_ADDRESS_TYPE, words)


async def to_employees(context: RunContext, tx: Tx, *, message: Message, route: Route, to: Recipients) -> Composed:
    """Address a message to every employee meant who has such an address; the customer's consent plays no part."""
    found = await staff(context, tx, recipients=to)
    if isinstance(found, Ended):
        return found
    messages = tuple(
        replace(message, address=address, addressee=employee.id)
        for employee in found
        if (address := route.of_employee(employee))
    )
    if messages:
        return messages
    words = f"None of the employees meant ({len(found)}) has a {route.words}: enter one on the employee's card"
    return skipped(RunReason.NO_ADDRESS, words)
