"""Things of one moment are told in their turn: a cause before what it caused."""

from starter.lab.testing import OrderInLab, given_order

_PIPELINE = """
pipeline: shop
title: Shop
timezone: Europe/Warsaw
languages: [en]
quiet_hours: off
stages:
  new:
    title: New
    rules:
      - {id: remind, wait: 1d, sms: Pay}
      - {id: give-up, wait: 2d, cancel: No payment}
  paid:
    title: Paid
    triggers: [{payment: paid}]
    rules:
      - {id: thanks, email: Thank you, subject: Paid}
  cancelled:
    title: Cancelled
    kind: failure
    triggers: [{order: cancelled}]
"""

_ADA = {"phones": [{"number": "+48601234567"}], "emails": [{"email": "ada@mail.example"}]}


def _placed() -> OrderInLab:
    return given_order(_PIPELINE, customer=_ADA)


def _turns(order: OrderInLab, *words: str) -> None:
    """Assert that the timeline's last day tells these, in this order."""
    told = order.timeline().rpartition("\n\nUntil")[0].rpartition("\n\n")[2]
    places = [told.find(one) for one in words]
    assert -1 not in places, told
    assert places == sorted(places), told


def test_a_command_is_told_before_what_it_did() -> None:
    _turns(_placed().when_told("run_now", rule="remind", after="1h"), "operator.run_now", "remind [sms] done")


def test_what_happens_at_a_rules_moment_is_told_before_the_rule() -> None:
    _turns(_placed().when("call.missed", after="1d"), "call.missed", "remind [sms] done")


def test_an_event_of_a_rule_is_told_after_it_and_before_the_stage_it_leads_to() -> None:
    _turns(_placed().after("2d"), "give-up [cancel] done", "order.cancelled: moved", "stage    cancelled")


def test_kept_events_are_told_after_the_resume_and_what_they_cause_after_them() -> None:
    held = _placed().when_told("hold", after="1h").when("payment.paid", after="1h")
    _turns(
        held.when_told("resume", after="3d"),
        "operator.resume",
        "payment.paid: moved",
        "remind [sms] stopped",
        "stage    paid",
        "thanks [email] done",
        "email.sent",
    )
