"""Reading the forms, and checking that triggers name forms that cause their events (T08, T09, T18)."""

import re
from collections.abc import Mapping

from workflows.pipeline.file import keys, reading
from workflows.pipeline.file.document import Block, Listing
from workflows.pipeline.file.drafts import TriggerDraft
from workflows.pipeline.file.header import Header
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.file.whole import Whole
from workflows.pipeline.forms import FieldKind, Form, FormField
from workflows.pipeline.mistakes import suggestion

#: Longest texts: of a title, a label, a button; and of a paragraph.
_SHORT, _LONG = 200, 2_000

#: Most fields of a form, and most options of a field.
_MOST = 50

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_OPTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}", re.ASCII)
_CONTACT = (FieldKind.EMAIL, FieldKind.PHONE)


def read_forms(report: Report, root: Spot, *, header: Header) -> dict[str, Form]:
    """Read the forms in the order of the file."""
    spot = root.get("forms")
    if spot is None or not reading.block(report, spot):
        return {}
    found = [_form(report, one, header=header) for one in spot.entries()]
    return {form.id: form for form in found}


def check_forms(report: Report, whole: Whole) -> None:
    """Warn of triggers that wait for a form which never causes their event. Forms elsewhere send theirs by the API."""
    if not whole.forms:
        return
    for stage in whole.stages:
        for draft in stage.triggers:
            _check_trigger(report, draft, forms=whole.forms)


def _form(report: Report, spot: Spot, *, header: Header) -> Form:
    if not reading.NAME.fullmatch(spot.name):
        reading.bad_name(report, spot.at_key())
    if not reading.block(report, spot, example="'title:' and below it 'fields:'"):
        return Form(spot.name, {}, ())
    reading.unknown_keys(report, spot, known=keys.names(keys.FORM))
    fields = _fields(report, spot, header=header)
    if fields and not any(one.kind in _CONTACT for one in fields) and not _has_strange_types(spot):
        words = f"the form '{spot.name}' asks for neither an e-mail address nor a phone number"
        help = "Add a field with 'type: email' or 'type: phone'; by it the customer is found."
        report.error("D324", words, at=spot.at_key(), help=help)
    callback = spot.get("callback")
    form = Form(
        id=spot.name,
        title=_texts(report, spot, key="title", header=header, is_required=True),
        fields=fields,
        text=_texts(report, spot, key="text", header=header, longest=_LONG),
        submit=_texts(report, spot, key="submit", header=header),
        thanks=_texts(report, spot, key="thanks", header=header, longest=_LONG),
        consent=_texts(report, spot, key="consent", header=header, longest=_LONG),
        is_callback=bool(reading.flag(report, callback)) if callback is not None else False,
        country=_country(report, spot.get("country")),
    )
    _warn_of_languages(report, spot, form=form, header=header)
    return form


def _has_strange_types(spot: Spot) -> bool:
    fields = spot.get("fields")
    types = [one.get("type") for one in fields.entries()] if fields is not None else []
    return any(one is not None and one.text not in list(FieldKind) for one in types)


def _fields(report: Report, spot: Spot, *, header: Header) -> tuple[FormField, ...]:
    fields = spot.get("fields")
    if fields is None:
        help = "Write 'fields:' and below it one line each, like 'email: {type: email, label: E-mail}'."
        report.error("D211", f"the form '{spot.name}' has no fields", at=spot.at_key(), help=help)
        return ()
    if not reading.block(report, fields, example="'email: {type: email, label: E-mail}'"):
        return ()
    found = list(fields.entries())
    if not found:
        help = "Write one line each, like 'email: {type: email, label: E-mail}'."
        report.error("D219", f"the form '{spot.name}' has no fields", at=fields, help=help)
    if len(found) > _MOST:
        report.error("D218", f"the form has more than {_MOST} fields", at=found[_MOST].at_key(), help="Remove some.")
    return tuple(_field(report, one, header=header) for one in found)


def _field(report: Report, spot: Spot, *, header: Header) -> FormField:
    if not reading.FIELD_NAME.fullmatch(spot.name):
        reading.bad_name(report, spot.at_key(), pattern=reading.FIELD_NAME)
    if not reading.block(report, spot, example="{type: email, label: E-mail}"):
        return FormField(spot.name, {})
    reading.unknown_keys(report, spot, known=keys.names(keys.FORM_FIELD))
    written, required = spot.get("type"), spot.get("required")
    name = reading.choice(report, written, names=list(FieldKind), what="field type") if written is not None else "text"
    kind = FieldKind(name) if name else None
    return FormField(
        name=spot.name,
        label=_texts(report, spot, key="label", header=header, is_required=True),
        kind=kind or FieldKind.TEXT,
        is_required=bool(reading.flag(report, required)) if required is not None else False,
        hint=_texts(report, spot, key="hint", header=header, longest=_LONG),
        options=_options(report, spot, kind=kind, header=header),
    )


