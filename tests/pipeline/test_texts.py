"""Texts in the customer's language and locale, with limits and without holes (M40-M43, C2)."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.builders import pipeline_with, rules, view
from tests.pipeline.kinds import EMAIL, SMS
from workflows.pipeline.fields import OrderView
from workflows.pipeline.texts import EmptyValue, Text, TextError, TextInvalid, TextTooLong, literal, text_of

PIPELINE = pipeline_with(
    "new:\n  rules: [{sms: thanks}, {email: pay-link}]\nwon:\n  kind: success\n  triggers: [{payment: paid}]",
    more="""
    shop: Demo Shop
    vars:
      pay_url: https://shop.example/pay/{{ order.token }}
      footer: "**{{ shop.name }}**"
    messages:
      thanks: {en: "Hi {{ customer.first_name }}", pl: "Cześć {{ customer.first_name }}"}
      pay-link:
        subject: {en: "Pay {{ order.number }}", pl: "Zapłać {{ order.number }}"}
        en: "Dear {{ customer.first_name }}, {{ vars.footer }}"
        pl: "Witaj {{ customer.first_name }}, {{ vars.footer }}"
    """,
)


def sms(seen: OrderView, value: str = "thanks") -> Text:
    return text_of(PIPELINE, value, field=SMS, view=seen)


def say(template: str, *, customer: dict[str, Any] | None = None, **order: Any) -> str:
    return literal(PIPELINE, template, view=view(customer=customer, **order))


@pytest.mark.parametrize(
    ("language", "chosen", "body"),
    [
        ("pl", "pl", "Cześć Anna"),
        ("pl-PL", "pl", "Cześć Anna"),
        ("pl_PL", "pl", "Cześć Anna"),
        ("de", "en", "Hi Anna"),
        ("", "en", "Hi Anna"),
        ("no such language", "en", "Hi Anna"),
    ],
    ids=repr,
)
def test_a_message_is_written_in_the_customers_language(language: str, chosen: str, body: str) -> None:
    """Covers M42."""
    assert sms(view(customer={"language": language})) == Text(body=body, subject=None, language=chosen)


def test_a_text_that_is_no_message_is_written_as_it_is() -> None:
    assert sms(view(), "Order {{ order.number }}").body == "Order 2026-117"


def test_a_mail_has_its_subject_in_the_same_language() -> None:
    """Covers M42, C3."""
    found = text_of(PIPELINE, "pay-link", field=EMAIL, view=view())
    assert (found.subject, found.language) == ("Zapłać 2026-117", "pl")


def test_an_empty_value_without_a_default_fails() -> None:
    """Covers M40."""
    with pytest.raises(EmptyValue) as empty:
        say("Track it: {{ order.tracking_url }}")
    assert empty.value.path == "order.tracking_url"
    with pytest.raises(EmptyValue, match=r"order\.token"):
        say("{{ vars.pay_url }}")
    assert say("{{ order.tracking_url | default: 'soon' }}") == "soon"
    assert say("[{{ order.tracking_url | default: '' }}]") == "[]"


def test_a_customer_who_is_not_there_is_an_empty_value() -> None:
    """Covers M40."""
    nobody = view().model_copy(update={"customer": None})
    with pytest.raises(EmptyValue, match=r"customer\.first_name"):
        literal(PIPELINE, "Hi {{ customer.first_name }}", view=nobody)
    assert literal(PIPELINE, "Hi {{ customer.first_name | default: 'you' }}", view=nobody) == "Hi you"


@pytest.mark.parametrize(
    ("template", "language", "text"),
    [
        ("{{ order.total | money }}", "pl", "499,90 zł"),
        ("{{ order.total | money }}", "en", "PLN499.90"),
        ("{{ order.total | money: 'EUR' }}", "de-DE", "499,90 €"),
        ("{{ order.total | money: 'VND' }}", "vi", "500 ₫"),
        ("{{ order.total | number }}", "fr", "499,9"),
        ("{{ order.delivery_date | date }}", "pl", "26 lis 2026"),
        ("{{ order.delivery_date | date: 'long' }}", "en", "November 26, 2026"),
        ("{{ order.created_at | time }}", "pl", "10:00"),
        ("{{ order.created_at | datetime: 'short' }}", "de", "18.11.26, 10:00"),
        ("{{ 1 | plural: 'sztuka', 'sztuki', 'sztuk' }}", "pl", "sztuka"),
        ("{{ 3 | plural: 'sztuka', 'sztuki', 'sztuk' }}", "pl", "sztuki"),
        ("{{ 5 | plural: 'sztuka', 'sztuki', 'sztuk' }}", "pl", "sztuk"),
        ("{{ 21 | plural: 'товар', 'товари', 'товарів' }}", "uk", "товар"),
        ("{{ 2 | plural: 'item', 'items' }}", "en", "items"),
        ("{{ 1 | plural: 'cái' }}", "vi", "cái"),
    ],
    ids=str,
)
def test_values_are_written_in_the_customers_locale(template: str, language: str, text: str) -> None:
    """Covers M43."""
    assert say(template, customer={"language": language}) == text


def test_clock_times_are_the_customers() -> None:
    """Covers M43."""
    assert say("{{ order.created_at | time }}", customer={"time_zone": "Asia/Ho_Chi_Minh"}) == "16:00"


def test_lists_and_sums() -> None:
    """Covers M40."""
    assert say("{% for item in order.items %}{{ item.name }} x{{ item.quantity }}{% endfor %}") == "Mug x2"
    assert say("{{ order.tags | join: ' + ' }}, {{ order.tags | size }}") == "vip + gift, 2"
    assert say("{{ order.total | minus: 0.9 | round }}") == "499"
    assert say("{% if order.paid %}paid{% else %}{{ order.total | times: 2 }}{% endif %}") == "999.80"


def test_a_text_over_its_limit_is_neither_cut_nor_sent() -> None:
    """Covers C2."""
    with pytest.raises(TextTooLong) as long:
        sms(view(customer={"first_name": "A" * 195}), "Dear {{ customer.first_name }}!")
    assert (long.value.length, long.value.limit) == (201, 200)
    assert len(sms(view(customer={"first_name": "A" * 194}), "Dear {{ customer.first_name }}!").body) == 200
    # Composed and decomposed letters count the same: NFC.
    assert len(sms(view(customer={"first_name": "e\u0301" * 194}), "Dear {{ customer.first_name }}!").body) == 200


def test_values_cannot_turn_the_reading_of_a_text_around() -> None:
    assert say("{{ customer.first_name }}", customer={"first_name": "A\u202en\x00n\u2066a\x07"}) == "Anna"


def test_values_are_never_templates() -> None:
    assert say("{{ customer.first_name }}", customer={"first_name": "{{ order.total }}"}) == "{{ order.total }}"


def test_markdown_of_values_does_not_count_that_of_the_shop_does() -> None:
    """Covers C3."""
    found = text_of(PIPELINE, "pay-link", field=EMAIL, view=view(customer={"first_name": "[A](http://evil) <b>"}))
    assert found.body == r"Witaj \[A\](http://evil) \<b\>, **Demo Shop**"
    link = text_of(
        PIPELINE, "{{ order.tracking_url }}", field=EMAIL, view=view(tracking_url="https://t.example/a_b?c=1")
    )
    assert link.body == "https://t.example/a_b?c=1"


def test_a_subject_is_one_line() -> None:
    seen = view(number="1\r\nBcc: all@example.com")
    assert text_of(PIPELINE, "pay-link", field=EMAIL, view=seen).subject == "Zapłać 1 Bcc: all@example.com"


@pytest.mark.parametrize(
    "template",
    [
        "{{ 9 | times: 99999999 | times: 99999999 }}",
        "{{ order.number | date }}",
        "{{ order.number | money }}",
        "{{ '1e9999999999' | money }}",
        "{{ 2 | plural }}",
        "{{ order.total | money: 'NOT A CURRENCY' | date }}",
        "{% if order.total > order.number %}a{% endif %}",
        f"{'{% for a in order.items %}' * 5}{{{{ 'x' }}}}{'{% endfor %}' * 5}",
        "{% for a in order.items %}{% include 'x' %}{% endfor %}",
        "{{ order.number",
    ],
    ids=lambda one: one[:40],
)
def test_a_text_that_cannot_be_made_says_so_without_values(template: str) -> None:
    many = view().order.items * 6
    with pytest.raises(TextInvalid) as invalid:
        say(template, items=many)
    assert "2026-117" not in invalid.value.words


@given(st.text(max_size=80) | st.text("{}%| ordenumbif.'\"", max_size=40))
def test_no_template_raises_anything_else(template: str) -> None:
    with suppress(TextError):
        say(template)


def test_results_of_earlier_rules_may_be_used() -> None:
    """Covers M41."""
    pipeline = rules(
        "- id: make-code\n  code: {length: 6}\n- comment: '{{ results.make_code.value }}'\n  after: previous"
    )
    seen = view().model_copy(update={"results": {"make_code": {"value": "X1"}}})
    assert literal(pipeline, "{{ results.make_code.value }}", view=seen) == "X1"
    with pytest.raises(EmptyValue):
        literal(pipeline, "{{ results.make_code.value }}", view=view())


def test_numbers_are_not_written_in_powers_of_ten() -> None:
    assert say("{{ order.total }}", total=Decimal("0.0000001")) == "0.0000001"
    assert say("{{ order.total }}", total=Decimal("1E+3")) == "1000"
