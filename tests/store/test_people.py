"""Customers and employees: found by any address, resolved as recipients, absent by their own calendar."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from activities.store import customers, employees, orders
from activities.store.database import NotFound, Store
from activities.store.records import CustomerPatch, CustomerRef, Department, NewEmployee
from tests.store.builders import KEY, NOW, anna, arrival, new_order, put_order, take


async def staff(store: Store, **more: object) -> None:
    async with store.write() as tx:
        await employees.put_department(tx, Department(id="sales", title="Sales", head="zoe"))
        await employees.put(tx, NewEmployee(id="zoe", department="sales"), now=NOW)
        await employees.put(tx, NewEmployee(id="marek", department="sales", roles=["packer", "driver"]), now=NOW)
        await employees.put(tx, NewEmployee(id="olga", head="marek", roles=["packer"]), now=NOW)


async def test_a_customer_is_stored_and_read_back_whole(store: Store) -> None:
    new = anna(visitors=["v1"], fields={"size": "M"}, vip=True, time_zone="Europe/Warsaw", language="pl")
    async with store.write() as tx:
        stored = await customers.create(tx, new, now=NOW)
        assert await customers.get(tx, id="anna") == stored
    assert stored.phones[0].number == "+48501234567"
    assert stored.model_dump(exclude={"created_at", "updated_at"}) == new.model_dump()


async def test_a_customer_who_exists_is_taken_as_stored(store: Store) -> None:
    async with store.write() as tx:
        await customers.create(tx, anna(), now=NOW)
        again = await customers.create(tx, anna(first_name="Other"), now=NOW)
        assert again.first_name == "Anna"


@pytest.mark.parametrize(
    "ref",
    [
        {"phone": "+48 501-234-567"},
        {"email": "ANNA@example.com"},
        {"visitor": "v1"},
        {"customer": "anna"},
    ],
    ids=lambda ref: next(iter(ref)),
)
async def test_a_customer_is_found_by_any_address(store: Store, ref: dict[str, str]) -> None:
    async with store.write() as tx:
        await customers.create(tx, anna(visitors=["v1"]), now=NOW)
        assert await customers.find(tx, ref=CustomerRef.model_validate(ref)) == ["anna"]


async def test_nobody_is_found_for_an_unknown_address(store: Store) -> None:
    async with store.read() as tx:
        assert await customers.find(tx, ref=CustomerRef(email="x@y.zz")) == []
        assert await customers.find(tx, ref=CustomerRef(customer="nobody")) == []


def test_a_reference_names_the_customer_in_one_way() -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        CustomerRef(email="a@b.cd", visitor="v")
    with pytest.raises(ValidationError, match="exactly one"):
        CustomerRef()


async def test_a_patch_changes_only_what_it_names(store: Store) -> None:
    async with store.write() as tx:
        await customers.create(tx, anna(), now=NOW)
        patched = await customers.patch(
            tx,
            id="anna",
            patch=CustomerPatch.model_validate({"phones": [{"number": "601 000 000", "type": "work"}], "vip": True}),
            now=NOW,
        )
        assert await customers.get(tx, id="anna") == patched
        assert await customers.find(tx, ref=CustomerRef(phone="+48501234567")) == []
        assert await customers.find(tx, ref=CustomerRef(phone="+48601000000")) == ["anna"]
    assert (patched.vip, patched.first_name, len(patched.emails)) == (True, "Anna", 1)


async def test_a_patch_with_a_number_of_no_country_is_refused(store: Store) -> None:
    async with store.write() as tx:
        await customers.create(tx, anna(), now=NOW)
        with pytest.raises(ValueError, match="not a phone number"):
            await customers.patch(
                tx,
                id="anna",
                patch=CustomerPatch.model_validate({"phones": [{"number": "12345678901234567"}]}),
                now=NOW,
            )
        with pytest.raises(NotFound):
            await customers.patch(tx, id="bob", patch=CustomerPatch(vip=True), now=NOW)


async def test_rules_reach_the_contact_and_then_the_company(store: Store) -> None:
    """Covers C1, C2, C3."""
    async with store.write() as tx:
        await customers.create(tx, anna(id="acme", kind="company", company="Acme"), now=NOW)
        with pytest.raises(NotFound):
            await customers.create(tx, anna(id="x", company_id="nobody"), now=NOW)
    await put_order(store, customer={"id": "bob", "company_id": "acme"})
    async with store.read() as tx:
        assert [one.id for one in await customers.of_order(tx, KEY)] == ["bob", "acme"]


async def test_customers_are_listed_and_searched(store: Store) -> None:
    async with store.write() as tx:
        for id in ("c", "a", "b"):
            await customers.create(tx, anna(id=id, last_name=id.upper()), now=NOW)
        first = await customers.page(tx, limit=2)
        second = await customers.page(tx, cursor=first.next_cursor, limit=2)
        assert [[one.id for one in page.items] for page in (first, second)] == [["a", "b"], ["c"]]
        assert [one.id for one in (await customers.page(tx, q="anna b")).items] == ["b"]


async def test_the_mailbox_last_used_is_remembered(store: Store) -> None:
    """Covers C3."""
    await put_order(store)
    async with store.read() as tx:
        assert await customers.last_mailbox(tx, id="anna") is None
    await take(store, arrival("email.sent", id="m1", data={"mailbox": "a@shop.example"}))
    await take(store, arrival("email.sent", id="m2", data={"mailbox": "b@shop.example"}))
    async with store.read() as tx:
        assert await customers.last_mailbox(tx, id="anna") == "b@shop.example"


async def test_a_blocked_address_is_known_by_its_hash_only(store: Store) -> None:
    """Covers M63."""
    async with store.write() as tx:
        await customers.suppress(tx, channel="email", address="Anna@Example.com", reason="unsubscribed", now=NOW)
        await customers.suppress(tx, channel="email", address="anna@example.com", reason="bounced", now=NOW)
        assert await customers.is_suppressed(tx, channel="email", address=" anna@example.com ")
        assert not await customers.is_suppressed(tx, channel="sms", address="anna@example.com")
        await customers.unsuppress(tx, channel="email", address="anna@example.com", reason="bounced")
        assert not await customers.is_suppressed(tx, channel="email", address="anna@example.com")


async def test_recipients_are_resolved_once_and_in_the_given_order(store: Store) -> None:
    """Covers E12, E18, E24."""
    await staff(store)
    async with store.write() as tx:
        await orders.create(tx, new_order(responsible="olga"), now=NOW)
        for recipients, expected in (
            (["marek", "olga"], ["marek", "olga"]),
            (["responsible", "role:packer"], ["olga", "marek"]),
            (["sales"], ["marek", "zoe"]),
            (["nobody", "role:nothing"], []),
            ([], []),
        ):
            found = await employees.resolve(tx, recipients=recipients, key=KEY)
            assert [one.id for one in found] == expected


async def test_the_head_is_the_employees_own_or_that_of_the_department(store: Store) -> None:
    """Covers E11."""
    await staff(store)
    async with store.read() as tx:
        heads = [await employees.head_of(tx, id=id) for id in ("olga", "marek", "zoe", "nobody")]
    assert [head.id if head else None for head in heads] == ["marek", "zoe", None, None]


async def test_an_employee_is_replaced_with_roles_and_all(store: Store) -> None:
    await staff(store)
    async with store.write() as tx:
        changed = await employees.put(tx, NewEmployee(id="marek", first_name="Marek", roles=["driver"]), now=NOW)
        assert (changed.name, changed.roles, changed.department) == ("Marek", ["driver"], None)
        assert [one.id for one in await employees.with_role(tx, role="packer")] == ["olga"]
        assert [one.id for one in await employees.of_department(tx, department="sales")] == ["zoe"]
        assert [one.id for one in (await employees.page(tx, limit=2)).items] == ["marek", "olga"]
        assert [one.id for one in await employees.departments(tx)] == ["sales"]


@pytest.mark.parametrize("more", [{"department": "nowhere"}, {"head": "nobody"}], ids=["department", "head"])
async def test_what_an_employee_names_must_exist(store: Store, more: dict[str, str]) -> None:
    async with store.write() as tx:
        with pytest.raises(NotFound):
            await employees.put(tx, NewEmployee.model_validate({"id": "x", **more}), now=NOW)
        with pytest.raises(NotFound):
            await employees.get(tx, id="x")


async def test_absence_counts_by_the_employees_own_day(store: Store) -> None:
    """Covers E09."""
    day = [{"from": "2026-12-24", "to": "2026-12-24"}]
    async with store.write() as tx:
        for id, zone in (("auckland", "Pacific/Auckland"), ("warsaw", "Europe/Warsaw"), ("utc", "")):
            employee = NewEmployee.model_validate({"id": id, "time_zone": zone, "absences": day})
            await employees.put(tx, employee, now=NOW)
        moment = datetime(2026, 12, 23, 23, 30, tzinfo=UTC)
        assert await employees.absent(tx, now=moment) == ["auckland", "warsaw"]
        assert await employees.absent(tx, now=datetime(2026, 12, 24, 12, 0, tzinfo=UTC)) == ["utc", "warsaw"]


async def test_turns_count_on_per_rule(store: Store) -> None:
    """Covers E09."""
    async with store.write() as tx:
        turns = [await employees.next_turn(tx, pipeline="shop", stage="new", rule="assign") for _ in range(3)]
        other = await employees.next_turn(tx, pipeline="shop", stage="new", rule="other")
    assert (turns, other) == ([0, 1, 2], 0)
