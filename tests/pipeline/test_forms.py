"""Forms of a pipeline file: read, published with it, described for editors. Covers T08, T09."""

import pytest

from tests.pipeline.kinds import KINDS
from workflows.pipeline.forms import FieldKind, Form
from workflows.pipeline.frozen import freeze, thaw
from workflows.pipeline.loader import load
from workflows.pipeline.schema import json_schema

TEXT = """\
pipeline: shop
languages: [en, pl]
stages:
  new:
    rules: [{comment: hello}]
  won:
    kind: success
    triggers: [{callback: requested, name: call-me}, {form: submitted, name: on-the-shops-own-site}]
forms:
  call-me:
    title: {en: Call me back, pl: Proszę o telefon}
    text: {en: We call within an hour., pl: Zadzwonimy w ciągu godziny.}
    callback: true
    country: PL
    consent: {en: Send me offers, pl: Chcę otrzymywać oferty}
    submit: {en: Call me, pl: Proszę zadzwonić}
    thanks: {en: We call you., pl: Zadzwonimy.}
    fields:
      first_name: {label: {en: First name, pl: Imię}}
      phone: {type: phone, label: {en: Phone, pl: Telefon}, required: true, hint: {en: Mobile, pl: Komórka}}
      when:
        type: select
        label: {en: When, pl: Kiedy}
        options: {morning: {en: In the morning, pl: Rano}, evening: {en: In the evening, pl: Wieczorem}}
      size: {type: select, label: {en: Size, pl: Rozmiar}, options: [S, M, 10]}
      mail: {type: email, label: E-mail}
"""


def form_of(text: str) -> Form:
    loaded = load(text, file="shop.yaml", kinds=KINDS)
    assert loaded.pipeline is not None, loaded.problems
    return loaded.pipeline.forms["call-me"]


def test_a_form_is_read_as_it_is_written() -> None:
    form = form_of(TEXT)
    assert form.event_type == "callback.requested"
    assert (form.country, form.title["pl"], form.consent["en"]) == ("PL", "Proszę o telefon", "Send me offers")
    assert [one.name for one in form.fields] == ["first_name", "phone", "when", "size", "mail"]
    phone, when, size, mail = form.fields[1:]
    assert (phone.kind, phone.is_required, phone.hint["pl"]) == (FieldKind.PHONE, True, "Komórka")
    assert when.options["evening"] == {"en": "In the evening", "pl": "Wieczorem"}
    assert list(size.options) == ["S", "M", "10"]
    assert mail.label == {"en": "E-mail", "pl": "E-mail"}
    assert form.of_kind(FieldKind.EMAIL) == (mail,)


def test_without_callback_it_is_a_form_that_is_submitted() -> None:
    assert form_of(TEXT.replace("    callback: true\n", "")).event_type == "form.submitted"


def test_a_form_is_published_with_its_pipeline() -> None:
    loaded = load(TEXT, file="shop.yaml", kinds=KINDS)
    assert loaded.pipeline is not None
    frozen = freeze(TEXT, loaded.pipeline, years=range(2026, 2028))
    assert thaw(frozen, KINDS).forms == loaded.pipeline.forms


def test_a_trigger_of_a_form_elsewhere_is_only_a_warning() -> None:
    loaded = load(TEXT, file="shop.yaml", kinds=KINDS)
    assert [(one.code, one.path) for one in loaded.problems] == [("D411", "stages.won.triggers[1].name")]


@pytest.mark.parametrize("key", ["title", "text", "fields", "submit", "thanks", "consent", "callback", "country"])
def test_editors_know_every_key_of_a_form(key: str) -> None:
    form = json_schema(KINDS)["properties"]["forms"]["additionalProperties"]
    assert form["properties"][key]["description"]
    assert form["properties"][key]["examples"]
    assert form["required"] == ["title", "fields"]


def test_editors_know_the_keys_and_types_of_a_field() -> None:
    form = json_schema(KINDS)["properties"]["forms"]["additionalProperties"]
    field = form["properties"]["fields"]["additionalProperties"]
    assert set(field["properties"]) == {"type", "label", "required", "hint", "options"}
    assert field["properties"]["type"]["enum"] == list(FieldKind)
