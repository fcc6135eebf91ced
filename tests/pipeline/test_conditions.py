"""Conditions on an order as it is now (M30, M31)."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.builders import event, rules, view
from workflows.pipeline.conditions import Check, holds
from workflows.pipeline.fields import OrderFields, OrderView

PIPELINE = rules("- comment: a")


def check(expression: str, *, seen: OrderView | None = None) -> Check:
    return holds(expression, pipeline=PIPELINE, view=seen or view())


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("order.total >= 499.90", True),
        ("order.total > 499.90", False),
        ("order.total == 499.9", True),
        ("order.total + 0.10 == 500", True),
        ("order.total - 0.90 == 499", True),
        ("-order.total < 0", True),
        ("not order.paid", True),
        ("order.paid or order.total > 100", True),
        ("order.paid and order.total > 100", False),
        ("not (order.paid or order.total > 100)", False),
        ("order.number == '2026-117'", True),
        ('order.number in ["1", "2026-117"]', True),
        ("order.number not in ['1']", True),
        ("'vip' in order.tags", True),
        ("'dull' not in order.tags", True),
        ("'117' in order.number", True),
        ("order.delivery_date == d'2026-11-26'", True),
        ("order.delivery_date > order.created_at", True),
        ("order.delivery_date < d'2026-11-26 12:00'", True),
        ("customer.first_name == 'Anna' and customer.consent.sms", True),
        ("customer.vip", False),
        ("responsible == null", True),
        ("order.source == ''", True),
    ],
    ids=str,
)
def test_a_condition_holds_or_not(expression: str, expected: bool) -> None:
    """Covers M30."""
    found = check(expression)
    assert found.error is None
    assert found.holds is expected


def test_the_values_compared_are_told() -> None:
    """Covers M64."""
    assert check("order.total > 500 or customer.vip or 'vip' in order.tags").compared == (
        ("order.total", "499.90"),
        ("customer.vip", "false"),
        ("order.tags", "vip, gift"),
    )


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("order.delivery_date > d'2026-01-01'", False),
        ("order.delivery_date < d'2026-01-01'", False),
        ("order.delivery_date == null", True),
        ("order.delivery_date != null", False),
        ("customer.vip", False),
        ("not customer.vip", True),
        ("customer.first_name == 'Anna'", False),
        ("'a' in customer.first_name", False),
        ("order.delivery_date > d'2026-01-01' or order.total > 1", True),
    ],
    ids=str,
)
def test_what_is_not_there_makes_no_condition_fail(expression: str, expected: bool) -> None:
    """Covers M30."""
    seen = OrderView(order=OrderFields(number="1", total=Decimal(5), created_at=view().order.created_at))
    found = check(expression, seen=seen)
    assert (found.holds, found.error) == (expected, None)


def test_amounts_are_exact() -> None:
    """Covers M30."""
    assert check("order.total == 0.3", seen=view(total=Decimal("0.1") + Decimal("0.2"))).holds
    assert not check("order.total == 0.3", seen=view(total=Decimal("0.30000000000000004"))).holds


def test_custom_fields_and_results_may_be_asked_for() -> None:
    """Covers M30, M41."""
    pipeline = rules(
        "- id: make-code\n  code: {length: 6}\n"
        "- comment: a\n  after: previous\n  when: results.make_code.value == 'X1' and order.fields.colour == 'red'"
    )
    seen = view(fields={"colour": "red", "ship_by": date(2026, 12, 1)}).model_copy(
        update={"results": {"make_code": {"value": "X1"}}}
    )
    when = pipeline.stages["new"].rules[1].when
    assert when is not None
    assert holds(when, pipeline=pipeline, view=seen).holds


def test_a_trigger_may_ask_for_the_event() -> None:
    """Covers M30."""
    paid = event("payment.paid", amount=12.5, currency="PLN")
    assert holds("event.amount >= 12.5 and event.currency == 'PLN'", pipeline=PIPELINE, view=view(), event=paid).holds
    assert not holds("event.amount >= 12.5", pipeline=PIPELINE, view=view()).holds


def test_an_expression_is_parsed_once_per_pipeline() -> None:
    pipeline = rules("- comment: a\n  when: not order.paid")
    before = dict(pipeline.compiled)
    holds("not order.paid", pipeline=pipeline, view=view())
    assert ("when", "not order.paid") in before
    assert pipeline.compiled == before


@pytest.mark.parametrize(
    "expression", ["order.total >", "1 > 'a'", "$now", "(" * 500, "x" * 2000], ids=lambda it: it[:9]
)
def test_a_condition_that_cannot_be_read_does_not_hold_and_says_so(expression: str) -> None:
    found = check(expression)
    assert not found.holds
    assert found.error


@given(st.text(max_size=60) | st.text("orde.tal <>='\"()[]and10", max_size=40))
def test_no_text_makes_a_condition_raise(expression: str) -> None:
    check(expression)