def _options(report: Report, spot: Spot, *, kind: FieldKind | None, header: Header) -> dict[str, dict[str, str]]:
    options = spot.get("options")
    if options is None:
        if kind is FieldKind.SELECT:
            help = "Add 'options: [Morning, Evening]', or a block with texts per language."
            report.error("D211", f"the field '{spot.name}' has no options", at=spot.at_key(), help=help)
        return {}
    if kind is not None and kind is not FieldKind.SELECT:
        help = "Write 'type: select', or remove the options."
        report.error("D325", f"a field of type '{kind}' has no options", at=options.at_key(), help=help)
        return {}
    if isinstance(options.node, Listing):
        return {
            one.text: dict.fromkeys(header.languages, one.text) for one in options.items() if _is_option(report, one)
        }
    if not reading.block(report, options, example="[Morning, Evening]"):
        return {}
    return {
        one.name: _said(report, one, header=header, longest=_SHORT)
        for one in options.entries()
        if _is_option(report, one.at_key())
    }


def _is_option(report: Report, spot: Spot) -> bool:
    if _OPTION.fullmatch(spot.text):
        return True
    help = "Use letters a-z, digits, spaces, dots and dashes; what is read stands in a block: 'evening: {en: …}'."
    report.error("D216", f"{reading.shown(spot)} cannot be an option's name", at=spot, help=help)
    return False


def _texts(
    report: Report, spot: Spot, *, key: str, header: Header, longest: int = _SHORT, is_required: bool = False
) -> dict[str, str]:
    found = spot.get(key)
    if found is not None:
        return _said(report, found, header=header, longest=longest)
    if is_required:
        help = f"Add '{key}:', a text or a block with texts per language."
        report.error("D211", f"'{spot.name}' has no {key}", at=spot.at_key(), help=help)
    return {}


def _said(report: Report, spot: Spot, *, header: Header, longest: int) -> dict[str, str]:
    first = header.languages[0]
    if not isinstance(spot.node, Block):
        return dict.fromkeys(header.languages, spot.text) if _is_plain(report, spot, longest=longest) else {}
    languages = list(header.languages)
    texts = {}
    for one in spot.entries():
        if one.name not in languages:
            help = suggestion(one.name, languages, label="Languages")
            report.error("D215", f"'{one.name}' is not a language of this pipeline", at=one.at_key(), help=help)
        elif _is_plain(report, one, longest=longest):
            texts[one.name] = one.text
    if spot.get(first) is None:
        help = f"Add '{first}:'; visitors of any other language get it."
        report.error("D315", f"'{spot.name}' has no text in '{first}', the first language", at=spot.at_key(), help=help)
    return texts


def _is_plain(report: Report, spot: Spot, *, longest: int) -> bool:
    if reading.text(report, spot, longest=longest) is None:
        return False
    if "{{" in spot.text or "{%" in spot.text:
        help = "Write the words themselves: when a form is shown, nobody's order is known."
        report.error("D326", "a text of a form is shown as it is written", at=spot, help=help)
    return True


def _country(report: Report, spot: Spot | None) -> str:
    found = reading.text(report, spot) if spot is not None else None
    if spot is None or found is None or _COUNTRY.fullmatch(found):
        return found or ""
    report.error("D217", f"{reading.shown(spot)} is not a country", at=spot, help="Write two capital letters, like PL.")
    return ""


def _warn_of_languages(report: Report, spot: Spot, *, form: Form, header: Header) -> None:
    texts = [form.title, form.text, form.submit, form.thanks, form.consent]
    texts += [one for field in form.fields for one in (field.label, field.hint, *field.options.values())]
    missing = [one for one in header.languages[1:] if any(said and one not in said for said in texts)]
    if missing:
        help = f"Visitors of these languages read some of it in '{header.languages[0]}'."
        words = f"the form '{form.id}' is not complete in {', '.join(missing)}"
        report.warning("D401", words, at=spot.at_key(), help=help)


def _check_trigger(report: Report, draft: TriggerDraft, *, forms: Mapping[str, Form]) -> None:
    happening, named = draft.happening, draft.entries.get("name")
    if happening is None or named is None or happening.family not in ("form", "callback", "visit"):
        return
    form = next((one for one in forms.values() if one.id.casefold() == named.text.casefold()), None)
    if form is None:
        help = suggestion(named.text, list(forms), label="Forms")
        report.warning("D411", f"no form '{named.text}' in this pipeline", at=named, help=help)
    elif happening.family != "visit" and happening.event_type != form.event_type:
        family, _, name = form.event_type.partition(".")
        help = f"Write '{family}: {name}', or change 'callback:' of the form."
        words = f"filling in the form '{form.id}' never causes '{happening.family}: {happening.name}'"
        report.warning("D412", words, at=named, help=help)
