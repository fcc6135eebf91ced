"""Texts of shops, customers and strangers: templates, pipeline files, numbers, addresses, tokens, forms.

Only the declared errors come out of them, for little work and memory.
"""

import string
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.actions import KINDS
from activities.runtime.tokens import Tokens
from activities.store.values import currency_code, e164, mail_address, zone_name
from starter.gateway.forms.reading import Filled, Unreadable, filled
from tests.fuzz.hostile import TEXTS, forms, fuzzed, spliced, texts
from tests.fuzz.work import MEGABYTE, bounded, peak
from tests.pipeline.builders import pipeline_with, view
from workflows.pipeline.filters import FILTERS
from workflows.pipeline.formatting import formatted
from workflows.pipeline.forms import FieldKind, Form, FormField
from workflows.pipeline.loader import load
from workflows.pipeline.mistakes import Mistake
from workflows.pipeline.problems import as_json, as_text
from workflows.pipeline.templates import parse
from workflows.pipeline.texts import TextError, literal

LONG = 200_000

# --- values -------------------------------------------------------------------------------------------------------

READERS: dict[str, Callable[[str], str]] = {
    "phone": e164,
    "phone of Poland": lambda text: e164(text, region="PL"),
    "phone of nowhere": lambda text: e164(text, region="\0"),
    "mail": mail_address,
    "currency": currency_code,
    "zone": zone_name,
}

SEEDS = st.sampled_from(["+48501000111", "tel:+48-501;ext=1", "anna@customer.example", "EUR", "Europe/Warsaw", "../x"])


@pytest.mark.parametrize("name", READERS)
@fuzzed
@given(
    text=texts() | st.builds(lambda a, b: a + b, SEEDS, texts()) | st.text("0123456789+-()x;,#. /\u0660", max_size=30)
)
def test_a_value_is_read_or_refused(name: str, text: str) -> None:
    read = READERS[name]
    with suppress(ValueError):
        once = read(text)
        assert read(once) == once


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("sign", ["1", "+", "a", "@", "(", ";", "/", ".", "\u0660", "a@", "+4 "])
def test_a_long_value_takes_little_work(name: str, sign: str) -> None:
    with suppress(ValueError):
        bounded(lambda: READERS[name](sign * LONG), calls=10_000)


# --- templates ----------------------------------------------------------------------------------------------------

PIPELINE = pipeline_with("new:\nwon:\n  kind: success\n  triggers: [{payment: paid}]")
PIECES = (
    "{{ ",
    " }}",
    "{% ",
    " %}",
    "{%- ",
    "if order.paid",
    "elsif 1 == 2",
    "else",
    "endif",
    "for a in order.items",
    "endfor",
    "assign a = ",
    "case order.total",
    "when 1",
    "endcase",
    "order.total",
    "order.items",
    "order.items.first.name",
    "customer.first_name",
    "a",
    "'x'",
    "-9",
    "1e9",
    "(1..9)",
    "[0]",
    "['a']",
    " | ",
    ": ",
    ", ",
    "==",
    "contains",
    "break",
    "comment",
    "endcomment",
    "#",
    "raw",
    "include 'x'",
    *sorted(FILTERS),
)

HOSTILE = {
    "loops": "{% for a in order.items %}" * 5 + "{{ 'x' }}" + "{% endfor %}" * 5,
    "a long loop that writes": "{% for a in order.items %}" * 2 + "{{ order.number }}" * 300 + "{% endfor %}" * 2,
    "a text that doubles": "{% assign a = 'xxxxxxxxxx' %}" + "{% assign a = a | join: a | join: a %}" * 100,
    "powers": "{{ 9999999999 " + "| times: 9999999999 " * 8 + "}}",
    "powers by assigning": "{% assign a = 9 | times: 9 %}" + "{% assign a = a | times: a %}" * 250 + "{{ a }}",
    "a wide number": "{{ 1 | round: 999999999 }}{{ 1.5 | round: -999999999 }}",
    "a far cut": "{{ 'x' | truncate: 999999999999, 'x' }}",
    "blocks inside blocks": "{% if order.paid %}" * 500 + "{% endif %}" * 500,
    "open braces": "{{" * 1_000,
    "open blocks": "{% " * 3_000,
    "quotes": "{{ '" * 2_000,
    "brackets": "{{ a" + "[a" * 4_000 + "]" * 1_000 + " }}",
    "conditions": "{% if " + "a and " * 1_600 + "a %}{% endif %}",
    "filters": "{{ a " + "| upcase " * 1_100 + "}}",
    "escapes": "{{ order.number " + "| escape " * 8 + "}}",
}


