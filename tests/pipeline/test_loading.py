"""From a file to a pipeline: ids, defaults, messages; and files that are no pipelines at all (M70)."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipeline.builders import pipeline_of, pipeline_with, rules
from tests.pipeline.kinds import KINDS, Email, Sms
from workflows.contracts.state import StageKind
from workflows.pipeline.durations import Duration
from workflows.pipeline.loader import Loaded, load
from workflows.pipeline.model import QuietHours
from workflows.pipeline.problems import as_github, as_json, as_text

FILE = """
# a shop
pipeline: shop
title: Online store
shop: Demo Shop
timezone: Europe/Warsaw
languages: [en, pl]
quiet_hours: "22:00-07:30"
calendars:
  office: {days: [mon, tue-thu], hours: ["09:00-12:00", "13:00-17:00"], holidays: PL, except: 2026-12-24..2026-12-31}
  shops: {week: "mon-fri 09:00-20:00, sat 10:00-18:00", also: "2026-12-27 10:00-16:00", timezone: Europe/Kyiv}
vars: {pay_url: "https://shop.example/pay/{{ order.token }}"}
fields: {colour: text, ship_by: date}
defaults:
  sms: {from: DemoShop, hours: office}
stages:
  new:
    title: Accepted
    rules:
      - sms: thanks
      - sms: thanks
        from: Other
        hours: shops
      - id: sms-3
        sms: thanks
      - sms: thanks
      - wait_for: customer
        after: previous
        once: true
        on_failure: continue
        expires: 2h
        transactional: true
        on_unknown: resend
        title: Wait for an answer
  won:
    title: Completed
    kind: success
    triggers:
      - payment: paid
        title: Paid
        from: new
        when: order.total > 0
        orders: latest
        back: true
        as: olga
messages:
  thanks:
    subject: Thank you
    en: "Thank you, {{ customer.first_name }}"
    pl: "Dziękujemy"
