"""Forms in languages that the product itself does not speak: each word says which language it is in."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from starter.gateway.forms.reading import Fault, Filled
from starter.gateway.forms.showing import Shown, page_of, thanks_of
from starter.gateway.forms.wording import WORDS
from workflows.pipeline.forms import FieldKind, Form, FormField


@pytest.mark.parametrize("language", ["es", "sr-Latn"])
@pytest.mark.parametrize("notice", ["", "again"])
def test_the_forms_own_words_say_their_language_where_nobody_translated_them(language: str, notice: str) -> None:
    """The shop wrote its texts in Spanish; what the form adds is English, and said to be (WCAG 3.1.2)."""
    texts = {language: "Palabras de la tienda"}
    kinds = (FieldKind.SELECT, FieldKind.CHECKBOX, FieldKind.TEXT)
    fields = tuple(
        FormField(name=kind.value, kind=kind, label=texts, is_required=False, options={"a": texts}) for kind in kinds
    )
    form = Form(id="f", title=texts, consent=texts, fields=fields)
    filled = Filled(faults={kind.value: Fault.MISSING for kind in kinds})
    shown = Shown(form, (language,), language, filled=filled)
    shown = replace(shown, notice=shown.words.again if notice else "")
    for page in (page_of(shown), thanks_of(shown)):
        assert f'<html lang="{language}">' in page
        spoken = Spoken(page)
        assert spoken.texts["en"] == [text for text in spoken.all if text.strip("() ") in WORDS["en"]]
        assert set(spoken.texts[language]) <= {"Palabras de la tienda", "Palabras de la tienda:"}


class Spoken(HTMLParser):
    """The texts of a page by the language in which a screen reader speaks them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.all: list[str] = []
        self._tags: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "input"):
            inherited = self._tags[-1][1] if self._tags else ""
            self._tags.append((tag, dict(attrs).get("lang") or inherited))

    def handle_endtag(self, tag: str) -> None:
        assert self._tags.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self._tags[-1][0] != "style":
            self.texts.setdefault(self._tags[-1][1], []).append(data.strip())
            self.all.append(data.strip())
