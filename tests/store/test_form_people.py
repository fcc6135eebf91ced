"""Who fills in a form: found by mail address and phone, or stored; a stored card is not changed by a form."""

import asyncio

from activities.store import customers, people
from activities.store.database import Store
from activities.store.people import Known, Person
from activities.store.records import Address, CustomerRecord, CustomerRef, NewCustomer, Phone
from tests.store.conftest import NOW

EMAIL, PHONE = "anna@mail.example", "+48601234567"


async def who(store: Store, person: Person, *, new_id: str = "new") -> Known:
    async with store.write() as tx:
        return await people.known(tx, person, new_id=new_id, now=NOW)


async def customer(store: Store, id: str, *, email: str = "", phone: str = "") -> None:
    new = NewCustomer(
        id=id,
        emails=[Address(email=email)] if email else [],
        phones=[Phone(number=phone)] if phone else [],
    )
    async with store.write() as tx:
        await customers.create(tx, new, now=NOW)


async def card(store: Store, id: str) -> CustomerRecord:
    async with store.read() as tx:
        return await customers.get(tx, id=id)


async def test_a_customer_is_found_by_mail_address_in_any_letters(store: Store) -> None:
    await customer(store, "anna", email="Anna@Mail.example")
    assert await who(store, Person(email=EMAIL)) == Known(CustomerRef(customer="anna"), "anna")


async def test_a_customer_is_found_by_phone(store: Store) -> None:
    await customer(store, "anna", phone=PHONE)
    assert (await who(store, Person(phone=PHONE, email="other@mail.example"))).only == "anna"


async def test_of_a_family_with_one_address_the_phone_tells_who_it_is(store: Store) -> None:
    await customer(store, "anna", email=EMAIL, phone=PHONE)
    await customer(store, "piotr", email=EMAIL, phone="+48601234568")
    assert (await who(store, Person(email=EMAIL, phone=PHONE))).only == "anna"


async def test_where_several_share_an_address_all_of_them_are_meant(store: Store) -> None:
    await customer(store, "anna", email=EMAIL)
    await customer(store, "piotr", email=EMAIL)
    known = await who(store, Person(email=EMAIL, agrees_to_marketing=True))
    assert known == Known(CustomerRef(email=EMAIL))
    assert not (await card(store, "anna")).consent.marketing


async def test_who_is_not_known_is_stored(store: Store) -> None:
    person = Person(
        email=EMAIL, phone=PHONE, first_name="Anna", last_name="Nowak", language="pl", agrees_to_marketing=True
    )
    assert (await who(store, person)).only == "new"
    stored = await card(store, "new")
    assert (stored.first_name, stored.last_name, stored.language) == ("Anna", "Nowak", "pl")
    assert (stored.emails[0].email, stored.phones[0].number, stored.consent.marketing) == (EMAIL, PHONE, True)


async def test_the_same_form_sent_many_times_at_once_stores_one_customer(store: Store) -> None:
    found = await asyncio.gather(*[who(store, Person(email=EMAIL)) for _ in range(20)])
    assert {known.only for known in found} == {"new"}
    async with store.read() as tx:
        assert await customers.find(tx, ref=CustomerRef(email=EMAIL)) == ["new"]


async def test_a_form_adds_consent_to_a_card_and_nothing_else(store: Store) -> None:
    await customer(store, "anna", email=EMAIL)
    await who(store, Person(email=EMAIL, phone=PHONE, first_name="Eve", agrees_to_marketing=True))
    stored = await card(store, "anna")
    assert (stored.first_name, stored.phones, stored.consent.marketing) == ("", [], True)


async def test_a_box_that_is_not_ticked_takes_no_consent_back(store: Store) -> None:
    await customer(store, "anna", email=EMAIL)
    await who(store, Person(email=EMAIL, agrees_to_marketing=True))
    await who(store, Person(email=EMAIL))
    assert (await card(store, "anna")).consent.marketing