"""


def read(text: str) -> Loaded:
    return load(text, file="shop.yaml", kinds=KINDS)


def test_a_whole_file_becomes_a_pipeline() -> None:
    """Covers M70."""
    pipeline = pipeline_of(FILE)
    assert (pipeline.id, pipeline.title, pipeline.shop_name) == ("shop", "Online store", "Demo Shop")
    assert list(pipeline.stages) == ["new", "won"]
    assert pipeline.first_stage.title == "Accepted"
    assert pipeline.stages["won"].kind is StageKind.SUCCESS
    assert str(pipeline.quiet_hours) == "22:00-07:30"
    assert pipeline.messages["thanks"].subjects == {"en": "Thank you"}
    assert sorted(pipeline.zones) == ["Europe/Kyiv", "Europe/Warsaw"]
    assert len(pipeline.calendars["office"].week[3]) == 2
    assert pipeline.calendars["office"].week[4] == ()


def test_rules_without_an_id_are_called_after_their_kind() -> None:
    ids = [rule.id for rule in pipeline_of(FILE).stages["new"].rules]
    assert ids == ["sms", "sms-2", "sms-3", "sms-4", "wait-for"]


def test_defaults_serve_where_a_rule_says_nothing() -> None:
    first, second, *_ = pipeline_of(FILE).stages["new"].rules
    assert isinstance(first.settings, Sms)
    assert isinstance(second.settings, Sms)
    assert (first.settings.sender, first.hours) == ("DemoShop", "office")
    assert (second.settings.sender, second.hours) == ("Other", "shops")


def test_every_key_of_a_rule_is_read() -> None:
    rule = pipeline_of(FILE).stages["new"].rules[-1]
    assert (rule.after, rule.once, rule.continues_on_failure) == ("sms-4", True, True)
    assert (rule.expires, rule.is_transactional, rule.on_unknown) == (timedelta(hours=2), True, "resend")
    assert rule.title == "Wait for an answer"


def test_every_key_of_a_trigger_is_read() -> None:
    (trigger,) = pipeline_of(FILE).stages["won"].triggers
    assert (trigger.event_type, trigger.title, trigger.sources) == ("payment.paid", "Paid", ("new",))
    assert (trigger.when, trigger.orders, trigger.back) == ("order.total > 0", "latest", True)
    assert trigger.as_employee == "olga"


def test_quiet_hours_are_the_evening_and_the_night_unless_turned_off() -> None:
    """Covers M22."""
    assert str(rules("- comment: a").quiet_hours) == "21:00-08:00"
    assert pipeline_with("won: {kind: success}", more="quiet_hours: off").quiet_hours is None
    assert isinstance(pipeline_of(FILE).quiet_hours, QuietHours)


def test_yaml_keeps_words_and_clock_times_as_they_are_written() -> None:
    pipeline = rules('- comment: "off"\n  wait: {for: 0d, at: "09:00"}\n- comment: a\n  title: "no"\n  wait: 1d')
    assert pipeline.stages["new"].rules[1].title == "no"
    assert pipeline.stages["new"].rules[1].wait is not None
    assert pipeline.stages["new"].rules[1].wait.duration == Duration(days=1)


def test_an_anchor_may_be_used_twice() -> None:
    pipeline = rules("- &one\n  comment: a\n- *one")
    assert [rule.id for rule in pipeline.stages["new"].rules] == ["comment", "comment-2"]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    assert read("\ufeff" + FILE.replace("\n", "\r\n")).problems == ()


def test_a_mail_may_have_its_subject_in_the_rule() -> None:
    pipeline = rules('- email: "Hello **you**"\n  subject: "Order {{ order.number }}"')
    assert isinstance(pipeline.stages["new"].rules[0].settings, Email)


def test_a_huge_file_is_refused_at_once() -> None:
    (problem,) = read("a: b\n" * 60_000).errors
    assert problem.code == "D107"


def test_the_same_file_gives_the_same_pipeline() -> None:
    assert pipeline_of(FILE).stages == pipeline_of(FILE).stages


def _never_raises(text: str) -> None:
    loaded = read(text)
    assert (loaded.pipeline is None) is bool(loaded.errors)
    for problem in loaded.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.end_column > problem.column
        assert problem.words
    as_text(loaded.problems)
    as_json(loaded.problems)
    as_github(loaded.problems)


YAML_SIGNS = "abpz {}[]:-,#&*!|>'\"%@`?\n\t~<=0129.\\\u00e9\u2028\ufeff\x00"


@settings(max_examples=120, deadline=None)
@given(st.text(max_size=200) | st.text(YAML_SIGNS, max_size=120))
def test_no_text_makes_the_loader_raise(text: str) -> None:
    _never_raises(text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_changed_pipeline_makes_the_loader_raise(data: st.DataObject) -> None:
    text = FILE
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(st.text(YAML_SIGNS, max_size=6)) + text[end:]
    _never_raises(text)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_exchange_of_values_makes_the_loader_raise(data: st.DataObject) -> None:
    values = [
        "",
        "[]",
        "{}",
        "null",
        "true",
        "7",
        "1.5",
        "2026-01-01",
        "[a, [b]]",
        "{a: {b: c}}",
        "'{{ order.x'",
        "!x y",
    ]
    lines = FILE.split("\n")
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[place].partition(": ")
        lines[place] = f"{key}: {data.draw(st.sampled_from(values))}" if colon else lines[place]
    _never_raises("\n".join(lines))


@pytest.mark.parametrize("path", sorted(Path("deploy/pipelines").glob("*.yaml")), ids=lambda path: path.name)
def test_the_example_pipelines_have_no_errors(path: Path) -> None:
    from activities.actions import KINDS as REAL

    loaded = load(path.read_text(encoding="utf-8"), file=str(path), kinds=REAL)
    assert loaded.errors == (), as_text(loaded.errors)
