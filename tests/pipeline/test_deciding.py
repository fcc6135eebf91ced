"""What events do to an order: winners, the beaten, the ways back, loops (M52-M57, M08, M64)."""

from typing import Any

import pytest

from tests.pipeline.builders import event, pipeline_with, view
from workflows.contracts.reasons import EventReason
from workflows.pipeline.deciding import Situation, Verdict, judge

PIPELINE = pipeline_with("""
new:
  title: Accepted
paid:
  title: Paid
  triggers:
    - payment: paid
    - call: incoming
      from: [lost]
      back: true
      when: customer.vip
      as: olga
sent:
  title: Sent
  triggers:
    - payment: paid
      when: order.total > 1000
    - shipment: shipped
    - visit: started
      page: /track/*
      orders: latest
won:
  kind: success
  triggers:
    - shipment: delivered
    - webhook: erp.closed
      when: event.amount >= 10
lost:
  kind: failure
  triggers:
    - order: cancelled
      back: true
""")


def verdict(
    name: str, data: dict[str, Any] | None = None, *, stage: str = "new", situation: dict[str, Any] | None = None
) -> Verdict:
    facts = {"view": view(), "stage": stage, **(situation or {})}
    return judge(PIPELINE, situation=Situation(**facts), event=event(name, **(data or {})))


@pytest.mark.parametrize(
    ("name", "stage", "data", "reason", "target"),
    [
        pytest.param("payment.paid", "new", {}, EventReason.MOVED, "paid", id="moves"),
        pytest.param("payment.paid", "paid", {}, EventReason.CONDITION_FALSE, None, id="the-nearest-reason-is-told"),
        pytest.param("shipment.shipped", "sent", {}, EventReason.SAME_STAGE, None, id="same-stage"),
        pytest.param("payment.received", "new", {}, EventReason.NO_TRIGGER, None, id="nobody-listens"),
        pytest.param("visit.started", "new", {"page": "/cart"}, EventReason.SETTINGS_DIFFER, None, id="other-page"),
        pytest.param("visit.started", "new", {"page": "/track/7"}, EventReason.MOVED, "sent", id="wildcard"),
        pytest.param("shipment.shipped", "won", {}, EventReason.FINAL_STAGE, None, id="final"),
        pytest.param("order.cancelled", "won", {}, EventReason.MOVED, "lost", id="out-of-a-final-stage"),
        pytest.param("call.incoming", "new", {}, EventReason.NOT_FROM_HERE, None, id="not-from-here"),
        pytest.param("call.incoming", "lost", {}, EventReason.CONDITION_FALSE, None, id="condition-false"),
        pytest.param("webhook.erp.closed", "new", {"amount": 12}, EventReason.MOVED, "won", id="webhook"),
        pytest.param(
            "webhook.erp.closed", "new", {"amount": "12"}, EventReason.CONDITION_FALSE, None, id="unlike-types"
        ),
        pytest.param("webhook.other", "new", {}, EventReason.NO_TRIGGER, None, id="another-webhook"),
        pytest.param("payment.lost", "new", {}, EventReason.UNKNOWN_TYPE, None, id="unknown"),
        pytest.param("order.created", "", {}, EventReason.CREATED, "new", id="created"),
        pytest.param("order.created", "", {"stage": "sent"}, EventReason.CREATED, "sent", id="created-further-on"),
        pytest.param("order.created", "", {"stage": "nope"}, EventReason.MALFORMED, None, id="created-in-no-stage"),
        pytest.param("order.created", "", {"stage": 7}, EventReason.MALFORMED, None, id="created-with-nonsense"),
        pytest.param("order.created", "paid", {}, EventReason.SAME_STAGE, None, id="created-twice"),
    ],
)
def test_an_event_gets_its_reason(
    name: str, stage: str, data: dict[str, Any], reason: EventReason, target: str | None
) -> None:
    """Covers M52, M53, M54, M55, M64."""
    found = verdict(name, data, stage=stage)
    assert (found.reason, found.stage) == (reason, target)
    assert found.words


def test_the_earliest_stage_wins_and_the_others_are_recorded_as_beaten() -> None:
    """Covers M52."""
    found = verdict("payment.paid", situation={"view": view(total=2000)})
    assert found.trigger == "payment.paid -> paid"
    assert [(one.stage, one.reason) for one in found.considered] == [
        ("paid", EventReason.MOVED),
        ("sent", EventReason.BEATEN),
    ]
    assert found.considered[1].compared == (("order.total", "2000"),)


def test_a_trigger_never_moves_back_unless_it_says_so() -> None:
    """Covers M54."""
    found = verdict("payment.paid", stage="sent")
    assert found.reason is EventReason.WOULD_MOVE_BACK
    back = verdict("call.incoming", stage="lost", situation={"view": view(customer={"vip": True})})
    assert (back.stage, back.as_employee, back.compared) == ("paid", "olga", (("customer.vip", "true"),))


def test_an_event_of_a_held_order_is_kept() -> None:
    assert verdict("payment.paid", situation={"is_held": True}).reason is EventReason.ON_HOLD
    assert verdict("payment.received", situation={"is_held": True}).reason is EventReason.NO_TRIGGER


def test_a_trigger_may_take_the_latest_order_only() -> None:
    """Covers M56."""
    found = verdict("visit.started", {"page": "/track/7"}, situation={"is_latest": False})
    assert found.reason is EventReason.NOT_LATEST_ORDER


def test_too_many_automatic_moves_hold_the_order() -> None:
    """Covers M08."""
    assert verdict("payment.paid", situation={"automatic_moves": 19}).reason is EventReason.MOVED
    found = verdict("payment.paid", situation={"automatic_moves": 20})
    assert (found.reason, found.stage) == (EventReason.LOOP, None)


def test_words_of_decisions_hold_nothing_of_the_event() -> None:
    found = verdict("visit.started", {"page": "/account/anna@example.com"})
    assert "anna" not in found.words + "".join(one.words for one in found.considered)
    assert found.compared == (("event.page", "/account/anna@example.com"),)
