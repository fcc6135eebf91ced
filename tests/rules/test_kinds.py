"""Every rule kind is complete: registered, described for editors, titled without a person's data."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from activities.actions import ACTIONS, KINDS
from workflows.pipeline.kinds import RuleKind
from workflows.pipeline.loader import load

EXPECTED = {
    *("chat", "sms", "email", "webhook", "log", "comment", "notify", "control", "task", "assign", "move", "set"),
    "document",
    *("robocall", "run"),
    *("mark_paid", "mark_shipped", "allow_delivery", "cancel", "code", "wait_for"),
    *("activity", "feed", "list_item", "delete", "customer_details", "employee_details", "plan_call", "plan_meeting"),
}

SETTINGS: dict[str, dict[str, object]] = {
    "assign": {"assign": {"from": ["olga"]}},
    "set": {"set": {"note": "x"}},
    "code": {"code": {}},
    "wait_for": {"wait_for": "customer", "at_most": "2d"},
    "mark_paid": {"mark_paid": True},
    "delete": {"delete": True},
    "customer_details": {"customer_details": ["phone"]},
    "plan_call": {"plan_call": "Call", "at": "2h"},
    "plan_meeting": {"plan_meeting": "Fitting", "at": "2h"},
    "mark_shipped": {"mark_shipped": True},
    "allow_delivery": {"allow_delivery": True},
    "run": {"run": {"workflow": "PackParcel", "task_queue": "warehouse"}},
}

EVERY_KIND = pytest.mark.parametrize("kind", list(KINDS), ids=KINDS.names())


def test_every_kind_of_this_release_is_registered() -> None:
    assert set(ACTIONS) == set(KINDS.names()) == EXPECTED


@EVERY_KIND
def test_kind_either_records_or_composes(kind: RuleKind) -> None:
    action = ACTIONS[kind.name]
    assert kind.is_record == (action.record is not None) == (action.compose is None)


@EVERY_KIND
def test_every_setting_has_a_description_and_an_example_for_editors(kind: RuleKind) -> None:
    bare = [path for path, schema in properties(kind) if not (schema.get("description") and schema.get("examples"))]
    assert bare == []


@EVERY_KIND
def test_no_setting_offers_null(kind: RuleKind) -> None:
    assert '"null"' not in json.dumps(kind.settings.model_json_schema())


@EVERY_KIND
def test_kind_has_a_setting_of_its_own_name(kind: RuleKind) -> None:
    assert kind.name in kind.settings.model_fields


@EVERY_KIND
def test_texts_and_references_name_settings(kind: RuleKind) -> None:
    named = {text.name for text in kind.texts} | {name.partition(".")[0] for name in kind.references}
    assert named <= set(kind.settings.model_fields)


@EVERY_KIND
def test_every_kind_has_a_title(kind: RuleKind) -> None:
    assert kind.title is not None
    assert kind.title(kind.settings.model_validate(SETTINGS.get(kind.name, {kind.name: "thanks"})))


CHECKED = """pipeline: shop
languages: [en]
stages:
  new:
    rules:
      - {{id: call, robocall: Your order is ready}}
      - {{id: write, chat: Your order is ready}}
      - {{id: who, customer_details: [kind, name]}}
      - after: previous
        when: {when}
        log: so it is
  won: {{kind: success, triggers: [{{payment: paid}}]}}
"""


@pytest.mark.parametrize(
    ("when", "help"),
    [
        ("results.call.outcome == 'buzy'", "Did you mean 'busy'?"),
        ("results.call.outcome in ['busy', 'no-answer']", "Did you mean 'no_answer'?"),
        ("results.write.medium != 'WhatsApp'", "Did you mean 'whatsapp'?"),
        ("results.who.kind == 'companies'", "Did you mean 'company'?"),
    ],
)
def test_values_that_a_result_never_has_are_a_problem(when: str, help: str) -> None:
    """Covers M31."""
    loaded = load(CHECKED.format(when=when), file="shop.yaml", kinds=KINDS)
    assert [(one.code, one.line) for one in loaded.errors] == [("D327", 10)]
    assert help in loaded.errors[0].help


@pytest.mark.parametrize("outcome", ["answered", "machine", "fax", "busy", "no_answer", "failed"])
def test_each_outcome_of_a_call_may_be_asked_for(outcome: str) -> None:
    when = f"results.call.outcome == '{outcome}' and results.who.name == 'buzy'"
    assert load(CHECKED.format(when=when), file="shop.yaml", kinds=KINDS).errors == ()


def test_kinds_load_without_what_only_single_rules_need() -> None:
    heavy = ("aiohttp", "nh3", "markdown_it", "liquid", "standardwebhooks", "icalendar")
    code = f"import sys, activities.actions; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def properties(kind: RuleKind) -> Iterator[tuple[str, dict[str, object]]]:
    schema = kind.settings.model_json_schema()
    for name, found in schema.get("properties", {}).items():
        yield name, found
    for model, inner in schema.get("$defs", {}).items():
        for name, found in inner.get("properties", {}).items():
            yield f"{model}.{name}", found