@fuzzed
@given(source=st.lists(st.sampled_from(PIECES) | texts(), max_size=14).map("".join))
def test_a_template_is_refused_or_parsed(source: str) -> None:
    with suppress(Mistake):
        parse(source)
    with suppress(TextError):
        literal(PIPELINE, source, view=view())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_template_takes_little_work_and_memory(name: str) -> None:
    """Covers case 19."""
    seen = view(items=view().order.items * 60)

    def render() -> None:
        with suppress(TextError):
            literal(PIPELINE, HOSTILE[name], view=seen)

    bounded(render, calls=3_000_000)
    assert peak(render) < 20 * MEGABYTE


# --- pipeline files -----------------------------------------------------------------------------------------------

SHOP = Path("deploy/pipelines/shop.yaml").read_bytes()
FILES = {
    "blocks inside blocks": "pipeline: a\nstages: " + "[" * 200,
    "maps inside maps": "a: {" * 200,
    "aliases of aliases": "a: &a [x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)),
    "keys": "".join(f"k{number}: 1\n" for number in range(1_000)),
    "a long line": "pipeline: " + "x" * 20_000,
    "quotes": 'a: "' + "\\" * LONG,
    "comments": "# x\n" * 5_000,
    "spaces": " " * 20_000,
    "dashes": "- " * 2_000,
    "tags": "a: " + "!x " * 2_000,
    "numbers": "pipeline: " + "9" * 20_000,
}


@fuzzed
@given(raw=spliced(SHOP))
def test_a_changed_pipeline_file_has_problems_and_raises_nothing(raw: bytes) -> None:
    text = raw.decode("utf-8", "replace")
    loaded = load(text, file="shop.yaml", kinds=KINDS)
    assert (loaded.pipeline is None) == bool(loaded.errors)
    as_text(loaded.problems)
    as_json(loaded.problems)


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_takes_little_work_and_memory(name: str) -> None:
    text = FILES[name]
    assert bounded(lambda: load(text, file="x.yaml", kinds=KINDS), calls=12_000_000).pipeline is None
    with suppress(Mistake):
        bounded(lambda: formatted(text), calls=30_000_000)


# --- tokens and forms ---------------------------------------------------------------------------------------------

TOKENS = Tokens(["k" * 32, "o" * 32])


@fuzzed
@given(data=st.data())
def test_a_token_that_was_changed_says_nothing(data: st.DataObject) -> None:
    signed = TOKENS.sign({"order": "shop:1001"}, purpose="visitor")
    token = data.draw(texts() | spliced(signed.encode()).map(lambda raw: raw.decode("utf-8", "replace")))
    for age in (None, timedelta(days=1)):
        found = TOKENS.read(token, purpose="visitor", age=age)
        assert found is None or token == signed
    assert TOKENS.read(signed, purpose=f"other{token}") is None


def test_a_token_is_written_in_one_way() -> None:
    """Base64 has bits to spare at its end, and its decoder passes over signs that are none of its own."""
    signed = TOKENS.sign({"order": "shop:1001"}, purpose="visitor")
    others = [signed[:-1] + last for last in string.printable if last != signed[-1]]
    others += [signed + more for more in "=\n \u017c"]
    assert [TOKENS.read(other, purpose="visitor") for other in others] == [None] * len(others)


@pytest.mark.parametrize(
    "text", [".", "..", "." * LONG, "A" * LONG, ".eJ" + "A" * LONG + ".a.b"], ids=lambda one: one[:9]
)
def test_a_long_token_takes_little_work(text: str) -> None:
    assert bounded(lambda: TOKENS.read(text, purpose="visitor"), calls=10_000) is None


FORM = Form(
    id="ask",
    title={"en": "Ask"},
    fields=tuple(
        FormField(kind.value, {"en": kind.value}, kind=kind, options={"a": {"en": "A"}}) for kind in FieldKind
    ),
    consent={"en": "yes"},
)
FILLED = {
    "text": "x",
    "email": "anna@customer.example",
    "phone": "501 000 111",
    "textarea": "a\nb",
    "select": "a",
    "checkbox": "on",
    "date": "2026-11-20",
    "_token": "t",
    "_consent": "on",
    "_homepage": "",
}


def _read(body: bytes) -> Filled | None:
    try:
        return filled(FORM, body=body, country="PL")
    except Unreadable:
        return None


@fuzzed
@given(form=forms(FILLED), data=st.data())
def test_a_filled_in_form_is_read_or_refused(form: dict[str, str], data: st.DataObject) -> None:
    sent = {name.encode("utf-8", "replace"): text.encode("utf-8", "replace") for name, text in form.items()}
    whole = urlencode(sent).encode()
    for body in (whole, data.draw(spliced(whole))):
        found = _read(body)
        if found is not None:
            assert set(found.faults) <= set(found.written) == {kind.value for kind in FieldKind}


@pytest.mark.parametrize("text", TEXTS, ids=lambda one: repr(one[:20]))
def test_every_field_of_a_form_takes_every_hostile_text(text: str) -> None:
    sent = text.encode("utf-8", "replace")
    assert _read(urlencode(dict.fromkeys(FILLED, sent)).encode()) is not None
