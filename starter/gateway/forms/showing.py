"""The pages of a form: to be filled in, with its errors, and afterwards. Plain HTML, which needs no script.

Every input has a label; its hint and its error describe it; the first one with an error has the focus.
"""

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field
from html import escape

from starter.gateway.forms.reading import CONSENT, TOKEN, TRAP, Filled
from starter.gateway.forms.wording import Words, language_of_words, words_in
from starter.gateway.origins import listed
from workflows.pipeline.forms import FieldKind, Form, FormField, Texts

_STYLE = """
:root { color-scheme: light dark; --line: #6b7280; --error: #b00020; --accent: #1a4fba; --on-accent: #fff; }
@media (prefers-color-scheme: dark) { :root { --line: #9ca3af; --error: #ff8a9a; --accent: #8ab4ff; --on-accent: #10131a; } }
body { font: 1.0625rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 0 auto; padding: 1.25rem; }
h1 { font-size: 1.5rem; line-height: 1.25; } ul { padding-left: 1.25rem; }
.field { margin: 1.25rem 0; } label { display: block; font-weight: 600; }
.field small { display: block; } .field small, .optional { font-weight: 400; font-size: .9375rem; }
input, select, textarea, button { font: inherit; box-sizing: border-box; }
input:not([type=checkbox]), select, textarea { width: 100%; margin-top: .25rem; padding: .6rem .7rem;
  border: 1px solid var(--line); border-radius: .4rem; }
.box { display: flex; gap: .7rem; align-items: flex-start; } .box input { width: 1.5rem; height: 1.5rem; flex: none; margin: 0; }
[aria-invalid]:is(input, select, textarea) { border: 2px solid var(--error); outline-color: var(--error); }
.error { color: var(--error); font-weight: 600; margin: .25rem 0 0; }
.alert { border-left: .3rem solid var(--error); padding: .1rem 1rem; } .alert a { color: var(--error); }
button { font-weight: 600; padding: .75rem 1.75rem; border: 0; border-radius: .5rem; cursor: pointer;
  background: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.trap { position: absolute; left: -10000px; width: 1px; height: 1px; overflow: hidden; }
"""  # noqa: E501

_TYPES = {FieldKind.EMAIL: "email", FieldKind.PHONE: "tel", FieldKind.DATE: "date"}

#: What browsers may fill in by themselves (HTML, autofill), by kind or name.
_AUTOFILL = {
    "email": "email",
    "phone": "tel",
    "first_name": "given-name",
    "last_name": "family-name",
    "company": "organization",
}


@dataclass(frozen=True)
class Shown:
    """A form to be shown in a language. `notice` says why it is shown again."""

    form: Form
    languages: tuple[str, ...]
    language: str
    token: str = ""
    filled: Filled = field(default_factory=Filled)
    notice: str = ""

    @property
    def words(self) -> Words:
        """The form's own words."""
        return words_in(self.language)

    def said(self, texts: Texts) -> str:
        """Return the shop's text, else that of the first language, ready to stand in a page."""
        return escape(texts.get(self.language) or texts.get(self.languages[0], ""))

    def lang(self, texts: Texts) -> str:
        """Return the attribute for an element whose text is not in the page's language (WCAG 3.1.2), else nothing."""
        is_other = not texts.get(self.language) and bool(texts.get(self.languages[0]))
        return _lang(self.languages[0]) if is_other else ""

    @property
    def own_lang(self) -> str:
        """The same attribute for the form's own words, which are there in some languages only."""
        own = language_of_words(self.language)
        return "" if own == self.language else _lang(own)

    def own(self, words: str) -> str:
        """Return words of the form's own, to stand beside texts of the shop."""
        return f"<span{self.own_lang}>{escape(words)}</span>" if self.own_lang else escape(words)

    def span(self, texts: Texts) -> str:
        """Return the text to stand beside words of the page's own."""
        lang = self.lang(texts)
        return f"<span{lang}>{self.said(texts)}</span>" if lang else self.said(texts)


def headers_of(origins: str) -> dict[str, str]:
    """Return the headers of the pages; `origins` are the sites that may show them in a frame."""
    digest = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    ancestors = " ".join(listed(origins)) or "'self'"
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
        f"base-uri 'none'; frame-ancestors {ancestors}",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }


def page_of(shown: Shown) -> str:
    """Return the page with the form."""
    form = shown.form
    # Relative, so that it also works where a proxy puts the gateway under a path.
    action = f"{form.id}?lang={shown.language}"
    text = f"<p{shown.lang(form.text)}>{shown.said(form.text)}</p>" if form.text else ""
    submit, submit_lang = _said(shown, form.submit, own=shown.words.submit)
    content = (
        f"{text}{_alert(shown)}"
        f'<form method="post" action="{escape(action)}" accept-charset="utf-8" novalidate>'
        f'<input type="hidden" name="{TOKEN}" value="{escape(shown.token)}">'
        f"{''.join(_field(shown, one) for one in form.fields)}{_consent(shown)}{_trap(shown)}"
        f'<button type="submit"{submit_lang}>{submit}</button></form>'
    )
    return _page(shown, content)


