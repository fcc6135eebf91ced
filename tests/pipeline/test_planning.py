"""The plan of a visit: order, chains, moments, titles within limits (M01, M10, M20)."""

import json
from datetime import timedelta

from tests.pipeline.builders import NOW, pipeline_with, rules, view
from workflows.contracts.plans import Plan
from workflows.pipeline.model import Pipeline
from workflows.pipeline.planning import plan


def planned(pipeline: Pipeline, stage: str = "new") -> Plan:
    return plan(pipeline, stage=stage, visit=3, view=view(), now=NOW)


def test_rules_are_planned_in_the_order_of_the_file() -> None:
    """Covers M10."""
    runs = planned(rules("- comment: a\n- comment: b\n  after: previous\n- id: last\n  task: c\n  wait: 3h")).runs
    assert [(run.rule, run.after, run.due, run.has_wait) for run in runs] == [
        ("comment", None, None, False),
        ("comment-2", "comment", None, False),
        ("last", None, NOW + timedelta(hours=3), True),
    ]


def test_the_moment_of_a_rule_in_a_chain_is_not_known_yet() -> None:
    """Covers M10, M20."""
    run = planned(rules("- comment: a\n- comment: b\n  after: previous\n  wait: 1d")).runs[1]
    assert (run.due, run.has_wait) == (None, True)


def test_a_moment_says_where_it_comes_from() -> None:
    pipeline = rules("- id: first\n  comment: a\n  wait: {for: 1d, at: '10:00'}\n  hours: office")
    assert planned(pipeline).runs[0].words == "1 day after the stage at 10:00, hours: office"


def test_what_a_kind_is_stands_in_the_plan() -> None:
    run = planned(rules("- sms: Hello there\n  on_failure: continue\n  expires: 2h")).runs[0]
    assert (run.kind, run.queue, run.is_record) == ("sms", "orders-sms", False)
    assert (run.continues_on_failure, run.expires) == (True, 7_200)


def test_titles_are_cut_by_letters_and_by_bytes() -> None:
    runs = planned(rules(f"- sms: Hello there\n- title: {'ї' * 100}\n  comment: a\n- comment: b")).runs
    assert runs[0].title == "SMS: Hello there"
    assert runs[1].title.endswith("ї…")
    assert len(runs[1].title) <= 80
    assert len(json.dumps(runs[1].title)) <= 400 + 2
    assert runs[2].title == "comment: comment-2"


STAGES = """
new:
  title: Accepted
  rules: [{comment: a}]
sent:
  title: In delivery
  triggers: [{shipment: shipped, title: parcel left}]
won:
  title: Completed
  kind: success
  triggers: [{shipment: delivered}]
lost:
  title: Cancelled
  kind: failure
  triggers: [{order: cancelled, from: [new], back: true}]
"""


def test_the_card_shows_the_path_and_the_ways_out() -> None:
    card = planned(pipeline_with(STAGES)).card
    assert (card.title, card.position, card.path) == ("Accepted", 1, ["Accepted", "In delivery", "Completed"])
    assert card.exits == ["`parcel left` → In delivery", "`delivered` → Completed", "`cancelled` → Cancelled"]
    assert card.zone == "Europe/Warsaw"


def test_the_card_leaves_out_what_cannot_happen_from_here() -> None:
    """Covers M54, M55."""
    pipeline = pipeline_with(STAGES)
    assert planned(pipeline, "sent").card.exits == ["`delivered` → Completed"]
    assert planned(pipeline, "won").card.exits == []


def test_a_failed_end_stands_on_the_path_while_the_order_is_there() -> None:
    assert planned(pipeline_with(STAGES), "lost").card.path[-1] == "Cancelled"
