"""The words for values that do not fit: the same for callers of the API and at the command line, and all our own."""

from typing import Any

import pytest
from pydantic import ValidationError

from activities.runtime.settings import Settings
from activities.store.records import CustomerRef, NewCustomer, NewEmployee, NewOrder
from activities.store.values import Boundary
from starter.gateway.bodies import NewEvent, NewPayment, OrderQuery
from starter.misfits import as_line, wrong_settings
from tests.gateway.calling import Caller, order

_FIELDS_OF_ORDER = (
    "number, pipeline, shop, stage, customer, customer_id, items, currency, total, delivery_date, responsible, tags, "
    "fields, note, source, token"
)


@pytest.mark.parametrize(
    ("model", "given", "words"),
    [
        pytest.param(
            NewOrder,
            {"totl": "1"},
            f"unknown field 'totl'; did you mean 'total'? Known fields: {_FIELDS_OF_ORDER}",
            id="unknown field, a near one",
        ),
        pytest.param(
            NewOrder,
            {"colour": "red"},
            f"unknown field 'colour'; known fields: {_FIELDS_OF_ORDER}",
            id="unknown field, none near",
        ),
        pytest.param(
            NewOrder,
            {"customer": {"phones": [{"number": "123456", "typ": "work"}]}},
            "customer.phones.0: unknown field 'typ'; did you mean 'type'? Known fields: number, type",
            id="unknown field within",
        ),
        pytest.param(
            NewEmployee,
            {"id": "olga", "absences": [{"from": "2026-12-24", "to": "2026-12-31", "frm": 1}]},
            "absences.0: unknown field 'frm'; did you mean 'from'? Known fields: from, to",
            id="unknown field, an alias near",
        ),
        pytest.param(NewEmployee, {}, "id: is missing", id="missing"),
        pytest.param(NewOrder, [], "must be an object", id="no object"),
        pytest.param(NewOrder, {"customer": "Anna"}, "customer: must be an object", id="no object within"),
        pytest.param(NewOrder, {"fields": "red"}, "fields: must be an object", id="no mapping"),
        pytest.param(NewOrder, {"items": {}}, "items: must be a list", id="no list"),
        pytest.param(NewOrder, {"note": 5}, "note: must be a text", id="no text"),
        pytest.param(NewOrder, {"total": "free"}, "total: must be a number", id="no number"),
        pytest.param(NewOrder, {"items": [{"price": "NaN"}]}, "items.0.price: must be a number", id="not finite"),
        pytest.param(OrderQuery, {"limit": "x"}, "limit: must be a whole number", id="no whole number"),
        pytest.param(OrderQuery, {"limit": 0}, "limit: must be at least 1", id="too little"),
        pytest.param(OrderQuery, {"limit": 201}, "limit: must be at most 200", id="too much"),
        pytest.param(NewCustomer, {"vip": "perhaps"}, "vip: must be true or false", id="no boolean"),
        pytest.param(
            NewOrder,
            {"delivery_date": "2026-13-01"},
            "delivery_date: must be a date like 2026-12-24",
            id="no date",
        ),
        pytest.param(
            NewEvent,
            {"type": "payment.paid", "at": "soon"},
            "at: must be a time like 2026-12-24T10:15:00Z",
            id="no time",
        ),
        pytest.param(
            NewEvent,
            {"type": "payment.paid", "at": "2026-01-01T10:00:00"},
            "at: must be a time with its zone, like 2026-12-24T10:15:00Z",
            id="no zone",
        ),
        pytest.param(
            NewPayment,
            {"what": "lost"},
            "what: must be one of received, paid, refunded, unpaid",
            id="not in the list",
        ),
        pytest.param(NewOrder, {"note": "x" * 10_001}, "note: is longer than 10000 characters", id="too long"),
        pytest.param(NewOrder, {"tags": ["a"] * 101}, "tags: is longer than 100 entries", id="too many"),
        pytest.param(NewOrder, {"tags": [""]}, "tags.0: is empty", id="empty"),
        pytest.param(
            NewCustomer,
            {"phones": [{"number": "1"}]},
            "phones.0.number: is shorter than 3 characters",
            id="too short",
        ),
        pytest.param(
            NewOrder,
            {"number": "10/01"},
            "number: must be written like 2026-00117 (^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$)",
            id="pattern of a type",
        ),
        pytest.param(
            NewCustomer, {"country": "Poland"}, "country: must be written like PL (^([A-Z]{2})?$)", id="pattern"
        ),
        pytest.param(
            NewOrder,
            {"currency": "XXY"},
            "currency: 'XXY' is not a currency; write its ISO 4217 code, such as EUR",
            id="words of a value's own",
        ),
        pytest.param(
            CustomerRef,
            {},
            "name the customer by exactly one of phone, email, visitor, customer",
            id="words of a model's own",
        ),
        pytest.param(
            NewOrder,
            {"note": 5, "total": "free"},
            "total: must be a number; note: must be a text",
            id="several",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_our_words(model: type[Boundary], given: Any, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given)
    assert as_line(caught.value, kind=model) == words


def test_a_wrong_setting_is_named_by_its_variable() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(gateway_port="http")  # type: ignore[arg-type]  # the mistake
    assert wrong_settings(caught.value) == ["ORDERS_GATEWAY_PORT: must be a whole number"]


async def test_a_caller_of_the_api_reads_the_same_words_with_their_pointer(caller: Caller) -> None:
    answer = await caller.post("/v1/orders", order("1001", customer={"fone": "+48", "vip": "perhaps"}))
    vip, fone = answer.body["errors"]
    assert answer.body["detail"] == "#/customer/vip: must be true or false (and 1 more)"
    assert vip == {"detail": "must be true or false", "pointer": "#/customer/vip"}
    assert fone["pointer"] == "#/customer/fone"
    assert fone["detail"].startswith("unknown field 'fone'; did you mean 'phones'? Known fields: id, kind, first_name")


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        pytest.param("/v1/orders?limit=x", "query/limit: must be a whole number", id="a model's parameter"),
        pytest.param(
            "/v1/orders?stag=new",
            "query/stag: unknown field 'stag'; did you mean 'stage'? Known fields: shop, pipeline, stage, stage_kind, "
            "attention, responsible, customer, q, cursor, limit",
            id="an unknown parameter",
        ),
        pytest.param("/v1/tasks", "query/employee: is missing", id="a missing parameter"),
        pytest.param("/v1/orders/1001/timeline?limit=0", "query/limit: must be at least 1", id="a parameter's bound"),
        pytest.param(
            "/v1/orders/%20", "path/number: must match ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", id="a part of the path"
        ),
    ],
)
async def test_parameters_are_refused_in_our_words_too(caller: Caller, path: str, detail: str) -> None:
    answer = await caller.get(path)
    assert (answer.status, answer.body["detail"]) == (422, detail)