def thanks_of(shown: Shown) -> str:
    """Return the page that follows."""
    thanks, lang = _said(shown, shown.form.thanks, own=shown.words.thanks)
    return _page(shown, f'<p role="status"{lang}>{thanks}</p>')


def _said(shown: Shown, texts: Texts, *, own: str) -> tuple[str, str]:
    """Give the shop's text, else the form's own, and the attribute that says its language."""
    said = shown.said(texts)
    return (said, shown.lang(texts)) if said else (escape(own), shown.own_lang)


def _lang(language: str) -> str:
    return f' lang="{escape(language)}"'


def _page(shown: Shown, content: str) -> str:
    title, lang = shown.said(shown.form.title), shown.lang(shown.form.title)
    return (
        f'<!doctype html><html lang="{escape(shown.language)}"><head><meta charset="utf-8"><title{lang}>{title}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<style>{_STYLE}</style></head><body><main><h1{lang}>{title}</h1>{content}</main></body></html>"
    )


def _alert(shown: Shown) -> str:
    if shown.notice:
        return f'<div class="alert" role="alert"><p{shown.own_lang}>{escape(shown.notice)}</p></div>'
    faults = shown.filled.faults
    if not faults:
        return ""
    lines = [
        f'<li><a href="#{_id(one)}">{shown.span(one.label)}: {shown.own(shown.words.of(faults[one.name]))}</a></li>'
        for one in shown.form.fields
        if one.name in faults
    ]
    mistakes = f"<p{shown.own_lang}>{escape(shown.words.mistakes)}</p>"
    return f'<div class="alert" role="alert">{mistakes}<ul>{"".join(lines)}</ul></div>'


def _field(shown: Shown, one: FormField) -> str:
    fault = shown.filled.faults.get(one.name)
    hint = f'<small id="{_id(one)}-hint"{shown.lang(one.hint)}>{shown.said(one.hint)}</small>' if one.hint else ""
    wrong = escape(shown.words.of(fault)) if fault else ""
    error = f'<p class="error" id="{_id(one)}-error"{shown.own_lang}>{wrong}</p>' if fault else ""
    optional = (
        "" if one.is_required else f' <span class="optional"{shown.own_lang}>({escape(shown.words.optional)})</span>'
    )
    label = f'<label for="{_id(one)}">{shown.span(one.label)}{optional}</label>'
    if one.kind is FieldKind.CHECKBOX:
        return f'<div class="field"><div class="box">{_input(shown, one)}{label}</div>{hint}{error}</div>'
    return f'<div class="field">{label}{hint}{_input(shown, one)}{error}</div>'


def _input(shown: Shown, one: FormField) -> str:
    written = shown.filled.written.get(one.name, "")
    attributes = f'id="{_id(one)}" name="{one.name}"{_described(shown, one)}'
    match one.kind:
        case FieldKind.CHECKBOX:
            return f'<input type="checkbox" value="yes" {attributes}{" checked" if written else ""}>'
        case FieldKind.TEXTAREA:
            # The parser drops one line end after the tag; this one, not the visitor's.
            return f'<textarea rows="5" {attributes}>\n{escape(written)}</textarea>'
        case FieldKind.SELECT:
            return f"<select {attributes}>{_options(shown, one, written=written)}</select>"
        case _:
            autofill = _AUTOFILL.get(one.kind) or _AUTOFILL.get(one.name)
            more = f' autocomplete="{autofill}"' if autofill else ""
            kind = _TYPES.get(one.kind, "text")
            return f'<input type="{kind}" value="{escape(written)}" {attributes}{more}>'


def _described(shown: Shown, one: FormField) -> str:
    faults: list[str] = list(shown.filled.faults)
    ids = [f"{_id(one)}-error"] if one.name in faults else []
    ids += [f"{_id(one)}-hint"] if one.hint else []
    described = f' aria-describedby="{" ".join(ids)}"' if ids else ""
    required = " required" if one.is_required else ""
    invalid = ' aria-invalid="true"' if one.name in faults else ""
    focus = " autofocus" if faults and faults[0] == one.name else ""
    return f"{required}{invalid}{described}{focus}"


def _options(shown: Shown, one: FormField, *, written: str) -> str:
    options = [f'<option value=""{shown.own_lang}>{escape(shown.words.choose)}</option>']
    for value, texts in one.options.items():
        chosen = " selected" if value == written else ""
        options.append(f'<option value="{escape(value)}"{chosen}{shown.lang(texts)}>{shown.said(texts)}</option>')
    return "".join(options)


def _consent(shown: Shown) -> str:
    if not shown.form.consent:
        return ""
    checked = " checked" if shown.filled.agrees else ""
    box = f'<input type="checkbox" value="yes" id="consent" name="{CONSENT}"{checked}>'
    consent = shown.form.consent
    return f'<div class="field box">{box}<label for="consent"{shown.lang(consent)}>{shown.said(consent)}</label></div>'


def _trap(shown: Shown) -> str:
    label = f'<label for="homepage"{shown.own_lang}>{escape(shown.words.leave_empty)}</label>'
    return (
        f'<div class="trap" aria-hidden="true">{label}'
        f'<input type="text" id="homepage" name="{TRAP}" tabindex="-1" autocomplete="off"></div>'
    )


def _id(one: FormField) -> str:
    return f"f-{one.name}"
