"""Calls in the lab: nobody answers, it calls again, at last a text message goes out. Covers C1, M22."""

from pathlib import Path
from typing import Any

import pytest

from starter.lab.testing import OrderInLab, given_order

SHOP = Path(__file__).parents[2] / "deploy" / "pipelines" / "shop.yaml"

PIPELINE = """
pipeline: shop
timezone: Europe/Warsaw
stages:
  new:
    rules:
      - {id: call, robocall: "Order {{ order.number }} is ready", repeat: {times: 2, every: 30m}}
      - {id: text, after: call, when: results.call.outcome != 'answered', sms: "Order {{ order.number }} is ready"}
  paid: {triggers: [{payment: paid}]}
"""

ADA: dict[str, Any] = {"first_name": "Ada", "time_zone": "Europe/Warsaw", "phones": [{"number": "+48601234567"}]}


def placed(start: str = "2026-11-23T16:00") -> OrderInLab:
    """Place an order."""
    return given_order(PIPELINE, total="49.00", customer=ADA, start=start)


def test_a_call_that_is_answered_is_enough() -> None:
    placed().expect_done("call").expect_skipped("text", because="condition_false")


def test_who_does_not_answer_is_called_again_and_takes_it() -> None:
    order = placed("2026-11-23T07:30")  # before the quiet hours end
    order = order.when_provider("voice", is_="unanswered").expect_waiting("call", until="2026-11-23T08:00")
    unheard = order.after("35m").expect_waiting("call", until="2026-11-23T08:30")
    unheard.when_provider("voice", is_="up", after="5m").expect_done("call", within="1h")
    unheard.expect_sms(text="is ready", within="2h").expect_done("call", within="2h")


def test_nobody_is_called_again_once_the_order_is_paid() -> None:
    order = placed("2026-11-23T07:30").when_provider("voice", is_="unanswered").after("35m")
    order = order.when("payment.paid").expect_stopped("call", because="stage_left")
    assert order.timeline(within="2d").count("voice to") == 1


@pytest.mark.parametrize("provider", ["refusing", "unanswered"])
def test_a_customer_of_the_example_who_could_not_be_called_is_written_to(provider: str) -> None:
    """Covers M11: a call that fails does not keep the text message after it from going out."""
    given = given_order(SHOP, total="49.00", tags=["pickup"], customer=ADA, start="2026-11-23T10:00")
    order = given.when_provider("voice", is_=provider).when("payment.paid").when("shipment.approved")
    order.expect_stage("ready").expect_done("text-ready", within="3h")
