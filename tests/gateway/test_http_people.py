"""Customers, employees and departments over HTTP."""

import pytest

from tests.gateway.calling import Caller

ANNA = {
    "id": "c-1",
    "first_name": "Anna",
    "last_name": "Nowak",
    "country": "PL",
    "phones": [{"number": "22 123 45 67", "type": "mobile"}],
    "emails": [{"email": "anna@example.org", "type": "home"}],
}


async def test_a_customer_is_created_once_and_found_again(caller: Caller) -> None:
    first = await caller.post("/v1/customers", ANNA)
    again = await caller.post("/v1/customers", ANNA)
    assert (first.status, again.status) == (201, 200)
    assert first.headers["Location"] == "/v1/customers/c-1"
    assert again.body == first.body
    assert first.body["phones"] == [{"number": "+48221234567", "type": "mobile"}]
    for query in ("phone=%2B48221234567", "email=anna@example.org", "q=Now"):
        assert [one["id"] for one in (await caller.get(f"/v1/customers?{query}")).body["items"]] == ["c-1"]
    assert (await caller.get("/v1/customers?phone=%2B48221234568")).body["items"] == []


async def test_another_customer_under_a_taken_id_is_a_conflict(caller: Caller) -> None:
    await caller.post("/v1/customers", ANNA)
    answer = await caller.post("/v1/customers", ANNA | {"first_name": "Ewa"})
    assert answer.status == 409


async def test_a_customer_is_changed_field_by_field(caller: Caller) -> None:
    await caller.post("/v1/customers", ANNA)
    answer = await caller.patch("/v1/customers/c-1", {"language": "en", "vip": True})
    assert (answer.body["language"], answer.body["vip"], answer.body["first_name"]) == ("en", True, "Anna")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        pytest.param({"phones": [{"number": "12"}]}, "#/phones/0/number", id="short-phone"),
        pytest.param({"phones": [{"number": "hello"}]}, "#/phones", id="no-phone"),
        pytest.param({"emails": [{"email": "a@b"}]}, "#/emails/0/email", id="no-mail"),
        pytest.param({"country": "Poland", "phones": []}, "#/country", id="country"),
        pytest.param({"language": "po polsku"}, "#/language", id="language"),
        pytest.param({"company_id": "nobody"}, "#/company_id", id="unknown-company"),
        pytest.param({"first_name": "x" * 501}, "#/first_name", id="long-name"),
        pytest.param({"shoe_size": 40}, "#/shoe_size", id="unknown-key"),
    ],
)
async def test_a_bad_customer_is_refused(caller: Caller, fields: dict[str, object], pointer: str) -> None:
    answer = await caller.post("/v1/customers", ANNA | fields)
    assert answer.status == 422
    assert answer.pointers == [pointer]


async def test_a_customer_who_is_not_there_is_not_found(caller: Caller) -> None:
    assert (await caller.get("/v1/customers/nobody")).status == 404
    assert (await caller.patch("/v1/customers/nobody", {"vip": True})).status == 404
    assert (await caller.get("/v1/customers?phone=12")).pointers == ["query/phone"]


async def test_a_phone_that_is_none_of_the_country_is_refused_in_a_change(caller: Caller) -> None:
    await caller.post("/v1/customers", ANNA)
    answer = await caller.patch("/v1/customers/c-1", {"phones": [{"number": "12 34"}]})
    assert (answer.status, answer.pointers) == (422, ["#/phones"])


async def test_an_employee_is_stored_and_replaced(caller: Caller) -> None:
    department = {"id": "sales", "title": "Sales"}
    assert (await caller.put("/v1/departments/sales", department)).status == 200
    olga = {"id": "olga", "first_name": "Olga", "department": "sales", "roles": ["manager"]}
    absence = {"from": "2026-12-24", "to": "2026-12-31"}

    assert (await caller.put("/v1/employees/olga", olga)).status == 200
    answer = await caller.put("/v1/employees/olga", olga | {"absences": [absence]})

    assert answer.body["absences"] == [absence]
    assert (await caller.get("/v1/employees/olga")).body == answer.body
    assert [one["id"] for one in (await caller.get("/v1/employees")).body["items"]] == ["olga"]
    assert [one["id"] for one in (await caller.get("/v1/departments")).body] == ["sales"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        pytest.param({"id": "marek"}, "#/id", id="other-id"),
        pytest.param({"department": "none"}, "#/department", id="unknown-department"),
        pytest.param({"head": "nobody"}, "#/head", id="unknown-head"),
        pytest.param({"absences": [{"from": "2026-12-31", "to": "2026-12-24"}]}, "#/absences/0", id="backwards"),
        pytest.param({"absences": [{"from": "31.12.2026", "to": "2026-12-31"}]}, "#/absences/0/from", id="no-date"),
        pytest.param({"phone": "ring me"}, "#/phone", id="no-phone"),
    ],
)
async def test_a_bad_employee_is_refused(caller: Caller, fields: dict[str, object], pointer: str) -> None:
    answer = await caller.put("/v1/employees/olga", {"id": "olga"} | fields)
    assert answer.status == 422
    assert answer.pointers == [pointer]
