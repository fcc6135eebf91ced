"""Which voice reads which text of a call, and what is told when a pipeline file is read. Covers C1, M42."""

from pathlib import Path
from uuid import uuid4

import pytest

from activities.actions import KINDS, robocall, voices
from activities.actions.protocol import Ended, RunContext
from activities.providers.protocol import Message
from tests.pipeline.builders import NOW, view
from tests.rules.desk import Desk
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.pipeline.loader import Loaded, load
from workflows.pipeline.model import Pipeline
from workflows.pipeline.problems import as_text

SHOP = Path(__file__).parents[2] / "deploy" / "pipelines" / "shop.yaml"

#: Languages that no voice of the table speaks.
GEORGIAN, CROATIAN = "ka", "hr"

_KEY = OrderKey(shop="shop", number="1001")

TEXTS = {
    "en": "Ready",
    "pl": "Gotowe",
    "vi": "Sẵn sàng",
    GEORGIAN: "მზადაა",
    CROATIAN: "Spremno",
}


def file(*languages: str, rule: str = "robocall: ready", texts: tuple[str, ...] = ()) -> str:
    """Write a pipeline with one call, in these languages."""
    written = ", ".join(f"{one}: {TEXTS[one]}" for one in texts or languages)
    return f"""pipeline: shop
languages: [{", ".join(languages)}]
stages:
  new:
    rules:
      - id: call
        {rule.replace(chr(10), chr(10) + "        ")}
      - {{after: call, sms: ready}}
  won: {{kind: success, triggers: [{{payment: paid}}]}}
messages:
  ready: {{{written}}}
"""


def read(text: str) -> Loaded:
    """Read a pipeline file with the product's kinds."""
    return load(text, file="shop.yaml", kinds=KINDS)


def pipeline_of(text: str) -> Pipeline:
    """Read a file that has no errors."""
    loaded = read(text)
    assert loaded.pipeline is not None, as_text(loaded.errors)
    return loaded.pipeline


def said(pipeline: Pipeline, language: str, *, rule: str = "call") -> Message | Ended:
    """Make the call to a customer of this language."""
    stage, found = next((stage.id, one) for stage in pipeline.stages.values() for one in stage.rules if one.id == rule)
    seen = view(customer={"language": language})
    return robocall.spoken(RunContext(_KEY, 1, stage, found, pipeline=pipeline, view=seen, now=NOW, run=uuid4()))


def heard(pipeline: Pipeline, language: str, *, rule: str = "call") -> tuple[str, str]:
    """Return the text and the language of the voice that a customer of this language hears."""
    call = said(pipeline, language, rule=rule)
    assert isinstance(call, Message), call
    assert call.speech is not None
    return call.body, call.speech.language


# --- the table -------------------------------------------------------------------------------------------------------


def test_a_voice_stands_in_the_table_once() -> None:
    names = [voice.name for voice in voices.VOICES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("language", voices.LANGUAGES)
def test_the_default_voice_of_a_language_speaks_it_and_its_speed_can_be_set(language: str) -> None:
    voice = voices.default_of(language)
    assert voice is not None
    assert (voice.language, voice.knows_ssml) == (language, True)


def test_the_name_of_a_voice_of_googles_tells_its_language() -> None:
    google = [voice for voice in voices.VOICES if voice.name.startswith("Google.")]
    assert [voice for voice in google if not voice.name.startswith(f"Google.{voice.language}-")] == []


@pytest.mark.parametrize(
    ("customers", "spoken"),
    [
        ("vi", "vi-VN"),
        ("EN_gb", "en-GB"),
        ("en", "en-US"),
        ("pt", "pt-PT"),
        ("de-CH", "de-DE"),
        ("zh", "cmn-CN"),
        ("zh-TW", "cmn-TW"),
        ("zh-Hant-HK", "yue-HK"),
        ("no", "nb-NO"),
        ("ar", "ar-XA"),
        ("tl", "fil-PH"),
        ("he", "he-IL"),
    ],
)
def test_a_customers_language_finds_its_voice_however_it_is_written(customers: str, spoken: str) -> None:
    voice = voices.default_of(customers)
    assert voice is not None
    assert voice.language == spoken


@pytest.mark.parametrize("language", [GEORGIAN, CROATIAN, "", "-"])
def test_a_language_without_a_voice_has_none(language: str) -> None:
    assert voices.default_of(language) is None


# --- which text, which voice ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "pl", "fr", "de", "vi", "uk"])
def test_the_example_calls_each_of_its_customers_in_their_language(language: str) -> None:
    body, spoken = heard(pipeline_of(SHOP.read_text()), language, rule="call-ready")
    assert spoken.partition("-")[0] == language
    assert "2026-117" in body


def test_a_text_that_nobody_can_read_is_replaced_by_that_of_the_pipelines_first_language() -> None:
    """Covers M42."""
    pipeline = pipeline_of(file("en", GEORGIAN))
    assert heard(pipeline, GEORGIAN) == ("Ready", "en-US")
    call = said(pipeline, GEORGIAN)
    assert isinstance(call, Message)
    assert call.results["language"] == "en"


def test_a_text_of_the_rule_is_read_as_one_of_the_pipelines_languages() -> None:
    """A Polish customer of an English shop does not hear English words in a Polish voice."""
    pipeline = pipeline_of(file("en", "vi", rule="robocall: Ready"))
    assert heard(pipeline, "vi") == ("Ready", "vi-VN")
    assert heard(pipeline, "pl") == ("Ready", "en-US")
    assert heard(pipeline, GEORGIAN) == ("Ready", "en-US")
    assert heard(pipeline, "") == ("Ready", "en-US")


def test_a_call_that_nobody_can_read_fails_and_names_the_rule_and_the_language() -> None:
    ended = said(pipeline_of(file(GEORGIAN, "en")), GEORGIAN)
    assert isinstance(ended, Ended)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, RunReason.MISCONFIGURED)
    assert ended.words == "No voice speaks 'ka', the language of 'call': give the rule a voice, or a recording"


