"""What somebody wrote into a form: checked field by field; kept as written, to be shown again with its errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from urllib.parse import parse_qsl

from activities.store.columns import cleaned
from activities.store.people import Person
from activities.store.values import e164, mail_address
from workflows.pipeline.forms import FieldKind, Form, FormField

#: The names of the form's own inputs; fields' names begin with a letter.
TOKEN, TRAP, CONSENT = "_token", "_homepage", "_consent"

_LONGEST = {FieldKind.TEXTAREA: 5_000}
_LONGEST_LINE = 500
_MOST_INPUTS = 200

_CONTACT = (FieldKind.EMAIL, FieldKind.PHONE)


class Fault(StrEnum):
    """What is wrong with a field."""

    MISSING = "missing"
    UNTICKED = "unticked"
    EMAIL = "email"
    PHONE = "phone"
    DATE = "date"
    OPTION = "option"
    LONG = "long"
    CONTACT = "contact"


@dataclass(frozen=True)
class Filled:
    """A form as it was filled in. `answers` are what is kept, `written` what is shown again, `faults` by field."""

    token: str = ""
    written: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str | bool] = field(default_factory=dict)
    faults: Mapping[str, Fault] = field(default_factory=dict)
    is_trapped: bool = False
    agrees: bool = False


class Unreadable(ValueError):
    """The body is no form's."""


def filled(form: Form, *, body: bytes, country: str) -> Filled:
    """Read and check the body of a form's POST; raise Unreadable."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_INPUTS)
    except ValueError:
        raise Unreadable from None
    inputs = {name: cleaned(value).replace("\r\n", "\n").strip() for name, value in pairs}
    answers: dict[str, str | bool] = {}
    faults: dict[str, Fault] = {}
    for one in form.fields:
        found = _read(one, text=inputs.get(one.name, ""), country=country)
        if isinstance(found, Fault):
            faults[one.name] = found
        elif found != "":
            answers[one.name] = found
    contacts = [one.name for one in form.fields if one.kind in _CONTACT]
    if not any(name in answers or name in faults for name in contacts):
        faults[contacts[0]] = Fault.CONTACT
    return Filled(
        token=inputs.get(TOKEN, ""),
        written={one.name: inputs.get(one.name, "") for one in form.fields},
        answers=answers,
        faults={one.name: faults[one.name] for one in form.fields if one.name in faults},
        is_trapped=bool(inputs.get(TRAP)),
        agrees=bool(form.consent) and CONSENT in inputs,
    )


def person_of(form: Form, *, answers: Mapping[str, str | bool], language: str, agrees: bool) -> Person:
    """Say who filled in a form, by its first mail address and phone and the fields named like a customer's."""
    return Person(
        email=_first(form, FieldKind.EMAIL, answers=answers),
        phone=_first(form, FieldKind.PHONE, answers=answers),
        first_name=_line(answers, "first_name"),
        last_name=_line(answers, "last_name"),
        company=_line(answers, "company"),
        language=language,
        agrees_to_marketing=agrees,
    )


def _read(one: FormField, *, text: str, country: str) -> str | bool | Fault:
    if one.kind is FieldKind.CHECKBOX:
        return Fault.UNTICKED if one.is_required and not text else bool(text)
    if not text:
        return Fault.MISSING if one.is_required else ""
    if len(text) > _LONGEST.get(one.kind, _LONGEST_LINE):
        return Fault.LONG
    match one.kind:
        case FieldKind.EMAIL:
            return _parsed(lambda: mail_address(text), fault=Fault.EMAIL)
        case FieldKind.PHONE:
            return _parsed(lambda: e164(text, region=country), fault=Fault.PHONE)
        case FieldKind.DATE:
            return _parsed(lambda: date.fromisoformat(text).isoformat(), fault=Fault.DATE)
        case FieldKind.SELECT:
            return text if text in one.options else Fault.OPTION
        case _:
            return text


def _parsed(parse: Callable[[], str], *, fault: Fault) -> str | Fault:
    try:
        return parse()
    except ValueError:
        return fault


def _first(form: Form, kind: FieldKind, *, answers: Mapping[str, str | bool]) -> str:
    return next((str(answers[one.name]) for one in form.of_kind(kind) if one.name in answers), "")


def _line(answers: Mapping[str, str | bool], name: str) -> str:
    found = answers.get(name, "")
    return found.replace("\n", " ")[:_LONGEST_LINE] if isinstance(found, str) else ""
