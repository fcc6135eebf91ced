"""The API's description: every request and answer has an example that its own model accepts."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from activities.store.history import DeadRecord, NoticeRecord, OutboxRecord, TaskRecord, TimelineRecord
from activities.store.records import (
    CustomerPatch,
    CustomerRecord,
    Department,
    EmployeeRecord,
    NewCustomer,
    NewEmployee,
    NewOrder,
    OrderPatch,
    OrderRecord,
    Page,
    PaymentRecord,
    ShipmentRecord,
)
from starter.arrivals import EventAnswer
from starter.gateway import examples
from starter.gateway.app import create_app
from starter.gateway.bodies import NewCustomerEvent, NewEvent, NewPayment, NewShipment
from starter.gateway.parts import Parts
from starter.gateway.routes.events import EventTypeRecord
from starter.reasons import Why
from tests.gateway.calling import Caller
from workflows.contracts.commands import CommandResult


@pytest.mark.parametrize(
    ("model", "example"),
    [
        pytest.param(model, example, id=str(getattr(model, "__name__", model)))
        for model, example in (
            (NewCustomer, examples.CUSTOMER),
            (CustomerRecord, examples.CUSTOMER_RECORD),
            (CustomerPatch, examples.CUSTOMER_PATCH),
            (NewEmployee, examples.EMPLOYEE),
            (EmployeeRecord, examples.EMPLOYEE_RECORD),
            (Department, examples.DEPARTMENT),
            (NewOrder, examples.ORDER),
            (OrderRecord, examples.ORDER_RECORD),
            (OrderPatch, examples.ORDER_PATCH),
            (Page[OrderRecord], examples.page(examples.ORDER_RECORD)),
            (NewEvent, examples.EVENT),
            (EventAnswer, examples.taken(examples.EVENT, type="payment.paid")),
            (DeadRecord, examples.DEAD_RECORD),
            (NewCustomerEvent, examples.CUSTOMER_EVENT),
            (EventTypeRecord, examples.EVENT_TYPE),
            (NewPayment, examples.PAYMENT),
            (PaymentRecord, examples.PAYMENT_RECORD),
            (NewShipment, examples.SHIPMENT),
            (ShipmentRecord, examples.SHIPMENT_RECORD),
            (CommandResult, examples.COMMAND_RESULT),
            (TimelineRecord, examples.TIMELINE_RECORD),
            (Why, examples.WHY),
            (TaskRecord, examples.TASK_RECORD),
            (NoticeRecord, examples.NOTICE_RECORD),
            (OutboxRecord, examples.OUTBOX_RECORD),
        )
    ],
)
def test_an_example_is_what_its_model_says(model: Any, example: dict[str, Any]) -> None:
    TypeAdapter(model).validate_python(example, strict=False)


def operations(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_is_described_with_examples_key_and_refusals(parts: Parts) -> None:
    described = create_app(parts).openapi()
    for name, operation in operations(described):
        assert operation.get("description"), f"{name} has no docstring"
        for status, answer in operation["responses"].items():
            [(kind, content)] = answer["content"].items()
            assert "example" in content, f"{name} {status} has no example: give one to answers() or changes()"
            assert kind == "application/problem+json" or int(status) < 300 or name == "GET /readyz"
        if "/v1/" in name:
            assert operation["security"][0]["ApiKey"], f"{name} needs no scope"
            assert {"401", "403", "422", "429", "503"} <= set(operation["responses"]), name
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["examples"], f"{name} has no example of its body"
    assert "ProblemBody" in described["components"]["schemas"]
    assert "HTTPValidationError" not in str(described)


def test_operations_have_names_of_their_own(parts: Parts) -> None:
    names = [operation["operationId"] for _, operation in operations(create_app(parts).openapi())]
    assert len(names) == len(set(names))


async def test_the_description_is_served_without_a_key(caller: Caller) -> None:
    async with Caller(caller.url, secret=None) as stranger:
        assert (await stranger.get("/openapi.json")).body["info"]["title"] == "Order automation"
        assert (await stranger.get("/docs")).status == 200


async def test_the_figures_count_by_route_and_not_by_order(caller: Caller) -> None:
    await caller.get("/v1/orders/1001")
    await caller.get("/v1/orders/1002")
    figures = (await caller.get("/metrics")).body
    line = 'orders_http_requests_total{method="GET",route="/v1/orders/{number}",status="404"} 2.0'
    assert line in figures
    assert "1002" not in figures