async def test_a_customer_whose_language_nobody_speaks_is_called_all_the_same(desk: Desk) -> None:
    anna = {"id": "anna", "language": GEORGIAN, "phones": [{"number": "+48501000111"}]}
    run = await desk.run(await desk.order(customer=anna), "robocall: Order {{ order.number }}")
    assert (run.status, run.results["language"]) == (RunStatus.DONE, "en")


def test_the_rules_voice_reads_the_texts_of_its_language_and_those_that_no_other_voice_reads() -> None:
    voice = "robocall: ready\nvoice: {name: Polly.Brian, rate: 90}"
    pipeline = pipeline_of(file("en", "pl", GEORGIAN, rule=voice))
    assert heard(pipeline, "en") == ("Ready", "en-GB")
    assert heard(pipeline, "pl") == ("Gotowe", "pl-PL")
    assert heard(pipeline, GEORGIAN) == ("მზადაა", "en-GB")


def test_the_rules_voice_reads_the_rules_own_text_to_everybody() -> None:
    pipeline = pipeline_of(file("en", rule="robocall: Gotowe\nvoice: {language: pl-PL}"))
    assert heard(pipeline, "en") == heard(pipeline, "pl") == ("Gotowe", "pl-PL")


# --- what is told when the file is read -------------------------------------------------------------------------------


def test_a_language_that_no_voice_speaks_is_told_when_the_file_is_read() -> None:
    assert as_text(read(file("en", "pl", GEORGIAN)).problems) == (
        "warning[D413]: no voice speaks 'ka'\n"
        "  --> shop.yaml:7:19  stages.new.rules[0].robocall\n"
        "    6 |       - id: call\n"
        "    7 |         robocall: ready\n"
        "      |                   ^^^^^\n"
        "      = help: Customers of this language hear 'en'. Give the rule a 'voice:' that can read it, or play a "
        "recording with 'audio:'."
    )


@pytest.mark.parametrize(
    ("text", "words", "help"),
    [
        pytest.param(
            file("en", GEORGIAN, CROATIAN),
            "no voice speaks 'ka', 'hr'",
            "Customers of these languages hear 'en'.",
            id="two",
        ),
        pytest.param(
            file(GEORGIAN, "en"), "no voice speaks 'ka'", "Customers of this language are not called.", id="the-first"
        ),
        pytest.param(
            file("en", CROATIAN, rule="robocall: Ready"),
            "no voice speaks 'hr'",
            "Customers of this language hear 'en'.",
            id="a-text-of-the-rule",
        ),
        pytest.param(
            file("en", "pl", rule="robocall: ready\nvoice: {language: vi-VN}"),
            "the voice speaks vi-VN, and the message has no text in it",
            "Each text is read in a voice of its own language.",
            id="a-voice-without-a-text",
        ),
    ],
)
def test_what_no_voice_reads_is_a_warning(text: str, words: str, help: str) -> None:
    loaded = read(text)
    (problem,) = loaded.problems
    assert (problem.words, problem.help.partition(". ")[0] + ".") == (words, help)
    assert loaded.pipeline is not None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(file("en", "pl", "vi"), id="every-language-has-a-voice"),
        pytest.param(file("en", GEORGIAN, rule="robocall: ready\nvoice: {language: en-US}"), id="the-rule-has-a-voice"),
        pytest.param(file("en", "pl", rule="robocall: ready\nvoice: {name: Polly.Ewa}"), id="a-voice-for-one-language"),
        pytest.param(file("en", rule="robocall: Gotowe\nvoice: {language: pl-PL}"), id="a-text-of-the-rule"),
        pytest.param(
            file("en", GEORGIAN, rule='robocall: ""\naudio: https://shop.example/a.mp3'),
            id="a-recording-has-no-language",
        ),
    ],
)
def test_a_call_that_can_be_read_is_not_warned_of(text: str) -> None:
    assert as_text(read(text).problems) == ""


def test_a_language_that_the_message_lacks_is_not_read() -> None:
    """Its customers hear the first language anyway."""
    codes = [problem.code for problem in read(file("en", GEORGIAN, texts=("en",))).problems]
    assert codes == ["D401"]


def test_the_example_is_without_warnings() -> None:
    loaded = load(SHOP.read_text(), file="shop.yaml", kinds=KINDS)
    assert as_text(loaded.problems) == ""
