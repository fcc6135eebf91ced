"""Who fills in a form: found by mail address, else by phone, else stored as a new customer."""

from dataclasses import dataclass
from datetime import datetime

from activities.store import customers
from activities.store.database import Tx
from activities.store.records import Address, CustomerPatch, CustomerRef, NewCustomer, Phone
from activities.store.values import Language, Line


@dataclass(frozen=True)
class Person:
    """What a form says of who filled it in; `phone` is E.164. What it does not say is empty."""

    email: str = ""
    phone: str = ""
    first_name: Line = ""
    last_name: Line = ""
    company: Line = ""
    language: Language = ""
    agrees_to_marketing: bool = False


@dataclass(frozen=True)
class Known:
    """Who a person is. `only` is None where several customers share their address; `ref` names all of them."""

    ref: CustomerRef
    only: str | None = None


async def known(tx: Tx, person: Person, *, new_id: str, now: datetime) -> Known:
    """Find the customer a person is, or store them under `new_id`; what a stored card says stays as it is.

    Only consent is added: what anybody can type into a form must not change how a customer is reached.
    """
    found = await _found(tx, person)
    if found is None:
        only = (await customers.create(tx, _new(person, id=new_id), now=now)).id
        return Known(CustomerRef(customer=only), only)
    if found.only is not None and person.agrees_to_marketing:
        await _agree(tx, id=found.only, now=now)
    return found


async def _found(tx: Tx, person: Person) -> Known | None:
    refs = [CustomerRef(email=person.email)] if person.email else []
    refs += [CustomerRef(phone=person.phone)] if person.phone else []
    found = [(ref, ids) for ref in refs if (ids := await customers.find(tx, ref=ref))]
    if not found:
        return None
    ref, ids = found[0]
    # A family shares a mail address, an office its phone: together they say who it is.
    both = [one for one in ids if all(one in others for _, others in found)] or ids
    return Known(CustomerRef(customer=both[0]), both[0]) if len(both) == 1 else Known(ref)


def _new(person: Person, *, id: str) -> NewCustomer:
    customer = NewCustomer(
        id=id,
        first_name=person.first_name,
        last_name=person.last_name,
        company=person.company,
        phones=[Phone(number=person.phone)] if person.phone else [],
        emails=[Address(email=person.email)] if person.email else [],
        language=person.language,
    )
    consent = customer.consent.model_copy(update={"marketing": person.agrees_to_marketing})
    return customer.model_copy(update={"consent": consent})


async def _agree(tx: Tx, *, id: str, now: datetime) -> None:
    consent = (await customers.get(tx, id=id)).consent
    if not consent.marketing:
        patch = CustomerPatch(consent=consent.model_copy(update={"marketing": True}))
        await customers.patch(tx, id=id, patch=patch, now=now)
