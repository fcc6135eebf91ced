"""Whatever is sent to a form, reading it ends with a form or with Unreadable, soon; what is kept can be stored."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.forms import PublishedForm
from starter.gateway.forms import passes
from starter.gateway.forms.reading import Unreadable, filled, person_of
from starter.gateway.forms.showing import Shown, page_of
from starter.gateway.tracking import visitor_of
from tests.gateway.filling import TEXT, TOKENS
from workflows.pipeline.forms import Form
from workflows.pipeline.kinds import Kinds
from workflows.pipeline.loader import load


def _forms() -> dict[str, Form]:
    loaded = load(TEXT, file="shop.yaml", kinds=Kinds([]))
    assert loaded.pipeline is not None
    return dict(loaded.pipeline.forms)


FORMS = _forms()
NAMES = [*(one.name for one in FORMS["survey"].fields), "_token", "_homepage", "_consent", "other"]

inputs = st.dictionaries(st.sampled_from(NAMES), st.text(max_size=200), max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=3_000), inputs.map(lambda one: urlencode(one, errors="replace").encode())))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    form = FORMS["survey"]
    try:
        found = filled(form, body=body, country="PL")
    except Unreadable:
        return
    json.dumps(found.answers).encode()
    assert set(found.faults) <= {one.name for one in form.fields}
    if not found.faults:
        person = person_of(form, answers=found.answers, language="en", agrees=found.agrees)
        assert person.email or person.phone
    assert page_of(Shown(form, ("en", "pl"), "pl", filled=found)).endswith("</html>")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=3_000))
def test_no_text_is_a_pass_or_a_visitor_but_a_signed_one(text: str) -> None:
    assert passes.read(TOKENS, text, form="survey") is None
    assert visitor_of(TOKENS, token=text) is None


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        pytest.param(["pl"], "pl", id="the very language"),
        pytest.param(["pl-PL"], "pl", id="with a country"),
        pytest.param(["PL_pl"], "pl", id="in other letters"),
        pytest.param(["pt"], "pt-BR", id="a country nobody asked for"),
        pytest.param(["pt-PT"], "pt-BR", id="another country"),
        pytest.param(["", "xx", "pl"], "pl", id="the first one there is"),
        pytest.param([], "en", id="none"),
    ],
)
def test_the_language_is_the_nearest_one(wanted: list[str], language: str) -> None:
    published = PublishedForm(FORMS["survey"], "Europe/Warsaw", ("en", "pl", "pt-BR"))
    assert published.language(wanted) == language


@pytest.mark.parametrize(
    ("zone", "country"), [("Europe/Warsaw", "PL"), ("Europe/Kyiv", "UA"), ("Asia/Ho_Chi_Minh", "VN"), ("UTC", "")]
)
def test_phones_belong_to_the_country_of_the_zone(zone: str, country: str) -> None:
    assert PublishedForm(FORMS["survey"], zone, ("en",)).country == country
